"""The plots of the page: Vega-Altair charts as small SVG whose colours the page's style sheet sets.

A chart's marks carry what they show as labels, for screen readers and for the page's tooltip. Vega takes no CSS
variables for colours, so each colour is drawn as a marker and then named as the variable that it stands for.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from kame_data.levels import ALL_LEVELS
from kame_data.report.figures import Figures, bins, middle, spread

Datum = dict[str, Any]
"""A point of a chart, by the names of its axes."""
WIDTH, HEIGHT = 400, 250
MOST_LINES = 200
"""Lines of a table of numbers, at most."""
BAR, AROUND = 22, 70
"""Pixels of a lying bar, and of what stands above and below them."""
_MARKED = re.compile(r"#c0ffe([0-9a-f])", re.IGNORECASE)
_VARIABLES = ("ink", "soft", "grid", *(f"series-{n}" for n in range(6)), *(f"level-{n}" for n in ALL_LEVELS))
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


@dataclass
class _Canvas:
    """The plots so far, each drawn as it is added."""

    plots: list[Plot] = field(default_factory=list)

    def svg(self, chart: Any, number: int) -> str:
        import vl_convert

        styled = chart.configure(
            background="transparent",
            font="system-ui, sans-serif",
            padding={"left": 14, "right": 6, "top": 4, "bottom": 4},
            autosize={"type": "fit", "contains": "padding"},
        ).configure_view(stroke=None)
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

    def add(self, title: str, note: str, chart: Any, heads: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
        cells = [tuple(_cell(value) for value in line) for line in lines[:MOST_LINES]]
        if (more := len(lines) - MOST_LINES) > 0:
            cells.append((f"{more:,} more", *("" for _ in heads[1:])))
        self.plots.append(Plot(title, note, self.svg(chart, len(self.plots)), tuple(heads), tuple(cells)))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def draw(figures: Figures, refused: Sequence[Datum], spend: Sequence[Mapping[str, Any]]) -> list[Plot]:
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


def _label(text: str) -> str:
    """Text as it may stand at an axis: printable, and not too long; the table of numbers has it whole."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:60])
    return shown if len(text) <= 60 else f"{shown}..."


def _chart(rows: list[Datum]) -> Any:
    import altair as alt

    return alt.Chart(alt.Data(values=rows)).properties(width=WIDTH, height=HEIGHT)  # type: ignore[no-untyped-call]


def _shades(name: str, values: Sequence[str]) -> Any:
    """A colour of its own for each value; the legend names them where there are several."""
    import altair as alt

    scale = alt.Scale(domain=list(values), range=[SERIES[n % len(SERIES)] for n in range(len(values))])
    return alt.Color(f"{name}:N", title=None, scale=scale, legend=alt.Legend() if len(values) > 1 else None)


def _counted(label: str, rows: list[Datum], by: str) -> dict[str, Any]:
    """The look of an axis of counts that are summed by the field `by`: whole steps, thousands as k."""
    import altair as alt

    sums = Counter[Any]()
    for row in rows:
        sums[row[by]] += row["count"]
    return {"title": label, "axis": alt.Axis(tickCount=max(1, min(5, max(sums.values()))), format="~s")}


def _bars(
    rows: list[Datum], name: str, label: str, colour: str, shades: Sequence[str] = (), amount: bool = False
) -> Any:
    """Lying bars, one a value of `name`, in the order of `rows`, split by the field `colour`; `amount`: of no count."""
    import altair as alt

    # By number: vega would put the names themselves into an expression, where not every string may stand.
    order = alt.EncodingSortField(field="place", op="min")
    rows = [row | {name: _label(row[name]), colour: _label(row[colour]), "place": n} for n, row in enumerate(rows)]
    names = len({row[name] for row in rows})
    look = {"title": label, "axis": alt.Axis(tickCount=5)} if amount else _counted(label, rows, name)
    chart = _chart(rows).mark_bar().encode(
        y=alt.Y(f"{name}:N", sort=order, title=None),
        x=alt.X("sum(count):Q", **look),
        color=_shades(colour, shades or sorted({row[colour] for row in rows})),
    )  # fmt: skip
    return chart.properties(height=BAR * names + AROUND)


def _histogram(rows: list[Datum], label: str, what: str) -> Any:
    """Standing bars over bins, the series one over the other."""
    import altair as alt

    return _chart(rows).mark_bar(stroke=INK, strokeWidth=0.3).encode(
        x=alt.X("low:Q", title=label, bin="binned", axis=alt.Axis(tickCount=6, labelOverlap=True, labelSeparation=8)),
        x2="high:Q",
        y=alt.Y("count:Q", stack=True, **_counted(what, rows, "low")),
        color=_shades("name", list(dict.fromkeys(row["name"] for row in rows))),
    )  # fmt: skip


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
    top, shown = figures.by_category.most_common(), 8
    rows = [{"category": c or "(none)", "source": s, "count": n} for (c, s), n in top[:shown]]
    if rest := sum(n for _, n in top[shown:]):
        rows.append({"category": f"{len(top) - shown} others", "source": "several", "count": rest})
    lines = [(c or "(none)", s, n) for (c, s), n in top]
    chart = _bars(rows, "category", "dialogues", "source")
    canvas.add(
        "Dialogues by category", "The source's own categories.", chart, ("category", "source", "dialogues"), lines
    )


def _by_level() -> tuple[Any, Any]:
    """The axis of levels, and their colours."""
    import altair as alt

    scale = alt.Scale(domain=list(ALL_LEVELS), range=LEVELS)
    return alt.X("level:O", title="level"), alt.Color("level:O", legend=None, scale=scale)


def _levels(canvas: _Canvas, figures: Figures) -> None:
    if not figures.levels:
        return
    _level_counts(canvas, figures)
    _curve(canvas, figures)
    _rightness(canvas, figures)
    rows: list[Datum] = []
    for level, f in sorted(figures.levels.items()):
        low, mid, high = spread(f.words)
        rows.append({"level": level, "low": low, "mid": mid, "high": high, "mean": f.mean_words})
    names = ("level", "low", "mid", "high", "mean")
    lines = [tuple(row[name] for name in names) for row in rows]
    heads = ("level", "lower quartile", "median", "upper quartile", "mean")
    canvas.add("Length of oracles", "Median and middle half.", _ranges(rows, "words an oracle"), heads, lines)


def _level_counts(canvas: _Canvas, figures: Figures) -> None:
    import altair as alt

    levels, states = sorted(figures.levels.items()), ("arrived", "cancelled")
    rows = [
        {"level": n, "state": state, "count": count}
        for n, f in levels
        for state, count in zip(states, (f.arrived, f.count - f.arrived), strict=True)
    ]
    axis, colour = _by_level()
    opacity: Any = alt.Undefined
    note = "Nothing was spoken, so none of them has arrived yet."
    if figures.spoken:
        note = "Pale: cancelled by the next request before the first token came."
        opacity = alt.Opacity("state:N", title=None, scale=alt.Scale(domain=list(states), range=[1, 0.35]))
    chart = _chart(rows).mark_bar(stroke=INK, strokeWidth=0.5).encode(
        x=axis, y=alt.Y("count:Q", **_counted("oracles", rows, "level")),
        color=colour, opacity=opacity, order=alt.Order("state:N"),
    )  # fmt: skip
    lines = [(n, f.count, f.arrived if figures.spoken else None) for n, f in levels]
    canvas.add("Oracles by level", note, chart, ("level", "oracles", "arrived"), lines)


def _ranges(rows: list[Datum], label: str) -> Any:
    """By level: a bar from the lower to the upper quartile, and the median as a tick on it."""
    import altair as alt

    axis, colour = _by_level()
    base = _chart(rows).encode(x=axis)
    bar = base.mark_bar(size=26, stroke=INK, strokeWidth=0.5, opacity=0.85).encode(
        y=alt.Y("low:Q", title=label, axis=alt.Axis(tickCount=5)), y2="high:Q", color=colour
    )
    return bar + base.mark_tick(color=INK, thickness=3, size=34).encode(y="mid:Q")


def _curve(canvas: _Canvas, figures: Figures) -> None:
    """Likeness to the true answer by level: of the oracle, and of what was consumed of it."""
    import altair as alt

    held = [(n, f) for n, f in sorted(figures.levels.items()) if f.whole]
    if not held:
        return
    series = ("whole oracle", "consumed")
    rows, means, lines = [], [], []
    for level, f in held:
        low, mid, high = middle(f.whole)
        mean, part = fmean(f.whole), f.mean_consumed
        rows.append({"level": level, "low": low, "high": high})
        means += [
            {"level": level, "mean": m, "series": s} for m, s in zip((mean, part), series, strict=True) if m is not None
        ]
        lines.append((level, mean, mid, part))
    axis, colour = _by_level()
    bar = _chart(rows).mark_bar(size=26, stroke=INK, strokeWidth=0.5, opacity=0.6).encode(
        x=axis, y=alt.Y("low:Q", title="chrF", scale=alt.Scale(domain=[0, 100])), y2="high:Q", color=colour
    )  # fmt: skip
    dashes = alt.StrokeDash("series:N", title=None, scale=alt.Scale(domain=list(series), range=[[1, 0], [4, 4]]))
    line = _chart(means).mark_line(color=INK, point=alt.OverlayMarkDef(color=INK, size=40)).encode(
        x=axis, y="mean:Q", strokeDash=dashes
    )  # fmt: skip
    note = (
        f"Mean chrF (line) and middle half (bars) over the oracles of {figures.compared} sampled dialogues; "
        f"{figures.curve.reckoned}."
    )
    canvas.add("Likeness to the true answer", note, bar + line, ("level", "mean chrF", "median", "consumed"), lines)


def _rightness(canvas: _Canvas, figures: Figures) -> None:
    """The share of oracles that hold the right answer: by level, and of the guesses by how much had been heard."""
    import altair as alt

    held = [(n, f) for n, f in sorted(figures.levels.items()) if f.answered]
    if not held:
        return
    series = ("whole oracle", "consumed")
    rows: list[Datum] = [
        {"level": level, "share": share, "series": name}
        for level, f in held
        for name, share in zip(series, (f.holds, f.holds_consumed), strict=True)
        if share is not None
    ]
    axis, _ = _by_level()
    dashes = alt.StrokeDash("series:N", title=None, scale=alt.Scale(domain=list(series), range=[[1, 0], [4, 4]]))
    shown = alt.Y("share:Q", title="share", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    line = _chart(rows).mark_line(color=INK, point=alt.OverlayMarkDef(color=INK, size=40)).encode(
        x=axis, y=shown, strokeDash=dashes
    )  # fmt: skip
    lines = [(n, f.answered, *("-" if s is None else f"{s:.0%}" for s in (f.holds, f.holds_consumed))) for n, f in held]
    note = f"Of the oracles whose true turn tells the right answer; {figures.compared} sampled dialogues."
    canvas.add("Oracles that hold the right answer", note, line, ("level", "oracles", "whole", "consumed"), lines)
    if guesses := sorted(figures.curve.guesses.items()):
        order = [f"{10 * tenth} %" for tenth, _ in guesses]
        rows = [{"heard": name, "share": right / all_} for name, (_, (right, all_)) in zip(order, guesses, strict=True)]
        bars = _chart(rows).mark_bar(stroke=INK, strokeWidth=0.5, color=LEVELS[0]).encode(
            x=alt.X("heard:N", title="share of the turn heard, up to", sort=order), y=shown
        )  # fmt: skip
        lines = [(name, all_, f"{right / all_:.0%}") for name, (_, (right, all_)) in zip(order, guesses, strict=True)]
        note = "Of level 0, where nothing is known of the answer."
        canvas.add("Right guesses", note, bars, ("heard", "guesses", "right"), lines)


def _speech(canvas: _Canvas, figures: Figures) -> None:
    checks = figures.checks
    gaps = {f"{role} next": gaps for role, gaps in figures.gaps.items() if gaps}
    delays = {"oracles": figures.delays} if any(figures.delays) else {}
    loudness = {side: checks.get(f"{side}_lufs", []) for side in ("user", "assistant")}
    errors = {side: checks.get(f"{side}_wer", []) for side in ("user", "assistant")}
    histograms: tuple[tuple[str, str, Mapping[str, Sequence[float]], str, str], ...] = (
        ("Durations", "Length of the audio.", {"dialogues": figures.durations}, "seconds", "dialogues"),
        ("Speaking rates", "Words a minute of each turn.", figures.rates, "words a minute", "turns"),
        ("Gaps between turns", "By who speaks next; below zero they overlap.", gaps, "seconds", "changes of turn"),
        ("From heard to arrived", "What a prefix's last word waits for the first token.", delays, "seconds", "oracles"),
        ("Alignment", "Of words and sound.", {"dialogues": checks.get("alignment", [])}, "score", "dialogues"),
        ("Loudness", "Of each side's speech.", loudness, "LUFS", "dialogues"),
        ("Word error rate", "Of each side, by a recogniser.", errors, "share of words", "dialogues"),
    )  # fmt: skip
    heads = ("series", "count", "least", "lower quartile", "median", "upper quartile", "most", "mean")
    for title, note, values, label, what in histograms:
        if rows := bins(values):
            stats = [(n, len(v), min(v), *middle(v), max(v), fmean(v)) for n, v in values.items() if v]
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


def _refusals(canvas: _Canvas, refused: Sequence[Datum]) -> None:
    if not refused:
        return
    order = sorted(refused, key=lambda row: (-row["count"], row["reason"]))
    rows = [row | {"reason": row["reason"].replace("_", " ")} for row in order[:9]]
    if rest := sum(row["count"] for row in order[9:]):
        rows.append({"reason": f"{len(order) - 9} others", "stage": "several", "count": rest})
    lines = [(row["stage"], row["reason"], row["count"]) for row in order]
    canvas.add(
        "Refusals",
        "By reason, and the stage that refused.",
        _bars(rows, "reason", "refused", "stage"),
        ("stage", "reason", "refused"),
        lines,
    )


def _spend(canvas: _Canvas, spend: Sequence[Mapping[str, Any]]) -> None:
    if not spend:
        return
    rows, lines = [], []
    for row in spend:
        what = row["stage"] if row["level"] is None else f"{row['stage']} {row['level']}"
        dollars = row["cost"] + row["lost"]
        rows.append({"what": what, "model": row["model"], "count": dollars})
        counts = (row[name] for name in ("asked", "hits", "calls", "input", "output"))
        lines.append((row["model"], what, *counts, f"{dollars:.4f}"))
    heads = ("model", "stage", "asked", "in ledger", "calls", "input tokens", "output tokens", "dollars")
    chart = _bars(rows, "what", "dollars", "model", amount=True)
    canvas.add("Spend", "By stage and level, in all runs of this build.", chart, heads, lines)
