"""The numbers of an evaluation: mean ratings with intervals, differences between systems, latencies.

Every item has the same weight. The ratings of an item's turn (repeats of the conversation, repeats of the judge) are
averaged first, then the turns of the item, then the items; a rating that failed is left out of its average, and each
figure says how many it leaves out. Intervals are over items (see `intervals`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import pearsonr, spearmanr

from kame_data.evaluate.intervals import Interval, bootstrap
from kame_data.evaluate.records import Channel, Conversation, Heard, Item, Rating


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """What one column of ratings is of."""

    system: str
    channel: Channel
    judge: str


@dataclass(frozen=True, slots=True)
class Score:
    """A rating with what it is of. `rating` is None where it failed."""

    series: Series
    item: str
    category: str
    turn: int
    rating: float | None
    words: int


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean rating: of one category ("" for all) and one turn (None for all).

    `value` and `words` (of an answer) are None where no item has a rating, `interval` where fewer than two have one.
    `items` are in the mean; `left_out` have no rating that could count. `failed` of `ratings` ratings were not given.
    """

    series: Series
    category: str
    turn: int | None
    value: float | None
    interval: Interval | None
    items: int
    left_out: int
    ratings: int
    failed: int
    words: float | None

    @property
    def share_failed(self) -> float:
        """The share of ratings that were not given."""
        return self.failed / self.ratings if self.ratings else 0.0

    def told(self) -> str:
        """The mean as a person reads it, with what it leaves out."""
        value = "-" if self.value is None else f"{self.value:.2f}"
        if self.interval is not None:
            value += f" [{self.interval.low:.2f}, {self.interval.high:.2f}]"
        if not self.failed:
            return value
        without = f", {self.left_out} of {self.items + self.left_out} questions without one" if self.left_out else ""
        return f"{value} ({self.failed} of {self.ratings} ratings failed{without})"


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of one series less that of another, on the turns of items for which both have a rating.

    `higher`, `equal` and `lower` count items of the one. `left_out`: items that only one of the two has a rating for,
    or neither. `failed`: ratings of both that were not given.
    """

    one: Series
    other: Series
    category: str
    value: float | None
    interval: Interval | None
    items: int
    left_out: int
    failed: int
    higher: int
    equal: int
    lower: int


@dataclass(frozen=True, slots=True)
class LengthLink:
    """How the ratings of a series go with the words of the answers: correlations over the turns of items, None where
    there are fewer than three of them, or all are alike."""

    series: Series
    answers: int
    pearson: float | None
    spearman: float | None


@dataclass(frozen=True, slots=True)
class Latencies:
    """Signed latencies of a system's answers, in seconds from the end of the user's last word: negative ones began
    before it. `silent` answers had no onset and are in no figure. `early`: the share below 0. `content`: the median
    to the first word with content, over the answers in which one was heard."""

    system: str
    answers: int
    silent: int
    median: float | None
    ninetieth: float | None
    early: float | None
    content: float | None


def scores_of(
    ratings: Iterable[Rating], conversations: Iterable[Conversation], items: Iterable[Item]
) -> tuple[Score, ...]:
    """The ratings with what they are of. Raises KeyError for one of an unknown conversation or item."""
    held = {conversation.id: conversation for conversation in conversations}
    known = {item.id: item for item in items}
    found: list[Score] = []
    for rating in ratings:
        conversation = held[rating.conversation]
        item = known[conversation.item]
        series = Series(conversation.system, rating.channel, rating.judge)
        found.append(Score(series, item.id, item.category, rating.turn, rating.rating, rating.words))
    return tuple(found)


def series_of(scores: Iterable[Score]) -> dict[Series, tuple[Score, ...]]:
    """The scores by their series, in the series' order."""
    found: dict[Series, list[Score]] = defaultdict(list)
    for score in scores:
        found[score.series].append(score)
    return {series: tuple(found[series]) for series in sorted(found)}


def means(scores: Iterable[Score], seed: int) -> tuple[Mean, ...]:
    """The means of each series: over all, by turn, by category, and by both."""
    found: list[Mean] = []
    for series, own in series_of(scores).items():
        turns = sorted({score.turn for score in own})
        for category in ("", *sorted({score.category for score in own} - {""})):
            some = [score for score in own if category in ("", score.category)]
            found.append(_mean(series, category, None, some, seed))
            found += [_mean(series, category, t, [s for s in some if s.turn == t], seed) for t in turns]
    return tuple(found)


def _mean(series: Series, category: str, turn: int | None, scores: Sequence[Score], seed: int) -> Mean:
    values = _by_item(_by_turn(scores))
    # Words of the very answers whose ratings are in the mean.
    words = _by_item(_by_turn(scores, lambda score: None if score.rating is None else float(score.words)))
    interval = bootstrap(list(values.values()), seed, "mean", category, turn)
    items = len({score.item for score in scores})
    failed = sum(score.rating is None for score in scores)
    given = (_average(values.values()), interval, len(values), items - len(values))
    return Mean(series, category, turn, *given, len(scores), failed, _average(words.values()))


def paired(one: Sequence[Score], other: Sequence[Score], seed: int) -> tuple[Difference, ...]:
    """The differences of two series, each given as its scores: over all, and by category.

    Raises ValueError where the scores are of more series than one each, or there are none.
    """
    left, right = ({score.series for score in scores} for scores in (one, other))
    if len(left) != 1 or len(right) != 1:
        raise ValueError(f"each side is of one series; these are of {len(left)} and {len(right)}")
    sides = left.pop(), right.pop()
    found: list[Difference] = []
    for category in ("", *sorted({score.category for score in (*one, *other)} - {""})):
        ours, theirs = ([s for s in scores if category in ("", s.category)] for scores in (one, other))
        found.append(_difference(*sides, category, ours, theirs, seed))
    return tuple(found)


def _difference(
    left: Series, right: Series, category: str, one: Sequence[Score], other: Sequence[Score], seed: int
) -> Difference:
    ours, theirs = _by_turn(one), _by_turn(other)
    values = _by_item({place: ours[place] - theirs[place] for place in ours.keys() & theirs.keys()})
    signs = [0 if abs(value) < 1e-9 else 1 if value > 0 else -1 for value in values.values()]
    items = len({score.item for score in (*one, *other)})
    return Difference(
        left,
        right,
        category,
        _average(values.values()),
        bootstrap(list(values.values()), seed, "difference", category),
        len(values),
        items - len(values),
        sum(score.rating is None for score in (*one, *other)),
        *(signs.count(sign) for sign in (1, 0, -1)),
    )


def length_links(scores: Iterable[Score]) -> tuple[LengthLink, ...]:
    """How the ratings of each series go with the length of the answers."""
    found: list[LengthLink] = []
    for series, own in series_of(scores).items():
        given = [score for score in own if score.rating is not None]
        ratings, lengths = _by_turn(given), _by_turn(given, lambda score: float(score.words))
        pairs = [(ratings[place], lengths[place]) for place in ratings]
        found.append(LengthLink(series, len(pairs), *correlations(pairs)))
    return tuple(found)


def correlations(pairs: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """Pearson's and Spearman's correlation of pairs; None for fewer than three, or where one side is all alike."""
    if len(pairs) < 3 or any(len(set(side)) < 2 for side in zip(*pairs, strict=True)):
        return None, None
    left, right = zip(*pairs, strict=True)
    return float(pearsonr(left, right).statistic), float(spearmanr(left, right).statistic)


def latencies(conversations: Iterable[Conversation], heard: Iterable[Heard]) -> tuple[Latencies, ...]:
    """The latencies of each system, in the systems' order. Percentiles lie between neighbours, in proportion.

    Raises KeyError for what was heard of an unknown conversation.
    """
    held = {conversation.id: conversation for conversation in conversations}
    onsets: dict[str, list[float | None]] = defaultdict(list)
    contents: dict[str, list[float]] = defaultdict(list)
    for one in heard:
        conversation = held[one.conversation]
        onsets[conversation.system] += [turn.latency for turn in one.turns]
        contents[conversation.system] += [
            turn.content - asked.end
            for turn, asked in zip(one.turns, conversation.turns, strict=False)
            if turn.content is not None
        ]
    return tuple(_latencies(system, onsets[system], contents[system]) for system in sorted(onsets))


def _latencies(system: str, onsets: Sequence[float | None], contents: Sequence[float]) -> Latencies:
    known = [onset for onset in onsets if onset is not None]
    return Latencies(
        system,
        len(onsets),
        len(onsets) - len(known),
        _quantile(known, 0.5),
        _quantile(known, 0.9),
        sum(onset < 0 for onset in known) / len(known) if known else None,
        _quantile(contents, 0.5),
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None


def _average(values: Iterable[float]) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None


def _by_turn(
    scores: Iterable[Score], value: Callable[[Score], float | None] = lambda score: score.rating
) -> dict[tuple[str, int], float]:
    """The mean of each turn of each item, of the values that are there."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for score in scores:
        if (number := value(score)) is not None:
            found[score.item, score.turn].append(number)
    return {place: float(np.mean(sorted(found[place]))) for place in sorted(found)}


def _by_item(turns: Mapping[tuple[str, int], float]) -> dict[str, float]:
    """The mean of each item's turns, by the items' ids in order."""
    found: dict[str, list[float]] = defaultdict(list)
    for item, turn in sorted(turns):
        found[item].append(turns[item, turn])
    return {item: float(np.mean(values)) for item, values in found.items()}
