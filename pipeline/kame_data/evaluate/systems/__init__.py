"""The systems that answer a bench, one file each."""

from difflib import get_close_matches

from kame_data.errors import UsageError
from kame_data.evaluate.systems.base import System, SystemEngine
from kame_data.evaluate.systems.cascade import CASCADE
from kame_data.evaluate.systems.last_oracle import LAST_ORACLE
from kame_data.evaluate.systems.recordings import RECORDINGS
from kame_data.evaluate.systems.tandem import FRONT_END, TANDEM

__all__ = ["SYSTEMS", "System", "SystemEngine", "system_of"]

SYSTEMS: dict[str, SystemEngine] = {
    engine.name: engine for engine in (TANDEM, FRONT_END, CASCADE, LAST_ORACLE, RECORDINGS)
}


def system_of(spec: str) -> tuple[SystemEngine, str]:
    """The engine that `NAME[:REST]` names, and the rest. Raises UsageError."""
    name, _, rest = spec.strip().partition(":")
    if name not in SYSTEMS:
        known = ", ".join(engine.form for engine in SYSTEMS.values())
        near = get_close_matches(name, SYSTEMS, 1)
        hint = f"did you mean '{near[0]}'? There are" if near else "there are"
        raise UsageError(f"--systems '{spec[:80]}': no such system; {hint} {known}")
    SYSTEMS[name].check(rest)
    return SYSTEMS[name], rest
