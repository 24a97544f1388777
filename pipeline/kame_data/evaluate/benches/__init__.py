"""Benches: sets of questions that systems are asked, each from its own place into Items."""

from difflib import get_close_matches

from kame_data.errors import UsageError
from kame_data.evaluate.benches.base import Bench
from kame_data.evaluate.benches.full_duplex import FullDuplexBench
from kame_data.evaluate.benches.heldout import HeldOut
from kame_data.evaluate.benches.mt_bench import MtBench
from kame_data.evaluate.benches.questions import OwnQuestions
from kame_data.evaluate.benches.voicebench import VoiceBench

__all__ = ["BENCHES", "Bench", "bench_of"]

BENCHES: dict[str, Bench] = {
    bench.name: bench for bench in (MtBench(), OwnQuestions(), HeldOut(), VoiceBench(), FullDuplexBench())
}
_MOST = 4096
"""Characters of a spec."""


def bench_of(spec: str) -> tuple[Bench, str]:
    """The bench that `NAME[:LOCATION]` names, and the location ("" where none is given). Raises UsageError."""
    name, colon, location = spec.strip().partition(":")
    known = ", ".join(bench.form for bench in BENCHES.values())
    if name not in BENCHES:
        near = get_close_matches(name, BENCHES, 1)
        hint = f"did you mean '{near[0]}'? There are" if near else "there are"
        raise UsageError(f"--bench '{spec[:80]}': no such bench; {hint} {known}")
    bench = BENCHES[name]
    if colon and not location:
        raise UsageError(f"--bench {spec}: nothing follows the colon; expected {bench.form}")
    if bench.needs and not location:
        raise UsageError(f"--bench {name}: {bench.needs} is missing; expected {bench.form}")
    if len(location) > _MOST or "\0" in location:
        raise UsageError(f"--bench {name}: '{location[:40]}...' is no place; expected {bench.form}")
    return bench, location
