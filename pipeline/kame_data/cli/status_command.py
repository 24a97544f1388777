"""`kame-data status`: how far a build is."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from kame_data.cli.flags import OUT, BuildFolder, Debug, Json
from kame_data.cli.spend_table import print_spend
from kame_data.cli.tokens_command import print_tokens, tokens_summary
from kame_data.terminal import console, plain_table, print_json

if TYPE_CHECKING:
    from kame_data.engine.status import BuildStatus
    from kame_data.storage.paths import AnyPath


def status(out: BuildFolder = OUT, json: Json = False, debug: Debug = False) -> None:
    """Say how far a build is."""
    from kame_data.codec.token_manifest import TokenManifest
    from kame_data.engine.build import Build
    from kame_data.engine.note import noted_settings
    from kame_data.engine.status import status_of
    from kame_data.llm.session import SpendNotes

    found, spent = status_of(Build(noted_settings(out))), SpendNotes(out)
    manifest = found.manifest
    made = TokenManifest.find(out) if manifest is not None else None
    old = made.stale(out, manifest) if made is not None and manifest is not None else ""
    if json:
        tokens = None if made is None else tokens_summary(made, out) | {"stale": bool(old)}
        print_json(
            {
                "out": str(out),
                "finished": manifest is not None,
                "dialogues": None if manifest is None else manifest.dialogues.accepted,
                "shards": None if manifest is None else len(manifest.shards),
                "stages": [asdict(stage) for stage in found.stages],
                "dollars": spent.total(),
                "tokens": tokens,
            }
        )
        return
    print_spend(spent.rows(), spent.total())
    print_status(found, out)
    if made is not None:
        print_tokens(made, out, old)


def print_status(found: "BuildStatus", out: "AnyPath") -> None:
    """Prints how far a build is, stage by stage, and whether it is finished."""
    to = console()
    lines = [(s.stage, f"{s.done} of {s.parts}", str(s.rows), str(s.refused)) for s in found.stages]
    to.print(plain_table(("stage", "parts done", "rows", "refused"), lines))
    to.print()
    if (manifest := found.manifest) is not None:
        rows, shards = manifest.dialogues.accepted, len(manifest.shards)
        to.print(f"finished: {rows} dialogues in {shards} shards in {out / 'shards'}")
    if found.left:
        to.print(found.left)
