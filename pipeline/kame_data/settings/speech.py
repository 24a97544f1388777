"""Settings of speech: voices, the timeline, the sound, and what a row must pass. Times are seconds."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from kame_data.settings.branch import Branch, Distribution, Flag, Spec, uniform


def _between(least: float, most: float, unit: str) -> AfterValidator:
    """Checks that a distribution draws nothing outside these bounds."""

    def check(value: Distribution) -> Distribution:
        if value.low < least or value.high > most:
            raise ValueError(f"nothing below {least:g} {unit} or above {most:g} {unit}")
        return value

    return AfterValidator(check)


# A minute of silence is no dialogue any more: a longer one is a slip (milliseconds), and would fill the memory.
LONGEST_S = 60.0
# Beyond these no voice says words that can be told apart: our choice.
SLOWEST_WPM, FASTEST_WPM = 60, 300
Seconds = Annotated[Distribution, _between(0.0, LONGEST_S, "s")]
Share = Annotated[float, Field(ge=0, le=1)]


class VoiceSettings(Branch):
    """A voice of the pool: a name that the synthesizer gives out, or a reference clip's file, with its weight.

    `split` None leaves it to the pool in which split its speaker is. The name alone will do for all of it.
    """

    voice: Spec
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    split: Literal["train", "validation"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"voice": value} if isinstance(value, str) else value


class PauseSettings(Branch):
    """Silences within a user's turn.

    `rate`: the share of a turn's clause ends (punctuation within the turn) that get one; `within`: the share of its
    other word boundaries. `hesitation`: after a hesitation word. `choice`: before each of the choices that are named
    aloud, whoever names them. `long_rate`: the share of user turns with one long
    pause, as of somebody who thinks.
    """

    rate: Share = 0.0
    within: Share = 0.0
    length: Seconds = uniform(0.2, 0.6)
    hesitation: Seconds = uniform(0.1, 0.4)
    choice: Seconds = uniform(0.25, 0.45)
    long_rate: Share = 0.0
    long_length: Seconds = uniform(1.0, 3.0)


class SoundSettings(Branch):
    """The sound of a row. The user's channel may be degraded; the assistant's never is.

    `lufs` is the loudness of each speaker's own speech (ITU-R BS.1770), `user_level` the dB by which the user differs.
    `room`, `noise`, `telephone`, `background`: the share of dialogues whose user channel has it. `rt60`: seconds in
    which a room's echo falls by 60 dB; `snr`: dB of the user's speech over the noise; `background_level`: dB of another
    voice in the background against the user's.
    """

    lufs: Annotated[float, Field(ge=-40, le=-10)] = -23.0
    user_level: Annotated[Distribution, _between(-20.0, 12.0, "dB")] = uniform(0.0, 0.0)
    room: Share = 0.0
    rt60: Annotated[Distribution, _between(0.05, 10.0, "s")] = uniform(0.15, 0.5)
    noise: Share = 0.0
    snr: Annotated[Distribution, _between(-20.0, 100.0, "dB")] = uniform(10.0, 30.0)
    telephone: Share = 0.0
    background: Share = 0.0
    background_level: Annotated[Distribution, _between(-80.0, 20.0, "dB")] = uniform(-25.0, -15.0)


class CheckSettings(Branch):
    """Limits that a row's sound must pass. `alignment` None is the voice's and language's own limit; `asr` names a
    recogniser (`moonshine`, `faster-whisper:MODEL`) whose word error rate may be `wer` at the most."""

    alignment: float | None = None
    asr: Annotated[
        Spec | None,
        Flag("--asr", never=("import",)),
        Field(description="Recogniser whose word error rate is checked: moonshine, or faster-whisper:MODEL."),
    ] = None
    wer: Annotated[float, Field(ge=0)] = 0.3


class SpeechSettings(Branch):
    """Settings of how dialogues are spoken.

    `user_voices` empty: all that the synthesizer gives for the language; `assistant_voice` None: its own. `batch` is
    the most sentences that a VITS model of Coqui's says at once (0: one on a processor, 16 on a GPU). `answer_gap`
    and `user_gap` are from the end of one turn to the start of the next, negative for an overlap. `reaction`: from the
    start of a user's interruption until the assistant is silent. `back_channel_delay`: from the word that it answers
    to the back-channel's start.
    """

    tts: Annotated[
        Spec,
        Flag("--tts", never=("import",)),
        Field(description="The voice: espeak, or coqui:MODEL (a listed name or a folder)."),
    ] = "espeak"
    batch: Annotated[int, Field(ge=0)] = 0
    user_voices: tuple[VoiceSettings, ...] = ()
    assistant_voice: Spec | None = None
    aligner: Literal["auto", "pocketsphinx", "mms"] = "auto"
    words_per_minute: tuple[int, int] = (150, 180)
    lead_in: Seconds = uniform(0.2, 0.8)
    answer_gap: Annotated[Distribution, _between(-1.0, LONGEST_S, "s")] = uniform(0.2, 0.7)
    user_gap: Annotated[Distribution, _between(-5.0, LONGEST_S, "s")] = uniform(0.4, 1.2)
    tail: Seconds = uniform(0.3, 0.8)
    reaction: Seconds = uniform(0.15, 0.3)
    back_channel_delay: Seconds = uniform(0.05, 0.25)
    pauses: PauseSettings = PauseSettings()
    sound: SoundSettings = SoundSettings()
    checks: CheckSettings = CheckSettings()

    @field_validator("words_per_minute")
    @classmethod
    def _rising(cls, bounds: tuple[int, int]) -> tuple[int, int]:
        if not SLOWEST_WPM <= bounds[0] <= bounds[1] <= FASTEST_WPM:
            raise ValueError(f"give two rising numbers from {SLOWEST_WPM} to {FASTEST_WPM}")
        return bounds
