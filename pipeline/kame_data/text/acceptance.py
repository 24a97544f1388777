"""Checks of every line of a dialogue and every oracle, whoever wrote it: no other language, no model that speaks of
itself."""

import re

from kame_data.errors import Refusal
from kame_data.text import lexicon
from kame_data.text.function_words import function_words
from kame_data.text.language import contradicts, of_text

# A model that speaks of itself, or that will not answer.
_SELF_RE = re.compile(
    r"\bas an? (?:\w+ )?(?:ai|artificial intelligence|language model|assistant model|llm|chatbot)\b(?! [a-z]+er\b)"
    r"|\bi(?:'m| am) (?:an? |just an? |only an? )?(?:ai|artificial intelligence|language model|llm|chatbot|"
    r"computer program|virtual assistant|voice assistant|machine learning model)\b"
    r"|\bi (?:do not|don't) have (?:access to|personal|feelings|opinions|the ability)\b|\bi apologi[sz]e\b"
    r"|\ben tant qu'(?:une? )?(?:ia|intelligence artificielle|modèle)\b"
    r"|\bals (?:eine? )?(?:ki|künstliche|sprachmodell)\b"
    r"|\bcomo (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje)\b|作为(?:一个|一名)?(?:AI|人工智能|语言模型)"
    r"|\bкак (?:ии|искусственный интеллект|языковая модель)\b"
    r"|\bi(?:'m| am) (?:sorry|afraid),? (?:but )?i (?:can't|cannot|can not|won't|am unable|'m unable)\b"
    r"|\bi (?:can't|cannot|won't|am unable to|'m unable to) (?:help|assist|comply|fulfill?|answer that|discuss|"
    r"provide)\b"
    r"|\b(?:my training data|my knowledge cutoff)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 5
# Words that are frequent elsewhere and are English too.
_SHARED_RE = re.compile(r"\b(?:die|den|des|son|pour|par|on|la|el|con|des|no|y)\b", re.IGNORECASE)
# A title of another language within a line: from its capital on.
_TITLE_RE = re.compile(
    r"([A-Z][^.?!]*?\s)[\"'“«]?(?:À|Le|La|Les|L'|L’|Un|Une|Des?|Du|El|Los|Las|Der|Die|Das|Il|Lo|I)\b['’]?\s?[\w'’ -]+"
)
_WORD_RE = re.compile(r"[^\W\d_]+")
# What English says before a title.
_FRAMING = frozenset(
    [
        "wrote",
        "written",
        "write",
        "writes",
        "read",
        "painted",
        "paint",
        "painting",
        "composed",
        "sang",
        "directed",
        "published",
        "called",
        "titled",
        "know",
        "love",
        "novel",
        "book",
        "film",
        "song",
        "opera",
        "play",
        "poem",
        "author",
        "famous",
    ]
)
# 'A' and 'I' are words too, where they are small.
_OPTION_RE = re.compile(r"\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer) (?:[A-J]|[b-hj])\b(?!['’-])")
_OPTION_ELSEWHERE_RE = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoix|[Rr]éponse|[Oo]pción|[Rr]espuesta|Antwort|[Вв]ариант|[Оо]твет|الخيار|الجواب) "
    r"[A-J]\b(?!['’-])"
    r"|(?:选项|選項)[A-J](?![A-Za-z])|答案[是为]?[A-J](?!\w)"
)


def check_said(text: str, language: str) -> None:
    """Pass a text that a person could say in that language. Raises Refusal: `model_talk`, `wrong_language`,
    `letters`."""
    if found := _SELF_RE.search(text):
        raise Refusal("model_talk", f"'{found[0]}' in '{text[:80]}'")
    wanted = language.split("-")[0]
    spoken = _not_english(text) if wanted == "en" else contradicts(text, wanted)
    if spoken:
        raise Refusal("wrong_language", f"'{text[:80]}' is in '{spoken}', not in '{wanted}'")
    if found := (_OPTION_RE if wanted == "en" else _OPTION_ELSEWHERE_RE).search(text):
        raise Refusal("letters", f"'{found[0]}' names an option by its letter")


def _frames_a_title(text: str) -> bool:
    """True where a line is English around a title of another language: Proust wrote À la recherche du temps perdu."""
    found = _TITLE_RE.match(text)
    if not found:
        return False
    # Names apart, all around the title is English and none of it is a function word elsewhere.
    words = [word for word in _WORD_RE.findall(found[1]) if word[0].islower() or found[1].startswith(word)]
    own = function_words("en")
    rest = [word.casefold() for word in words if word.casefold() not in own]
    if any(word in function_words(code) for word in rest for code in ("fr", "de", "es", "it", "pt")):
        return False
    plain = [word for word in rest if word.isascii() and lexicon.is_word(word)]
    named = [word for word in words if word[0].isupper() and word.casefold() in rest and word.casefold() not in plain]
    return len(plain) + len(named) == len(rest) and any(word in _FRAMING for word in plain)


def _not_english(text: str) -> str | None:
    """The other language that a text is in; `of_text` says `en` in doubt, and of a few words nothing is sure."""
    spoken = of_text(_SHARED_RE.sub(" ", text))
    if spoken != "en" and _frames_a_title(text):
        return None
    few = len(text.split()) < _FEW_WORDS and text.isascii()
    return None if spoken == "en" or few else spoken
