"""The embedded voices: which of espeak-ng's accents and variants are the users', and which the assistant's."""

from pipeline.errors import Refusal
from pipeline.records import Split
from pipeline.text.words import IDEOGRAPHS_PER_WORD, is_unspaced

# Our name of an accent -> the engine's; the first of a language is the assistant's.
ACCENTS: dict[str, dict[str, str]] = {
    "en": {"en-us": "en-us", "en-gb": "gmw/en", "en-gb-x-rp": "en-gb-x-rp"},
    "zh": {"cmn": "cmn"},
    "fr": {"fr": "fr"},
    "es": {"es": "es", "es-419": "es-419"},
    "ru": {"ru": "ru"},
    "ar": {"ar": "ar"},
    "de": {"de": "de"},
}
# Variants are the engine's own timbres; these are the ones that an English aligner follows best, clearly apart from
# each other. A timbre is in one split alone, in whatever accent; the plain voice, without one, is the assistant's.
VARIANTS: dict[Split, tuple[str, ...]] = {
    "train": ("m1", "m2", "m3", "m5", "m6", "Denis", "michel", "adam", "f1", "f2", "f5"),
    "validation": ("david", "f3"),
}
PITCH_MIDDLE, PITCH_REACH = 50, 49
# The engine's 'words a minute' count longer words than people say: at its 120 it says some 174 of them (English turns,
# pauses at commas included; 1.43 to 1.48 from 110 to 185 and for all accents).
WORDS_PER_ENGINE_WORD = 1.45
SLOWEST, FASTEST = 80, 450


def _accents(language: str) -> dict[str, str]:
    accents = ACCENTS.get(language.split("-")[0])
    if accents is None:
        raise Refusal("language", f"espeak is set up for {', '.join(ACCENTS)}, not for '{language}'")
    return accents


def user_voices(split: Split, language: str) -> list[str]:
    """`en-us+m1` and so on. Raises Refusal (`language`)."""
    return [f"{accent}+{variant}" for accent in _accents(language) for variant in VARIANTS[split]]


def assistant_voice(language: str) -> str:
    """The plain first accent. Raises Refusal (`language`)."""
    return next(iter(_accents(language)))


def engine_voice(voice: str) -> str:
    """The engine's name of a voice of ours. Raises Refusal (`voice`) for a voice that is none."""
    accent, plus, variant = voice.partition("+")
    engine = {ours: theirs for accents in ACCENTS.values() for ours, theirs in accents.items()}.get(accent)
    known = not plus or any(variant in variants for variants in VARIANTS.values())
    if engine is None or not known:
        accents = ", ".join(ours for language in ACCENTS.values() for ours in language)
        variants = ", ".join(name for names in VARIANTS.values() for name in names)
        raise Refusal("voice", f"espeak has no voice '{voice}'; it has {accents}, each alone or with + and {variants}")
    return engine + plus + variant


def speaker_of(voice: str) -> str:
    """The timbre, which is the same in every accent."""
    return voice.partition("+")[2] or "plain"


def speaks(voice: str, language: str) -> bool:
    """Whether the voice's accent is one of the language."""
    return voice.partition("+")[0] in ACCENTS.get(language.split("-")[0], {})


def engine_pitch(pitch: float) -> int:
    """A shift in [-1, 1] on the engine's scale of 0 to 99."""
    return round(PITCH_MIDDLE + PITCH_REACH * max(-1.0, min(1.0, pitch)))


def engine_rate(words_per_minute: int, language: str = "en") -> int:
    """The engine's own rate at which this many words are heard in a minute. It counts an ideograph as a word, of which
    people say three where they say two words (see `length_in_words`)."""
    words = words_per_minute * (IDEOGRAPHS_PER_WORD if is_unspaced(language) else 1)
    return max(SLOWEST, min(FASTEST, round(words / WORDS_PER_ENGINE_WORD)))
