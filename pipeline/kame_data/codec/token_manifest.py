"""OUT/tokens/manifest.json: what token shards hold, what made them, and of which shards. The one definition of its
fields."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator

from kame_data.codec.token_parts import TOKENS_VERSION, fingerprint_of
from kame_data.codec.token_schema import EARLIER
from kame_data.finished.manifest import Count, EachOnce, File, Held, Listed, Manifest, Reasons, Sha256
from kame_data.storage.paths import AnyPath


class Named(Held):
    """A codec, or a tokenizer, by its name and the checksum of its weights."""

    name: str
    sha256: Sha256


class NamedTokenizer(Named):
    """A tokenizer; `text_card` is its number of pieces."""

    text_card: Count


def _of_tokens(listed: Listed) -> Listed:
    if listed.frames is None:
        raise ValueError("frames is missing")
    return listed


class TokenManifest(File):
    """Account of token shards. `version` is that of how tokens are made; `refused`: rows by reason;
    `made_from`: the fingerprint of each token shard, of codec, tokenizer and the shard that it was made of."""

    name = "tokens/manifest.json"
    missing = "{out}: holds no tokens; `kame-data tokens {out}` makes them"
    again = "`kame-data tokens {out}` makes it anew"

    kame_data: str = ""
    version: int = 0
    stand_ins: tuple[str, ...]
    codec: Named
    tokenizer: NamedTokenizer
    rows: Count
    frames: Count
    refused: Reasons
    made_from: dict[str, str]
    files: Annotated[tuple[Annotated[Listed, AfterValidator(_of_tokens)], ...], EachOnce]

    @classmethod
    def find(cls, out: AnyPath) -> Self | None:
        """See `File`; one that is not as it was written is damaged."""
        found = super().find(out)
        if found is not None and not found.as_written:
            raise cls.damaged(out, "it is not as it was written")
        return found

    def stale(self, out: AnyPath, build: Manifest) -> str:
        """A line on token shards that are of other shards than the build's in OUT are now; "" where they are not."""
        if self.version != TOKENS_VERSION:
            return f"{out / 'tokens'}: {EARLIER}"
        same = self.made_from == made_from(build, self.codec.sha256, self.tokenizer.sha256)
        return "" if same else f"{out / 'tokens'}: was made of other shards than the build's"


def made_from(build: Manifest, codec_sha256: str, tokenizer_sha256: str) -> dict[str, str]:
    """The fingerprint of every token shard that the shards of a build make, by its path."""
    content = {f"tokens/{Path(shard.path).name}": shard.sha256 for shard in build.shards}
    return {name: fingerprint_of(codec_sha256, tokenizer_sha256, sha256) for name, sha256 in content.items()}
