"""Hesitations of a person who thinks aloud: where they stand, and what is said there ('um', and its like by language).

A hesitation word stands at the start of a clause, or between a small word and a word that somebody has to search
for: a name, a number, a content word. It never stands inside a number, a name or a hyphenated word, nor before a mark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kame_data.text.words import join_words, split_words

HESITATIONS: dict[str, tuple[str, ...]] = {
    "ar": ("امم", "آه"),
    "de": ("äh", "ähm", "hm"),
    "en": ("um", "uh", "er", "hmm"),
    "es": ("eh", "em"),
    "fr": ("euh", "hum"),
    "ru": ("э", "эм"),
    "zh": ("嗯", "呃"),
}
"""Hesitation words by language, the most frequent first; a language that is not here has none."""

_THINKING = frozenset({"hm", "hmm", "hum"})

LEAST_WORDS = 6
"""Nobody hesitates in a turn of fewer words."""
APART = 6
"""Words from one place to the next, at the least."""

_STOPS, _COMMAS = ".?!。？！؟", ",;:，；：、،؛"
_COMMA = {"ar": "،", "zh": "，"}


@dataclass(frozen=True, slots=True)
class _Habits:
    """A language's small words. `opens`: they begin a sentence, and lose its capital behind a hesitation. `after`:
    one hesitates behind them, before a word that is none of `opens`; `joins`: before any word; `sought`: before a name
    or a number alone. `never`: before these one does not. `nouns`: all nouns have capitals, so that these tell no name.
    """

    opens: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    joins: frozenset[str] = frozenset()
    sought: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    nouns: bool = False

    @property
    def small(self) -> frozenset[str]:
        """The words behind which a hesitation may stand within a clause."""
        return self.after | self.joins | self.sought


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EN_NEVER = """
    lot few bit little couple while dozen half day week month year hour minute second foot pair piece same other others
    first last rest whole one ones two way most least end right next only course example instance fact total general
    order plus minus times squared cubed over divided equals equal percent point degrees called stuck left not so on
    please too though thanks okay then advance out up down off back away forth around over kind sort
"""
_HABITS: dict[str, _Habits] = {
    "ar": _Habits(sought=_words("من في على إلى عن بين")),
    "de": _Habits(
        opens=_words(
            "ich du er sie es wir ihr man der die das ein eine einer eines einem einen den dem des wer was wie wo wann "
            "warum welche welcher welches welchen in im an am auf aus bei mit nach von vom zu zum zur für um und oder "
            "aber denn weil wenn ob dass also ja nun ist sind war waren hat haben kann können könntest kannst wird "
            "nicht kein keine mein meine dieser diese dieses hier da dann so bitte welchem welcher sag ihn ihm ihre "
            "sich uns hatte gibt"
        ),
        after=_words("der die das den dem des ein eine einen einem einer mit von für ist sind war über zwischen"),
        joins=_words("und oder aber weil wenn ob dass"),
        sought=_words("in im am bei aus nach zu zum zur"),
        never=_words("paar bisschen meisten gleiche gleichen andere anderen selben bitte danke nicht so"),
        nouns=True,
    ),
    "en": _Habits(
        opens=_words(
            "a an the of in on at to by for from with about between into after before during under over through and or "
            "but because if so as that this these those it its is are was were be been am i you he she we they me him "
            "her us them my your his our their who whom whose what which when where why how do does did can could "
            "would should will may might must has have had not no there here then than well okay all any some each "
            "every both most many much more let just also say tell suppose imagine given according one two three four "
            "five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty seventy eighty ninety "
            "together once first now still please while until since though"
        ),
        after=_words(
            "the a an is are was were of with for from between about than what which that called into if "
            "it's that's i'm"
        ),
        joins=_words("and or but because"),
        sought=_words("in on at by to after before"),
        never=_words(_EN_NEVER),
    ),
    "es": _Habits(
        opens=_words(
            "el la los las un una unos unas de del en a al con por para según sobre entre y o pero porque si que qué "
            "cuál cuáles cómo cuándo dónde quién quiénes cuánto cuánta cuántos cuántas es son era fue hay tengo quiero "
            "quisiera puedo puedes podrías me te se lo le nos mi tu su yo él ella este esta estos estas ese esa eso "
            "esto no ni también ya muy más como cuando donde cada todo toda todos bueno pues entonces"
        ),
        after=_words("el la los las un una de del con para es son era fue que qué cuál sobre entre"),
        joins=_words("pero porque si o"),
        sought=_words("en a al por según"),
        never=_words("mismo misma mismos otro otra otros vez poco cual cuales favor ejemplo parte ciento"),
    ),
    "fr": _Habits(
        opens=_words(
            "le la les l un une des de du d à au aux en dans sur sous avec sans pour par selon entre et ou mais parce "
            "si que qu qui quoi quel quelle quels quelles comment quand où pourquoi combien est sont était c ce cet "
            "cette ces ça je j tu il elle on nous vous ils elles me m te t se s y n ne pas mon ma mes ton son sa leur "
            "a ont peux peut pouvez pourriez voudrais alors donc bon il tout tous toute chaque lequel laquelle dis "
            "dites comme lorsque puisque depuis après avant pendant"
        ),
        after=_words("le la les un une des de du avec pour est sont était que quel quelle entre sur dans"),
        joins=_words("mais si ou"),
        sought=_words("à au aux en par selon"),
        never=_words("même mêmes autre autres peu plus moins fois plaît exemple fait pas bien cent"),
    ),
    "ru": _Habits(
        opens=_words(
            "я ты он она оно мы вы они мне тебе нам вам кто что какой какая какое какие каком какого как где когда "
            "почему сколько в во на с со из к ко о об от до по за для при без у через между и или но а если потому "
            "чтобы это этот эта эти тот та те не ни есть был была были будет может можно можешь можете скажи скажите "
            "подскажи вот так тогда уже ещё же бы мой моя мои ну да нет все всё каждый"
        ),
        after=_words("это был была были для между через какой какая какое какие"),
        joins=_words("и или но если потому"),
        sought=_words("в во на с со из к от до по за при"),
        never=_words("том же так есть не"),
    ),
    "zh": _Habits(),
}


def speaks(language: str) -> str:
    """The code by which the tables know the language."""
    return language.split("-")[0]


def hesitation_words(language: str, starts: bool) -> tuple[str, ...]:
    """The hesitation words at the start of a sentence, or those within one, which leave out humming."""
    return tuple(w for w in HESITATIONS.get(speaks(language), ()) if starts or w not in _THINKING)


def is_hesitation(word: str, language: str = "en") -> bool:
    """True where a word of a turn (with its punctuation) is a hesitation word."""
    return bare(word) in HESITATIONS.get(speaks(language), ())


def bare(word: str) -> str:
    """The word in small letters, without the marks around it."""
    return word.strip(_STOPS + _COMMAS + "¿¡").casefold().replace("’", "'")


def clause_end(word: str) -> bool:
    """True where a clause ends behind this word."""
    return word.rstrip()[-1:] in _STOPS + _COMMAS


def sentence_end(word: str) -> bool:
    """True where a sentence ends behind this word."""
    return word.rstrip()[-1:] in _STOPS


_JOINS = _words("and et y und و")


@cache
def _numerals(language: str) -> frozenset[str]:
    """Number words of a language, from which its numbers are built."""
    from num2words import num2words

    if speaks(language) == "zh":
        return frozenset("零〇一二两三四五六七八九十百千万亿")
    try:
        said = [num2words(n, lang=speaks(language)) for n in (*range(100), 100, 200, 1000, 2000, 10**6, 2 * 10**6)]
    except NotImplementedError:
        return frozenset()
    found = {word for text in said for word in text.casefold().replace("-", " ").split()}
    return frozenset(found | {"point", "oh"} if speaks(language) == "en" else found) - _JOINS


def is_numeral(word: str, language: str = "en") -> bool:
    """True for a word of a number, such as 'thirty-nine' or 'hundred'."""
    return any(part in _numerals(language) for part in bare(word).split("-"))


def within_unit(words: Sequence[str], at: int, language: str) -> bool:
    """True where the words before and after position `at` belong to one number or one name."""
    before, after = words[at - 1], words[at]
    if is_numeral(after, language):
        joined = bare(before) in _JOINS and at > 1
        if is_numeral(words[at - 2] if joined else before, language):
            return True
    if bare(after) in _JOINS and is_numeral(before, language) and is_numeral("".join(words[at + 1 : at + 2]), language):
        return True
    habits = _HABITS.get(speaks(language), _Habits())
    if clause_end(before) or habits.nouns or not _capital(after) or bare(after).split("'")[0] == "i":
        return False
    back = at - 1
    while back > 0 and bare(words[back]) in habits.opens and not _capital(words[back]):
        back -= 1
    return _capital(words[back]) and bare(words[back]).split("'")[0] not in habits.opens


def _capital(word: str) -> bool:
    return word.lstrip("¿¡")[:1].isupper()


def _opens_small(word: str, habits: _Habits) -> bool:
    """True where a sentence that begins with this word may lose its capital: the word is neither a name nor a noun that
    always has one."""
    first = bare(word).split("'")[0]
    return first in habits.opens if habits.opens else not _capital(word)


def candidates(words: Sequence[str], language: str = "en") -> list[int]:
    """The positions before which a person might hesitate, rising; 0 is the start of the turn."""
    habits = _HABITS.get(speaks(language))
    if habits is None or len(words) < LEAST_WORDS:
        return []
    near = {i + step for i, word in enumerate(words) if is_hesitation(word, language) for step in (0, 1)}
    return [i for i in range(len(words)) if i not in near and _hesitates_at(words, i, habits, language)]


def _hesitates_at(words: Sequence[str], at: int, habits: _Habits, language: str) -> bool:
    word = bare(words[at])
    if at == 0 or sentence_end(words[at - 1]):
        return _opens_small(words[at], habits)
    if within_unit(words, at, language) or word in habits.never:
        return False
    before = bare(words[at - 1])
    if clause_end(words[at - 1]):
        return before not in habits.small
    if before in habits.joins:
        return True
    if before in habits.after:
        return word.split("'")[0] not in habits.opens or is_numeral(word, language)
    return before in habits.sought and (_capital(words[at]) or is_numeral(word, language))


def hesitate(words: Sequence[str], said: Mapping[int, str], language: str = "en") -> list[str]:
    """`words` with the hesitation words `said`, each before the word at its position; capitals and commas in place."""
    comma = _COMMA.get(speaks(language), ",")
    out: list[str] = []
    for position, word in enumerate(words):
        if hesitation := said.get(position):
            starts = position == 0 or sentence_end(words[position - 1])
            if out and not clause_end(out[-1]):
                out[-1] += comma
            upper = starts and _capital(word)
            out.append((hesitation.capitalize() if upper else hesitation) + comma)
            word = _small(word) if upper else word
        out.append(word)
    return out


def _small(word: str) -> str:
    if bare(word).split("'")[0] == "i":
        return word
    mark = len(word) - len(word.lstrip("¿¡"))
    return word[:mark] + word[mark : mark + 1].lower() + word[mark + 1 :]


def without_hesitations(text: str, language: str = "en") -> str:
    """The words of a turn, or of its beginning, without hesitations: the inverse of `hesitate`."""
    if not HESITATIONS.get(speaks(language)):
        return text
    small = _HABITS[speaks(language)].small
    out: list[str] = []
    capital = False
    for word in split_words(text, language):
        if is_hesitation(word, language):
            capital = capital or _capital(word)
            if out and bare(out[-1]) in small and not sentence_end(out[-1]):
                out[-1] = out[-1].rstrip(_COMMAS)
            continue
        if capital:
            mark = len(word) - len(word.lstrip("¿¡"))
            word, capital = word[:mark] + word[mark : mark + 1].upper() + word[mark + 1 :], False
        out.append(word)
    return join_words(out, language)
