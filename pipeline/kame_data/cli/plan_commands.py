"""`kame-data plan` and `preview`: what a build would be, before anything is spent."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from kame_data.cli.flags import Json, takes
from kame_data.settings.tree import Settings
from kame_data.terminal import console, plain_table, print_json, span
from kame_data.text.words import join_words, split_words

if TYPE_CHECKING:
    from kame_data.engine.plan import ModelPlan, Plan
    from kame_data.oracles.simulate import DialogueOracles
    from kame_data.records import Dialogue


@takes(Settings)
def plan(settings: Settings, json: Json = False) -> None:
    """Say what a build would make and take, from a small sample made now. Spends and writes nothing; a model on this
    machine without a price is asked a few requests, for its pace."""
    from kame_data.engine.plan import plan as foresee

    found = foresee(settings)
    if json:
        print_json(plan_summary(found, settings))
    else:
        print_plan(found, settings)


@takes(Settings)
def preview(settings: Settings) -> None:
    """Show three dialogues of a build with their oracles. Writes nothing."""
    from kame_data.engine.plan import preview as look

    print_preview(look(settings))


def plan_summary(plan: "Plan", settings: Settings) -> dict[str, Any]:
    """The figures of a plan, as `--json` prints them; `dollars` is None for a model without a known price."""
    models = [
        {
            "model": m.model,
            "stage": m.stage,
            "level": m.level,
            "calls": m.calls,
            "input_tokens": m.input_tokens,
            "output_tokens": m.output_tokens,
            "dollars": m.cost,
            "seconds": m.seconds,
            "measured": m.measured,
        }
        for m in plan.models
    ]
    return {
        "questions": plan.questions,
        "dialogues": plan.dialogues,
        "oracles": plan.levels,
        "stages": [asdict(stage) for stage in plan.stages],
        "models": models,
        "dollars": sum(m.cost or 0.0 for m in plan.models),
        "sampled": plan.sampled,
        "writer": settings.writer,
        "simulator": settings.simulator,
        "back_end": settings.asked["oracles"][-1],
    }


def print_plan(plan: "Plan", settings: Settings) -> None:
    """Prints what the build would make and take."""
    to = console()
    sources = [(source, str(n), str(plan.dialogues.get(source, 0))) for source, n in plan.questions.items()]
    to.print(plain_table(("source", "questions kept", "dialogues"), sources))
    to.print()
    stages = [(s.stage, str(s.rows), span(s.seconds) if s.seconds else "as its calls take") for s in plan.stages]
    to.print(plain_table(("stage", "rows", "time on one core"), stages))
    to.print()
    _print_models(to, plan)
    to.print("oracles by level: " + ", ".join(f"{level}: {n}" for level, n in plan.levels.items()))
    makers = f"writer {settings.writer}, simulator {settings.simulator}"
    makers += f", back end {settings.back_end}" if settings.back_end else ""
    to.print(f"scaled up from {plan.sampled} dialogues made just now; {makers}")


def _print_models(to: Console, plan: "Plan") -> None:
    """Prints which models would be asked, and what that would cost."""
    if not plan.models:
        to.print("no model is asked: nothing is spent")
        return
    lines = [
        (
            m.model,
            m.stage,
            "" if m.level is None else str(m.level),
            *(str(n) for n in (m.calls, m.input_tokens, m.output_tokens)),
            "no price known" if m.cost is None else f"{m.cost:.4f}",
            "it does not answer" if m.seconds is None else span(m.seconds),
        )
        for m in plan.models
    ]
    sums = [str(sum(getattr(m, name) for m in plan.models)) for name in ("calls", "input_tokens", "output_tokens")]
    dollars = sum(m.cost or 0.0 for m in plan.models)
    lines.append(("all", "", "", *sums, f"{dollars:.4f}", _span_of_all(plan.models)))
    heads = ("model", "stage", "level", "calls", "input", "output", "dollars", "time")
    to.print(plain_table(heads, lines, left=3))
    measured = ", or as a model on this machine was just measured" if any(m.measured for m in plan.models) else ""
    to.print(f"without what is asked again or lies in the ledger already; time at 1.5 s an answer{measured}")
    to.print()


def _span_of_all(models: "Sequence[ModelPlan]") -> str:
    seconds = [m.seconds for m in models if m.seconds is not None]
    return span(sum(seconds)) if len(seconds) == len(models) else "not known"


def print_preview(pairs: "list[tuple[Dialogue, DialogueOracles]]") -> None:
    """Dialogues as they would be, each with the oracles of its prefixes."""
    to = console()
    for dialogue, oracles in pairs:
        to.rule(dialogue.id, style="dim")
        for number, turn in enumerate(dialogue.turns):
            to.print(_said(dialogue, number))
            words = split_words(turn.text, dialogue.language)
            table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
            for oracle in oracles.oracles:
                if oracle.turn == number:
                    said = oracle.transcript or join_words(words[: oracle.prefix_words], dialogue.language)
                    heard = join_words(split_words(said, dialogue.language)[-3:], dialogue.language)
                    table.add_row("", f"{oracle.prefix_words}", f"level {oracle.level}", f"... {heard}", oracle.text)
            if table.row_count:
                to.print(table)
        to.print()


def _said(dialogue: "Dialogue", number: int) -> str:
    """A turn as a line: a back-channel with its place, a turn that was cut off with what it did not come to say, one
    that began before the true answer was known with a mark where that ends."""
    turn, language = dialogue.turns[number], dialogue.language
    if turn.kind == "back_channel":
        return f"    ({turn.role}, after word {turn.after}: {turn.text})"
    if turn.interrupted:
        whole = split_words(turn.intended_text, language)
        unsaid = join_words(whole[len(split_words(turn.text, language)) :], language)
        return f"{turn.role}: {turn.text} -- (cut off before: {unsaid})"
    if start := next((start for start in dialogue.starts if start.turn == number), None):
        words = split_words(turn.text, language)
        early, rest = (join_words(piece, language) for piece in (words[: start.words], words[start.words :]))
        return f"{turn.role}: ({start.kind}: {early}) {rest}"
    return f"{turn.role}: {turn.text}"
