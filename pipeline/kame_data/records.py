"""The nouns: Question -> Dialogue -> Prefix -> Oracle; Dialogue -> Speech -> Example.

All are frozen dataclasses of plain values, so that a record is a row and a row is a record (see `engine.parts`).
Times are seconds from the start of the dialogue's audio unless a field says otherwise.
"""

from dataclasses import dataclass
from typing import Literal

SAMPLE_RATE = 24_000
"""Samples a second of a dialogue's sound, as Moshi's codec takes it."""
FRAME_SAMPLES = 1_920
FRAME_RATE = SAMPLE_RATE / FRAME_SAMPLES
FRAME = FRAME_SAMPLES / SAMPLE_RATE
"""Seconds of a frame of the codec, in which Moshi reads and says one token."""
FRAME_MICROSECONDS = FRAME_SAMPLES * 1_000_000 // SAMPLE_RATE

Role = Literal["user", "assistant"]
Split = Literal["train", "validation"]
TurnKind = Literal["speech", "back_channel"]
Form = Literal["closed", "explain", "compare", "what_if", "advice", "opinion"]
"""The kind of question that a dialogue is about: the source's own (`closed`), or an open one about the same matter."""
StartKind = Literal["early", "filler"]
SituationKind = Literal[
    "pause", "hesitation", "back_channel", "barge_in", "overlap", "background", "early_start", "filler"
]


@dataclass(frozen=True, slots=True)
class Picture:
    """A question's picture: its bytes where the source holds them, else only its path within the source."""

    path: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a source, as the source states it (nothing is put into spoken words yet).

    `id` is `<source>-<the source's own id, or a hash of the content>`, unique within a build. `choices` is empty for
    an open question; where there are choices, `answer` is the text of the right one. `working` is the source's
    derivation of the answer ("" where it has none). `family` joins the rows that are one question under several ids
    or languages ("" where the source has no such id). `source_split` is the split that the row came from.
    """

    id: str
    source: str
    stem: str
    answer: str
    choices: tuple[str, ...] = ()
    working: str = ""
    category: str = ""
    language: str = "en"
    picture: Picture | None = None
    source_split: str = ""
    family: str = ""


def is_cut_off(text: str, intended_text: str) -> bool:
    """Tell whether only the beginning of what was intended was said, because the other side barged in."""
    return text != intended_text and intended_text.startswith(text)


@dataclass(frozen=True, slots=True)
class Turn:
    """The words of one side until it gives up the floor.

    `text` is what is said; `intended_text` what would have been said if nobody had interrupted and the assistant had
    waited for it (the same but for a barge-in, where `text` is its beginning, and a turn with a `Start`, where it is
    the true answer alone). A turn of kind `back_channel` ("mm-hm") takes no floor: it stands behind
    the other side's turn during which it is said, `after` the first so many words of that turn; it asks and answers
    nothing. `claim`: what a turn of the assistant's answers, in a few spoken words that its first sentence says ("" in
    the user's turns, and where the writer names none).
    """

    role: Role
    text: str
    intended_text: str
    kind: TurnKind = "speech"
    after: int | None = None
    claim: str = ""

    @property
    def interrupted(self) -> bool:
        """Tell whether the other side barged in."""
        return is_cut_off(self.text, self.intended_text)


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of an answer that was begun before the true answer was known: the first `words` words of turn
    `turn`, which answers turn `asked`.

    `early`: they are the first words of the oracle of `level` at the first `prefix_words` words of turn `asked`, behind
    `lead` words of doubt ("I think"). The next `mend` words take them back; 0 where they were right. `filler`: they say
    nothing ("let me think"), and `prefix_words` is the whole turn. What comes behind `words` waits for an oracle at one
    of the prefixes `waits_for` (words of turn `asked`): those hold the true answer.
    """

    turn: int
    asked: int
    kind: StartKind
    words: int
    lead: int
    mend: int
    prefix_words: int
    level: int
    waits_for: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns of user and assistant about one question; the first turn is the user's.

    `id` is `<question id>-v<variant>`. `answer` is the true answer in spoken words; of an open `form`, which has no
    answer of the source's, it is the claim of the first answer. `choices` are the ones offered aloud (empty where the
    question is asked without them). `writer` names what wrote it (`offline`, `openai:gpt-4.1-nano`);
    `again` holds the reasons for which it was asked to write again, one for each draft that was refused. `starts` are
    the answers that were begun before the true answer was known, in order.
    """

    id: str
    question_id: str
    variant: int
    language: str
    turns: tuple[Turn, ...]
    answer: str
    choices: tuple[str, ...] = ()
    writer: str = ""
    again: tuple[str, ...] = ()
    form: Form = "closed"
    starts: tuple[Start, ...] = ()

    @property
    def guessing(self) -> dict[int, int]:
        """By user turn that is answered early: the words up to which the back end still guesses."""
        return {start.asked: start.prefix_words for start in self.starts if start.kind == "early"}


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first `words` words of user turn `turn` (index into the dialogue's turns, which has `total_words`)."""

    turn: int
    words: int
    total_words: int
    level: int

    @property
    def ratio(self) -> float:
        """Share of the turn's words heard, in (0, 1]."""
        return self.words / self.total_words


@dataclass(frozen=True, slots=True)
class Oracle:
    """The answer that a back end might have given at a prefix, written with the hint of `level` (0 to 5).

    `transcript` is what the recogniser had made of the prefix, "" where that is what was said.
    """

    turn: int
    prefix_words: int
    ratio: float
    level: int
    text: str
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in the turn's text, with its start and end."""

    turn: int
    role: Role
    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that duplex speech has and turn-taking has not: `kind` in turn `turn` (-1 for `background`, which is
    nobody's), from `start` to `end` in seconds."""

    kind: SituationKind
    turn: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class AudioChecks:
    """Measures of a row's sound. `alignment`: how well the words are in it, the worst turn's score (None
    where no aligner speaks the language); each side's word error rate by a recogniser, over all its words (None where
    none was asked); loudness in LUFS (None where a side speaks too little to measure)."""

    alignment: float | None
    user_wer: float | None
    assistant_wer: float | None
    user_lufs: float | None
    assistant_lufs: float | None


@dataclass(frozen=True, slots=True)
class Speech:
    """A dialogue's sound: `flac` is 24 kHz stereo 16-bit FLAC, channel 0 the assistant, channel 1 the user.

    `words` are the words of the turns, in order of turn and position; `duration` is in seconds; `situations` are in
    order of their start.
    """

    dialogue_id: str
    flac: bytes
    duration: float
    words: tuple[Word, ...]
    user_voice: str
    assistant_voice: str
    word_times: str
    situations: tuple[Situation, ...]
    checks: AudioChecks


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that a stage refused; one line of rejected/.

    `dialogue_id` is "" where the refusal came before there was a dialogue. `reason` is counted, `detail` is read.
    """

    stage: str
    source: str
    question_id: str
    dialogue_id: str
    reason: str
    detail: str
