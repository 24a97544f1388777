"""The settings of a conversation with a model: who hears, who answers, who speaks, and what it may cost."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kame_data.settings.branch import Branch, Flag, Tree
from kame_data.settings.latency import LatencySettings
from kame_data.settings.server import ServerSettings
from kame_data.settings.tree import AtLeastOne, Wait

Dollars = Annotated[float, Field(ge=0)]


class TandemLatency(LatencySettings):
    """The loop of the back end, as in a build; its delays are those of a run on a virtual clock."""

    policy: Annotated[
        Literal["poll", "overlap", "final", "none"],
        Flag("--policy"),
        Field(description="When the back end is asked: poll, overlap, final (once a turn) or none (the model alone)."),
    ] = "poll"


class AnswerSettings(Branch):
    """Settings of asking the back end. `temperature` None is the model's own.

    `words`, `tokens`: the most that an answer may have; what is longer is cut off, and the connection closed. `first`:
    seconds until its first word at most, `whole`: until its end. `history`: the most tokens of the conversation before
    that it is told. `session_budget`, `budget`: dollars that one conversation, and all together, may cost. `prices`:
    dollars a million tokens, over the table's.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.8
    words: AtLeastOne = 60
    tokens: AtLeastOne = 120
    first: Wait = 8.0
    whole: Wait = 20.0
    history: AtLeastOne = 1500
    session_budget: Annotated[
        Dollars | None, Flag("--session-budget"), Field(description="Dollars that one conversation may spend.")
    ] = None
    budget: Annotated[
        Dollars | None,
        Flag("--budget", never=("evaluate",)),
        Field(description="Dollars that all conversations may spend together."),
    ] = None
    prices: dict[str, dict[str, float]] = Field(default_factory=dict)


class VirtualSettings(Branch):
    """Settings of a run on a virtual clock.

    `delays`: of the back end, `drawn` from the latency, its answers coming at `pace` of the model's tokens a second; or
    `measured`, as long as recogniser and back end really take. `tail`: seconds at most that the conversation goes on
    behind the end of the sound; it ends when the assistant has been silent for `quiet` seconds and nothing is on its
    way.
    """

    delays: Annotated[
        Literal["drawn", "measured"],
        Flag("--delays"),
        Field(description="Delays: the back end's drawn from --latency, or measured."),
    ] = "drawn"
    pace: Annotated[float, Field(gt=0, le=1000)] = 50.0
    tail: Annotated[float, Field(ge=0, le=600)] = 20.0
    quiet: Annotated[float, Field(ge=0, le=60)] = 2.0


class ConversationSettings(Tree):
    """Settings of conversations with a model, however they are held. `silence`: seconds that end a turn of the
    user."""

    model: Annotated[
        str,
        Flag("MODEL", metavar="demo|RUN|FOLDER|HUB_ID"),
        Field(description="The front end: demo, a run or exported folder, a Hub id, or untrained-tiny."),
    ] = "demo"
    seed: Annotated[int, Flag("--seed"), Field(ge=0, lt=2**63, description="Seed of every draw.")] = 0
    language: Annotated[str, Flag("--language"), Field(description="The user's language, as in en.")] = "en"
    recogniser: Annotated[
        str,
        Flag("--recogniser", metavar="SPEC"),
        Field(description="Who hears the user: moonshine, none, or another that docs/TANDEM.md names."),
    ] = "moonshine"
    silence: Annotated[float, Field(ge=0.1, le=10)] = 0.8
    back_end: Annotated[
        str,
        Flag("--back-end", metavar="SPEC"),
        Field(description="Who answers: offline, openai:MODEL or anthropic:MODEL, also with @URL."),
    ] = "offline"
    voice: Annotated[
        Literal["auto", "model", "tts"],
        Flag("--voice"),
        Field(description="model: the model's own sound; tts: its words, spoken; auto: tts where it cannot speak."),
    ] = "auto"
    oracle_mode: Annotated[
        Literal["contract", "by-position"],
        Flag("--oracle-mode"),
        Field(description="by-position loses tokens that come late, as KAME's own server does."),
    ] = "contract"
    tokenizer: Annotated[
        str | None, Flag("--tokenizer", metavar="FILE"), Field(description="SentencePiece model; else the model's own.")
    ] = None
    codec: Annotated[
        str | None,
        Flag("--codec", metavar="NAME|FILE"),
        Field(description="mimi, a file of its weights, or another codec; else the model's own."),
    ] = None
    prompts: Annotated[
        Path | None, Flag("--prompts"), Field(description="Folder with an own back_end.txt, over the bundled prompt.")
    ] = None
    device: Annotated[str, Flag("--device"), Field(description="Where the model runs: auto, cpu, cuda or mps.")] = (
        "auto"
    )

    latency: TandemLatency = TandemLatency()
    answers: AnswerSettings = AnswerSettings()
    virtual: VirtualSettings = VirtualSettings()


class TandemSettings(ConversationSettings):
    """All settings of conversations, over a server or with a recording."""

    environment: ClassVar[str] = "KAME_DATA_TANDEM_"
    example: ClassVar[str] = "answers.words=40"
    recipes: ClassVar[str | None] = "data/recipes/talk"

    sound_in: Annotated[
        Path | None,
        Flag("--in", metavar="FILE"),
        Field(description="The user's sound, for a run on a virtual clock, without a server."),
    ] = None
    say: Annotated[
        str | None,
        Flag("--say", metavar="TEXT"),
        Field(min_length=1, max_length=2000, description="In place of --in: what espeak says as the user."),
    ] = None
    clock: Annotated[
        Literal["virtual", "real"],
        Flag("--clock"),
        Field(description="With --in or --say: virtual (the same bytes each time) or real time."),
    ] = "virtual"
    page: Annotated[
        Path | None, Flag("--page", metavar="FILE"), Field(description="Page to write: the conversation in time.")
    ] = None
    sound_out: Annotated[
        Path | None, Flag("--out", metavar="FILE"), Field(description="WAV to write: assistant left, user right.")
    ] = None
    record: Annotated[
        Path | None,
        Flag("--record", metavar="DIR"),
        Field(description="Keep conversations there, for kame-data import; users are told."),
    ] = None
    events: Annotated[Path | None, Flag("--events", metavar="FILE"), Field(description="Event log to write.")] = None
    slots: Annotated[
        AtLeastOne,
        Flag("--slots"),
        Field(description="Conversations that the server runs at once."),
    ] = 1
    server: ServerSettings = ServerSettings()
