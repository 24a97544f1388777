"""Pictures for models that see: made fit to be sent, and what a dialogue must say of one that nobody will see."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from kame_data.errors import Refusal
from kame_data.llm.request import PicturePart
from kame_data.llm.spoken_answer import spoken_answer
from kame_data.records import Question
from kame_data.sources.image_file import opened
from kame_data.text.answers import tells
from kame_data.text.deixis import leans_on_picture, unseen
from kame_data.text.function_words import function_words
from kame_data.text.words import bare_words, length_in_words

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_SIDE = 2048
"""Pixels of the longer side; no provider looks at more, and some refuse it."""
MOST_SENT = 3_900_000
"""Bytes of a picture as it is sent: in base64 they stay below the 5 MB that the strictest provider takes."""
_MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg"}
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_ORIENTATION = 0x0112
_FEW_WORDS = 2


def picture_part(data: bytes, name: str) -> PicturePart:
    """The picture as every server that sees takes it: PNG or JPEG, upright, within the limits; as it is, where it fits
    already. Raises Refusal(`bad_picture`) for one that cannot be read to its end."""
    with opened(data, name) as image:
        image.load()
        fits = max(image.size) <= MOST_SIDE and len(data) <= MOST_SENT and image.mode in _MODES
        plain = getattr(image, "n_frames", 1) == 1 and image.getexif().get(_ORIENTATION, 1) == 1
        if fits and plain and image.format in _MEDIA:
            return PicturePart(data, _MEDIA[image.format])
        return _encoded(image)


def _encoded(image: "Image") -> PicturePart:
    from PIL import Image, ImageOps

    photo = image.format in ("JPEG", "MPO")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # sixteen bits, which a plain conversion would cut off
        upright = upright.point(lambda value: value * (1 / 256)).convert("L")
    coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    side = MOST_SIDE
    while True:
        coloured.thumbnail((side, side))
        for kind in ("JPEG",) if photo else ("PNG", "JPEG"):
            sent = coloured
            if kind == "JPEG" and coloured.mode == "RGBA":
                sent = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
            file = BytesIO()
            sent.save(file, kind, **({"quality": 90} if kind == "JPEG" else {}))
            if file.tell() <= MOST_SENT:
                return PicturePart(file.getvalue(), _MEDIA[kind])
        side //= 2


def with_picture(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a dialogue about a picture: it also lists what of the picture the user says."""
    seen = {"type": "array", "items": {"type": "string"}}
    properties = {"seen": seen, **schema["properties"]}
    return {**schema, "properties": properties, "required": [*properties]}


def check_seen(seen: Sequence[str], question: Question, user: str) -> None:
    """Pass a dialogue whose user says what of the picture must be known: each phrase of `seen` is in the user's words,
    and they say more than the question did. Raises Refusal(`picture_not_told`)."""
    language = question.language
    phrases = [spoken_answer(phrase, language).strip(" .。") for phrase in seen]
    for phrase in phrases:
        if length_in_words(phrase, language) < _FEW_WORDS or not tells(user, phrase, language):
            raise Refusal("picture_not_told", f"the user does not say '{phrase[:80]}', which is seen in the picture")
    known = {_root(word) for text in (question.stem, *question.choices) for word in bare_words(text, language)}
    told = {word for phrase in phrases for word in bare_words(phrase, language)} - function_words(language)
    if sum(_root(word) not in known for word in told) < _FEW_WORDS and not _stands_alone(question):
        raise Refusal("picture_not_told", "the user says nothing of what is seen in the picture")


def _root(word: str) -> str:
    """The beginning of a word, which its other forms share."""
    return word[:5]


def _stands_alone(question: Question) -> bool:
    """True where the question surely makes sense without its picture; outside English no rule can tell."""
    stem = question.stem.strip()
    return question.language.split("-")[0] == "en" and not unseen(stem) and not leans_on_picture(stem)
