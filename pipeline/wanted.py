"""Which dialogues a build wants: how many of each lane, and the slices that make its parts.

A lane is one variant of one source's questions, in their seeded order. `limit` asks for that many accepted questions
of each source; `target` for that many accepted dialogues over all, added variant by variant. Both fill up what is
refused from what comes next in the same order, so that the outcome is the same however the build was grown or killed.
"""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.errors import UsageError
from pipeline.seeds import digest


class Lane(NamedTuple):
    """One variant of one source's questions."""

    source: str
    variant: int


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """Positions start to stop (exclusive) of a lane: what one part holds."""

    source: str
    variant: int
    start: int
    stop: int

    @property
    def lane(self) -> Lane:
        """The lane that this is a slice of."""
        return Lane(self.source, self.variant)

    @property
    def label(self) -> str:
        """How the part's name begins."""
        return f"{self.source}-v{self.variant:02d}-{self.start:06d}-{self.stop:06d}"

    @classmethod
    def parse(cls, name: str) -> "Slice":
        """The slice of a label, or of a part's name, which begins with one."""
        source, variant, start, stop = name.split("-")[:4]
        return cls(source, int(variant[1:]), int(start), int(stop))


class Wanted:
    """How many positions of each lane are wanted by now; grows until enough are accepted.

    `questions` holds each source's question ids in seeded order.
    """

    def __init__(
        self,
        questions: Mapping[str, Sequence[str]],
        *,
        seed: int,
        limit: int | None = None,
        target: int | None = None,
        max_variants: int = 1,
    ) -> None:
        self._sizes = {source: len(ids) for source, ids in questions.items()}
        self._limit, self._target = limit, target
        if target is None:
            self._slots = 0
            self._counts = {Lane(s, 0): min(n, limit or n) for s, n in self._sizes.items()}
            return
        self._sizes = {s: min(n, limit or n) for s, n in self._sizes.items()}
        pool = [(digest(seed, "order", q), s) for s, ids in questions.items() for q in ids[: self._sizes[s]]]
        # The places that each source's questions take when all are shuffled together: growth never takes one back.
        self._places: dict[str, list[int]] = {s: [] for s in questions}
        for place, (_, source) in enumerate(sorted(pool)):
            self._places[source].append(place)
        self._total, self._most = len(pool), len(pool) * max_variants
        if target > self._most:
            raise UsageError(
                f"--target {target}: {len(pool)} accepted questions in up to {max_variants} variants give "
                f"{self._most} dialogues at the most; raise max_variants or add questions"
            )
        self._slots = target
        self._spread()

    def _spread(self) -> None:
        whole, rest = divmod(self._slots, self._total) if self._total else (0, 0)
        counts = {Lane(s, v): n for v in range(whole) for s, n in self._sizes.items()}
        counts |= {Lane(s, whole): bisect.bisect_left(p, rest) for s, p in self._places.items()}
        self._counts = counts

    @property
    def counts(self) -> dict[Lane, int]:
        """Positions wanted by lane, the empty lanes left out."""
        return {lane: n for lane, n in self._counts.items() if n}

    @property
    def asked_for(self) -> int:
        """The accepted dialogues that the settings ask for, as far as the sources hold as many."""
        return self._target if self._target is not None else sum(min(n, self._limit or n) for n in self._sizes.values())

    def grow(self, accepted: Callable[[Lane], int]) -> bool:
        """Want more where less was accepted than asked for; False where nothing is short or nothing is left."""
        before = dict(self._counts)
        if self._target is not None:
            short = self._target - sum(accepted(lane) for lane in self.counts)
            self._slots = min(self._slots + max(short, 0), self._most)
            self._spread()
        elif self._limit is not None:
            for lane, count in before.items():
                short = self._limit - accepted(lane)
                self._counts[lane] = min(count + max(short, 0), self._sizes[lane.source])
        return self._counts != before


def cut(lane: Lane, count: int, part_size: int, done: Iterable[Slice]) -> list[Slice]:
    """The slices that cover a lane's first `count` positions, in order.

    None crosses a multiple of `part_size`. A part that is `done` is kept as it is, also where it ends elsewhere than
    a new build's would (a smaller build's last part): rows do not depend on the part that they stand in.
    """
    longest: dict[int, int] = {}
    for slice_ in done:
        longest[slice_.start] = max(slice_.stop, longest.get(slice_.start, 0))
    starts = sorted(longest)
    slices, at = [], 0
    while at < count:
        block = (at // part_size + 1) * part_size
        stop = min(longest.get(at, 0), block)
        if stop <= at:
            after = bisect.bisect_right(starts, at)
            following = starts[after] if after < len(starts) else block
            stop = min(block, count, following)
        slices.append(Slice(lane.source, lane.variant, at, stop))
        at = stop
    return slices
