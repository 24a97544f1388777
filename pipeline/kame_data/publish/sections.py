"""The parts of a data set's card that are made from figures."""

from collections import Counter
from collections.abc import Iterator

from kame_data.codec.token_manifest import TokenManifest
from kame_data.engine.sources import SOURCES
from kame_data.finished.manifest import Manifest
from kame_data.finished.row import Row, RowOracle
from kame_data.levels import TRUTH
from kame_data.publish.configs import SPLITS, Config
from kame_data.publish.facts import ORACLES_SHOWN, Facts
from kame_data.publish.markdown import Markdown, code, fence, listed, table

MOST = 12
"""Values of one kind that are named; of more, the most frequent."""


def configs_table(configs: list[Config]) -> Markdown:
    """Rows by configuration and split, and what there is to download."""
    rows = [
        (code(config.name), *(config.rows.get(split, 0) for split in SPLITS), Markdown(size(config.bytes)))
        for config in configs
    ]
    return table(("configuration", *(f"{split} rows" for split in SPLITS), "download"), rows)


def size(count: int) -> str:
    """Bytes for a person."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def sources_table(facts: Facts, manifest: Manifest) -> Markdown:
    """Questions read and kept, and dialogues by split, for each source."""
    rows = []
    for name in sorted({source for source, _ in facts.sources}):
        read = manifest.sources.get(name)
        title = Markdown(SOURCES[name].title) if name in SOURCES else code(name)
        figures = (read.rows, read.kept) if read else (0, 0)
        rows.append((title, code(name), *figures, *(facts.sources[name, split] for split in SPLITS)))
    head = ("source", "`source`", "questions read", "of these kept", *(f"{split} dialogues" for split in SPLITS))
    return table(head, rows)


def categories_table(facts: Facts) -> Markdown:
    """Dialogues by category, the most frequent first."""
    rows = [(code(source), code(category), count) for (source, category), count in facts.categories.most_common(60)]
    more = len(facts.categories) - len(rows)
    return Markdown(table(("source", "category", "dialogues"), rows) + (f"\n\nand {more} more" if more else ""))


def named(counts: Counter[str]) -> Markdown:
    """The values of a counter with their counts, the most frequent first."""
    shown = [Markdown(f"{code(value)} ({count:,})") for value, count in counts.most_common(MOST)]
    more = [Markdown(f"{len(counts) - MOST:,} more")] if len(counts) > MOST else []
    return listed([*shown, *more])


def made_lines(facts: Facts, manifest: Manifest, tokens: TokenManifest | None, audio: bool) -> Markdown:
    """Lines that say how the rows were made, step by step."""
    settings, by = manifest.settings, {name: named(counts) for name, counts in facts.made_by.items()}
    levels = ", ".join(map(str, settings.levels))
    note = "; `imported` says that they are recordings, in the words that came with these" if facts.recorded else ""
    lines = [
        f"dialogues written by {by.get('writer', '-')}{note}",
        f"oracles simulated by {by.get('simulator', '-')}, prompts or rules of version {by.get('prompts', '-')}; "
        f"levels {levels}, schedule {code(settings.schedule)}, a prefix every {settings.prefix_every} words",
    ]
    if facts.spoken and audio:
        lines += [
            f"user voices: {by.get('user_voice', '-')}",
            f"assistant's voice: {by.get('assistant_voice', '-')}",
            f"word times from {by.get('word_times', '-')}",
            f"arrival times of oracles: the back end's loop replayed: {by.get('latency', '-')}",
        ]
    if tokens:
        lines.append(f"tokens: codec {code(tokens.codec.name)}, tokenizer {code(tokens.tokenizer.name)}")
    lines.append(f"seed {settings.seed}; the settings in full, and the checksum of every file, are in `kame-data.json`")
    return bullets(lines)


def bullets(lines: list[str]) -> Markdown:
    """Lines of our own as a list."""
    return Markdown("\n".join(f"- {line}" for line in lines))


def prompts_table(manifest: Manifest) -> Markdown:
    """The digest of each prompt; empty where no model was asked."""
    return table(("prompt", "digest"), manifest.prompts.items()) if manifest.prompts else Markdown("")


def levels_table(facts: Facts) -> Markdown:
    """The level curve, as `kame-data quality` prints it."""
    head, *rows = facts.curve.table()
    return table(head, [[Markdown(cell) for cell in row] for row in rows])


def refused_table(manifest: Manifest, tokens: TokenManifest | None) -> Markdown:
    """Refusals by stage and reason."""
    by_stage = {f"questions of {name}": source.refused for name, source in manifest.sources.items()}
    by_stage |= manifest.refused
    by_stage |= {"tokens": tokens.refused} if tokens else {}
    rows = [(code(stage), code(why), count) for stage, reasons in by_stage.items() for why, count in reasons.items()]
    return table(("stage", "reason", "refused"), rows) if rows else Markdown("Nothing was refused.")


def cost_lines(manifest: Manifest) -> Markdown:
    """Lines that say what was spent on models."""
    if (spend := manifest.spend) is None:
        return Markdown("No model was paid for.")
    rows = [
        (code(r["stage"]), code(r["model"]), "-" if r["level"] is None else r["level"], Markdown(f"{r['cost']:.4f}"))
        for r in spend.by
    ]
    total = f"${spend.dollars:,.2f} in all for the models that were asked; answers from the ledger cost nothing again."
    return Markdown(f"{total}\n\n{table(('stage', 'model', 'level', 'dollars'), rows)}" if rows else total)


def sample_block(row: Row) -> Markdown:
    """A dialogue with some of its oracles, the last words heard before each."""
    answer = f", the answer being {code(row.answer)}" if row.answer else ""
    return Markdown(f"{code(row.id)}{answer}:\n\n{fence(_lines_of(row))}")


def _lines_of(row: Row) -> Iterator[str]:
    by_turn = row.words_by_turn
    for number, turn in enumerate(row.turns):
        yield f"{_clock(turn.start)}{turn.role}: {turn.text}"
        words = [word.word for word in by_turn.get(number, ())]
        for oracle in _some([oracle for oracle in row.oracles if oracle.turn == number]):
            heard = " ".join(words[max(0, oracle.prefix_words - 4) : oracle.prefix_words])
            arrived = oracle.time
            when = f"arrives at {arrived:.2f} s" if arrived is not None else "never arrives" if turn.start else ""
            level = f"level {oracle.level}, {oracle.ratio:.0%} heard"
            yield f"    [{'; '.join(part for part in (level, when) if part)}] ... {heard} -> {oracle.text}"


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:6.2f} s  "


def _some(oracles: list[RowOracle]) -> list[RowOracle]:
    """The last oracle of each level, in their order; of one turn no more than ORACLES_SHOWN."""
    last = {oracle.level: oracle for oracle in oracles}
    return [oracle for oracle in oracles if last[oracle.level] is oracle][:ORACLES_SHOWN]


def limit_lines(facts: Facts, benchmarks: list[str], stand_ins: list[str], audio: bool) -> Markdown:
    """Lines on the limits of the data, and on what was not checked; `benchmarks` are titles of sources."""
    lines = []
    if benchmarks:
        lines.append(
            f"These are benchmark questions ({', '.join(benchmarks)}). A model trained on them has seen the tests: its "
            "scores on these benchmarks, and on what was made from them, mean nothing any more."
        )
    if facts.written:
        lines.append(
            "Answers are the sources' own, with whatever errors these have; a wrong one is taught as the truth, for "
            f"the oracles of level {TRUTH} are the assistant's answer."
        )
    if facts.recorded:
        lines.append(
            "What the assistant's side says in a recording is taught as the truth, right or wrong: nobody has checked "
            "it. Turns were worked out from the times of the words."
        )
    lines.append(
        "Nobody has read or heard it all, unless whoever published it says so: what was refused was refused by rules."
    )
    if stand_ins:
        lines.append(f"Stand-ins, which are not what they stand for: {listed(stand_ins)}.")
    if facts.spoken and audio:
        lines += [*_voice_limits(facts), *_unchecked(facts)]
    elif not audio and facts.spoken:
        lines.append("Its sound is not published here; times of words and oracles are those of the sound.")
    else:
        lines.append("It was never spoken, so there are no times.")
    return bullets(lines)


def _voice_limits(facts: Facts) -> Iterator[str]:
    if facts.recorded:
        yield (
            f"{facts.recorded:,} of the dialogues are recordings. Whose voices these are is not recorded, so the same "
            "voice may be on both sides of the split."
        )
    if facts.written:
        user, assistant = (
            len(facts.made_by.get(role, {})) - bool(facts.recorded) for role in ("user_voice", "assistant_voice")
        )
        yield (
            f"All {'other ' if facts.recorded else ''}speech is synthetic, of {user:,} user "
            f"{'voice' if user == 1 else 'voices'} and {assistant:,} for the assistant; people sound different."
        )


def _unchecked(facts: Facts) -> Iterator[str]:
    total = facts.rows.total()
    yield "When an oracle arrives comes from a model of a back end's delays, and was not measured."
    for name, label in (("alignment", "alignment score"), ("user_wer", "recogniser's word error rate")):
        if (count := facts.checked[name]) < total:
            yield f"Not checked: {total - count:,} of {total:,} dialogues have no {label}."
