"""Text as SentencePiece tokens: of whole turns and oracles alike, so that an answer said is the tokens of its oracle.

The first piece of a text carries the mark of a space (`▁`), as it does in Moshi's own training text (kyutai-labs/
moshi-finetune encodes word by word, stripped); texts are stripped first, for some models turn a leading space into a
piece of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.codec import hub_files as hub
from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.errors import Refusal, UsageError
from kame_data.finished.seen import Pieces
from kame_data.resources import bundled
from kame_data.storage.files import checksum
from kame_data.storage.paths import AnyPath
from kame_data.text.words import join_words

SPACE = "▁"


@dataclass(frozen=True)
class Tokenizer:
    """A SentencePiece model file by its path; `name` is what is shown. Opened when it is first used."""

    name: str
    path: Path
    sha256: str

    @classmethod
    def of(cls, spec: str) -> "Tokenizer":
        """`kyutai` (from the Hub), `sample` (the bundled one) or a model file. Raises UsageError for anything else."""
        if spec == "kyutai":
            path, name = hub.fetch(hub.TOKENIZER, "--tokenizer", "FILE, or sample for the small bundled one"), spec
        elif spec == "sample":
            path, name = bundled("data/tokenizers/sample.model"), spec
        else:
            path, name = Path(spec), Path(spec).name
            if not path.is_file():
                raise UsageError(f"--tokenizer {spec}: no such file; give kyutai, sample or a SentencePiece model file")
        tokenizer = cls(name, path.resolve(), checksum(path))
        tokenizer.check()
        return tokenizer

    @cached_property
    def model(self) -> Any:
        """The `SentencePieceProcessor`."""
        from sentencepiece import SentencePieceProcessor

        try:
            return SentencePieceProcessor(model_file=str(self.path))
        except (RuntimeError, OSError):
            raise UsageError(
                f"--tokenizer {self.path}: is no SentencePiece model; give kyutai, sample or one"
            ) from None

    @property
    def text_card(self) -> int:
        """The number of pieces; the id behind the last one starts an oracle."""
        return int(self.model.get_piece_size())

    @cached_property
    def pieces(self) -> frozenset[str]:
        """The texts that one token may stand for, a space as `▁`."""
        m = self.model
        numbers = (n for n in range(self.text_card) if not (m.is_control(n) or m.is_unknown(n) or m.is_byte(n)))
        return frozenset(m.id_to_piece(number) for number in numbers)

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """The beginnings of pieces, whole pieces left out."""
        return frozenset(piece[:end] for piece in self.pieces for end in range(1, len(piece)))

    @cached_property
    def _letters(self) -> list[str | bytes]:
        """The text that each piece stands for, or the byte of some."""
        pieces = [self.model.id_to_piece(number) for number in range(self.text_card)]
        bytes_ = [self.model.is_byte(number) for number in range(self.text_card)]
        return [
            bytes.fromhex(piece[3:5]) if byte else piece.replace(SPACE, " ")
            for piece, byte in zip(pieces, bytes_, strict=True)
        ]

    def check(self) -> None:
        """Raise UsageError where an id that the text stream needs for itself stands for text."""
        for number in (END_OF_PADDING, TEXT_PADDING):
            piece = self.model.id_to_piece(number) if number < self.text_card else "nothing"
            free = number < self.text_card and (
                self.model.is_control(number) or self.model.is_unknown(number) or self.model.is_unused(number)
            )
            if not free and not (piece.startswith("<") and piece.endswith(">")):
                raise UsageError(
                    f"--tokenizer {self.path}: its id {number} stands for '{piece}'; the text stream keeps 0 and 3 for "
                    "padding, so give a model trained with unk_id=0 and pad_id=3"
                )

    def encode(self, text: str) -> list[int]:
        """The tokens of a text. Raises Refusal where a character of it has no piece."""
        tokens: list[int] = self.model.encode(text.strip())
        if TEXT_PADDING in tokens or END_OF_PADDING in tokens:
            raise Refusal("unknown_characters", f"tokenizer {self.name} cannot write '{text.strip()}'")
        return tokens

    def encode_words(self, words: Sequence[str], language: str) -> tuple[list[int], NDArray[np.int64]]:
        """The tokens of a turn's words, and the number of tokens of each word, (words,).

        They are the tokens of the whole text; one that reaches over several words is the first one's. Raises Refusal as
        `encode` does.
        """
        tokens = self.encode(join_words(list(words), language))
        begins = self._begins(join_words(list(words), language), tokens)
        if begins is None:  # the model rewrites the text before it cuts it, as NFKC does with `，`
            words = [self.model.normalize(word).replace(SPACE, " ").strip() for word in words]
            begins = self._begins(join_words(words, language), tokens)
        if begins is None:  # and not word by word
            each = [self.encode(word) for word in words]
            return [t for word in each for t in word], np.array([len(word) for word in each], np.int64)
        apart = 1 if join_words(["a", "a"], language) == "a a" else 0
        ends = np.cumsum([len(word) + apart for word in words])
        owner = np.searchsorted(ends, begins, side="right")
        return tokens, np.bincount(np.minimum(owner, len(words) - 1), minlength=len(words))

    def _begins(self, text: str, tokens: list[int]) -> list[int] | None:
        """The places in the text of each token's first character that is no space; None where they are not its text."""
        begins, place, held = [], 0, b""
        for number in tokens:
            letters = self._letters[number]
            if isinstance(letters, bytes):
                begins.append(place)
                held += letters
                try:
                    letters = held.decode()
                except UnicodeDecodeError:
                    continue
                held = b""
            else:
                if place == 0 and letters.startswith(" "):
                    letters = letters[1:]
                begins.append(place + len(letters) - len(letters.lstrip(" ")))
            if text[place : place + len(letters)] != letters:
                return None
            place += len(letters)
        return begins if place == len(text) and not held else None

    def cut(self, text: str) -> list[str]:
        """The text that each token stands for. Is a `kame_data.finished.seen.Pieces`.

        Of a character that is told in bytes, the last byte's token stands for it.
        """
        found, held = [], b""
        for piece in self.model.encode(text.strip(), out_type=str):
            number = self.model.piece_to_id(piece)
            # A piece that the model does not know is the characters that have none.
            letters = piece.replace(SPACE, " ") if self.model.is_unknown(number) else self._letters[number]
            if isinstance(letters, bytes):
                held += letters
                letters = held.decode("utf-8", "ignore")
                held = b"" if letters else held
            found.append(letters)
        return [found[0].removeprefix(" "), *found[1:]] if found else []

    def decode(self, tokens: Sequence[int] | NDArray[np.int32]) -> str:
        """The text of tokens, stripped."""
        return str(self.model.decode([int(t) for t in tokens])).strip()


def pieces_of(spec: str | None, out: AnyPath) -> Pieces | None:
    """The way to cut texts into tokens: by the tokenizer of `--tokenizer`; without, by that of OUT/tokens, where there
    is one and sentencepiece is at hand. None where there is none. Raises UsageError for a tokenizer that will not do.
    """
    if spec is not None:
        return Tokenizer.of(spec).cut
    own = out / "tokens" / "tokenizer.model"
    if not own.is_file() or find_spec("sentencepiece") is None:
        return None
    try:
        return Tokenizer.of(str(own.near(checksum(own)))).cut
    except UsageError:
        raise UsageError(f"{own}: is damaged; `kame-data tokens {out}` makes it again") from None
