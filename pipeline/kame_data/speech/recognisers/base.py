"""The one protocol of every recogniser: sound goes in, the words that are heard in it come out."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError

SAMPLE_RATE = 16_000
"""Samples a second of the sound that recognisers take."""


class Recogniser(Protocol):
    """Hears sound. The same sound is heard the same each time, whatever was heard before."""

    def hear(self, sound: NDArray[np.float32], language: str) -> str:
        """The words in sound of shape (n,) in [-1, 1] at `SAMPLE_RATE`."""
        ...


@dataclass(frozen=True, slots=True)
class RecogniserEngine:
    """A recogniser, as `--asr` names it.

    `form`: the whole spec, for a person (`faster-whisper:MODEL`). `extra` is the extra of kame-data that installs it,
    `package` the package that must be there. `languages`: the codes that it hears, empty
    where that depends on the model. `check(rest)` raises UsageError for what cannot stand behind the colon;
    `open(rest)` loads the model, and raises KameError where it cannot be had.
    """

    name: str
    form: str
    extra: str
    package: str
    check: Callable[[str], None]
    open: Callable[[str], Recogniser]
    languages: frozenset[str] = frozenset()

    @property
    def cure(self) -> str:
        """The command that installs it."""
        return f"pip install 'kame-data[{self.extra}]'"

    def hears(self, language: str) -> bool:
        """True where it may hear a language."""
        return not self.languages or language.split("-")[0] in self.languages

    def version(self) -> str:
        """The version of its package. Raises KameError where a package is missing."""
        try:
            version("jiwer")
            return version(self.package)
        except PackageNotFoundError as error:
            raise KameError(f"--asr {self.form}: the package {error.name} is missing; {self.cure}") from None
