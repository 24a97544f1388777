"""Settings that an earlier version wrote into the files of a build, as this version has them."""

from typing import Any

POLL = 0.25
"""Seconds between two looks at the transcript in the presets of earlier versions; `ideal` had none."""


def as_now(held: Any, **more: Any) -> Any:
    """The settings of a build as its files hold them, with `more` over them, for `Settings` to validate.

    Earlier versions knew the policy `poll` alone, and wrote of a back end only what was set over its preset.
    """
    if not isinstance(held, dict):
        return held
    latency = held.get("latency")
    if isinstance(latency, dict) and "preset" in latency and "policy" not in latency and latency["preset"] != "ideal":
        held = held | {"latency": latency | {"poll": POLL if latency.get("poll") is None else latency["poll"]}}
    return held | more
