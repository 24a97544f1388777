"""The share of a source's rows that a build would keep: by language, by what the writer can do, and why the rest goes.

    python benchmarks/askable.py hssbench=../shared/data/hssbench/data-open.jsonl [NAME=FILE_OR_FOLDER_OR_HUB_ID ...]

`shown` are the rows whose picture is at hand. With --draw every row gets a drawn picture, so that the figures tell what
would be kept if all pictures were there.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from unittest.mock import patch

from PIL import Image

from kame_data.engine.sources import get_source
from kame_data.sources.pictures import Pictures
from kame_data.sources.pull import Pull, pull

LANGUAGES = ("ar", "de", "en", "es", "fr", "ru", "zh")
WRITERS = {
    "rules": {},
    "a model without eyes": {"names_choices": True},
    "a model that sees": {"names_choices": True, "sees_pictures": True},
}


@contextmanager
def drawn() -> Iterator[None]:
    """Every picture is there, and is a drawn one."""
    file = BytesIO()
    Image.new("RGB", (8, 8), "white").save(file, "PNG")
    with patch.object(Pictures, "load", lambda self, picture: file.getvalue()):
        yield


def lines(found: Pull, source: str, writer: str) -> Iterable[str]:
    """A row of the table for each language."""
    languages = {q.id: q.language for q in found.parsed}
    shown = {q.id for q in found.parsed if q.id in found.pictures}
    kept = {q.id for q in found.accepted}
    for language in sorted(set(languages.values())):
        rows = {i for i, spoken in languages.items() if spoken == language}
        reasons = Counter(r.reason for r in found.rejected if r.question_id in rows)
        why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        seen = f"{len(kept & rows & shown)} of {len(shown & rows)}" if shown else "-"
        yield f"| {source} ({language}) | {writer} | {len(rows)} | {len(kept & rows)} | {seen} | {why} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="+", metavar="NAME=WHERE")
    parser.add_argument("--draw", action="store_true", help="as if every picture were there")
    args = parser.parse_args()
    print("| source | writer | rows | kept | kept of shown | refused |\n| --- | --- | --- | --- | --- | --- |")
    for given in args.source:
        name, _, where = given.partition("=")
        for writer, able in WRITERS.items():
            if args.draw and "sees_pictures" not in able:
                continue
            with (
                drawn() if args.draw else patch.dict({}),
                pull(get_source(name), where or None, languages=LANGUAGES, **able) as found,
            ):
                for line in lines(found, name, writer):
                    print(line)


if __name__ == "__main__":
    main()
