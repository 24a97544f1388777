"""Words of a turn, by language: what a prefix counts, and how words make text again."""

import re

# Languages written without spaces: a word is one ideograph (or kana), or a run of anything else, and the punctuation
# that follows it.
_UNSPACED = frozenset({"zh", "ja", "yue"})
_IDEOGRAPH = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED_WORD = re.compile(rf"(?:[{_IDEOGRAPH}]|[^\W{_IDEOGRAPH}](?:[\w'’-](?<![{_IDEOGRAPH}]))*|\S)(?:[^\w\s])*\s*")


def is_unspaced(language: str) -> bool:
    """Whether a language is written without spaces between its words."""
    return language.split("-")[0] in _UNSPACED


def split_words(text: str, language: str = "en") -> list[str]:
    """The words of spoken text, punctuation on the word before it; `join_words` of them is the text again.

    For a language with spaces the inverse holds for text with single spaces, as `say` gives it.
    """
    if not is_unspaced(language):
        return text.split()
    return _UNSPACED_WORD.findall(text.strip())


def join_words(words: list[str], language: str = "en") -> str:
    """Words as text: with spaces between, or for Chinese and Japanese with nothing between."""
    return "".join(words).strip() if is_unspaced(language) else " ".join(words)
