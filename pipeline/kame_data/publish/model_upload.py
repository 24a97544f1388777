"""The upload of a run: its export as it is, and a card of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kame_data import __version__
from kame_data.engine.sources import SOURCES
from kame_data.errors import KameError, UsageError
from kame_data.levels import ALL_LEVELS
from kame_data.publish.gates import check_stand_ins
from kame_data.publish.licences import MOSHI_NOTE, citations, licence_key, recordings_line, weights_line
from kame_data.publish.markdown import Markdown, code, listed, render, table
from kame_data.publish.sections import bullets, size
from kame_data.publish.upload_files import CARD, File, with_listing
from kame_data.settings.tree import IMPORTED
from kame_data.storage.paths import AnyPath
from kame_data.train.origin import TRAINING_NAME, data_facts

EXPORT, CONFIG, METRICS = "export", "config.json", "metrics.jsonl"
NAMED = ("moshi_name", "mimi_name", "tokenizer_name", "lora_name")
"""Keys of `config.json` that name files, here or (hf://) on the Hub."""
ORACLES = (
    ("its own oracle", "val/text_true_oracle"),
    ("an oracle of another question", "val/text_shuffled_oracle"),
    ("no oracle", "val/text_no_oracle"),
)
"""The kinds of oracle, and what `metrics.jsonl` calls the text loss with them."""
ABOUT = {
    "model.safetensors": "the weights in Moshi's key layout, and `oracle_emb.weight`",
    "lora.safetensors": "LoRA that is not merged into them",
    "config.json": "what loaders read: the model's arguments, and where the other files are",
    "moshi_lm_kwargs.json": "the model's arguments alone",
    TRAINING_NAME: "what it was trained on, and with which settings",
}
SERVING = "python -m kame.server_oracle --hf-repo {repo}"
LOADING = """from huggingface_hub import hf_hub_download
from safetensors.torch import load_file

weights = load_file(hf_hub_download("{repo}", "{weights}"))
print(sum(weight.numel() for weight in weights.values()), weights["oracle_emb.weight"].shape)"""


def check_model(run: Path, out: AnyPath | None, allowed: bool) -> None:
    """Raise UsageError where a run holds no export, KameError where it is damaged or made with stand-ins that are not
    allowed."""
    folder, config = run / EXPORT, config_of(run)
    for key in NAMED:
        name = str(config.get(key, ""))
        if name and not name.startswith("hf://") and not (folder / name).is_file():
            raise KameError(f"{folder / name}: is missing, and {CONFIG} names it; `kame-data train` exports it again")
    names = list(_tensors(folder / weights_of(config)))
    if "oracle_emb.weight" not in names:
        raise KameError(f"{folder / weights_of(config)}: has no oracle_emb.weight; `kame-data train` exports it again")
    check_stand_ins(run, stand_ins_of(run, out), allowed)


def _tensors(path: Path) -> Iterator[str]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise UsageError("missing for --model: safetensors; pip install 'kame-data[train]'") from None
    try:
        with safe_open(path, framework="numpy") as file:  # type: ignore[no-untyped-call]
            yield from file.keys()
    except (OSError, SafetensorError) as error:
        raise KameError(f"{path}: is damaged ({error}); `kame-data train` exports it again") from None


def config_of(run: Path) -> dict[str, Any]:
    """The configuration of a run's export. Raises UsageError where there is none, KameError where it is damaged."""
    if (found := _object(run / EXPORT / CONFIG)) is None:
        raise UsageError(f"--model {run}: holds no {EXPORT}/{CONFIG}; `kame-data train --run {run}` ends in one")
    return found


def _object(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is no such file."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise KameError(f"{path}: is damaged; `kame-data train` exports it again")
    return found


def weights_of(config: dict[str, Any]) -> str:
    """The file of the weights."""
    return str(config.get("moshi_name", "model.safetensors"))


def training_of(run: Path, out: AnyPath | None) -> dict[str, Any]:
    """The facts that are known about how a run was trained; those of its data come from `out`, where it is given."""
    model_id = config_of(run).get("model_id")
    found = (model_id if isinstance(model_id, dict) else {}) | (_object(run / EXPORT / TRAINING_NAME) or {})
    if out is not None:
        if "dialogues" not in (data := data_facts(out)):
            raise UsageError(f"{out}: holds no finished build; give the one that the model was trained on, or none")
        found["data"] = data
    return found


def stand_ins_of(run: Path, out: AnyPath | None) -> list[str]:
    """The parts of a model that only stand in for the real thing: random weights, an untrained codec, its data's
    stand-ins."""
    training = training_of(run, out)
    found = [*training.get("stand_ins", ()), *training.get("data", {}).get("stand_ins", ())]
    start, codec = str(training.get("from", "")), str(training.get("trained_on", {}).get("codec", ""))
    found += [f"weights: {start}"] if start.startswith("untrained") else []
    found += ["codec: untrained"] if codec.startswith("untrained") else []
    return list(dict.fromkeys(map(str, found)))


def model_files(run: Path, out: AnyPath | None, repo: str, dataset: str | None) -> list[File]:
    """All files of the upload of a run's export as the model `repo`; `dataset` is the data set that its card names."""
    folder = run / EXPORT
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    files = [File.of(path.relative_to(folder).as_posix(), path) for path in paths if path.name != CARD]
    card = model_card(run, out, repo, dataset, files)
    about = {"stand_ins": stand_ins_of(run, out)}
    return with_listing("model", [*files, File.of(CARD, card.encode())], about)


def validation_of(run: Path, training: dict[str, Any]) -> dict[str, float]:
    """The validation figures of the exported weights; empty where there are none."""
    path = run / METRICS
    if not path.is_file():
        return {}
    found: dict[str, float] = {}
    for line in path.read_text("utf-8").splitlines():
        try:
            figures = json.loads(line)
        except ValueError:
            continue  # cut off
        if isinstance(figures, dict) and "val/loss" in figures and figures.get("step") == training.get("step"):
            found = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    return found


def model_card(run: Path, out: AnyPath | None, repo: str, dataset: str | None, files: list[File]) -> str:
    """The README.md of the model."""
    config, training = config_of(run), training_of(run, out)
    figures = validation_of(run, training)
    stand_ins, start = stand_ins_of(run, out), str(training.get("from", ""))
    data = training.get("data", {})
    oracles = [(Markdown(label), Markdown(f"{figures[name]:.3f}")) for label, name in ORACLES if name in figures]
    names = ("val/loss", "val/text", "val/audio", *(f"val/text_level_{level}" for level in ALL_LEVELS))
    losses = [(code(name), Markdown(f"{figures[name]:.3f}")) for name in names if name in figures]
    sources = sorted(data.get("dialogues", {}))
    return render(
        "model",
        head=Markdown(_head(repo, start, dataset, data)),
        title=Markdown(repo.rpartition("/")[2]),
        version=Markdown(__version__),
        start=_start(start),
        stand_ins=listed(stand_ins) if stand_ins else "",
        oracles=table(("with", "text loss"), oracles) if len(oracles) == len(ORACLES) else "",
        step=int(figures.get("step", 0)),
        losses=table(("loss", "value"), losses) if losses else "",
        trained=_trained(training, data, dataset),
        serving=Markdown(SERVING.format(repo=repo)),
        loading=Markdown(LOADING.format(repo=repo, weights=weights_of(config))),
        files=table(
            ("file", "size", "what it is"),
            [
                (code(f.path), Markdown(size(f.size)), Markdown(ABOUT.get(f.path, "what the loaders need beside")))
                for f in files
            ],
        ),
        limits=_limits(stand_ins, figures, sources),
        licences=_licences(start, data),
        citations=citations(sources, moshi=True),
    )


def _head(repo: str, start: str, dataset: str | None, data: dict[str, Any]) -> str:
    from huggingface_hub import ModelCardData

    licence = licence_key(start)
    more: dict[str, Any] = {} if licence != "other" else {"license_name": "see-the-weights-it-started-from"}
    more |= {"license_link": f"https://huggingface.co/{start}"} if licence == "other" and _on_the_hub(start) else {}
    head = ModelCardData(
        license=licence,
        library_name="moshi",
        language=[*data.get("made_by", {}).get("languages", ())] or None,
        base_model=start if _on_the_hub(start) else None,
        datasets=[dataset] if dataset else None,
        pipeline_tag="audio-to-audio",
        tags=["kame", "moshi", "oracle", "full-duplex"],
        **more,
    )
    return f"---\n{head.to_yaml()}\n---"


def _on_the_hub(start: str) -> bool:
    return start.count("/") == 1


def _start(start: str) -> Markdown:
    if _on_the_hub(start):
        return Markdown(f"[{code(start)}](https://huggingface.co/{start})")
    return Markdown(
        f"random weights ({code(start)})" if start.startswith("untrained") else f"the weights {code(start)}"
    )


def _trained(training: dict[str, Any], data: dict[str, Any], dataset: str | None) -> Markdown:
    settings, lines = training.get("settings", {}), []
    lines.append(
        f"data set: [{dataset}](https://huggingface.co/datasets/{dataset})" if dataset else "data set: not stated"
    )
    if by_source := data.get("dialogues"):
        counts = listed(Markdown(f"{code(name)} ({int(count):,})") for name, count in sorted(by_source.items()))
        lines.append(f"dialogues by source: {counts}; {float(data.get('seconds', 0)) / 3600:,.1f} hours of speech")
    else:
        lines.append("what dialogues it was trained on is not recorded")
    if made_by := data.get("made_by"):
        names = set(data.get("dialogues", ()))
        how = [f"written by {code(made_by.get('writer'))}"] if names != {IMPORTED} else []
        how += ["recorded"] if IMPORTED in names else []
        lines.append(f"dialogues {' or '.join(how)}, oracles simulated by {code(made_by.get('simulator'))}")
    of = training.get("trained_on", {})
    lines.append(
        f"codec {code(of.get('codec', 'not recorded'))}, tokenizer {code(of.get('tokenizer', 'not recorded'))}"
    )
    if settings:
        tune, optimizer = settings.get("tune", {}), settings.get("optimizer", {})
        lines.append(
            f"{code(tune.get('what'))}{' of rank ' + str(tune.get('rank')) if tune.get('what') == 'lora' else ''}, "
            f"step {training.get('step')} of {settings.get('steps')}, learning rate {optimizer.get('lr')}, seed "
            f"{settings.get('seed')}; all settings are in `{TRAINING_NAME}`"
        )
    return bullets(lines)


def _limits(stand_ins: list[str], figures: dict[str, float], sources: list[str]) -> Markdown:
    titles = [SOURCES[name].title for name in sources if name in SOURCES and SOURCES[name].hub_id]
    lines = []
    if titles:
        lines.append(
            f"It was trained on benchmark questions ({', '.join(titles)}): its scores on these benchmarks mean nothing."
        )
    elif not sources:
        lines.append(
            "If it was trained on benchmark questions, which is not recorded, its scores on these mean nothing."
        )
    lines += [
        "What it says is not checked by anything; it may be wrong while it sounds sure, with or without a back end.",
        "It was measured by its losses alone: nobody has rated what it says or how it sounds, unless whoever published "
        "it says so.",
    ]
    if stand_ins:
        lines.append(f"Stand-ins, which are not what they stand for: {listed(stand_ins)}.")
    if not figures:
        lines.append("Whether it uses its oracles was not measured.")
    return bullets(lines)


def _licences(start: str, data: dict[str, Any]) -> Markdown:
    terms = [f"Voices it was trained on: {code(term)}" for term in data.get("terms", ())]
    unknown = [] if data.get("dialogues") else ["The licences of its training data are not recorded."]
    recorded = [recordings_line(True)] if IMPORTED in data.get("dialogues", {}) else []
    return bullets([weights_line(start), MOSHI_NOTE, *terms, *recorded, *unknown])
