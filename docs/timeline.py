"""Draws one dialogue of a build in time: docs/timeline.svg.

python docs/timeline.py out/demo/shards/train-00000-of-00001.parquet [ID] > docs/timeline.svg
"""

import sys
from html import escape
from typing import Any

import pyarrow.parquet as pq

WIDTH, LEFT, LINE = 1000, 92, 15
# From unsure to sure: one hue, darker with the level, readable on white and on dark.
COLOURS = ("#c6cdd8", "#9fb6dd", "#7a9ee0", "#5686df", "#2f6ad6", "#0b4ab0")


def pick(rows: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The row of that id, or the shortest one whose oracles arrive at all six levels."""
    if wanted:
        return next(row for row in rows if row["id"] == wanted)
    whole = [row for row in rows if {o["level"] for o in row["oracles"] if o["time"] is not None} == set(range(6))]
    return min(whole, key=lambda row: row["duration"])


def text(x: float, y: float, content: str, size: int = 11, colour: str = "#30363d", more: str = "") -> str:
    """An SVG text element."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{more}>{escape(content)}</text>'


def words(row: dict[str, Any], role: str, top: float, scale: float) -> list[str]:
    """A lane of one side's words, each a box as long as it lasts, its text slanted above."""
    parts = []
    for word in (w for w in row["words"] if w["role"] == role):
        x, width = LEFT + word["start"] * scale, (word["end"] - word["start"]) * scale
        parts.append(f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="14" rx="2" fill="#8b949e"/>')
        slant = f' transform="rotate(-50 {x + 3:.1f} {top - 4})"'
        parts.append(text(x + 3, top - 4, word["word"], 10, more=slant))
    return parts


def draw(row: dict[str, Any]) -> str:
    """The picture of a row."""
    arrived = [o for o in row["oracles"] if o["time"] is not None]
    scale = (WIDTH - LEFT - 10) / row["duration"]
    top, last = 205, 205 + LINE * len(arrived)
    parts = [text(8, 111, "user", 12), *words(row, "user", 100, scale)]
    parts.append(text(8, 168, "oracles", 12))
    parts.append(text(LEFT, 168, "when the first token arrives; each replaces the one before", 11, "#6e7781"))
    for number, oracle in enumerate(arrived):
        x, y = LEFT + oracle["time"] * scale, top + LINE * number
        said = oracle["text"] if len(oracle["text"]) < 88 else oracle["text"][:85] + "..."
        anchor = "end" if x + 5.6 * len(said) > WIDTH else "start"
        side = x - 7 if anchor == "end" else x + 7
        parts.append(f'<line x1="{x:.1f}" y1="116" x2="{x:.1f}" y2="{y - 8}" stroke="{COLOURS[oracle["level"]]}"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y - 4}" r="4" fill="{COLOURS[oracle["level"]]}"/>')
        parts.append(text(side, y, f"{oracle['level']}: {said}", 10, more=f' text-anchor="{anchor}"'))
    bottom = last + 88
    parts += [text(8, bottom + 11, "assistant", 12), *words(row, "assistant", bottom, scale)]
    axis = bottom + 30
    for second in range(int(row["duration"]) + 1):
        x = LEFT + second * scale
        parts.append(f'<line x1="{x:.1f}" y1="{axis}" x2="{x:.1f}" y2="{axis + 5}" stroke="#8b949e"/>')
        parts.append(text(x - 4, axis + 17, f"{second} s" if second % 5 == 0 else "", 10, "#6e7781"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {axis + 24}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{axis + 24}" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    found = pq.read_table(sys.argv[1]).to_pylist()
    sys.stdout.write(draw(pick(found, sys.argv[2] if len(sys.argv) > 2 else None)))
