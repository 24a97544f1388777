"""The dialogues that a build wants: how many of each variant of each source, and the slices that make its parts.

The questions of a source stand in seeded order, and each of its variants takes them in that order. `limit` asks for
that many accepted questions of each source; `target` asks for that many accepted dialogues over all, added variant by
variant. Both make up for what is refused with what comes next in the same order, so that the outcome is the same
however the build was grown or killed.
"""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kame_data.errors import UsageError
from kame_data.seeds import digest


class SourceVariant(NamedTuple):
    """One variant of one source's questions."""

    source: str
    variant: int


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """The questions at positions `start` to `stop` (exclusive) of a source, as one variant: what one part holds."""

    source: str
    variant: int
    start: int
    stop: int

    @property
    def source_variant(self) -> SourceVariant:
        """The source and variant that this is a slice of."""
        return SourceVariant(self.source, self.variant)

    @property
    def label(self) -> str:
        """The beginning of the part's name."""
        return f"{self.source}-v{self.variant:02d}-{self.start:06d}-{self.stop:06d}"

    @classmethod
    def parse(cls, name: str) -> "Slice":
        """The slice of a label, or of a part's name, which begins with one."""
        source, variant, start, stop = name.split("-")[:4]
        return cls(source, int(variant[1:]), int(start), int(stop))


class Selection:
    """The positions of each variant of each source that are wanted by now; grows until enough are accepted.

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
            self._counts = {SourceVariant(s, 0): min(n, limit or n) for s, n in self._sizes.items()}
            return
        self._sizes = {s: min(n, limit or n) for s, n in self._sizes.items()}
        pool = [(digest(seed, "order", q), s) for s, ids in questions.items() for q in ids[: self._sizes[s]]]
        # The positions that each source's questions take when all are shuffled together: growth never takes one back.
        self._shuffled: dict[str, list[int]] = {s: [] for s in questions}
        for position, (_, source) in enumerate(sorted(pool)):
            self._shuffled[source].append(position)
        self._total, self._most = len(pool), len(pool) * max_variants
        if target > self._most:
            raise UsageError(
                f"--target {target}: {len(pool)} accepted questions in up to {max_variants} variants give "
                f"{self._most} dialogues at the most; raise max_variants or add questions"
            )
        self._slots = target
        self._count()

    def _count(self) -> None:
        whole, rest = divmod(self._slots, self._total) if self._total else (0, 0)
        counts = {SourceVariant(s, v): n for v in range(whole) for s, n in self._sizes.items()}
        counts |= {SourceVariant(s, whole): bisect.bisect_left(p, rest) for s, p in self._shuffled.items()}
        self._counts = counts

    @property
    def counts(self) -> dict[SourceVariant, int]:
        """Positions wanted by source and variant, those without any left out."""
        return {of: n for of, n in self._counts.items() if n}

    @property
    def asked_for(self) -> int:
        """The accepted dialogues that the settings ask for, as far as the sources hold as many."""
        return self._target if self._target is not None else sum(min(n, self._limit or n) for n in self._sizes.values())

    def grow(self, accepted: Callable[[SourceVariant], int]) -> bool:
        """Want more where less was accepted than asked for; False where nothing is short or nothing is left."""
        before = dict(self._counts)
        if self._target is not None:
            short = self._target - sum(accepted(of) for of in self.counts)
            self._slots = min(self._slots + max(short, 0), self._most)
            self._count()
        elif self._limit is not None:
            for of, count in before.items():
                short = self._limit - accepted(of)
                self._counts[of] = min(count + max(short, 0), self._sizes[of.source])
        return self._counts != before


def cut(of: SourceVariant, count: int, part_size: int, done: Iterable[Slice]) -> list[Slice]:
    """The slices that cover the first `count` positions of a source's variant, in order.

    None crosses a multiple of `part_size`. A part that is `done` is kept as it is, even where a new build's part would
    end elsewhere (it is a smaller build's last one): rows do not depend on the part that they stand in.
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
        slices.append(Slice(of.source, of.variant, at, stop))
        at = stop
    return slices
