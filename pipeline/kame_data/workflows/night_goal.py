"""The goal of a night: a build grows by so many questions (or dialogues) beyond what was published last.

No counter is kept. What was published last says how far it went. Where more than that was begun in OUT, by a run that
failed half-way or could not publish, that is finished first. So no night is counted twice, and none is left out.
"""

from dataclasses import dataclass
from typing import Any, Literal

from kame_data.engine.build import Build
from kame_data.engine.note import Note
from kame_data.errors import UsageError
from kame_data.settings.tree import IMPORTED, Settings

By = Literal["limit", "target"]


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a run: `limit` (questions a source) or `target` (dialogues in all) is to be `to`.

    `published`: how far the last published build went, 0 where there is none; `most`: what the sources hold, or the
    settings allow.
    """

    by: By
    to: int
    published: int
    most: int

    @property
    def reached(self) -> bool:
        """Tell whether there is nothing left to grow by."""
        return self.to == self.published == self.most

    def of(self, settings: Settings) -> Settings:
        """The settings with this goal."""
        return settings.model_copy(update={self.by: self.to})

    def __str__(self) -> str:
        unit = "questions a source" if self.by == "limit" else "dialogues"
        return f"{self.to} {unit}, of {self.most}"


def take_in_new_rows(build: Build) -> tuple[Build, list[str]]:
    """Let sources of a build in OUT have more rows than it began with: the new ones come behind all others. Returns the
    build to go on with, and the names of the sources that have more.

    Raises UsageError where rows have gone or changed. Hold OUT meanwhile.
    """
    note = Note.find(build.out)
    if note is None:
        return build, []
    theirs, ours = note.identity.get("sources", {}), build.identity["sources"]
    grown = {
        s.name: theirs[s.name]
        for s in build.settings.sources
        if s.name != IMPORTED and s.name in theirs and theirs[s.name] != ours[s.name]
    }
    if not grown or note.identity | {"sources": None} != build.identity | {"sources": None}:
        return build, []  # what else differs, `Build.check` says
    build = Build(build.settings, build.identity, earlier=note.earlier | grown)
    for source in build.settings.sources:
        if source.name in grown:
            build.questions.make(source)
            build.questions.check_earlier(source)  # its part may be there from when it had fewer rows
    Note(build.identity, note.settings, build.earlier).write(build.out)
    return build, sorted(grown)


def goal_of(build: Build, listing: dict[str, Any] | None, more: int) -> Goal:
    """The goal of a run that adds `more` to what is published, as `listing`, that of the last published build, says.

    `limit` in the settings is the most questions a source, `target` (which then counts) the most dialogues. Reads the
    sources. Raises UsageError where what was published grew by the other of the two, or is another build.
    """
    settings = build.settings
    by = _by(settings.model_dump(include={"target"}))
    build.questions.check_some()
    sizes = [len(questions) for questions in build.questions.accepted.values()]
    if by == "limit":
        held = max(sizes)
        most = min(held, settings.limit or held)
    else:
        held = sum(min(size, settings.limit or size) for size in sizes) * settings.max_variants
        most = min(held, settings.target or held)
    published = 0
    if listing is not None:
        _check_same(build, listing)
        _check_order(build, listing)
        if (theirs := _by(listing["settings"])) != by:
            raise UsageError(
                f"what is published was grown by --{theirs}, and this would grow it by --{by}; "
                f"{'leave --target out' if by == 'target' else 'give a --target'}, or publish to another --repo"
            )
        published = _position(listing["settings"], by, held)
    note, begun = Note.find(build.out), 0
    if note is not None and _by(note.settings) == by:
        begun = _position(note.settings, by, held)
    to = min(begun if begun > published else published + more, most)
    return Goal(by, max(to, published), published, max(most, published))


def _check_same(build: Build, listing: dict[str, Any]) -> None:
    """Raise UsageError where what was published is no build that this one could have grown from."""
    theirs = listing.get("settings")
    try:
        found = {name: theirs[name] for name in ("seed", "languages", "validation_share")}  # type: ignore[index]
        found["sources"] = sorted(source["name"] for source in theirs["sources"])  # type: ignore[index]
        _ = listing["dialogues"]["by_source"].items()
    except (KeyError, TypeError, AttributeError):
        raise UsageError(
            "what is published does not say what it was built from; publish to another --repo, or publish once by "
            "`kame-data publish`, which replaces it"
        ) from None
    ours = build.identity | {"sources": sorted(build.identity["sources"])}
    if other := next((name for name, value in found.items() if ours[name] != value), None):
        raise UsageError(
            f"what is published is a build with {other} {found[other]}, not {ours[other]}; publish to another --repo, "
            "or give the same settings"
        )


def _check_order(build: Build, listing: dict[str, Any]) -> None:
    """Raise UsageError where the order of the questions that were published is not this build's: with new rows it hangs
    on which came first, and that OUT alone knows."""
    fresh = Note.find(build.out) is None
    for name, ours in build.identity["sources"].items():
        published = listing.get("sources", {}).get(name, {})
        theirs = published.get("fingerprint")  # versions before wrote none
        other = theirs == ours and published.get("earlier") != build.earlier.get(name)
        if theirs is not None and (other or (fresh and theirs != ours)):
            raise UsageError(
                f"source {name}: has got new rows since it was first published, and {build.out} is not the build that "
                "knows which came first; give that build's --out, or publish to another --repo"
            )


def _by(settings: dict[str, Any]) -> By:
    return "limit" if settings.get("target") is None else "target"


def _position(settings: dict[str, Any], by: By, held: int) -> int:
    return min(int(settings.get(by) or held), held)
