"""Arrivals of the oracles of a dialogue in which an answer starts early or waits behind a filler.

The speech stage places such an answer by them, and knows no oracles, only which prefixes are planned. So here, unlike
in `replay`, a request is made for every planned prefix, whether its oracle was refused or not: then the shard, which
has the oracles, finds the same arrivals. Where the loop cancels the oracle with which an answer starts, the delays of
the dialogue are drawn again, until it comes.
"""

from collections.abc import Iterable, Sequence

from kame_data.errors import Refusal
from kame_data.levels import LevelSchedule
from kame_data.oracles.replay import Arrival, planned_arrivals
from kame_data.oracles.simulate import answered_turns
from kame_data.records import Dialogue, Word
from kame_data.settings.latency import LatencySettings
from kame_data.text.words import split_words

ATTEMPTS = 200
"""Most times that the delays of a dialogue are drawn."""


def planned_prefixes(dialogue: Dialogue, schedule: LevelSchedule) -> dict[int, list[int]]:
    """The prefixes that are planned for each of the user's answered turns, as rising counts of words."""
    found = {}
    for turn, _ in answered_turns(dialogue):
        total = len(split_words(dialogue.turns[turn].text, dialogue.language))
        prefixes = schedule.prefixes(turn, total, dialogue.guessing.get(turn, 0))
        if counts := sorted({prefix.words for prefix in prefixes}):
            found[turn] = counts
    return found


def early_arrivals(
    dialogue: Dialogue,
    planned: dict[int, list[int]],
    words: Sequence[Word] | Iterable[Word],
    latency: LatencySettings,
    seed: int,
) -> dict[tuple[int, int], Arrival]:
    """The arrivals of the planned prefixes, by (turn, words of the prefix), to the millisecond.

    `words` are the spoken words of the turns with planned prefixes, in order; later turns change nothing of what came
    before them. Raises Refusal(`early_oracle`) where an oracle that an answer starts with never comes.
    """
    spoken = list(words)
    begun = [
        (start.asked, start.prefix_words)
        for start in dialogue.starts
        if start.kind == "early" and start.asked in planned
    ]
    for attempt in range(ATTEMPTS):
        found = planned_arrivals(dialogue.id, planned, spoken, latency, seed, attempt)
        if all(found[key].time is not None for key in begun):
            return found
    raise Refusal("early_oracle", f"the loop cancels the oracle of {begun[0][1]} words in {ATTEMPTS} draws of delays")
