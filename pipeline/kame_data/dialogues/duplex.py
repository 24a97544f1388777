"""The parts of a duplex conversation that are decided in words: hesitations, back-channels, and barge-ins of the user.

A dialogue that was accepted becomes the dialogue that is spoken. Nothing here is asked of a writer, so a changed
setting costs no call. Every choice has a stream of its own, so that a larger share keeps what a smaller one chose.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kame_data.records import Dialogue, Role, Turn
from kame_data.seeds import rng
from kame_data.settings.tree import DuplexSettings
from kame_data.text.answers import holds_answer
from kame_data.text.function_words import function_words
from kame_data.text.hesitations import (
    APART,
    HESITATIONS,
    bare,
    candidates,
    clause_end,
    hesitate,
    hesitation_words,
    is_hesitation,
    is_numeral,
    sentence_end,
    speaks,
    within_unit,
)
from kame_data.text.interruptions import BACK_CHANNELS, INTERRUPTIONS
from kame_data.text.normal import names, normalise
from kame_data.text.words import bare_words, is_unspaced, join_words, split_words

VERSION = 1
LONGER = 14
"""Words from which on a turn is long enough for the other side to say a back-channel."""
CLAUSE = 4
"""Words before a back-channel since the last clause end, and between it and the end of the turn, at the least."""
SAID, UNSAID = 4, 3
"""Words of an interrupted turn that are said, and that are not, at the least."""
REACTION = 4
"""Words that a user who breaks off lets pass after the answer, at the most."""
SHORT_ANSWER = 12
"""Words of an answer that can be given in short, at the most."""


def make_duplex(dialogue: Dialogue, settings: DuplexSettings, seed: int) -> Dialogue:
    """The dialogue as it is spoken; the same one where all shares are 0. Depends on (seed, dialogue, settings) alone.

    In a language without words for it nothing is added (see `HESITATIONS`, `BACK_CHANNELS`, `INTERRUPTIONS`).
    """
    dialogue = _with_hesitations(dialogue, settings.hesitation, seed)
    dialogue = _with_barge_in(dialogue, settings.barge_in, seed)
    return _with_back_channels(dialogue, settings, seed)


def _with_hesitations(dialogue: Dialogue, share: float, seed: int) -> Dialogue:
    if not share or speaks(dialogue.language) not in HESITATIONS:
        return dialogue
    turns = []
    for number, turn in enumerate(dialogue.turns):
        if turn.role == "user":
            draws = rng(seed, "hesitation", dialogue.id, number)
            said = split_words(turn.text, dialogue.language)
            chosen = {}
            for place in hesitation_places(said, dialogue.language, draws):
                words = hesitation_words(dialogue.language, starts=place == 0 or sentence_end(said[place - 1]))
                word = draws.choices(words, weights=range(len(words), 0, -1))[0]
                if draws.random() < share:
                    chosen[place] = word
            text = join_words(hesitate(said, chosen, dialogue.language), dialogue.language)
            turn = replace(turn, text=text, intended_text=text)
        turns.append(turn)
    return replace(dialogue, turns=tuple(turns))


def hesitation_places(words: Sequence[str], language: str, draws: random.Random) -> list[int]:
    """The places of a turn where a person might hesitate, rising and `APART` words apart; which ones is drawn."""
    found = candidates(words, language)
    kept: list[int] = []
    for place in draws.sample(found, len(found)):
        if all(abs(place - other) >= APART for other in kept):
            kept.append(place)
    return sorted(kept)


def _with_back_channels(dialogue: Dialogue, settings: DuplexSettings, seed: int) -> Dialogue:
    shares: dict[Role, float] = {"user": settings.user_back_channel, "assistant": settings.assistant_back_channel}
    phrases = [p for p in BACK_CHANNELS.get(speaks(dialogue.language), ()) if not _names(dialogue, p)]
    if not any(shares.values()) or not phrases:
        return dialogue
    turns: list[Turn] = []
    for number, turn in enumerate(dialogue.turns):
        turns.append(turn)
        listener: Role = "assistant" if turn.role == "user" else "user"
        draws = rng(seed, "back-channel", dialogue.id, number)
        chance = draws.random()
        found = back_channel_places(split_words(turn.text, dialogue.language), dialogue.language)
        if found and chance < shares[listener]:
            after, phrase = draws.choice(found), draws.choice(phrases)
            turns.append(Turn(listener, phrase, phrase, "back_channel", after))
    return replace(dialogue, turns=tuple(turns))


def back_channel_places(words: Sequence[str], language: str) -> list[int]:
    """The numbers of words after which the other side may say a back-channel.

    Those are clause ends with some words since the last one and some more to come; not behind a question, which wants
    an answer, nor around a hesitation.
    """
    if len(words) < LONGER:
        return []
    found, last = [], 0
    for count, word in enumerate(words[: len(words) - CLAUSE], start=1):
        if not clause_end(word) or is_hesitation(word, language):
            continue
        if count - last >= CLAUSE and not _asks(word) and not is_hesitation(words[count], language):
            found.append(count)
        last = count
    return found


@dataclass(frozen=True, slots=True)
class _BargeIn:
    """Assistant turn `turn` is cut after `words` of its words; `then` are the turns put behind it."""

    turn: int
    words: int
    then: tuple[Turn, ...]


def _with_barge_in(dialogue: Dialogue, share: float, seed: int) -> Dialogue:
    if not share:
        return dialogue
    draws = rng(seed, "barge-in", dialogue.id)
    chance = draws.random()
    ways = barge_ins(dialogue, draws)
    if not ways or chance >= share:
        return dialogue
    way = draws.choice(ways)
    cut = dialogue.turns[way.turn]
    said = split_words(cut.text, dialogue.language)[: way.words]
    cut = replace(cut, text=join_words(said, dialogue.language))
    turns = (*dialogue.turns[: way.turn], cut, *way.then, *dialogue.turns[way.turn + 1 :])
    return replace(dialogue, turns=turns)


def barge_ins(dialogue: Dialogue, draws: random.Random) -> list[_BargeIn]:
    """A way for each kind of barge-in that the dialogue has room for.

    They cut the first assistant turn that tells the answer: behind it (the user's own next turn interrupts, or a word
    of thanks where there is none), or before it (the user asks for the point, and the assistant says it in short).
    """
    language = dialogue.language
    phrases = INTERRUPTIONS.get(speaks(language))
    if phrases is None:
        return []
    answers = ((n, split_words(t.text, language)) for n, t in enumerate(dialogue.turns) if t.role == "assistant")
    tellings = ((n, words, _told(words, dialogue)) for n, words in answers)
    number, words, told = next((found for found in tellings if found[2] is not None), (0, [], None))
    own = dialogue.turns[number + 1 :][:1]
    # A question about what then was not said would hang in the air.
    if told is None or (own and _asks(own[0].text) and not _names(dialogue, own[0].text)):
        return []
    cuts = [n for n in range(SAID, len(words) - UNSAID + 1) if _breaks_at(words, n, language)]
    length = len(split_words(dialogue.answer, language))
    found = []
    if late := _late(words, cuts, dialogue):
        then = () if own else _exchange(*draws.choice(phrases.enough))
        found.append(_BargeIn(number, draws.choice(late), then))
    early = [n for n in cuts if n <= told - length]
    if early and length <= SHORT_ANSWER:
        stated = phrases.stated if _stands_behind_verb(dialogue) else ()
        answer = dialogue.answer.rstrip(".!。 ")
        put = draws.choice(phrases.short + stated)
        short = put.replace("{answer}", answer).replace("{Answer}", answer[:1].upper() + answer[1:])
        found.append(_BargeIn(number, draws.choice(early), _exchange(draws.choice(phrases.point), short)))
    return found


def _asks(text: str) -> bool:
    return any(mark in text for mark in "?？؟")


def _late(words: Sequence[str], cuts: Sequence[int], dialogue: Dialogue) -> list[int]:
    """The cuts shortly after the answer's very words, or after the sentence that has them."""
    language = dialogue.language
    counts = range(1, len(words) + 1)
    named = next((n for n in counts if _names(dialogue, join_words(list(words[:n]), language))), None)
    if named is None:
        return []
    # One word alone may have stood there by chance, where it comes again.
    if len(split_words(dialogue.answer, language)) == 1 and _names(dialogue, join_words(list(words[named:]), language)):
        return []
    closed = next((n for n in counts if n >= named and sentence_end(words[n - 1])), named)
    return [n for n in cuts if any(0 < n - heard <= REACTION for heard in (named, closed))]


def _exchange(user: str, assistant: str) -> tuple[Turn, Turn]:
    return Turn("user", user, user), Turn("assistant", assistant, assistant)


def _stands_behind_verb(dialogue: Dialogue) -> bool:
    first = dialogue.answer.split()[0] if dialogue.answer.split() else ""
    plain = not any(clause_end(word) for word in dialogue.answer.split()[:-1])
    return plain and (bare(first) in INTERRUPTIONS[speaks(dialogue.language)].nouns or is_numeral(first, "en"))


def _told(words: Sequence[str], dialogue: Dialogue) -> int | None:
    """The number of words after which the answer has been told; None where it is not told."""
    for count in range(1, len(words) + 1):
        said = join_words(list(words[:count]), dialogue.language)
        if holds_answer(said, dialogue.answer, dialogue.language) or _names(dialogue, said):
            # A number is whole only where its last word is.
            while count < len(words) and within_unit(words, count, dialogue.language):
                count += 1
            return count
    return None


def _names(dialogue: Dialogue, said: str) -> bool:
    """True where `said` holds exactly the words of the answer; in a language without spaces, exactly its signs."""
    return names(normalise(said), normalise(dialogue.answer), dialogue.language)


def _breaks_at(words: Sequence[str], count: int, language: str) -> bool:
    """True where a turn may be cut after so many words: within a sentence, but not within a number or a name. Where a
    word of ours is an ideograph, next to a function sign or a mark, so that what people call a word stays whole."""
    if is_unspaced(language) and not clause_end(words[count - 1]):
        small = function_words(language)
        if not small & {*bare_words(words[count - 1], language), *bare_words(words[count], language)}:
            return False
    return not any(map(sentence_end, words[count - 2 : count])) and not within_unit(words, count, language)
