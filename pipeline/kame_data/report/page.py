"""OUT/report.html: one file with everything in it; see docs/REPORT.md.

The page's scripts and styles are those of this package, named by hash in its Content-Security-Policy; data is JSON in
script elements of a type that no browser runs, and the page puts it on screen as text.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kame_data.codec.tokenizer import pieces_of
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.manifest import settings_table
from kame_data.finished.reader import FACET_COLUMNS, TEXT_COLUMNS, Finished, sample
from kame_data.finished.reckoned import WORDS_A_MINUTE
from kame_data.finished.row import Row
from kame_data.finished.seen import TOKENS_PER_WORD
from kame_data.records import FRAME
from kame_data.report.figures import SIMILARITY_SAMPLE, Figures, gather
from kame_data.report.payload import dialogue, script_json, sounds
from kame_data.report.plots import Plot, draw
from kame_data.storage.files import writing
from kame_data.storage.paths import AnyPath
from kame_data.text.words import IDEOGRAPH, UNSPACED

HERE = Path(__file__).parent
SCRIPTS = ("data.js", "player.js", "timeline.js", "viewer.js", "browser.js")
DIALOGUES, AUDIO = 1000, 48
PAGE_BYTES, TEXT_BYTES = 38_000_000, 10_000_000
"""The most that the dialogues may take in the page, and their text of that; the rest is for sound. With the figures it
stays under 40 MB."""


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written: its path and size, and how many dialogues it holds, of how many, with sound."""

    path: AnyPath
    bytes: int
    dialogues: int
    of: int
    sounds: int


def write_report(
    out: AnyPath,
    *,
    dialogues: int = DIALOGUES,
    audio: int = AUDIO,
    first: Sequence[str] = (),
    tokenizer: str | None = None,
) -> Written:
    """Write OUT/report.html, whole or not at all.

    `dialogues` and `audio` are how many dialogues, and how many of these with sound, to draw into it; `first` are ids
    that are in it with their sound before any is drawn. Raises UsageError for an id that there is none of, or a folder
    without a finished build. `tokenizer`: as in `codec.tokenizer.pieces_of`.
    """
    build, pieces = Finished.open(out), pieces_of(tokenizer, out)
    for wanted in first:
        build.row(wanted)
    ids = sample(build.rows(FACET_COLUMNS), max(dialogues, len(first)), first)
    compared = sample(build.rows(FACET_COLUMNS), SIMILARITY_SAMPLE)
    refused = _refused(build)
    texts: dict[str, str] = {}
    curve = LevelCurve(build.reckoner, pieces)
    figures = gather(_keeping(build, frozenset(ids), first, texts, curve), curve, frozenset(compared))
    spend = build.manifest.spend
    plots = draw(figures, refused, spend.by if spend else ())
    chosen = sample(build.rows(FACET_COLUMNS, texts.keys()), max(audio, len(first)), first) if figures.spoken else []
    kept: list[str] = []
    heard = sounds(build, chosen, PAGE_BYTES - sum(len(text.encode()) for text in texts.values()))
    facts = _facts(build, figures, refused) | {
        "embedded": len(texts),
        "left_out": len(ids) - len(texts),
        "constants": script_json(
            {
                "frame": FRAME,
                "tokensPerWord": TOKENS_PER_WORD,
                "wordsAMinute": WORDS_A_MINUTE,
                "soundsAsked": len(chosen),
                "unspaced": sorted(UNSPACED),
                "ideograph": IDEOGRAPH,
            }
        ),
    }
    path = out / "report.html"
    with writing(path) as file:
        for piece in _render(facts, plots, texts.values(), _noting(heard, kept)):
            file.write(piece.encode("utf-8", "replace"))  # a half character may stand in a manifest
    return Written(path, path.stat().st_size, len(texts), figures.dialogues, len(kept))


def _keeping(
    build: Finished, ids: frozenset[str], first: Sequence[str], texts: dict[str, str], curve: LevelCurve
) -> Iterator[Row]:
    """All rows; those of `ids` are put into `texts`, by id, as they go by, as long as there is room."""
    room = TEXT_BYTES
    for row in build.rows(TEXT_COLUMNS):
        yield row  # first, for whoever counts it refuses one that is damaged
        if row.id in ids:
            text = script_json(dialogue(row, curve.reckoner, curve.pieces))
            if len(text.encode()) <= room or row.id in first:
                texts[row.id] = text
                room -= len(text.encode())


def _noting(heard: Iterator[tuple[str, list[str], str]], kept: list[str]) -> Iterator[tuple[str, str]]:
    """(JSON of id and outlines, base64 of the sound) for the template; the ids go to `kept`."""
    for name, outlines, sound in heard:
        kept.append(name)
        yield script_json({"id": name, "assistant": outlines[0], "user": outlines[1]}), sound


def _refused(build: Finished) -> list[dict[str, Any]]:
    counts = Counter((r["stage"], r["reason"]) for r in build.refusals())
    return [{"stage": stage, "reason": reason, "count": count} for (stage, reason), count in counts.items()]


def _facts(build: Finished, figures: Figures, refused: list[dict[str, Any]]) -> dict[str, Any]:
    """The facts of the build that the template is told."""
    manifest = build.manifest
    seconds = sum(figures.durations)
    return {
        "name": build.name,
        "version": manifest.kame_data,
        "stand_ins": manifest.stand_ins,
        "figures": figures,
        "hours": f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min" if seconds else "none",
        "refused": sum(row["count"] for row in refused),
        "dollars": manifest.dollars,
        "asked": manifest.spend is not None,
        "sources": manifest.sources,
        "again": manifest.asked_again,
        "settings": settings_table(manifest.settings).items(),
        "shards": manifest.shards,
        "voices": figures.voices.table() if figures.spoken else [],
    }


def _render(
    facts: dict[str, Any], plots: list[Plot], texts: Iterable[str], heard: Iterator[tuple[str, str]]
) -> Iterator[str]:
    from jinja2 import FileSystemLoader
    from jinja2.sandbox import SandboxedEnvironment

    script = "\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    style = (HERE / "page.css").read_text("utf-8")
    rooms = SandboxedEnvironment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    yield from rooms.get_template("page.html").generate(
        **facts,
        plots=plots,
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        texts=texts,
        heard=heard,
    )


def _hash(text: str) -> str:
    """The source expression of a Content-Security-Policy for an inline element of this content."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
