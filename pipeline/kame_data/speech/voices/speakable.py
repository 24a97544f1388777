"""The check of what a voice may be given to say; all other text is refused before it reaches an engine."""

import unicodedata
from collections.abc import Sequence

from kame_data.errors import Refusal

MAX_WORDS = 500
MAX_CHARACTERS = 4000
MARKUP = frozenset("<>{}[]\\|^~_`")
# Letters by the first word of their Unicode names; Latin ones are read by every voice.
SCRIPTS: dict[str, frozenset[str]] = {
    "zh": frozenset({"CJK"}),
    "ru": frozenset({"CYRILLIC"}),
    "ar": frozenset({"ARABIC"}),
}


def check_speakable(text: str, words: Sequence[str], language: str) -> None:
    """Raises Refusal (`empty_text`, `too_long`, `control_characters`, `unspeakable`, `foreign_script`)."""
    shown = text[:80].encode("utf-8", "replace").decode()
    if not words or not any(character.isalnum() for character in text):
        raise Refusal("empty_text", f"nothing to say in '{shown}'")
    if len(words) > MAX_WORDS or len(text) > MAX_CHARACTERS:
        allowed = f"{MAX_WORDS} and {MAX_CHARACTERS} are allowed"
        raise Refusal("too_long", f"{len(words)} words, {len(text)} characters in a turn; {allowed}")
    scripts = SCRIPTS.get(language.split("-")[0], frozenset()) | {"LATIN"}
    for character in text:
        if character.isascii() and (character.isalnum() or character in " .,?!;:'-"):
            continue
        _check_character(character, scripts, shown)


def _check_character(character: str, scripts: frozenset[str], shown: str) -> None:
    category = unicodedata.category(character)
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    if category in ("Cc", "Cf", "Zl", "Zp"):
        raise Refusal("control_characters", f"{name} in {shown!r}")
    if category in ("So", "Sk", "Cs", "Co", "Cn") or character in MARKUP:
        raise Refusal("unspeakable", f"{name} in '{shown}'")
    if category.startswith("L") and name.split()[0] not in scripts and category != "Lm":
        raise Refusal("foreign_script", f"{name} in '{shown}'")
