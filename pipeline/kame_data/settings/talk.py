"""The settings of a client that talks to a tandem's server: with a recording, or with a microphone."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from kame_data.settings.branch import Flag, Tree

_Seconds = Annotated[float, Field(gt=0, le=600)]


class TalkSettings(Tree):
    """All settings of a talk with a server. The server's token comes from the environment alone (KAME_DATA_TOKEN).

    `form`: of the samples on the wire. `tail`: seconds at most that a talk by recording goes on behind its end; it ends
    when nothing has happened for `quiet` seconds. `connect`: seconds until the server must have answered.
    """

    environment: ClassVar[str] = "KAME_DATA_TALK_"
    example: ClassVar[str] = "tail=30"

    url: Annotated[
        str, Flag("URL"), Field(description="Address of the server, as in http://127.0.0.1:8998 or wss://my.site/ws.")
    ] = "http://127.0.0.1:8998"
    sound_in: Annotated[
        Path | None,
        Flag("--in", metavar="FILE"),
        Field(description="Recording of the user, of any rate; of a stereo file the right channel is heard."),
    ] = None
    mic: Annotated[bool, Flag("--mic"), Field(description="Talk with the microphone and loudspeaker (extra mic).")] = (
        False
    )
    sound_out: Annotated[
        Path | None, Flag("--out", metavar="FILE"), Field(description="WAV to write: assistant left, user right.")
    ] = None
    events: Annotated[Path | None, Flag("--events", metavar="FILE"), Field(description="Event log to write.")] = None
    language: Annotated[
        str | None, Flag("--language"), Field(max_length=20, description="The user's language; else the server's own.")
    ] = None
    form: Literal["s16", "f32"] = "s16"
    tail: _Seconds = 20.0
    quiet: _Seconds = 2.0
    connect: _Seconds = 10.0

    @model_validator(mode="after")
    def _one_user(self) -> "TalkSettings":
        if self.mic == (self.sound_in is not None):
            raise ValueError("name a recording with --in, or talk with --mic, one of them")
        return self
