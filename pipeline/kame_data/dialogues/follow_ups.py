"""Follow-ups: turns of the user's that ask on, and need what came before to be understood."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kame_data.errors import Refusal
from kame_data.records import Dialogue
from kame_data.text.answers import tells
from kame_data.text.function_words import function_words
from kame_data.text.words import bare_words, length_in_words

MOST_WORDS = 30
"""The longest follow-up, by `length_in_words`: who needs more says it all again."""
STEM = 5
"""Letters by which two inflections are taken for one word."""
_QUESTION = "?？؟"


@dataclass(frozen=True, slots=True)
class _Leaning:
    """The signs by which a language leans on what was said: words that point back, beginnings that go on, and, behind a
    definite article, a noun that was said before."""

    pointing: re.Pattern[str]
    beginning: re.Pattern[str]
    noun: re.Pattern[str]

    def __call__(self, text: str, before: set[str]) -> bool:
        """Tell whether a text leans on what came before, whose words begin so."""
        if self.pointing.search(text) or self.beginning.search(text):
            return True
        return any(noun[:STEM].casefold() in before for found in self.noun.findall(text) for noun in found)


def _leaning(pointing: str, beginning: str, article: str = "") -> _Leaning:
    # Between article and noun there may be another word: 'the second bridge'.
    noun = rf"\b(?:{article})\b['’]?\s*(\w+)(?=\W+(\w+)|\W*$)" if article else r"(?!)(x)(x)"
    made = (re.compile(of, re.IGNORECASE) for of in (pointing, rf"^\W*(?:{beginning})", noun))
    return _Leaning(*made)


# 'That', 'this' and 'the' also join clauses or come before nouns: they count only where they stand for something.
_LEANINGS: Mapping[str, _Leaning] = {
    "ar": _leaning(r"\b(?:ذلك|تلك|هذا|هذه|هو|هي|هم|هنا|هناك)\b", r"و|ف|لكن|لماذا|كيف ذلك|لو|ماذا لو|إذا"),
    "de": _leaning(
        r"\b(?:es|er|ihn|ihm|dies\w*|jene\w*|da(?:von|für|mit|ran|rauf|rin|zu|bei|gegen|durch|raus|nn|s)|dort|"
        r"derselbe\w*|dasselbe|letztere\w*|stattdessen)\b",
        r"und|aber|also|oder|wenn|warum|wieso|was wäre|was ist mit|wie kommt",
        "der|die|das|dem|den|des",
    ),
    "en": _leaning(
        r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|these|those|itself|themselves|the same|the other|"
        r"another one|ones|the former|the latter|instead|otherwise|you said|you just|you mentioned|either way|in that "
        r"case|this|back then|your|again|the previous|the original|the (?:first|second|third|last) one)\b"
        r"|\b(?:of|if|is|was|does|did|do|would|could|can|about|for|with|after|before|by|than|like|why|how|and|to|from|"
        r"when|on|in|mean|means) that\b(?!\s+(?:the|a|an)\b)"
        r"|\bthat(?:'s|'d|'ll)?(?=[?,.!]| (?:is|was|would|will|mean|means|change|changes|work|works|still|also|be)\b)"
        r"|\b(?:from|in|up|down|over)? ?there(?=[?,.!])|\bone(?=[?,.!])|\bboth(?=[?,.!])",
        r"and\b|but\b|so\b|or\b|then\b|what if\b|what about\b|how about\b|how come\b|why not\b|why so\b|even if\b|"
        r"now (?:if|what)\b",
        "the|each|every|another|more|other",
    ),
    "es": _leaning(
        r"\b(?:eso|esto|ello|él|ellos?|ellas?|es[ae]s?|est[ae]s?|aquell?[oa]s?|lo mismo|allí|ahí|entonces)\b",
        r"¿?\s*(?:y|pero|entonces|o|si|por qué|qué pasa)\b",
        "el|la|los|las|del|al",
    ),
    "fr": _leaning(
        r"\b(?:il|elle|ils|elles|ça|cela|ceci|celui|celle|ceux|celles|lui|leur|ce|cette|ces|là|le même|la même|y)\b"
        r"|\bc['’]",
        r"et|mais|donc|alors|ou|si|pourquoi|qu['’]en est-il",
        "le|la|les|l|du|des|aux?",
    ),
    "ru": _leaning(
        r"\b(?:это\w*|этого|этом|этим|он|она|оно|они|его|её|ее|их|им|там|тогда|то же|такой|такая|такое|такие)\b",
        r"а|и|но|или|если|почему|как так|что если",
    ),
    "zh": _leaning(r"[这那它他她其]|同样|前者|后者|如此", r"那|如果|要是|为什么|可是|但|而|换成|假如"),
}


def stems(text: str, language: str) -> set[str]:
    """The beginnings of a text's content words, which their inflections share."""
    return {word[:STEM] for word in bare_words(text, language) if word not in function_words(language)}


def check_follow_ups(dialogue: Dialogue) -> None:
    """Pass a dialogue whose user asks on in every turn behind the first.

    Raises Refusal: `no_question` (a greeting, thanks, a remark), `follow_up_long`, `follow_up_restates` (it says most
    of an earlier turn again), `follow_up_alone` (nothing in it points back; only where the language is known here).
    """
    asked = [turn.text for turn in dialogue.turns if turn.role == "user"]
    leaning = _LEANINGS.get(dialogue.language.split("-")[0])
    for number, text in enumerate(asked[1:], 1):
        if not any(mark in text for mark in _QUESTION):
            raise Refusal("no_question", f"a turn of the user's asks nothing: '{text[:80]}'")
        if (words := length_in_words(text, dialogue.language)) > MOST_WORDS:
            raise Refusal("follow_up_long", f"{words} words in '{text[:80]}'; at most {MOST_WORDS}")
        if any(tells(text, earlier, dialogue.language) for earlier in asked[:number]):
            raise Refusal("follow_up_restates", f"'{text[:80]}' asks the same once more")
        before = " ".join(turn.text for turn in dialogue.turns[: 2 * number])
        if leaning and not leaning(text, stems(before, dialogue.language)):
            raise Refusal("follow_up_alone", f"'{text[:80]}' needs nothing that was said before")
