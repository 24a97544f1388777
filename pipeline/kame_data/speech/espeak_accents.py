"""The embedded voices: which of espeak-ng's accents and variants are the users', and which the assistant's."""

from kame_data.errors import Refusal
from kame_data.records import Split
from kame_data.text.words import IDEOGRAPHS_PER_WORD, is_unspaced

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
# What the engine counts as words a minute is sounds: at the same rate it says 1.02 (long words) to 1.45 (small talk) of
# the words that are there, in all accents and at all rates. The mean of turns about GSM8K and MMLU-Pro questions:
WORDS_PER_ENGINE_WORD = 1.12
# A turn of long words is said somewhat faster, a turn of short ones slower, but no voice runs or drawls. A few words
# say little about the pace: as many more are taken to be of the usual length.
RATE_REACH = (0.75, 1.25)
USUAL_WORDS = 6
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
    """True where the voice's accent belongs to the language."""
    return voice.partition("+")[0] in ACCENTS.get(language.split("-")[0], {})


def engine_pitch(pitch: float) -> int:
    """A shift in [-1, 1] on the engine's scale of 0 to 99."""
    return round(PITCH_MIDDLE + PITCH_REACH * max(-1.0, min(1.0, pitch)))


def engine_rate(words_per_minute: int, language: str = "en") -> int:
    """The engine's own rate at which this many words of the usual length are heard in a minute. It counts an ideograph
    as a word, of which people say three where they say two words (see `length_in_words`)."""
    return _bounded(_ours(words_per_minute, language) / WORDS_PER_ENGINE_WORD)


def paced_rate(rate: int, words: int, seconds: float, words_per_minute: int, language: str = "en") -> int:
    """The engine's own rate at which a text has the pace that is wanted, where at `rate` its words took `seconds`."""
    wanted = _ours(words_per_minute, language) / 60
    factor = (seconds * wanted + USUAL_WORDS) / (words + USUAL_WORDS)
    return _bounded(rate * max(RATE_REACH[0], min(RATE_REACH[1], factor)))


def _ours(words_per_minute: int, language: str) -> float:
    return words_per_minute * (IDEOGRAPHS_PER_WORD if is_unspaced(language) else 1)


def _bounded(rate: float) -> int:
    return max(SLOWEST, min(FASTEST, round(rate)))
