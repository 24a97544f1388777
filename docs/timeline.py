"""Draws dialogues of a build in time, as one SVG.

python docs/timeline.py out/demo > docs/timeline.svg                 one dialogue, with the text of its oracles
python docs/timeline.py out/demo --id gsm8k-12-v0 > one.svg          that one
python docs/timeline.py out/demo --rows 50 > many.svg                many, a band each, with their situations
"""

import argparse
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

WIDTH, LEFT, LINE = 1000, 92, 15
# From unsure to sure: one hue, darker with the level, readable on white and on dark.
COLOURS = ("#c6cdd8", "#9fb6dd", "#7a9ee0", "#5686df", "#2f6ad6", "#0b4ab0")
WORD, GREY = "#8b949e", "#6e7781"
# Bands: pixels a second, and the height of a band; a lane's words stand slanted above their boxes.
SECOND, BAND, USER, ASSISTANT, ORACLES, LANE = 56, 112, 34, 84, 58, 9
SITUATIONS = {
    "pause": "#f2cc60",
    "hesitation": "#e8853a",
    "back_channel": "#3fa66a",
    "barge_in": "#d1343f",
    "overlap": "#a15fd0",
    "background": "#d0d7de",
}


def read(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a shard, of a folder of shards or of a build, in order; the sound is left out."""
    folder = path / "shards" if (path / "shards").is_dir() else path
    for shard in sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]:
        file = pq.ParquetFile(shard)
        names = columns or [name for name in file.schema_arrow.names if name != "audio"]
        for batch in file.iter_batches(batch_size=64, columns=names):
            yield from batch.to_pylist()


def pick(rows: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The row of that id, or the shortest one whose oracles arrive at all six levels."""
    if wanted:
        return next(row for row in rows if row["id"] == wanted)
    whole = [row for row in rows if {o["level"] for o in row["oracles"] if o["time"] is not None} == set(range(6))]
    return min(whole, key=lambda row: row["duration"])


def text(x: float, y: float, content: str, size: float = 11, colour: str = "#30363d", more: str = "") -> str:
    """An SVG text element."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{more}>{escape(content)}</text>'


def box(x: float, y: float, width: float, height: float, colour: str, more: str = "") -> str:
    """An SVG rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"{more}/>'


def dot(x: float, y: float, radius: float, level: int) -> str:
    """An oracle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{COLOURS[level]}"/>'


def words(row: dict[str, Any], role: str, top: float, scale: float) -> list[str]:
    """A lane of one side's words, each a box as long as it lasts, its text slanted above."""
    parts = []
    for word in (w for w in row["words"] if w["role"] == role):
        x, width = LEFT + word["start"] * scale, (word["end"] - word["start"]) * scale
        parts.append(box(x, top, width, 14, WORD, ' rx="2"'))
        slant = f' transform="rotate(-50 {x + 3:.1f} {top - 4})"'
        parts.append(text(x + 3, top - 4, word["word"], 10, more=slant))
    return parts


def axis(seconds: int, top: float, scale: float) -> Iterator[str]:
    """A tick a second, a number every five."""
    for second in range(seconds + 1):
        x = LEFT + second * scale
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + 5}" stroke="{WORD}"/>'
        yield text(x - 4, top + 17, f"{second} s" if second % 5 == 0 else "", 10, GREY)


def picture(width: float, height: float, parts: list[str]) -> str:
    """A whole SVG."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">'
    return "\n".join([head, box(0, 0, width, height, "#ffffff"), *parts, "</svg>"]) + "\n"


def draw(row: dict[str, Any]) -> str:
    """The picture of a row."""
    arrived = [o for o in row["oracles"] if o["time"] is not None]
    scale = (WIDTH - LEFT - 10) / row["duration"]
    top, last = 205, 205 + LINE * len(arrived)
    parts = [text(8, 111, "user", 12), *words(row, "user", 100, scale)]
    parts.append(text(8, 168, "oracles", 12))
    parts.append(text(LEFT, 168, "when the first token arrives; each replaces the one before", 11, GREY))
    for number, oracle in enumerate(arrived):
        x, y = LEFT + oracle["time"] * scale, top + LINE * number
        said = oracle["text"] if len(oracle["text"]) < 88 else oracle["text"][:85] + "..."
        anchor = "end" if x + 5.6 * len(said) > WIDTH else "start"
        side = x - 7 if anchor == "end" else x + 7
        parts.append(f'<line x1="{x:.1f}" y1="116" x2="{x:.1f}" y2="{y - 8}" stroke="{COLOURS[oracle["level"]]}"/>')
        parts.append(dot(x, y - 4, 4, oracle["level"]))
        parts.append(text(side, y, f"{oracle['level']}: {said}", 10, more=f' text-anchor="{anchor}"'))
    bottom = last + 88
    parts += [text(8, bottom + 11, "assistant", 12), *words(row, "assistant", bottom, scale)]
    parts += axis(int(row["duration"]), bottom + 30, scale)
    return picture(WIDTH, bottom + 54, parts)


def legend() -> list[str]:
    """What the colours mean."""
    parts, x = [text(8, 20, "situations", 11)], LEFT
    for kind, colour in SITUATIONS.items():
        parts += [box(x, 11, 12, 10, colour), text(x + 16, 20, kind)]
        x += 34 + 7 * len(kind)
    parts.append(text(x + 20, 20, "oracles by level, when their first token arrives"))
    for level in range(len(COLOURS)):
        parts += [dot(x + 292 + 26 * level, 16, 4, level), text(x + 299 + 26 * level, 20, str(level))]
    return parts


def band(row: dict[str, Any], top: float) -> Iterator[str]:
    """A dialogue as a band: the user's words, the oracles, the assistant's words, its situations behind them."""

    def at(seconds: float) -> float:
        return LEFT + seconds * SECOND

    lanes = {"user": top + USER, "assistant": top + ASSISTANT}
    turns = row["turns"]
    yield f'<line x1="0" y1="{top}" x2="{at(row["duration"]):.0f}" y2="{top}" stroke="#d8dee4"/>'
    yield text(8, top + 12, row["id"], 9)
    yield text(8, top + 23, f"{row['duration']:.1f} s", 9, GREY)
    for role, y in lanes.items():
        yield text(8, y + LANE, role, 9, GREY)
        yield box(at(0), y + LANE / 2, row["duration"] * SECOND, 0.5, "#d8dee4")
    tint: dict[tuple[int, float], str] = {}
    for s in row["situations"]:
        x, width, colour = at(s["start"]), (s["end"] - s["start"]) * SECOND, SITUATIONS[s["kind"]]
        if s["kind"] in ("barge_in", "overlap"):
            yield box(x, top + USER, width, ASSISTANT - USER + LANE, colour, ' opacity="0.45"')
        elif s["kind"] == "background":
            yield box(x, top + USER + LANE + 2, width, 4, colour)
        elif s["kind"] == "pause":
            yield box(x, lanes[turns[s["turn"]]["role"]] + 2, width, LANE - 4, colour)
        for word in row["words"]:
            marked = s["kind"] in ("hesitation", "back_channel") and word["turn"] == s["turn"]
            if marked and s["start"] <= word["start"] < s["end"]:
                tint[word["turn"], word["start"]] = colour
    for word in row["words"]:
        x, y = at(word["start"]), lanes[word["role"]]
        width = (word["end"] - word["start"]) * SECOND
        yield box(x, y, max(width - 0.6, 0.4), LANE, tint.get((word["turn"], word["start"]), WORD))
        yield text(x + 2, y - 2, word["word"], 6, more=f' transform="rotate(-38 {x + 2:.1f} {y - 2:.1f})"')
    for oracle in row["oracles"]:
        if oracle["time"] is not None:
            yield dot(at(oracle["time"]), top + ORACLES, 3, oracle["level"])


def draw_many(rows: list[dict[str, Any]]) -> str:
    """The picture of many rows, all on the same scale."""
    seconds = max(row["duration"] for row in rows)
    parts = legend()
    for number, row in enumerate(rows):
        parts += band(row, 34 + BAND * number)
    bottom = 34 + BAND * len(rows)
    parts += axis(int(seconds), bottom, SECOND)
    return picture(max(LEFT + seconds * SECOND + 10, WIDTH), bottom + 24, parts)


def main() -> None:
    """Reads the command line and prints the picture."""
    parser = argparse.ArgumentParser(description="draw dialogues of a build in time, as one SVG")
    parser.add_argument("path", type=Path, help="a build, a folder of shards, or a shard")
    parser.add_argument("--id", help="the dialogue to draw")
    parser.add_argument("--rows", type=int, help="how many dialogues to draw, a band each")
    options = parser.parse_args()
    found = [row for row in read(options.path) if row["duration"] is not None]
    if not found:
        raise SystemExit(f"{options.path}: no dialogue with speech; build one without --no-speech")
    sys.stdout.write(draw_many(found[: options.rows]) if options.rows else draw(pick(found, options.id)))


if __name__ == "__main__":
    main()
