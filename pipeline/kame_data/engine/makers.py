"""The makers of a build, by its settings: what writes, simulates and speaks, a model or the rules in its place."""

from functools import cache

from kame_data.dialogues.write import ManyWriter, Writer
from kame_data.llm.prices import Prices
from kame_data.llm.prompts import BACK_END, ORACLE, WRITER, prompts_of
from kame_data.llm.simulator import LlmSimulator
from kame_data.llm.spec import api_key, parse_spec
from kame_data.llm.writer import LlmWriter
from kame_data.offline.simulator import OfflineSimulator
from kame_data.offline.writer import OfflineWriter
from kame_data.oracles.simulate import ByLevel, ManySimulator, Simulator
from kame_data.settings.tree import Settings
from kame_data.speech import speak
from kame_data.speech.voices.engines import engine_of

# What they have read and worked out is worth keeping from part to part.
_offline_writer = cache(OfflineWriter)
_offline_simulator = cache(OfflineSimulator)


def writer_of(settings: Settings) -> Writer | ManyWriter:
    """The writer that `--writer` (or `--llm`) names. Raises UsageError for a name or a prompt that will not do."""
    return _offline_writer(settings.seed) if settings.writer == "offline" else LlmWriter.of(settings)


def simulator_of(settings: Settings) -> Simulator | ManySimulator:
    """The simulator that `--simulator` (or `--llm`) names, with `--back-end` at level 0. Raises as `writer_of` does."""
    simulator, back_end = settings.asked["oracles"]
    rules = _offline_simulator(settings.seed)
    if simulator == back_end == "offline":
        return rules
    if simulator == "offline":
        return ByLevel(LlmSimulator.of(settings, back_end, back_end), rules)
    if back_end == "offline":
        return ByLevel(rules, LlmSimulator.of(settings, simulator, simulator))
    return LlmSimulator.of(settings, simulator, back_end)


def _specs(settings: Settings) -> dict[str, str]:
    """The specs of what makes text in this build, by role; the back end where it is another one than the simulator."""
    simulator, back_end = settings.asked["oracles"]
    found = {"writer": settings.writer} if settings.writes else {}
    return found | {"simulator": simulator} | ({"back end": back_end} if back_end != simulator else {})


def ask_models(settings: Settings) -> bool:
    """Tell whether these settings ask any model at all."""
    return any(settings.asks(stage) for stage in settings.asked)


def check_models(settings: Settings) -> None:
    """Raise UsageError where a model is named whose provider wants a key that the environment lacks, or whose price
    is not known although there is a budget."""
    prices = Prices(settings.llm.prices)
    for name in _specs(settings).values():
        spec = parse_spec(name)
        if not spec.offline:
            api_key(spec.provider, spec.base_url)
            if settings.llm.budget is not None:
                prices.known(spec.request())


def stand_ins(settings: Settings) -> list[str]:
    """The stand-ins for the real thing in this build, a line each."""
    found = [f"{role}: offline rules" for role, spec in _specs(settings).items() if spec == "offline"]
    if settings.writes and settings.writer == "offline" and settings.writing.open:
        found[0] += " (no open questions)"
    if settings.speak and settings.writes and engine_of(settings.speech.tts).stand_in:
        found.append(f"voice: {settings.speech.tts}")
    return found


def prompt_digests(settings: Settings) -> dict[str, str]:
    """The digest of each prompt that these settings ask a model with, by task."""
    simulator, back_end = settings.asked["oracles"]
    asked = {WRITER: settings.writer, ORACLE: simulator, BACK_END: back_end}
    return {task: prompts_of(settings.prompts)[task].digest for task, spec in asked.items() if spec != "offline"}


def check_voices(settings: Settings) -> None:
    """Raise UsageError where a voice is named that there is not, or a split is left without one; loads the model."""
    if settings.writes:
        speak.check_voices(settings)


def terms(settings: Settings) -> list[str]:
    """The terms of the voices' licences: what they forbid, a line each."""
    spoken = settings.speak and settings.writes
    return speak.synthesizer_of(settings.speech.tts, settings.speech.batch).terms() if spoken else []
