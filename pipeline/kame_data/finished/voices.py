"""The figures of a build's voices: how much each says, how fast, and how well a recogniser hears it.

The report and `quality` take them from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kame_data.finished.row import Row
from kame_data.records import Role

SIDES: tuple[Role, ...] = ("user", "assistant")
COLUMNS = ("id", "turns", "words", "duration", "audio_checks", "provenance")
"""The columns of a row that the figures need."""


@dataclass
class VoiceFigures:
    """Figures of one voice on one side.

    `words` are said in `seconds`, a turn's from its start to its end, pauses included. Of `heard` dialogues a
    recogniser heard `heard_words` words, `errors` of them wrong.
    """

    dialogues: int = 0
    words: int = 0
    seconds: float = 0.0
    heard: int = 0
    heard_words: int = 0
    errors: float = 0.0

    @property
    def words_per_minute(self) -> float | None:
        """The pace over all turns; None where nothing is said."""
        return self.words / self.seconds * 60 if self.seconds else None

    @property
    def word_error_rate(self) -> float | None:
        """The rate over all words that were heard; None where no recogniser was asked."""
        return self.errors / self.heard_words if self.heard_words else None


class Voices:
    """The figures by side and voice, of spoken rows alone."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.by_voice: dict[tuple[Role, str], VoiceFigures] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Count a row of `COLUMNS`; one without speech has no voices."""
        if row.duration is None:
            return
        for side in SIDES:
            voice = self.by_voice.setdefault((side, row.provenance[f"{side}_voice"] or ""), VoiceFigures())
            turns = [turn for turn in row.turns if turn.role == side and turn.end > turn.start]
            words = sum(word.role == side for word in row.words)
            voice.dialogues += 1
            voice.words += words
            voice.seconds += sum(turn.end - turn.start for turn in turns)
            rate = (row.audio_checks or {}).get(f"{side}_wer")
            if rate is not None:
                voice.heard += 1
                voice.heard_words += words
                voice.errors += rate * words

    @property
    def heard(self) -> bool:
        """True where a recogniser was asked."""
        return any(voice.heard for voice in self.by_voice.values())

    def figures(self) -> list[dict[str, Any]]:
        """The figures as plain values, by side, the voices with most dialogues first."""
        order = sorted(self.by_voice.items(), key=lambda i: (SIDES.index(i[0][0]), -i[1].dialogues, i[0][1]))
        return [
            {
                "side": side,
                "voice": voice,
                "dialogues": of.dialogues,
                "words_per_minute": of.words_per_minute,
                "heard": of.heard,
                "word_error_rate": of.word_error_rate,
            }
            for (side, voice), of in order
        ]

    def table(self) -> list[tuple[str, ...]]:
        """The figures as lines of text, a heading first."""
        return [
            ("side", "voice", "dialogues", "words a minute", "heard", "word error rate"),
            *(
                (
                    of["side"],
                    of["voice"],
                    f"{of['dialogues']:,}",
                    "-" if of["words_per_minute"] is None else f"{of['words_per_minute']:.0f}",
                    f"{of['heard']:,}",
                    "-" if of["word_error_rate"] is None else f"{of['word_error_rate']:.1%}",
                )
                for of in self.figures()
            ),
        ]
