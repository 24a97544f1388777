"""Writes `counts.jsonl`: several hundred short questions of our own, such as "How many legs do 3 cats have?".

    python data/samples/counts.py

They are for trying out training (`kame-data run demo`). A model that can neither hear nor reckon can say the answer
only by reading its oracle, and there are too many of them to learn by heart at once.
"""

import json
from pathlib import Path

EACH = {
    "legs": {
        **dict.fromkeys(("cats", "dogs", "horses", "cows", "sheep", "mice", "chairs", "tables"), 4),
        **{"birds": 2, "hens": 2, "ants": 6, "bees": 6, "spiders": 8, "crabs": 10},
    },
    "eyes": dict.fromkeys(("cats", "dogs", "horses", "cows", "mice"), 2),
    "ears": dict.fromkeys(("cats", "dogs", "horses", "sheep"), 2),
    "wings": {"birds": 2, "flies": 2, "bees": 4, "butterflies": 4},
    "arms": {"starfish": 5, "octopuses": 8},
    "fingers": {"hands": 5},
    "toes": {"feet": 5},
    "wheels": {"bicycles": 2, "tricycles": 3, "cars": 4, "vans": 4},
    "strings": {"violins": 4, "cellos": 4, "guitars": 6},
    "sides": {"triangles": 3, "squares": 4, "pentagons": 5, "hexagons": 6, "octagons": 8},
    "corners": {"triangles": 3, "squares": 4, "pentagons": 5, "hexagons": 6, "octagons": 8},
    "faces": {"cubes": 6},
    "edges": {"cubes": 12},
    "seasons": {"years": 4},
    "days": {"weeks": 7},
    "months": {"years": 12},
    "hours": {"days": 24},
}
"""How many of a part each thing has."""
MOST_THINGS, MOST_PARTS = 19, 100


def rows() -> list[dict[str, str]]:
    """The questions, in the columns of the source `questions`."""
    return [
        {
            "id": f"{part}-of-{things}-{thing}",
            "question": f"How many {part} do {things} {thing} have?",
            "answer": str(things * each),
            "category": "counting",
        }
        for part, those in EACH.items()
        for thing, each in those.items()
        for things in range(2, MOST_THINGS + 1)
        if things * each <= MOST_PARTS
    ]


def text() -> str:
    """What the file holds."""
    return "".join(json.dumps(row) + "\n" for row in rows())


if __name__ == "__main__":
    Path(__file__).with_name("counts.jsonl").write_text(text())
