"""`kame-data tokens`: from the shards of a finished build to token shards."""

from typing import TYPE_CHECKING, Any

from kame_data.cli.flags import OUT, BuildFolder, Json, takes
from kame_data.records import FRAME_RATE
from kame_data.settings.tokenizing import TokenSettings
from kame_data.terminal import Bars, console, counts_line, print_json

if TYPE_CHECKING:
    from kame_data.codec.token_manifest import TokenManifest
    from kame_data.storage.paths import AnyPath


@takes(TokenSettings)
def tokens(settings: TokenSettings, out: BuildFolder = OUT, json: Json = False) -> None:
    """Make token shards of a finished build: Mimi codes, text streams, oracle events. Goes on where it stopped."""
    from kame_data.codec.token_work import MakeParts, make_parts
    from kame_data.codec.tokenize import make_tokens, spoken_build
    from kame_data.storage.lock import hold

    spoken_build(out)
    make: MakeParts = make_parts
    if settings.runner.kind != "local":
        from kame_flows.tokens import on_cluster

        make = on_cluster(settings.runner, settings)
    with hold(out), Bars(settings.progress) as bars:
        manifest = make_tokens(out, settings, bars, make)
    if json:
        print_json(tokens_summary(manifest, out))
    else:
        print_tokens(manifest, out)


def tokens_summary(manifest: "TokenManifest", out: "AnyPath") -> dict[str, Any]:
    """The figures of token shards, as `--json` prints them."""
    return {
        "out": str(out),
        "rows": manifest.rows,
        "frames": manifest.frames,
        "seconds": manifest.frames / FRAME_RATE,
        "codec": manifest.codec.name,
        "tokenizer": manifest.tokenizer.name,
        "pieces": manifest.tokenizer.text_card,
        "refused": manifest.refused,
        "stand_ins": manifest.stand_ins,
        "shards": [{"path": str(out / file.path), "rows": file.rows, "bytes": file.bytes} for file in manifest.files],
    }


def print_tokens(manifest: "TokenManifest", out: "AnyPath", stale: str = "") -> None:
    """Prints where the token shards lie, what is in them, what made them, and the line `stale`, if any."""
    to = console()
    minutes = manifest.frames / FRAME_RATE / 60
    to.print(
        f"{manifest.rows} dialogues in tokens, {minutes:.1f} minutes; codec: {manifest.codec.name}; "
        f"tokenizer: {manifest.tokenizer.name}, {manifest.tokenizer.text_card} pieces"
    )
    if manifest.refused:
        to.print(f"refused: {counts_line(manifest.refused)}; see {out / 'tokens' / 'rejected.jsonl'}")
    for stand_in in manifest.stand_ins:
        to.print(f"stand-in: {stand_in}")
    if stale:
        to.print(f"{stale}; `kame-data tokens {out}` makes them anew")
    to.print()
    for file in manifest.files:
        to.print(f"{out / file.path}  {file.rows} rows, {file.bytes / 1e6:.1f} MB")
