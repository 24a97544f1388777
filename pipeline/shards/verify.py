"""Whether a build's shards hold what its manifest and docs/SCHEMA.md say: files, columns, counts, and every row."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import soundfile

from pipeline.config import IMPORTED
from pipeline.shards.schema import SHARD
from pipeline.storage.files import checksum, files, open_parquet
from pipeline.storage.paths import AnyPath
from pipeline.text.words import join_words

Row = dict[str, Any]
RATE = 24_000
KINDS = {"pause", "hesitation", "back_channel", "barge_in", "overlap", "background"}
# Sums of floats: far below a sample of 24 kHz.
CLOSE = 1e-6
SPOKEN = ("user_voice", "assistant_voice", "word_times", "latency")
"""What only the provenance of a spoken row says."""
MAY_BE_NULL = re.compile(
    r"(turns|words|situations)\[\d+\]\.(start|end)|oracles\[\d+\]\.(heard|time)|audio|duration|audio_checks(\..*)?"
    rf"|provenance\.({'|'.join(SPOKEN)})"
)
"""Without speech; what may not be so with it, `_check_sound` says."""
AGAIN = "the same build command as before makes it again"


@dataclass(slots=True)
class Counted:
    """What was seen over all shards: rows by id, splits by question, rows by source and by split, oracles by level,
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
        self.ids[row["id"]] += 1
        self.splits.setdefault(row["question_id"], set()).add(row["split"])
        self.sources[row["source"]] += 1
        self.by_split[row["split"]] += 1
        self.levels.update(o["level"] for o in row["oracles"])
        self.seconds += row["duration"] or 0.0


def check_shards(out: AnyPath, manifest: Row, report: Callable[[str], None]) -> Iterator[str]:
    """Every shard that the manifest lists is there, whole, and no other; every row holds together; and the manifest's
    counts are the rows'."""
    listed = {out / s["path"]: s for s in manifest["shards"]}
    levels, spoken = set(manifest["settings"]["levels"]), bool(manifest["settings"]["speak"])
    counted, read = Counted(), True
    for path, shard in listed.items():
        if not path.exists():
            problem = f"{path}: is missing; {AGAIN}"
        elif checksum(path) != shard["sha256"]:
            problem = f"{path}: its checksum is not the manifest's; {AGAIN}"
        else:
            problem = ""
            try:
                yield from _check_file(path, shard, levels, spoken, counted)
            except (OSError, pa.ArrowException) as error:
                problem = f"{path}: cannot be read ({' '.join(str(error).split())}); {AGAIN}"
            mark = out / "parts" / "shards" / f"{shard.get('fingerprint')}.sha256"
            if mark.exists() and mark.read_bytes() != shard["sha256"].encode():
                yield f"{mark}: is not the checksum of {path}; {AGAIN}"
        if problem:
            read = False
            yield problem
    report(f"{len(listed)} shards of {counted.ids.total()} rows")
    for stranger in sorted(set(files(out / "shards", "[!.]*")) - set(listed), key=str):
        yield f"{stranger}: is not in the manifest; delete it"
    if read and not counted.broken:
        yield from _check_counts(out, manifest, counted)


def _check_file(path: AnyPath, shard: Row, levels: set[int], spoken: bool, counted: Counted) -> Iterator[str]:
    with open_parquet(path) as file:
        if not file.schema_arrow.equals(SHARD):
            yield f"{path}: its columns are not those of a shard of this version; {AGAIN}"
            return
        if file.metadata.num_rows != shard["rows"]:
            yield f"{path}: has {file.metadata.num_rows} rows, not the {shard['rows']} of the manifest; {AGAIN}"
        for batch in file.iter_batches(batch_size=32):
            whole = all(_whole(column, name) for name, column in zip(SHARD.names, batch.columns, strict=True))
            for row in batch.to_pylist():
                if not whole and (hole := next(_holes(row, SHARD, ""), "")):
                    counted.broken = True
                    yield f"{path}: row {row['id']}: {hole} is null or no number; {AGAIN}"
                    continue
                counted.add(row)
                if row["split"] != shard["split"]:
                    yield f"{path}: row {row['id']}: is of the split {row['split']}, in a shard of {shard['split']}"
                for problem in check_row(row, levels, spoken=spoken):
                    yield f"{path}: row {row['id']}: {problem}"


def _check_counts(out: AnyPath, manifest: Row, counted: Counted) -> Iterator[str]:
    said = manifest["dialogues"]
    path = out / "manifest.json"
    for row_id, times in counted.ids.items():
        if times > 1:
            yield f"{path}: the row {row_id} stands {times} times in its shards"
    for question, splits in counted.splits.items():
        if len(splits) > 1:
            yield f"{path}: the question {question} is in both splits"
    found: dict[str, tuple[Any, Any]] = {
        "accepted dialogues": (said["accepted"], counted.ids.total()),
        "dialogues by source": (said["by_source"], dict(sorted(counted.sources.items()))),
        "dialogues by split": (
            {split: n for split, n in (said.get("by_split") or counted.by_split).items() if n},
            dict(counted.by_split),
        ),
        "oracles by level": (manifest["oracles"], {str(n): counted.levels[n] for n in sorted(counted.levels)}),
    }
    for name, (told, is_) in found.items():
        if told != is_:
            yield f"{path}: says {told} for {name}, and the shards have {is_}; {AGAIN}"
    if abs(manifest["seconds"] - counted.seconds) > 0.01:
        yield f"{path}: says {manifest['seconds']} s of sound, and the shards have {counted.seconds:.3f} s; {AGAIN}"


def _whole(array: pa.Array, name: str) -> bool:
    """Whether no row of a column has what `_holes` finds; quick, for nearly all have not."""
    if array.null_count:
        if not MAY_BE_NULL.fullmatch(name):
            return False
        array = array.drop_null()
    if pa.types.is_struct(array.type):
        return all(_whole(a, f"{name}.{c.name}") for a, c in zip(array.flatten(), array.type, strict=True))
    if pa.types.is_list(array.type):
        return _whole(array.flatten(), f"{name}[0]")
    return not pa.types.is_floating(array.type) or bool(pc.all(pc.is_finite(array), min_count=0).as_py())


def _holes(value: Any, kind: Any, name: str) -> Iterator[str]:
    """What of a row is null though it never may be (docs/SCHEMA.md), or is a float that is no number, by its name."""
    if value is None:
        if not MAY_BE_NULL.fullmatch(name):
            yield name
    elif isinstance(kind, pa.Schema | pa.StructType):
        for column in kind:
            yield from _holes(value[column.name], column.type, f"{name}.{column.name}".lstrip("."))
    elif pa.types.is_list(kind):
        for number, item in enumerate(value):
            yield from _holes(item, kind.value_type, f"{name}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield name


def check_row(row: Row, levels: set[int], *, spoken: bool) -> Iterator[str]:
    """What is wrong with a row of a build with these hint levels, spoken or not."""
    if row["id"] != f"{row['question_id']}-v{row['variant']}":
        yield f"its id is not that of variant {row['variant']} of the question {row['question_id']}"
    if not row["turns"] or (row["turns"][0]["role"] != "user" and row["source"] != IMPORTED):
        yield "its first turn is not the user's"
        return
    if strange := {t["role"] for t in row["turns"]} - {"user", "assistant"}:
        yield f"it has a turn of '{strange.pop()}'"
    yield from _check_words(row)
    yield from _check_oracles(row, levels)
    yield from _check_situations(row)
    yield from (_check_sound(row) if spoken else _check_silent(row))


def _said(row: Row) -> dict[int, list[Row]]:
    """The words of each turn."""
    said: dict[int, list[Row]] = {}
    for word in row["words"]:
        said.setdefault(word["turn"], []).append(word)
    return said


def _check_words(row: Row) -> Iterator[str]:
    said = _said(row)
    if [w["turn"] for w in row["words"]] != sorted(w["turn"] for w in row["words"]):
        yield "its words are not in order of turn"
    if strange := set(said) - set(range(len(row["turns"]))):
        yield f"it has words of a turn {min(strange)}, which there is not"
    for number, turn in enumerate(row["turns"]):
        words = said.get(number, [])
        if (read := join_words([w["word"] for w in words], row["language"])) != turn["text"]:
            yield f"turn {number}: its words make '{read}', not '{turn['text']}'"
        if any(w["role"] != turn["role"] for w in words):
            yield f"turn {number}: is of the {turn['role']}, and has words of another"


def _check_oracles(row: Row, levels: set[int]) -> Iterator[str]:
    totals = {number: len(words) for number, words in _said(row).items()}
    keys = [(o["turn"], o["prefix_words"], o["level"]) for o in row["oracles"]]
    if any(a >= b for a, b in pairwise(keys)):
        yield "its oracles are not in order of turn, prefix and level"
    for oracle in row["oracles"]:
        turn, words = oracle["turn"], oracle["prefix_words"]
        name = f"the oracle of turn {turn} at {words} words"
        if not 0 <= turn < len(row["turns"]) or row["turns"][turn]["role"] != "user":
            yield f"{name}: is of no turn of the user's"
            continue
        total = totals.get(turn, 0)
        if not 0 < words <= total or abs(oracle["ratio"] - words / total) > CLOSE:
            yield f"{name}: a ratio of {oracle['ratio']} of the turn's {total} words cannot be"
        if oracle["level"] not in levels:
            yield f"{name}: has level {oracle['level']}; the build's are {', '.join(map(str, sorted(levels)))}"
        if not oracle["text"].strip():
            yield f"{name}: is empty"


def _check_situations(row: Row) -> Iterator[str]:
    for situation in row["situations"]:
        kind, turn = situation["kind"], situation["turn"]
        if kind not in KINDS:
            yield f"it has a situation of the kind '{kind}', which there is not"
        if not (0 <= turn < len(row["turns"]) or (turn == -1 and kind == "background")):
            yield f"its {kind} is of a turn {turn}, which there is not"
    for heard in row["transcripts"]:
        if not 0 <= heard["turn"] < len(row["turns"]) or row["turns"][heard["turn"]]["role"] != "user":
            yield f"it has a transcript of turn {heard['turn']}, which is no turn of the user's"


def _spoken(row: Row) -> Iterator[tuple[str, Any]]:
    """What of a row speech alone gives, by name; left out are its sound and when oracles arrived, if ever."""
    for group in ("turns", "words", "situations"):
        for number, item in enumerate(row[group]):
            yield f"{group}[{number}].start", item["start"]
            yield f"{group}[{number}].end", item["end"]
    for number, oracle in enumerate(row["oracles"]):
        yield f"oracles[{number}].heard", oracle["heard"]
    for name in SPOKEN:
        yield f"provenance.{name}", row["provenance"][name]


def _check_silent(row: Row) -> Iterator[str]:
    spoken = [*_spoken(row), *((name, row[name]) for name in ("audio", "duration", "audio_checks"))]
    spoken += [(f"oracles[{n}].time", o["time"]) for n, o in enumerate(row["oracles"])]
    if named := next((name for name, value in spoken if value is not None), None):
        yield f"{named} is not null, in a build without speech"


def _check_sound(row: Row) -> Iterator[str]:
    if missing := next((name for name, value in _spoken(row) if value is None), None):
        yield f"{missing} is null, in a build with speech"
        return
    if row["audio"] is None or row["duration"] is None or row["audio_checks"] is None:
        yield "its sound is missing, in a build with speech"
        return
    yield from _check_audio(row)
    yield from _check_spans(row)
    yield from _check_arrivals(row)


def _check_audio(row: Row) -> Iterator[str]:
    try:
        found = soundfile.info(BytesIO(row["audio"]["bytes"]))
    except soundfile.LibsndfileError:
        yield "its sound cannot be read"
        return
    if (found.format, found.subtype, found.channels, found.samplerate) != ("FLAC", "PCM_16", 2, RATE):
        yield f"its sound is {found.format} {found.subtype}, {found.channels} channels at {found.samplerate} Hz"
    elif abs(found.frames / RATE - row["duration"]) > CLOSE:
        yield f"its sound lasts {found.frames / RATE:.3f} s, and its duration is {row['duration']:.3f} s"


def _check_spans(row: Row) -> Iterator[str]:
    end = row["duration"] + CLOSE
    for group in ("turns", "words", "situations"):
        for number, item in enumerate(row[group]):
            if not -CLOSE <= item["start"] <= item["end"] <= end:
                yield (
                    f"{group}[{number}] from {item['start']:.3f} to {item['end']:.3f} s does not lie within its "
                    f"{row['duration']:.3f} s of sound"
                )
    for number, words in _said(row).items():
        if any(a["end"] > b["start"] + CLOSE for a, b in pairwise(words)):
            yield f"turn {number}: its words overlap"
        turn = row["turns"][number] if number < len(row["turns"]) else None
        if turn and (abs(turn["start"] - words[0]["start"]) > CLOSE or abs(turn["end"] - words[-1]["end"]) > CLOSE):
            yield f"turn {number}: does not start and end with its words"
    starts = [t["start"] for t in row["turns"]]
    if starts != sorted(starts):
        yield "its turns are not in order of their start"


def _check_arrivals(row: Row) -> Iterator[str]:
    ends = {number: [w["end"] for w in words] for number, words in _said(row).items()}
    for oracle in row["oracles"]:
        turn, words = oracle["turn"], oracle["prefix_words"]
        name = f"the oracle of turn {turn} at {words} words"
        said = ends.get(turn, [])
        if 0 < words <= len(said) and oracle["heard"] < said[words - 1] - CLOSE:
            yield f"{name}: was heard at {oracle['heard']:.3f} s, before its last word had ended"
        if oracle["time"] is not None and oracle["time"] < oracle["heard"] - CLOSE:
            yield f"{name}: arrived at {oracle['time']:.3f} s, before it was heard at {oracle['heard']:.3f} s"
    came = [o["time"] for o in row["oracles"] if o["time"] is not None]
    if came != sorted(came):
        yield "its oracles do not arrive in order"
