"""The upload of a build: its configurations, and the card that says what is in them and how it came about."""

from collections.abc import Sequence

from kame_data import __version__
from kame_data.codec.token_manifest import TokenManifest
from kame_data.engine.sources import SOURCES
from kame_data.finished.manifest import Manifest
from kame_data.finished.reader import Finished
from kame_data.publish.configs import Config, listed_file
from kame_data.publish.facts import Facts
from kame_data.publish.head import LICENCE_FILE, dataset_head
from kame_data.publish.licences import (
    SAMPLE,
    citations,
    codec_line,
    licence_text,
    recordings_line,
    source_lines,
    text_line,
    voice_lines,
)
from kame_data.publish.markdown import Markdown, listed, render
from kame_data.publish.sections import (
    bullets,
    categories_table,
    configs_table,
    cost_lines,
    levels_table,
    limit_lines,
    made_lines,
    named,
    prompts_table,
    refused_table,
    sample_block,
    sources_table,
)
from kame_data.publish.upload_files import CARD, File, with_listing
from kame_data.seeds import digest
from kame_data.settings.machine_paths import without_machine_paths

LOADING = """from datasets import load_dataset

rows = load_dataset("{repo}", "text", split="{split}")
row = rows[0]
for turn in row["turns"]:
    print(turn["role"], turn["text"])
for oracle in row["oracles"]:
    print(oracle["level"], oracle["time"], oracle["text"])"""
LOADING_SPEECH = """import io

import soundfile
from datasets import Audio, load_dataset

rows = load_dataset("{repo}", "speech", split="{split}", streaming=True)
row = next(iter(rows.cast_column("audio", Audio(decode=False))))
sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
assistant, user = sound.T
print(rate, len(assistant) / rate, row["duration"])"""
LOADING_TOKENS = """import numpy
from datasets import load_dataset

row = load_dataset("{repo}", "tokens", split="{split}").with_format("numpy")[0]
codes = row["assistant_codes"].reshape(8, -1)  # a codebook a row, a frame of 80 ms a column
print(codes.shape, row["text"].shape, numpy.unique(row["oracle_level"]))"""

_LISTED = (
    "dialogues", "oracles", "seconds", "sources", "refused", "prompts", "spend", "asked_again", "alignment",
)  # fmt: skip
"""The fields of a build's manifest that the listing of an upload has too, where the build has them."""


def build_files(
    finished: Finished,
    tokens: TokenManifest | None,
    configs: list[Config],
    facts: Facts,
    *,
    repo: str,
    stand_ins: Sequence[str],
    audio: bool,
) -> list[File]:
    """All files of the upload of a build as the data set `repo`. `tokens`: the manifest of its tokens, if they are in
    it; `audio`: whether its sound is."""
    manifest = finished.manifest
    licences = licences_of(manifest, tokens, facts, audio)
    card = dataset_card(manifest, tokens, configs, facts, licences, repo=repo, stand_ins=stand_ins, audio=audio)
    files = [file for config in configs for those in config.files.values() for file in those]
    if tokens:
        model = finished.out / "tokens" / "tokenizer.model"
        files.append(listed_file("tokens", model, tokens.tokenizer.sha256))
    files += [File.of(CARD, card.encode()), File.of(LICENCE_FILE, licence_text(licences))]
    fields = manifest.content()
    about = {name: fields[name] for name in _LISTED if name in fields}
    about["build"] = build_digest(manifest, tokens, audio=audio)
    about |= {"stand_ins": list(stand_ins), "terms": list(manifest.terms) if audio else []}
    about["settings"] = without_machine_paths(fields["settings"])
    if tokens:
        about["tokens"] = tokens.model_dump(mode="json", include={"codec", "tokenizer", "rows", "frames", "refused"})
    return with_listing("dataset", files, about)


def build_digest(manifest: Manifest, tokens: TokenManifest | None, *, audio: bool) -> str:
    """A short digest of the rows of a finished build, with their audio or without, and of its tokens: what a listing
    tells it by."""
    made = [file.sha256 for file in tokens.files] if tokens else []
    return digest(*(shard.fingerprint for shard in manifest.shards), *made, *([] if audio else ["no audio"]))[:16]


def locations_of(manifest: Manifest) -> dict[str, str | None]:
    """The location from which the rows of each source were read; None is its own place on the Hub."""
    return {s.name: without_machine_paths(s.location) for s in manifest.settings.sources}


def licences_of(manifest: Manifest, tokens: TokenManifest | None, facts: Facts, audio: bool) -> Markdown:
    """The licences and terms of everything that a build was made from."""
    locations = locations_of(manifest)
    models = sorted({name for role in ("writer", "simulator") for name in facts.made_by.get(role, ())})
    lines = [text_line(models)]
    if facts.spoken and audio and facts.written:
        lines += voice_lines(without_machine_paths(manifest.settings.speech.tts), manifest.terms)
    if facts.recorded:
        lines.append(recordings_line(audio))
    if tokens:
        lines.append(codec_line(tokens.codec.name))
    lines.append(Markdown("For the whole, no licence is stated here beyond these."))
    sources = source_lines({source for source, _ in facts.sources}, locations)
    return Markdown(f"{sources}\n\n{bullets(list(lines))}")


def dataset_card(
    manifest: Manifest,
    tokens: TokenManifest | None,
    configs: list[Config],
    facts: Facts,
    licences: Markdown,
    *,
    repo: str,
    stand_ins: Sequence[str],
    audio: bool,
) -> str:
    """The README.md of the data set."""
    title = repo.rpartition("/")[2]
    sources = {source for source, _ in facts.sources}
    speaks = facts.spoken and audio
    read = {source for source in sources if locations_of(manifest).get(source) != SAMPLE}
    benchmarks = [SOURCES[name].title for name in sorted(read) if name in SOURCES and SOURCES[name].hub_id]
    split = next(iter(configs[0].rows))
    hours = f", {sum(facts.seconds.values()) / 3600:,.1f} hours of speech" if speaks else ""
    names = [config.name for config in configs]

    def code_of(loading: str, name: str) -> Markdown:
        return Markdown(loading.format(repo=repo, split=split) if name in names else "")

    return render(
        "dataset",
        head=Markdown(dataset_head(title, configs, facts, read)),
        title=Markdown(title),
        about=Markdown(" about a benchmark's question" if len(benchmarks) == len(sources) else ""),
        counts=Markdown(f"{sum(facts.rows.values()):,} dialogues{hours}"),
        version=Markdown(__version__),
        stand_ins=listed(stand_ins) if stand_ins else "",
        configs=configs_table(configs),
        spoken=speaks,
        if_silent=Markdown("" if facts.spoken else "; the dialogues were never spoken, so all times are null"),
        tokens=bool(tokens),
        codec=tokens.codec.name if tokens else "",
        tokenizer=tokens.tokenizer.name if tokens else "",
        sources=sources_table(facts, manifest),
        languages=named(facts.languages),
        situations=named(facts.situations) if facts.situations else "",
        nor_voices=Markdown(", and no user's voice is" if speaks and not facts.recorded else ""),
        categories=categories_table(facts),
        loading=code_of(LOADING, "text"),
        loading_speech=code_of(LOADING_SPEECH, "speech"),
        loading_tokens=code_of(LOADING_TOKENS, "tokens"),
        sample=sample_block(facts.sample) if facts.sample is not None else Markdown(""),
        made=made_lines(facts, manifest, tokens, audio),
        prompts=prompts_table(manifest),
        reckoned=Markdown(facts.curve.reckoned),
        levels=levels_table(facts),
        guessed=Markdown(facts.curve.guessed),
        falls=Markdown(", ".join(f"{fall.low} to {fall.high}, {fall.what}" for fall in facts.curve.falls())),
        refused=refused_table(manifest, tokens),
        cost=cost_lines(manifest),
        limits=limit_lines(facts, benchmarks, list(stand_ins), audio),
        licences=licences,
        citations=citations(sources, moshi=bool(tokens)),
    )
