"""The page of the tandem: one HTML file, in which one talks to a model, or looks at a conversation that is over.

Its scripts and styles are those of this package, named by hash in its Content-Security-Policy; the events of a
conversation are JSON in a script element of a type that no browser runs, and the page puts them on screen as text.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from kame_data.tandem.events import AnyEvent, Logged

HERE = Path(__file__).parent
SCRIPTS = ("sound.js", "axis.js", "conversation.js", "talk.js")
MOST_EVENTS = 50_000
"""Events that a page holds; those of an hour's conversation are fewer."""


def live_page() -> str:
    """The page that talks to the server that gave it."""
    return _render([], None)


def session_page(logged: Logged, sound: bytes | None) -> str:
    """The page of a conversation that is over: its log, and its sound as a FLAC file, channel 0 the
    assistant's."""
    return _render([logged.session, *logged.events][:MOST_EVENTS], sound)


def _render(events: Iterable[AnyEvent], sound: bytes | None) -> str:
    from jinja2 import FileSystemLoader
    from jinja2.sandbox import SandboxedEnvironment

    script = "\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    style = (HERE / "page.css").read_text("utf-8")
    shown = [event.model_dump(mode="json", exclude_none=True) for event in events]
    room = SandboxedEnvironment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return room.get_template("page.html").render(
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        events=_script_json(shown) if shown else "",
        sound=base64.b64encode(sound).decode() if sound is not None else "",
    )


def _script_json(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
