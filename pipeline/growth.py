"""How a build grows from run to run: by so many questions (or dialogues) beyond what was published last.

No counter is kept. What was published last says how far it went; where more was begun in OUT than that, by a run that
failed half-way or could not publish, this is finished first. So no run grows twice, and none is left out.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pipeline.build import Build, gather_all, noted
from pipeline.config import IMPORTED, Settings
from pipeline.errors import UsageError

By = Literal["limit", "target"]


@dataclass(frozen=True, slots=True)
class Goal:
    """How far a run is to go: `limit` (questions a source) or `target` (dialogues in all) is to be `to`.

    `published`: how far the last published build went, 0 where there is none; `most`: what the sources hold, or the
    settings allow.
    """

    by: By
    to: int
    published: int
    most: int

    @property
    def reached(self) -> bool:
        """Whether there is nothing left to grow by."""
        return self.to == self.published == self.most

    def of(self, settings: Settings) -> Settings:
        """The settings with this goal."""
        return settings.model_copy(update={self.by: self.to})

    def __str__(self) -> str:
        unit = "questions a source" if self.by == "limit" else "dialogues"
        return f"{self.to} {unit}, of {self.most}"


def take_in(build: Build) -> list[str]:
    """Let sources of a build in OUT have more rows than it began with: the new ones come behind all others. Returns the
    names of those that have.

    Raises UsageError where rows have gone or changed. Hold OUT meanwhile.
    """
    path = build.out / "build.json"
    if not path.exists():
        return []
    note = noted(path)
    theirs, ours = note["identity"].get("sources", {}), build.identity["sources"]
    grown = {
        s.name: theirs[s.name]
        for s in build.settings.sources
        if s.name != IMPORTED and s.name in theirs and theirs[s.name] != ours[s.name]
    }
    if not grown or note["identity"] | {"sources": None} != build.identity | {"sources": None}:
        return []  # what else differs, `Build.check` says
    build.earlier = note["earlier"] | grown
    for source in build.settings.sources:
        if source.name in grown:
            build.gather(source)
            build.check_earlier(source)  # its part may be there from when it had fewer rows
    build.note(note["settings"])
    return sorted(grown)


def goal_of(build: Build, listing: dict[str, Any] | None, more: int) -> Goal:
    """How far a run is to go that adds `more` to what `listing`, that of the last published build, says is there.

    `limit` in the settings is the most questions a source, `target` (which then counts) the most dialogues. Reads the
    sources. Raises UsageError where what was published grew by the other of the two, or is another build.
    """
    settings = build.settings
    by = _by(settings.model_dump(include={"target"}))
    gather_all(build)
    sizes = [len(questions) for questions in build.questions.values()]
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
        published = _told(listing["settings"], by, held)
    path, begun = build.out / "build.json", 0
    if path.exists() and _by(note := noted(path)["settings"]) == by:
        begun = _told(note, by, held)
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
    fresh = not (build.out / "build.json").exists()
    for name, ours in build.identity["sources"].items():
        told = listing.get("sources", {}).get(name, {})
        theirs = told.get("fingerprint")  # versions before wrote none
        other = theirs == ours and told.get("earlier") != build.earlier.get(name)
        if theirs is not None and (other or (fresh and theirs != ours)):
            raise UsageError(
                f"source {name}: has got new rows since it was first published, and {build.out} is not the build that "
                "knows which came first; give that build's --out, or publish to another --repo"
            )


def _by(settings: dict[str, Any]) -> By:
    return "limit" if settings.get("target") is None else "target"


def _told(settings: dict[str, Any], by: By, held: int) -> int:
    return min(int(settings.get(by) or held), held)
