"""A picture's file as it comes from outside: its kind and size are read within bounds before anybody decodes it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from kame_data.errors import Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 64_000_000
KINDS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


def check_size(size: int, name: str) -> None:
    """Pass a number of bytes that will be read. Raises Refusal(`bad_picture`)."""
    if size > MOST_BYTES:
        raise Refusal("bad_picture", f"{name} has {size:,} bytes; {MOST_BYTES:,} at most")


@contextmanager
def opened(data: bytes, name: str) -> "Iterator[Image]":
    """The picture, of which only the head is read yet. Raises Refusal(`bad_picture`), also for what goes wrong when
    its pixels are read within the `with`."""
    from PIL import Image, UnidentifiedImageError

    check_size(len(data), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd metadata, and on sizes that are judged here
            with Image.open(BytesIO(data), formats=KINDS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Refusal(
                        "bad_picture", f"{name} has {image.width} x {image.height} pixels; {MOST_PIXELS:,} at most"
                    )
                yield image
    except Refusal:
        raise
    except UnidentifiedImageError:
        kinds = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise Refusal("bad_picture", f"{name} ({len(data):,} bytes) is no {kinds}") from None
    except Exception as problem:  # each format's reader has errors of its own
        raise Refusal("bad_picture", f"{name} cannot be read ({str(problem) or type(problem).__name__})") from None


def check_head(data: bytes, name: str) -> None:
    """Pass a picture of a known kind and within the bounds, by its head alone. Raises Refusal(`bad_picture`)."""
    with opened(data, name):
        pass
