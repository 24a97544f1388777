"""Recorded dialogues as records: what the questions, dialogues and speech stages make of them.

A recording says who speaks when, and no more: its turns are worked out (see `turns`), nothing of it is written anew,
and its sound stays as it is. What it cannot tell stays empty: the right answer, the choices, what an interrupted turn
would have gone on to say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from kame_data.errors import KameError, Refusal
from kame_data.imported.layout import AUDIO, TEXT, Entry, Speaker, by_speaker, entries, entry_of, read_words
from kame_data.imported.recorded_sound import check_sound, duration_of, read_sound
from kame_data.imported.turns_of_words import SpokenTurn, TimedWord, turns_of
from kame_data.records import SAMPLE_RATE, Dialogue, Question, Rejected, Role, Speech, Turn, Word
from kame_data.seeds import safe_id
from kame_data.speech.checks import measure
from kame_data.speech.sound import encode_flac
from kame_data.speech.timeline import PAUSE_S, situations_of

WRITER, VOICE, WORD_TIMES = "imported", "recorded", "given"
"""Names that rows give to the origin of their words, voices and times."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of a folder, read with one side as the assistant's, in one language."""

    folder: Path
    assistant: Speaker = "A"
    language: str = "en"
    resample: bool = False

    def entry(self, question: Question) -> Entry:
        """The files of a question's dialogue."""
        name = question.id.partition("-")[2]
        root = self.folder / question.source_split
        plain = entry_of(root, question.source_split, name)
        if plain.text.exists():
            return plain
        return next((e for e in entries(self.folder) if safe_id(e.name) == name), plain)

    def turns(self, entry: Entry) -> list[SpokenTurn]:
        """The turns of a dialogue with the times of their words. Raises Refusal for one that cannot be imported."""
        return turns_of(self._sides(entry), self.language)

    def duration(self, entry: Entry) -> float:
        """Seconds of a dialogue's sound. Raises Refusal as `turns` does."""
        return duration_of(entry.audio, self.resample)

    def _sides(self, entry: Entry) -> dict[Role, list[TimedWord]]:
        given = read_words(entry.text)
        sides = by_speaker(given, self.duration(entry), f"{TEXT}/{entry.text.name}")
        return {
            "assistant" if speaker == self.assistant else "user": [TimedWord(w.word, w.start, w.end) for w in own]
            for speaker, own in sides.items()
        }

    def dialogue(self, question: Question) -> Dialogue:
        """The dialogue of a question. Raises Refusal."""
        turns = tuple(spoken.turn for spoken in self.turns(self.entry(question)))
        check_turns(turns)
        return Dialogue(f"{question.id}-v0", question.id, 0, self.language, turns, answer="", writer=WRITER)

    def speech(self, dialogue: Dialogue, question: Question) -> Speech:
        """The sound of a dialogue. Raises Refusal; KameError where the text has changed since it was read."""
        entry = self.entry(question)
        sides = self._sides(entry)
        turns = turns_of(sides, self.language)
        if tuple(spoken.turn for spoken in turns) != dialogue.turns:
            raise KameError(f"{entry.text}: has changed since this build read it; give another --out, or the old file")
        samples = read_sound(entry.audio)
        if self.assistant == "B":
            samples = np.ascontiguousarray(samples[:, ::-1])
        check_sound(samples, sides, f"{AUDIO}/{entry.audio.name}")
        words = tuple(
            Word(number, spoken.turn.role, word.word, word.start, word.end)
            for number, spoken in enumerate(turns)
            for word in spoken.words
        )
        return Speech(
            dialogue_id=dialogue.id,
            flac=encode_flac(samples),
            duration=len(samples) / SAMPLE_RATE,
            words=words,
            user_voice=VOICE,
            assistant_voice=VOICE,
            word_times=WORD_TIMES,
            situations=tuple(situations_of(dialogue, [_pauses(spoken) for spoken in turns], words)),
            checks=measure([], samples, words),
        )


def _pauses(spoken: SpokenTurn) -> list[int]:
    """The words of a user's turn before which there is a pause; every silence of that length is one here."""
    if spoken.turn.role != "user" or spoken.turn.kind != "speech":
        return []
    return [n for n, (a, b) in enumerate(pairwise(spoken.words), 1) if b.start - a.end >= PAUSE_S]


def check_turns(turns: tuple[Turn, ...]) -> None:
    """Raise Refusal (`no_answer`) where no turn of the user's has an answer, so that no oracle could foretell one."""
    floor = [turn.role for turn in turns if turn.kind == "speech"]
    if ("user", "assistant") not in pairwise(floor):
        raise Refusal("no_answer", "no turn of the user's is followed by one of the assistant's")


def recorded_dialogues(questions: Iterable[Question], recordings: Recordings) -> Iterator[Dialogue | Rejected]:
    """For each question, in order, its dialogue as it was recorded, or why there is none."""
    for question in questions:
        try:
            yield recordings.dialogue(question)
        except Refusal as refusal:
            yield _rejected("dialogues", question, refusal)


def recorded_speech(
    dialogues: Iterable[Dialogue], questions: Iterable[Question], recordings: Recordings
) -> Iterator[Speech | Rejected]:
    """For each dialogue, in order, its sound as it was recorded, or why there is none."""
    by_id = {question.id: question for question in questions}
    for dialogue in dialogues:
        question = by_id[dialogue.question_id]
        try:
            yield recordings.speech(dialogue, question)
        except Refusal as refusal:
            yield _rejected("speech", question, refusal)


def _rejected(stage: str, question: Question, refusal: Refusal) -> Rejected:
    return Rejected(stage, question.source, question.id, f"{question.id}-v0", refusal.reason, refusal.detail)
