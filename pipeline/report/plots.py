"""The plots of the page: Vega-Altair charts as small SVG whose colours the page's style sheet sets.

A chart's marks carry what they show as labels, for screen readers and for the page's tooltip. Vega takes no CSS variables
for colours, so each colour is drawn as a marker and then named as the variable that it stands for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.report.figures import Figures, bins, middle, spread

Row = dict[str, Any]
WIDTH, HEIGHT = 330, 190
_MARKED = re.compile(r"#c0ffe([0-9a-f])", re.IGNORECASE)
_VARIABLES = ("ink", "soft", "grid", *(f"series-{n}" for n in range(6)), *(f"level-{n}" for n in range(6)))
INK, SOFT, GRID, *_REST = (f"#c0ffe{n:x}" for n in range(len(_VARIABLES)))
SERIES, LEVELS = _REST[:6], _REST[6:]


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of the page: its title, what it says in a sentence, the SVG, and the numbers as a table."""

    title: str
    note: str
    svg: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    wide: bool = False


@dataclass
class _Canvas:
    """Draws a chart; made on the first one, for the library takes a second to import."""

    plots: list[Plot] = field(default_factory=list)

    def svg(self, chart: Any, number: int) -> str:
        import vl_convert

        styled = chart.configure(background="transparent", font="system-ui, sans-serif", padding=4).configure_view(
            stroke=None
        )
        styled = styled.configure_axis(
            labelColor=INK, titleColor=SOFT, gridColor=GRID, domainColor=SOFT, tickColor=SOFT, labelFontSize=12,
            titleFontSize=12, titleFontWeight="normal", labelLimit=150, labelAngle=0,
        )  # fmt: skip
        styled = styled.configure_legend(
            labelColor=INK, titleColor=SOFT, labelFontSize=12, titleFontSize=12, titleFontWeight="normal",
            orient="top", labelLimit=200,
        )  # fmt: skip
        drawn = vl_convert.vegalite_to_svg(styled.to_dict())
        named = _MARKED.sub(lambda m: f"var(--{_VARIABLES[int(m[1], 16)]})", drawn)
        # Ids are the page's, not the chart's alone.
        return re.sub(r'(\bid="|url\(#)', rf"\g<1>plot{number}-", named)

    def add(
        self,
        title: str,
        note: str,
        chart: Any,
        heads: Sequence[str],
        lines: Sequence[Sequence[object]],
        wide: bool = False,
    ) -> None:
        cells = tuple(tuple(_cell(value) for value in line) for line in lines)
        self.plots.append(Plot(title, note, self.svg(chart, len(self.plots)), tuple(heads), cells, wide))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def draw(figures: Figures, refused: Sequence[Row], spend: Sequence[Row]) -> list[Plot]:
    """The plots of a build, those that have something to show. `refused`: {stage, reason, count}; `spend`: rows of
    the manifest's spend."""
    canvas = _Canvas()
    if figures.dialogues:
        _sources(canvas, figures)
        _levels(canvas, figures)
        _speech(canvas, figures)
        _situations(canvas, figures)
    _refusals(canvas, refused)
    _spend(canvas, spend)
    return canvas.plots


def _bars(rows: list[Row], field_: str, label: str, colour: str, names: Sequence[str] | None = None) -> Any:
    """Lying bars, one a value of `field_`, longest first, split by the field `colour`."""
    import altair as alt

    order = list(dict.fromkeys(row[field_] for row in rows))
    shades = names or sorted({row[colour] for row in rows})
    chart = alt.Chart(alt.Data(values=rows)).mark_bar().encode(
        y=alt.Y(f"{field_}:N", sort=order, title=None),
        x=alt.X("sum(count):Q", title=label, axis=alt.Axis(tickMinStep=1, tickCount=5, format="~s")),
        color=alt.Color(
            f"{colour}:N", title=None, scale=alt.Scale(domain=list(shades), range=[SERIES[n % 6] for n in range(len(shades))]),
            legend=alt.Legend() if len(shades) > 1 else None,
        ),
    )  # fmt: skip
    return chart.properties(width=WIDTH - 100, height=alt.Step(22))


def _histogram(rows: list[Row], label: str, what: str) -> Any:
    """Standing bars over bins, the series one over the other."""
    import altair as alt

    names = list(dict.fromkeys(row["name"] for row in rows))
    return alt.Chart(alt.Data(values=rows)).mark_bar(stroke=INK, strokeWidth=0.3).encode(
        x=alt.X("low:Q", title=label, bin="binned", axis=alt.Axis(tickCount=6)),
        x2="high:Q",
        y=alt.Y("count:Q", title=what, stack=True, axis=alt.Axis(tickMinStep=1, tickCount=5, format="~s")),
        color=alt.Color(
            "name:N", title=None, scale=alt.Scale(domain=names, range=SERIES[: len(names)]),
            legend=alt.Legend() if len(names) > 1 else None,
        ),
    ).properties(width=WIDTH, height=HEIGHT)  # fmt: skip


def _sources(canvas: _Canvas, figures: Figures) -> None:
    rows = [
        {"source": s, "split": p, "count": n} for (s, p), n in sorted(figures.by_source.items(), key=lambda i: -i[1])
    ]
    lines = [(row["source"], row["split"], row["count"]) for row in rows]
    chart = _bars(rows, "source", "dialogues", "split", ("train", "validation"))
    canvas.add(
        "Dialogues by source",
        "Split by question, so that none is on both sides.",
        chart,
        ("source", "split", "dialogues"),
        lines,
    )
    top, shown = figures.by_category.most_common(), 14
    rows = [{"category": c or "(none)", "source": s, "count": n} for (c, s), n in top[:shown]]
    if rest := sum(n for _, n in top[shown:]):
        rows.append({"category": f"{len(top) - shown} others", "source": "several", "count": rest})
    lines = [(c or "(none)", s, n) for (c, s), n in top]
    chart = _bars(rows, "category", "dialogues", "source")
    canvas.add(
        "Dialogues by category", "The source's own categories.", chart, ("category", "source", "dialogues"), lines
    )


def _level_scale() -> Any:
    import altair as alt

    return alt.Color("level:O", legend=None, scale=alt.Scale(domain=list(range(6)), range=LEVELS))


def _levels(canvas: _Canvas, figures: Figures) -> None:
    if not figures.levels:
        return
    import altair as alt

    levels = sorted(figures.levels.items())
    rows: list[Row] = [
        {"level": n, "state": s, "count": c}
        for n, f in levels
        for s, c in (("arrived", f.arrived), ("cancelled", f.count - f.arrived))
    ]
    counts = alt.Chart(alt.Data(values=rows)).mark_bar(stroke=INK, strokeWidth=0.5).encode(
        x=alt.X("level:O", title="level"),
        y=alt.Y("count:Q", title="oracles", axis=alt.Axis(tickCount=5, format="~s")),
        color=_level_scale(),
        opacity=alt.Opacity("state:N", title=None, scale=alt.Scale(domain=["arrived", "cancelled"], range=[1, 0.35])),
        order=alt.Order("state:N"),
    ).properties(width=WIDTH, height=HEIGHT)  # fmt: skip
    lines = [(n, f.count, f.arrived if figures.spoken else None) for n, f in levels]
    note = (
        "Pale: cancelled by the next request before the first token came."
        if figures.spoken
        else "Nothing was spoken, so none of them has arrived yet."
    )
    canvas.add("Oracles by level", note, counts, ("level", "oracles", "arrived"), lines)
    _curve(canvas, figures)
    rows = [{"level": n, **dict(zip(("low", "mid", "high"), spread(f.words), strict=True))} for n, f in levels]
    chart = _ranges(rows, "words an oracle")
    canvas.add(
        "Length of oracles", "Median and middle half.", chart, ("level", "lower quartile", "median", "upper quartile", "mean"),
        [(r["level"], r["low"], r["mid"], r["high"], f.mean_words) for r, (_, f) in zip(rows, levels, strict=True)],
    )  # fmt: skip


def _ranges(rows: list[Row], label: str) -> Any:
    """By level: a bar from the lower to the upper quartile, and the median as a tick on it."""
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("level:O", title="level"))
    bar = base.mark_bar(size=26, stroke=INK, strokeWidth=0.5, opacity=0.85).encode(
        y=alt.Y("low:Q", title=label, axis=alt.Axis(tickCount=5)), y2="high:Q", color=_level_scale()
    )
    tick = base.mark_tick(color=INK, thickness=3, size=34).encode(y="mid:Q")
    return (bar + tick).properties(width=WIDTH, height=HEIGHT)


def _curve(canvas: _Canvas, figures: Figures) -> None:
    """Likeness to the true answer by level: of the oracle, and of what was seen of it."""
    held = [(n, f) for n, f in sorted(figures.levels.items()) if f.whole]
    if not held:
        return
    import altair as alt

    rows: list[Row] = []
    for level, f in held:
        low, mid, high = middle(f.whole)
        rows.append({"level": level, "low": low, "mid": mid, "high": high, "mean": sum(f.whole) / len(f.whole)})
    means = [r | {"series": "whole oracle"} for r in rows]
    means += [
        {"level": n, "mean": sum(f.consumed) / len(f.consumed), "series": "the part that is seen"}
        for n, f in held
        if f.consumed
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("level:O", title="level"))
    bar = base.mark_bar(size=26, stroke=INK, strokeWidth=0.5, opacity=0.6).encode(
        y=alt.Y("low:Q", title="chrF", scale=alt.Scale(domain=[0, 100])), y2="high:Q", color=_level_scale()
    )
    line = alt.Chart(alt.Data(values=means)).mark_line(color=INK, point=alt.OverlayMarkDef(color=INK, size=40)).encode(
        x="level:O", y="mean:Q",
        strokeDash=alt.StrokeDash("series:N", title=None, scale=alt.Scale(domain=["whole oracle", "the part that is seen"], range=[[1, 0], [4, 4]])),
    )  # fmt: skip
    note = f"Mean chrF (line) and middle half (bars) over the oracles of {figures.compared} sampled dialogues."
    canvas.add(
        "Likeness to the true answer", note, (bar + line).properties(width=WIDTH, height=HEIGHT),
        ("level", "mean chrF", "median", "mean chrF of the part seen", "holds the answer"),
        [
            (n, sum(f.whole) / len(f.whole), middle(f.whole)[1],
             sum(f.consumed) / len(f.consumed) if f.consumed else None, f"{f.holds or 0:.0%}")
            for n, f in held
        ],
    )  # fmt: skip


def _speech(canvas: _Canvas, figures: Figures) -> None:
    series = (
        ("Durations", "Length of the audio.", {"dialogues": figures.durations}, "seconds", "dialogues"),
        ("Speaking rates", "Words a minute of each turn.", figures.rates, "words a minute", "turns"),
        ("Gaps between turns", "By who speaks next; below zero they overlap.", {f"{role} next": gaps for role, gaps in figures.gaps.items() if gaps}, "seconds", "changes of turn"),
        ("From heard to arrived", "What a prefix's last word waits for the first token.", {"oracles": figures.delays} if any(figures.delays) else {}, "seconds", "oracles"),
        ("Alignment", "How well the words are in the sound.", {"dialogues": figures.checks.get("alignment", [])}, "score", "dialogues"),
        ("Loudness", "Of each side's speech.", {side: figures.checks.get(f"{side}_lufs", []) for side in ("user", "assistant")}, "LUFS", "dialogues"),
        ("Word error rate", "Of a recogniser that heard the dialogue.", {"dialogues": figures.checks.get("wer", [])}, "share of words", "dialogues"),
    )  # fmt: skip
    for title, note, values, label, what in series:
        if not (rows := bins(values)):
            continue
        stats = []
        for name, found in values.items():
            if found:
                low, mid, high = middle(found)
                stats.append((name, len(found), min(found), low, mid, high, max(found), sum(found) / len(found)))
        heads = ("series", "count", "least", "lower quartile", "median", "upper quartile", "most", "mean")
        canvas.add(title, note, _histogram(rows, label, what), heads, stats)


def _situations(canvas: _Canvas, figures: Figures) -> None:
    if not figures.situations:
        return
    found = sorted(figures.situations.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [{"kind": kind.replace("_", "-"), "what": "situations", "count": len(lengths)} for kind, lengths in found]
    lines = []
    for kind, lengths in found:
        known = [length for length in lengths if length is not None]
        lines.append((kind.replace("_", "-"), len(lengths), sum(known), middle(known)[1] if known else None))
    chart = _bars(rows, "kind", "situations", "what")
    canvas.add(
        "Situations",
        "What duplex speech has and turn-taking has not.",
        chart,
        ("kind", "count", "seconds in all", "median s"),
        lines,
    )


def _refusals(canvas: _Canvas, refused: Sequence[Row]) -> None:
    if not refused:
        return
    order = sorted(refused, key=lambda row: (-row["count"], row["reason"]))
    rows = [row | {"reason": row["reason"].replace("_", " ")} for row in order[:14]]
    if rest := sum(row["count"] for row in order[14:]):
        rows.append({"reason": f"{len(order) - 14} others", "stage": "several", "count": rest})
    lines = [(row["stage"], row["reason"], row["count"]) for row in order]
    canvas.add(
        "Refusals",
        "By reason, and the stage that refused.",
        _bars(rows, "reason", "refused", "stage"),
        ("stage", "reason", "refused"),
        lines,
    )


def _spend(canvas: _Canvas, spend: Sequence[Row]) -> None:
    if not spend:
        return
    names = [f"{row['stage']}{'' if row['level'] is None else ' ' + str(row['level'])}" for row in spend]
    costs = [row["cost"] + row["lost"] for row in spend]
    rows = [{"what": n, "model": row["model"], "count": c} for n, row, c in zip(names, spend, costs, strict=True)]
    heads = ("model", "stage", "asked", "in ledger", "calls", "input tokens", "output tokens", "dollars")
    lines = [
        (row["model"], n, row["asked"], row["hits"], row["calls"], row["input"], row["output"], f"{c:.4f}")
        for n, row, c in zip(names, spend, costs, strict=True)
    ]
    canvas.add(
        "Spend",
        "Dollars by stage and level, in all runs of this build.",
        _bars(rows, "what", "dollars", "model"),
        heads,
        lines,
    )
