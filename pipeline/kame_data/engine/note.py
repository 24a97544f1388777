"""OUT/build.json: what build a folder holds, and the settings of the last command that built in it."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kame_data.engine.sources import source_of
from kame_data.errors import UsageError
from kame_data.finished.manifest import first_fault
from kame_data.settings.branch import ROOTED
from kame_data.settings.earlier import as_now
from kame_data.settings.tree import Settings
from kame_data.sources.reading import fingerprint
from kame_data.storage.files import write_changed
from kame_data.storage.paths import AnyPath
from kame_data.storage.self_checksum import as_written, summed

FILE = "build.json"
# What a build keeps in OUT. A folder of nothing else, with parts, is a build's also where its note is lost.
_OF_A_BUILD = {"parts", "shards", "tokens", "rejected", "manifest.json", "report.html"}


@dataclass(frozen=True, slots=True)
class Note:
    """The `identity` of a build (see `identity_of`), its `settings`, and for each source that new rows came to
    (`kame_data.workflows.night_goal`) the fingerprint that it had `earlier`."""

    identity: dict[str, Any]
    settings: dict[str, Any]
    earlier: dict[str, str]

    @classmethod
    def read(cls, out: AnyPath) -> "Note":
        """The note in OUT. Raises UsageError where there is none, or a damaged one."""
        path = out / FILE
        try:
            held = json.loads(path.read_text("utf-8"))
            if not as_written(held, "note_sha256"):
                raise ValueError
            return cls(dict(held["identity"]), dict(held["settings"]), dict(held.get("earlier", {})))
        except FileNotFoundError:
            raise UsageError(f"{out}: holds no build; give the folder that was --out") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageError(
                f"{path}: is damaged; delete it, and the same build command goes on from its parts"
            ) from None

    @classmethod
    def find(cls, out: AnyPath) -> "Note | None":
        """The note in OUT, None where there is none. Raises UsageError for a damaged one."""
        return cls.read(out) if (out / FILE).exists() else None

    def write(self, out: AnyPath) -> None:
        """Write the note into OUT, where it differs from what is there."""
        held = {"identity": self.identity, "settings": self.settings}
        if self.earlier:
            held["earlier"] = self.earlier
        data = json.dumps(summed(held, "note_sha256"), indent=1).encode()
        write_changed(out / FILE, data + b"\n")


def noted_settings(out: AnyPath) -> Settings:
    """The settings of the last build command that ran in OUT. Raises UsageError where there was none, or for settings
    that this version does not know."""
    try:
        return Settings.model_validate(as_now(Note.read(out).settings, out=out))
    except ValidationError as error:
        raise UsageError(
            f"{out / FILE}: was written by another version of kame-data ({first_fault(error)}); build again"
        ) from None


def identity_of(settings: Settings) -> dict[str, Any]:
    """The facts that may not change within one OUT. Reads the sources' fingerprints, and raises UsageError for a source
    that cannot be read."""
    return {
        "kame_data": 1,
        "seed": settings.seed,
        "languages": list(settings.languages),
        "validation_share": settings.validation_share,
        "sources": {s.name: fingerprint(source_of(settings, s.name), s.location) for s in settings.sources},
    }


def check_same(out: AnyPath, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Raise UsageError where `theirs`, the identity that OUT holds, is another build's than `ours`."""
    for name in ("kame_data", "seed", "languages", "validation_share"):
        if theirs.get(name) != ours[name]:
            raise UsageError(
                f"--out {out}: holds a build with {name} {theirs.get(name)}, not {ours[name]}; "
                "give another folder, or the same settings"
            )
    here, there = ours["sources"], theirs.get("sources", {})
    if set(here) != set(there):
        raise UsageError(
            f"--out {out}: holds a build of {', '.join(sorted(there))}, not of {', '.join(sorted(here))}; "
            "give another folder, or the same sources"
        )
    for name, rows in here.items():
        if rows != there[name]:
            raise UsageError(
                f"source {name}: its rows are not those that the build in {out} began with; "
                "give another --out, or the source as it was"
            )


def check_free(out: AnyPath) -> None:
    """Raise UsageError where OUT, which has no note, is a file or holds something else than a build."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file; give a folder")
    names = {p.name for p in out.iterdir() if not p.name.startswith(".")} if out.exists() else set()
    if names - _OF_A_BUILD or (names and "parts" not in names):
        raise UsageError(f"--out {out}: holds something else than a build; give an empty or a new folder")


def portable(settings: Settings) -> dict[str, Any]:
    """The settings as JSON in which no path depends on the folder that the command is given in; without `out` itself,
    and without those of the runner, which belong to one run only."""
    return settings.model_dump(mode="json", exclude={"out", "runner"}, context=ROOTED)
