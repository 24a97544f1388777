"""Recognisers that hear a user while he speaks, a file each; `streaming_recogniser` finds one by its spec."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from kame_data.errors import KameError, UsageError
from kame_data.tandem.streaming_recognisers.base import StreamingRecogniser
from kame_data.tandem.streaming_recognisers.google import open_google
from kame_data.tandem.streaming_recognisers.kyutai import open_kyutai
from kame_data.tandem.streaming_recognisers.moonshine import MoonshineRecogniser
from kame_data.tandem.streaming_recognisers.openai import open_openai
from kame_data.tandem.streaming_recognisers.turns import SILENCE
from kame_data.tandem.streaming_recognisers.whisper import open_whisper
from kame_data.tandem.streaming_recognisers.words import NAME as WORDS

NONE = "none"


@dataclass(frozen=True, slots=True)
class StreamingEngine:
    """A recogniser at work, as `--recogniser` names it.

    `form`: the whole spec, for a person. `extra`: the extra of kame-data that installs it, "" for the core; `package`:
    what must be there. `open(rest, silence)`: the recogniser of what stands behind the colon, `silence` being the
    seconds that end a turn; raises KameError where it cannot be had. `bare`: nothing stands behind the colon.
    """

    form: str
    extra: str
    package: str
    open: Callable[[str, float], StreamingRecogniser]
    bare: bool = False

    @property
    def name(self) -> str:
        """The part of the spec before the colon."""
        return self.form.partition(":")[0]

    @property
    def cure(self) -> str:
        """The command that installs what it needs."""
        return f"pip install 'kame-data[{self.extra}]'" if self.extra else f"pip install {self.package}"


ENGINES = {
    engine.name: engine
    for engine in (
        StreamingEngine(
            "moonshine", "tandem", "moonshine-voice", lambda _, silence: MoonshineRecogniser(silence), bare=True
        ),
        StreamingEngine("faster-whisper:MODEL", "asr", "faster-whisper", open_whisper),
        StreamingEngine("kyutai:REPO", "tandem", "moshi", open_kyutai),
        StreamingEngine("google", "google", "google-cloud-speech", open_google, bare=True),
        StreamingEngine("openai:MODEL[@URL]", "", "openai", open_openai),
    )
}


def streaming_recogniser(spec: str, silence: float = SILENCE) -> StreamingRecogniser | None:
    """The recogniser that a spec names; None for `none`, with which nobody hears the user.

    `silence`: seconds that end a user's turn. Raises UsageError for a spec that names none, KameError where a package,
    a key or a model is missing.
    """
    name, colon, rest = spec.strip().partition(":")
    if name == NONE and not colon:
        return None
    if name == WORDS:
        raise UsageError(f"--recogniser {spec}: it tells the words of a row, in evaluations of rows; name another")
    if name not in ENGINES:
        forms = ", ".join(engine.form for engine in ENGINES.values())
        raise UsageError(f"--recogniser {spec}: no such recogniser; use {forms} or {NONE}")
    engine = ENGINES[name]
    if bool(rest) == engine.bare or (engine.bare and colon):
        raise UsageError(f"--recogniser {spec}: use {engine.form}")
    if not 0.1 <= silence <= 10:
        raise UsageError(f"silence of {silence:g} s at a turn's end: is from 0.1 to 10")
    try:
        version(engine.package)
    except PackageNotFoundError:
        raise KameError(f"--recogniser {spec}: the package {engine.package} is missing; {engine.cure}") from None
    return engine.open(rest, silence)
