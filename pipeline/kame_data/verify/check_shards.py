"""Checks of a build's shards against its manifest and docs/SCHEMA.md: files, columns, counts, and every row."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from typing import Any, get_args

import pyarrow as pa
import soundfile

from kame_data.finished.early_figures import faults
from kame_data.finished.manifest import Listed, Manifest
from kame_data.finished.reader import NEW_COLUMNS, NEW_FIELDS, missing_in, whole
from kame_data.finished.row import Row
from kame_data.records import SAMPLE_RATE, Form, SituationKind
from kame_data.settings.tree import IMPORTED
from kame_data.shards.holes import SPOKEN, holes_of
from kame_data.shards.row import CONVERSATION
from kame_data.shards.schema import SHARD
from kame_data.storage.files import checksum, files, open_parquet
from kame_data.storage.paths import AnyPath
from kame_data.text.words import join_words

KINDS = set(get_args(SituationKind))
# Sums of floats: far below a sample of 24 kHz.
CLOSE = 1e-6
AGAIN = "the same build command as before makes it again"


@dataclass(slots=True)
class Counted:
    """Counts over all shards: rows by id, splits by question, rows by source and by split, oracles by level,
    seconds; `broken`: whether a row could not be counted."""

    ids: Counter[str] = field(default_factory=Counter)
    splits: dict[str, set[str]] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)
    levels: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    by_split: Counter[str] = field(default_factory=Counter)
    broken: bool = False

    def add(self, row: Row) -> None:
        """Count one row."""
        self.ids[row.id] += 1
        self.splits.setdefault(row.question_id, set()).add(row.split)
        self.sources[row.source] += 1
        self.by_split[row.split] += 1
        self.levels.update(o.level for o in row.oracles)
        self.seconds += row.duration or 0.0


def check_shards(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """Every shard that the manifest lists is there, whole, and no other; every row holds together; and the manifest's
    counts are the rows'."""
    listed = {out / s.path: s for s in manifest.shards}
    levels, spoken = set(manifest.settings.levels), manifest.settings.speak
    counted, read = Counted(), True
    for path, shard in listed.items():
        if not path.exists():
            problem = f"{path}: is missing; {AGAIN}"
        elif checksum(path) != shard.sha256:
            problem = f"{path}: its checksum is not the manifest's; {AGAIN}"
        elif path.stat().st_size != shard.bytes:
            problem = f"{path}: has {path.stat().st_size} bytes, not the {shard.bytes} of the manifest; {AGAIN}"
        else:
            problem = ""
            try:
                yield from _check_file(path, shard, levels, spoken, counted)
            except (OSError, pa.ArrowException) as error:
                problem = f"{path}: cannot be read ({' '.join(str(error).split())}); {AGAIN}"
            mark = out / "parts" / "shards" / f"{shard.fingerprint}.sha256"
            if mark.exists() and mark.read_bytes() != shard.sha256.encode():
                yield f"{mark}: is not the checksum of {path}; {AGAIN}"
        if problem:
            read = False
            yield problem
    report(f"{len(listed)} shards of {counted.ids.total()} rows")
    for stranger in sorted(set(files(out / "shards", "[!.]*")) - set(listed), key=str):
        yield f"{stranger}: is not in the manifest; delete it"
    if read and not counted.broken:
        yield from _check_counts(out, manifest, counted)


def _check_file(path: AnyPath, shard: Listed, levels: set[int], spoken: bool, counted: Counted) -> Iterator[str]:
    with open_parquet(path) as file:
        schema = file.schema_arrow
        known = [f for f in SHARD if f.name in schema.names or f.name not in NEW_COLUMNS]
        if missing_in(schema) or not schema.equals(
            pa.schema([schema.field(f.name) if f.name in NEW_FIELDS else f for f in known])
        ):
            yield f"{path}: its columns are not those of a shard; {AGAIN}"
            return
        if file.metadata.num_rows != shard.rows:
            yield f"{path}: has {file.metadata.num_rows} rows, not the {shard.rows} of the manifest; {AGAIN}"
        for batch in file.iter_batches(batch_size=32):
            table = whole(pa.Table.from_batches([batch]))
            holes = holes_of(table)
            counted.broken |= bool(holes)
            for number, hole in holes.items():
                yield f"{path}: row {table.column('id')[number]}: {hole} is null or no number; {AGAIN}"
            for row in Row.of_table(table.take([n for n in range(table.num_rows) if n not in holes])):
                counted.add(row)
                if row.split != shard.split:
                    yield f"{path}: row {row.id}: is of the split {row.split}, in a shard of {shard.split}"
                for problem in check_row(row, levels, spoken=spoken):
                    yield f"{path}: row {row.id}: {problem}"


def _check_counts(out: AnyPath, manifest: Manifest, counted: Counted) -> Iterator[str]:
    said = manifest.dialogues
    path = out / manifest.name
    for row_id, times in counted.ids.items():
        if times > 1:
            yield f"{path}: the row {row_id} stands {times} times in its shards"
    for question, splits in counted.splits.items():
        if len(splits) > 1:
            yield f"{path}: the question {question} is in both splits"
    found: dict[str, tuple[Any, Any]] = {
        "accepted dialogues": (said.accepted, counted.ids.total()),
        "dialogues by source": (said.by_source, dict(sorted(counted.sources.items()))),
        "dialogues by split": (
            {split: n for split, n in (said.by_split or counted.by_split).items() if n},
            dict(counted.by_split),
        ),
        "oracles by level": (manifest.oracles, dict(sorted(counted.levels.items()))),
    }
    for name, (listed, is_) in found.items():
        if listed != is_:
            yield f"{path}: says {listed} for {name}, and the shards have {is_}; {AGAIN}"
    if abs(manifest.seconds - counted.seconds) > 0.01:
        yield f"{path}: says {manifest.seconds} s of sound, and the shards have {counted.seconds:.3f} s; {AGAIN}"


def check_row(row: Row, levels: set[int], *, spoken: bool) -> Iterator[str]:
    """The faults of a row of a build with these hint levels, spoken or not."""
    if row.id != f"{row.question_id}-v{row.variant}":
        yield f"its id is not that of variant {row.variant} of the question {row.question_id}"
    if not row.turns or (row.turns[0].role != "user" and row.source != IMPORTED):
        yield "its first turn is not the user's"
        return
    if strange := {t.role for t in row.turns} - {"user", "assistant"}:
        yield f"it has a turn of '{strange.pop()}'"
    if strange_turns := {w.turn for w in row.words} - set(range(len(row.turns))):
        yield f"it has words of a turn {min(strange_turns)}, which there is not"
        return
    yield from _check_words(row)
    yield from _check_oracles(row, levels)
    yield from _check_situations(row)
    yield from _check_claims(row)
    yield from faults(row)
    yield from (_check_sound(row) if spoken else _check_silent(row))


def _check_words(row: Row) -> Iterator[str]:
    said = row.words_by_turn
    if [w.turn for w in row.words] != sorted(w.turn for w in row.words):
        yield "its words are not in order of turn"
    for number, turn in enumerate(row.turns):
        words = said.get(number, [])
        if (read := join_words([w.word for w in words], row.language)) != turn.text:
            yield f"turn {number}: its words make '{read}', not '{turn.text}'"
        if any(w.role != turn.role for w in words):
            yield f"turn {number}: is of the {turn.role}, and has words of another"


def _check_oracles(row: Row, levels: set[int]) -> Iterator[str]:
    totals = {number: len(words) for number, words in row.words_by_turn.items()}
    keys = [(o.turn, o.prefix_words, o.level) for o in row.oracles]
    if any(a >= b for a, b in pairwise(keys)):
        yield "its oracles are not in order of turn, prefix and level"
    for oracle in row.oracles:
        turn, words = oracle.turn, oracle.prefix_words
        name = f"the oracle of turn {turn} at {words} words"
        if not 0 <= turn < len(row.turns) or row.turns[turn].role != "user":
            yield f"{name}: is of no turn of the user's"
            continue
        total = totals.get(turn, 0)
        if not 0 < words <= total or abs(oracle.ratio - words / total) > CLOSE:
            yield f"{name}: a ratio of {oracle.ratio} of the turn's {total} words cannot be"
        if oracle.level not in levels:
            yield f"{name}: has level {oracle.level}; the build's are {', '.join(map(str, sorted(levels)))}"
        if not oracle.text.strip():
            yield f"{name}: is empty"


def _check_situations(row: Row) -> Iterator[str]:
    for situation in row.situations:
        kind, turn = situation.kind, situation.turn
        if kind not in KINDS:
            yield f"it has a situation of the kind '{kind}', which there is not"
        if not (0 <= turn < len(row.turns) or (turn == -1 and kind == "background")):
            yield f"its {kind} is of a turn {turn}, which there is not"
    for heard in row.transcripts:
        if not 0 <= heard.turn < len(row.turns) or row.turns[heard.turn].role != "user":
            yield f"it has a transcript of turn {heard.turn}, which is no turn of the user's"


def _check_claims(row: Row) -> Iterator[str]:
    if row.form not in get_args(Form):
        yield f"its form is '{row.form}', which there is not"
    for claim in row.claims:
        if not 0 <= claim.turn < len(row.turns) or row.turns[claim.turn].role != "assistant":
            yield f"it has a claim of turn {claim.turn}, which is no turn of the assistant's"
        elif not claim.text.strip():
            yield f"the claim of turn {claim.turn} is empty"


def _spoken(row: Row) -> Iterator[tuple[str, Any]]:
    """The values that a row has of its speech alone, by name."""
    for group in ("turns", "words", "situations"):
        for number, item in enumerate(getattr(row, group)):
            yield f"{group}[{number}].start", item.start
            yield f"{group}[{number}].end", item.end
    for number, oracle in enumerate(row.oracles):
        yield f"oracles[{number}].heard", oracle.heard
        yield f"oracles[{number}].time", oracle.time
    for name in SPOKEN:
        yield f"provenance.{name}", row.provenance[name]
    for name in ("audio", "duration", "audio_checks"):
        yield name, getattr(row, name)


def _check_silent(row: Row) -> Iterator[str]:
    if named := next((name for name, value in _spoken(row) if value is not None), None):
        yield f"{named} is not null, in a build without speech"


def _check_sound(row: Row) -> Iterator[str]:
    if missing := next((name for name in SPOKEN if row.provenance[name] is None), None):
        yield f"provenance.{missing} is null, in a build with speech"
    if row.audio is None or row.duration is None or row.audio_checks is None:
        yield "its sound is missing, in a build with speech"
        return
    yield from _check_audio(row.audio, row.duration)
    yield from _check_spans(row, row.duration)
    yield from _check_arrivals(row)


def _check_audio(flac: bytes, duration: float) -> Iterator[str]:
    try:
        found = soundfile.info(BytesIO(flac))
    except soundfile.LibsndfileError:
        yield "its sound cannot be read"
        return
    if (found.format, found.subtype, found.channels, found.samplerate) != ("FLAC", "PCM_16", 2, SAMPLE_RATE):
        yield f"its sound is {found.format} {found.subtype}, {found.channels} channels at {found.samplerate} Hz"
    elif abs(found.frames / SAMPLE_RATE - duration) > CLOSE:
        yield f"its sound lasts {found.frames / SAMPLE_RATE:.3f} s, and its duration is {duration:.3f} s"


def _check_spans(row: Row, duration: float) -> Iterator[str]:
    end = duration + CLOSE
    for group in ("turns", "words", "situations"):
        for number, item in enumerate(getattr(row, group)):
            if not -CLOSE <= item.start <= item.end <= end:
                yield (
                    f"{group}[{number}] from {item.start:.3f} to {item.end:.3f} s does not lie within its "
                    f"{duration:.3f} s of sound"
                )
    for number, words in row.words_by_turn.items():
        if any(a.end > b.start + CLOSE for a, b in pairwise(words)):
            yield f"turn {number}: its words overlap"
        turn = row.turns[number] if number < len(row.turns) else None
        if turn and (abs(turn.start - words[0].start) > CLOSE or abs(turn.end - words[-1].end) > CLOSE):
            yield f"turn {number}: does not start and end with its words"
    starts = [t.start for t in row.turns]
    if starts != sorted(starts):
        yield "its turns are not in order of their start"


def _check_arrivals(row: Row) -> Iterator[str]:
    ends = {number: [w.end for w in words] for number, words in row.words_by_turn.items()}
    for oracle in row.oracles:
        turn, words = oracle.turn, oracle.prefix_words
        name = f"the oracle of turn {turn} at {words} words"
        said = ends.get(turn, [])
        # In a conversation a recogniser may foresee a word, and its end in the sound is an estimate.
        replayed = row.provenance["latency"] != CONVERSATION
        if replayed and 0 < words <= len(said) and oracle.heard < said[words - 1] - CLOSE:
            yield f"{name}: was heard at {oracle.heard:.3f} s, before its last word had ended"
        if oracle.time is not None and oracle.time < oracle.heard - CLOSE:
            yield f"{name}: arrived at {oracle.time:.3f} s, before it was heard at {oracle.heard:.3f} s"
    came = [o.time for o in row.oracles if o.time is not None]
    if came != sorted(came):
        yield "its oracles do not arrive in order"
