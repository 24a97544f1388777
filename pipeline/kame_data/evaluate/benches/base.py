"""The base of every bench: facts about a set of questions, and the way from where it lies to Items."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from kame_data.errors import UsageError
from kame_data.evaluate.records import Item

Note = Callable[[str], None]
"""Takes a line for a person about a question that is left out, or that is asked otherwise than it was read over."""


def unheard(line: str) -> None:
    """Take a note and do nothing with it."""


class Bench(ABC):
    """One bench. `form`: how a person names it. `needs`: what must follow its name ("" where nothing must).

    `licence` and `citation` (BibTeX, "" where there is none) are for reports and cards. A bench is listed in
    `kame_data.evaluate.benches`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    form: ClassVar[str]
    needs: ClassVar[str] = ""
    licence: ClassVar[str]
    citation: ClassVar[str]

    @abstractmethod
    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """The items at a location ("" is the bench's own place), at most `limit` of them, only those of `language`
        where one is given.

        `sounds`: the folder into which the user's own sound is written where it lies in no file of its own; without
        one, the turns of such a bench have text alone. Raises UsageError, one line that names the file and what was
        expected there, where the location holds something else or nothing.
        """

    def wrong(self, why: str) -> UsageError:
        """The error for a location that will not do."""
        return UsageError(f"bench '{self.name}': {why}")

    def chosen(self, items: Iterable[Item], limit: int | None, language: str, place: object) -> list[Item]:
        """`chosen`: the items of the language, at most `limit`; raises UsageError where none remains, or two items have
        one id."""
        found = list(items)
        seen: set[str] = set()
        for item in found:
            if item.id in seen:
                raise self.wrong(f"{place} has two questions with the id '{item.id}'; give each its own")
            seen.add(item.id)
        own = [item for item in found if not language or _primary(item.language) == _primary(language)]
        if not own:
            which = f" in the language '{language}'" if found else ""
            raise self.wrong(f"{place} holds no question{which} that can be asked; expected {self.form}")
        return first_by_category(own, limit)


def first_by_category(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most `limit` items, in their order: the first of each category before the second of any, so that few are of
    many kinds. Raises UsageError for a limit below 1."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: at least one question must be asked")
    if limit is None or limit >= len(items):
        return list(items)
    by_category: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        by_category.setdefault(item.category, []).append(place)
    in_turn = [place for row in zip_longest(*by_category.values()) for place in row if place is not None]
    return [items[place] for place in sorted(in_turn[:limit])]


def _primary(language: str) -> str:
    return language.split("-")[0].casefold()
