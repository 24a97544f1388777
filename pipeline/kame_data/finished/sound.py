"""The sound of a row, decoded."""

import io

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.finished.row import Row


def samples_of(row: Row) -> tuple[NDArray[np.int16], int]:
    """A row's sound, int16 (n, channels), and its rate in Hz. Raises KameError where it cannot be read."""
    import soundfile

    if not row.audio:
        raise KameError(f"row {row.id}: its audio is empty; build it again")
    try:
        samples, rate = soundfile.read(io.BytesIO(row.audio), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise KameError(f"row {row.id}: its audio cannot be read ({error.error_string}); build it again") from None
    return samples, rate
