"""What no line of a dialogue and no oracle may be, whoever wrote it: another language, a model speaking of itself."""

import re

from pipeline.errors import Refusal
from pipeline.sources.language import contradicts, of_text

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
# 'A' and 'I' are words too, where they are small.
_OPTION_RE = re.compile(r"\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer) (?:[A-J]|[b-hj])\b(?!['’-])")
_OPTION_ELSEWHERE_RE = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoix|[Rr]éponse|[Oo]pción|[Rr]espuesta|Antwort|[Вв]ариант|[Оо]твет|الخيار|الجواب) "
    r"[A-J]\b(?!['’-])"
    r"|(?:选项|選項)[A-J](?![A-Za-z])|答案[是为]?[A-J](?!\w)"
)


def check_said(text: str, language: str) -> None:
    """Passes what a person could say in that language. Raises Refusal: `model_talk`, `wrong_language`, `letters`."""
    if found := _SELF_RE.search(text):
        raise Refusal("model_talk", f"'{found[0]}' in '{text[:80]}'")
    wanted = language.split("-")[0]
    spoken = _not_english(text) if wanted == "en" else contradicts(text, wanted)
    if spoken:
        raise Refusal("wrong_language", f"'{text[:80]}' is in '{spoken}', not in '{wanted}'")
    if found := (_OPTION_RE if wanted == "en" else _OPTION_ELSEWHERE_RE).search(text):
        raise Refusal("letters", f"'{found[0]}' names an option by its letter")


def _not_english(text: str) -> str | None:
    """The other language that a text is in; `of_text` says `en` in doubt, and of a few words nothing is sure."""
    spoken = of_text(_SHARED_RE.sub(" ", text))
    few = len(text.split()) < _FEW_WORDS and text.isascii()
    return None if spoken == "en" or few else spoken
