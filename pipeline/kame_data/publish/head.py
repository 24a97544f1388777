"""The YAML at the head of a data set's card, which the Hub and `datasets` read."""

import re
from collections.abc import Iterable
from typing import Any

from kame_data.engine.sources import SOURCES
from kame_data.publish.configs import Config
from kame_data.publish.facts import Facts

LICENCE_FILE = "LICENSE.md"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
TASKS = {"text": ["question-answering", "text-generation"], "speech": ["audio-to-audio"]}


def dataset_head(title: str, configs: list[Config], facts: Facts, sources: Iterable[str]) -> str:
    """The head between its dashes; `sources` are those of which rows were read, and not samples of our own."""
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    names = [config.name for config in configs]
    known = [SOURCES[name] for name in sorted(sources) if name in SOURCES]
    data = DatasetCardData(
        pretty_name=title,
        language=sorted(code for code in facts.languages if _LANGUAGE.fullmatch(code)),
        license="other",
        license_name=licence_name(known),
        license_link=LICENCE_FILE,
        task_categories=[task for name in ("speech", "text") if name in names for task in TASKS[name]],
        size_categories=[size_category(sum(configs[0].rows.values()))],
        source_datasets=[source.hub_id for source in known if source.hub_id],
        annotations_creators=["machine-generated"],
        language_creators=[*(["machine-generated"] if facts.written else []), *(["found"] if facts.recorded else [])],
        tags=["kame", "moshi", "oracle", "spoken-dialogue", "full-duplex", *(["synthetic"] if facts.written else [])],
        configs=[_config(config, config is configs[0]) for config in configs],
    )
    infos = DatasetInfosDict()
    for config in configs:
        splits = SplitDict()
        for split, rows in config.rows.items():
            splits.add(SplitInfo(split, num_bytes=config.unpacked(split), num_examples=rows))
        infos[config.name] = DatasetInfo(
            features=config.features,
            splits=splits,
            download_size=config.bytes,
            dataset_size=sum(config.unpacked(split) for split in config.rows),
        )
    infos.to_dataset_card_data(data)
    return f"---\n{data.to_yaml()}\n---"


def _config(config: Config, default: bool) -> dict[str, Any]:
    return {"config_name": config.name, "data_files": config.patterns()} | ({"default": True} if default else {})


def licence_name(sources: Iterable[Any]) -> str:
    """The sources' licences as a name that the Hub admits: lower-case letters, digits, hyphens and dots."""
    names = [f"{source.name} {source.licence}" for source in sources]
    return ".".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names) or "unstated"


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    bounds = (("1K", 10**3), ("10K", 10**4), ("100K", 10**5), ("1M", 10**6), ("10M", 10**7))
    below = ""
    for name, most in bounds:
        if rows < most:
            return f"{below}<n<{name}" if below else f"n<{name}"
        below = name
    return "n>10M"
