"""Full-Duplex-Bench v1 and v1.5, in their own layout: SET/ID/input.wav with the annotations of the set beside it.

| annotations | kind | spans |
| --- | --- | --- |
| `pause.json`: `[{text, timestamp: [start, end]}]` | pause | "pause", where the user is silent and goes on |
| `turn_taking.json`: the same | turn_taking | "turn_taking", which starts where the user's turn ends |
| `interrupt.json`: `[{context, interrupt, timestamp}]` | interruption | "context" up to it, "interruption" |
| a set with "backchannel" in its name, `transcription.json` | backchannel | the words alone |
| `metadata.json`: `{context_text, current_turn_text, timestamps}`, `clean_input.wav` (v1.5) | behaviour | "overlap" |

Every item has, as spans "word", the words of `transcription.json` where there is one. An item of v1.5 has a twin whose
id ends in `-clean`: the same without the overlap, from `clean_input.wav`. Its span "overlap" says where that would be.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from kame_data.errors import Refusal
from kame_data.evaluate.benches.base import Bench, Note, unheard
from kame_data.evaluate.benches.own_sound import seconds_of
from kame_data.evaluate.records import Item, ItemTurn, Span
from kame_data.seeds import safe_id
from kame_data.sources import base as columns
from kame_data.text.spoken import MOST_CHARACTERS

MOST_BYTES = 8 * 2**20
"""Bytes of one file of annotations."""
MOST_SPANS = 5_000
MOST_SAMPLES = 20_000
BEYOND = 1.0
"""Seconds by which a span may end behind the sound: annotations are rounded."""
INPUT, CLEAN, WORDS = "input.wav", "clean_input.wav", "transcription.json"
ANNOTATIONS = {
    "pause.json": "pause",
    "turn_taking.json": "turn_taking",
    "interrupt.json": "interruption",
    "metadata.json": "behaviour",
}
_LAYOUT = f"DIR/SET/ID/{INPUT} with pause.json, turn_taking.json, interrupt.json, metadata.json or {WORDS}"


class FullDuplexBench(Bench):
    """The sets below a folder, or one set. The bench's own scripts and data are CC BY-NC; nothing of them is here."""

    name = "full-duplex-bench"
    title = "Full-Duplex-Bench v1 and v1.5"
    form = "full-duplex-bench:DIR, with SET/ID/input.wav and its annotations"
    needs = "DIR"
    licence = "CC-BY-NC-4.0"
    citation: ClassVar[str] = """@article{lin2025fullduplexbench,
  title = {Full-Duplex-Bench: A Benchmark to Evaluate Full-Duplex Spoken Dialogue Models on Turn-Taking Capabilities},
  author = {Lin, Guan-Ting and Lian, Jiachen and Li, Tingle and Wang, Qirui and Anumanchipalli, Gopala and
            Liu, Alexander H. and Lee, Hung-yi},
  journal = {arXiv preprint arXiv:2503.04721},
  year = {2025}
}

@article{lin2025fullduplexbench15,
  title = {Full-Duplex-Bench v1.5: Evaluating Overlap Handling for Full-Duplex Speech Models},
  author = {Lin, Guan-Ting and Kuan, Shih-Yun Shan and Wang, Qirui and Lian, Jiachen and Li, Tingle and Lee, Hung-yi},
  journal = {arXiv preprint arXiv:2507.23159},
  year = {2025}
}"""

    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """See `Bench.items`; `category` is the set's name. Folders that hold no sample are noted and passed over."""
        root = Path(location).expanduser()
        if not root.is_dir():
            raise self.wrong(f"{location} is no folder; expected {_LAYOUT}")
        samples = list(self._samples(root, note))
        if not samples:
            raise self.wrong(f"{location} holds no sample; expected {_LAYOUT}")
        if len(samples) > MOST_SAMPLES:
            raise self.wrong(f"{location} holds {len(samples):,} samples; at most {MOST_SAMPLES:,} are read")
        items = (item for folder in samples for item in self._of_sample(folder))
        return self.chosen(items, limit, language, location)

    def _samples(self, root: Path, note: Note) -> Iterator[Path]:
        """The folders of samples: two levels below the root, or one where the root is a set."""
        for folder in _folders(root):
            if (folder / INPUT).is_file():
                yield folder
                continue
            within = _folders(folder)
            own = [sample for sample in within if (sample / INPUT).is_file()]
            if own and (lacking := [sample for sample in within if sample not in own]):
                raise self.wrong(f"{lacking[0]} has no {INPUT}; expected {_LAYOUT}")
            if not own:
                note(f"{folder} holds no sample of {self.title}; passed over")
            yield from own

    def _of_sample(self, folder: Path) -> Iterator[Item]:
        try:
            yield from _items(self.name, folder.resolve())
        except Refusal as refusal:
            raise self.wrong(f"{refusal.detail}; expected {_LAYOUT}") from None


def _folders(root: Path) -> list[Path]:
    """The folders in a folder, numbers in their order."""
    found = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    return sorted(found, key=lambda path: (not path.name.isdecimal(), path.name.zfill(12), path.name))


def _items(bench: str, folder: Path) -> Iterator[Item]:
    """The item of a sample, and its twin. Raises Refusal whose detail names the file and what is wrong with it."""
    named = [name for name in ANNOTATIONS if (folder / name).is_file()]
    if len(named) > 1:
        raise Refusal("bad_row", f"{folder} has both {named[0]} and {named[1]}")
    words = _words(folder / WORDS)
    if named:
        kind = ANNOTATIONS[named[0]]
    elif "backchannel" in folder.parent.name.casefold().replace("_", "") and words is not None:
        kind = "backchannel"
    else:
        raise Refusal("bad_row", f"{folder} has no annotations")
    own = f"{safe_id(folder.parent.name)}-{safe_id(folder.name)}"
    spans, said = _annotated(kind, folder / named[0]) if named else ((), "")
    text = said or " ".join(word.text for word in words or ())
    twins = [(own, INPUT)]
    if kind == "behaviour":
        twins.append((f"{own}-clean", CLEAN))
    for name, file in twins:
        length = seconds_of(folder / file)
        held = spans + tuple(words or ()) if file == INPUT else spans
        _check(held, length, folder / (named[0] if named else WORDS))
        heard = text if file == INPUT else spans[0].text
        turns = (ItemTurn(heard, heard),)
        yield Item(name, bench, folder.parent.name, "en", turns, kind, (str(folder / file),), held)


def _annotated(kind: str, path: Path) -> tuple[tuple[Span, ...], str]:
    """The spans of a file of annotations, and the user's words where it has them. Raises Refusal."""
    held = _json(path)
    if kind == "behaviour":
        if not isinstance(held, Mapping):
            raise Refusal("bad_row", f"{path} is no object with context_text, current_turn_text and timestamps")
        context, overlap = _text(path, held, "context_text"), _text(path, held, "current_turn_text")
        start, end = _times(path, held.get("timestamps"))
        return (Span(0.0, start, context, "context"), Span(start, end, overlap, "overlap")), f"{context} {overlap}"
    found: list[Span] = []
    said: list[str] = []
    for row in _list(path, held):
        start, end = _times(path, row.get("timestamp"))
        if kind == "interruption":
            context, interrupt = _text(path, row, "context"), _text(path, row, "interrupt")
            found += [Span(0.0, start, context, "context"), Span(start, end, interrupt, kind)]
            said += [context, interrupt]
        else:
            found.append(Span(start, end, _text(path, row, "text", needed=False), kind))
    return tuple(found), " ".join(said)


def _words(path: Path) -> tuple[Span, ...] | None:
    """The words of a transcription, as a list or as `chunks`; None where there is no file. Raises Refusal."""
    if not path.is_file():
        return None
    held = _json(path)
    if isinstance(held, Mapping):
        held = held.get("chunks")
    rows = [] if held == [] else _list(path, held)
    return tuple(Span(*_times(path, row.get("timestamp")), _text(path, row, "text"), "word") for row in rows)


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refusal("bad_row", f"{path} has more than {MOST_BYTES:,} bytes")
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as problem:
        raise Refusal("bad_row", f"{path} is no JSON ({type(problem).__name__})") from None


def _list(path: Path, held: Any) -> list[Mapping[str, Any]]:
    if not isinstance(held, list) or not held or not all(isinstance(row, Mapping) for row in held):
        raise Refusal("bad_row", f"{path} is no list of objects")
    if len(held) > MOST_SPANS:
        raise Refusal("bad_row", f"{path} has {len(held):,} entries; at most {MOST_SPANS:,} are read")
    return held


def _text(path: Path, row: Mapping[str, Any], column: str, *, needed: bool = True) -> str:
    try:
        found = columns.text(row, column, default=None if needed else "")
    except Refusal as refusal:
        raise Refusal("bad_row", f"{path}: {refusal.detail}") from None
    if len(found) > MOST_CHARACTERS:
        raise Refusal("bad_row", f"{path}: '{column}' has {len(found):,} characters")
    return found


def _times(path: Path, value: Any) -> tuple[float, float]:
    """Start and end in seconds, finite and in order. Raises Refusal."""
    numbers = isinstance(value, list | tuple) and all(type(t) in (int, float) and 0 <= t < 1e6 for t in value)
    if not numbers or len(value) != 2 or value[0] > value[1]:
        raise Refusal("bad_row", f"{path}: timestamp {str(value)[:60]} is not [start, end] in seconds")
    return float(value[0]), float(value[1])


def _check(spans: tuple[Span, ...], length: float, path: Path) -> None:
    for span in spans:
        if span.end > length + BEYOND:
            raise Refusal("bad_row", f"{path}: a span ends at {span.end:.2f} s, the sound at {length:.2f} s")
