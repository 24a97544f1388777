"""Conversations that are kept (`--record DIR`), in the layout that `kame-data import` reads.

A conversation becomes `audio/<id>.wav` (the assistant left, the user right), `text/<id>.json` (words with their times),
`oracles/<id>.json` (what the back end gave, where it came; see `imported.recorded_oracles`) and `events/<id>.jsonl`.
Its sound goes to a hidden file while it lasts, and `text` is written last: of a process that was killed nothing is
left that an import would take.

No recogniser tells when a word was said. English words are found in the sound by the aligner that checks the voices of
a build; others share the time between the moments that the event log names.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.imported.layout import AUDIO, ORACLES, TEXT
from kame_data.imported.turns_of_words import TimedWord
from kame_data.seeds import safe_id
from kame_data.speech.sound import to_int16
from kame_data.speech.timing import alignment
from kame_data.storage.files import write_whole
from kame_data.tandem import events as of
from kame_data.tandem import history
from kame_data.tandem.events import AnyEvent
from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.text.words import split_words

EVENTS = "events"
PAUSE = 1.0
"""Seconds without a word of the assistant's between two stretches of its words."""
LAG = 4.0
"""Seconds that a voice may be behind the words that it speaks."""
MARGIN = 0.3
"""Seconds around a stretch in which its words are looked for."""
USUAL = 0.3
"""Seconds of a word about which nothing better is known."""
MOST_ALIGNED = 120.0
"""Seconds of the longest stretch whose words are looked for in the sound."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words of one side that were said between two moments, in seconds; `at`: when each was known, if it was told."""

    words: tuple[str, ...]
    start: float
    end: float
    at: tuple[float, ...] = ()


class Recording:
    """The recording of one conversation, while it lasts. `tap` takes both sides' frames, `take` the events, the first
    of which names the conversation and its language.

    Raises KameError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = uuid.uuid4().hex[:12]
        self.language = "en"
        self.events: list[AnyEvent] = []
        self._hidden = folder / AUDIO / f".{self.name}.wav"
        try:
            for part in (AUDIO, TEXT, ORACLES, EVENTS):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._sound = soundfile.SoundFile(str(self._hidden), "w", RATE, 2, "PCM_16", format="WAV")
        except (OSError, soundfile.LibsndfileError) as error:
            raise KameError(f"--record {folder}: cannot be written ({error}); name another folder") from None

    def tap(self, user: NDArray[np.float32], assistant: NDArray[np.float32]) -> None:
        """Take a frame of both sides, f32 (SAMPLES,) each."""
        self._sound.write(np.stack([to_int16(assistant), to_int16(user)], axis=1))

    def take(self, event: AnyEvent) -> None:
        """Take an event."""
        if isinstance(event, of.SessionBegins):
            self.name, self.language = safe_id(event.id), event.language
        self.events.append(event)

    def keep(self) -> str:
        """End the recording and give what it has come to, for a person; it takes seconds. Raises KameError where a file
        cannot be written.

        A conversation in which one side said nothing is not kept, for nothing can be learnt from it.
        """
        self._sound.close()
        try:
            said = {
                "A": self._times(assistant_stretches(self.events, self.language), 0),
                "B": self._times(self._user(), 1),
            }
            if silent := [side for side, words in said.items() if not words]:
                self._hidden.unlink()
                who = "the assistant" if silent == ["A"] else "the user" if silent == ["B"] else "nobody"
                return f"{self.name}: is not kept, {who} said {'anything' if who == 'nobody' else 'nothing'}"
            return self._write(said)
        except (OSError, soundfile.LibsndfileError) as error:
            raise KameError(f"--record {self.folder}: {self.name} cannot be written ({error})") from None

    def drop(self) -> None:
        """End the recording without a trace."""
        self._sound.close()
        self._hidden.unlink(missing_ok=True)

    def _user(self) -> list[Stretch]:
        return [turn for _, turn in sorted(user_turns(self.events, self.language).items())]

    def _write(self, said: dict[str, list[TimedWord]]) -> str:
        rows = [
            {"speaker": side, "word": word.word, "start": round(word.start, 3), "end": round(word.end, 3)}
            for side, words in said.items()
            for word in words
        ]
        lines = b"".join(event.model_dump_json(exclude_none=True).encode() + b"\n" for event in self.events)
        given = oracles_that_came(self.events, self.language)
        back_end = next((e.back_end for e in self.events if isinstance(e, of.SessionBegins)), "unknown")
        write_whole(self.folder / EVENTS / f"{self.name}.jsonl", lines)
        write_whole(
            self.folder / ORACLES / f"{self.name}.json",
            json.dumps({"back_end": back_end, "oracles": given}, ensure_ascii=False, indent=1).encode(),
        )
        self._hidden.replace(self.folder / AUDIO / f"{self.name}.wav")
        rows.sort(key=lambda row: (row["start"], row["end"]))
        text = json.dumps(rows, ensure_ascii=False, indent=1).encode()
        write_whole(self.folder / TEXT / f"{self.name}.json", text)
        return f"{self.folder / AUDIO / self.name}.wav: recorded, {len(rows)} words, {len(given)} oracles"

    def _times(self, stretches: Sequence[Stretch], channel: int) -> list[TimedWord]:
        """The words with their times, which rise and do not overlap."""
        found: list[TimedWord] = []
        with soundfile.SoundFile(str(self._hidden)) as file:
            for stretch in stretches:
                after = found[-1].end if found else 0.0
                for word in aligned(file, channel, stretch, self.language) or shared_out(stretch):
                    start = min(max(word.start, after), file.frames / RATE)
                    after = min(max(word.end, start), file.frames / RATE)
                    found.append(TimedWord(word.word, start, after))
        return found


def user_turns(events: Iterable[AnyEvent], language: str) -> dict[int, Stretch]:
    """The user's turns by their number, in the last words that the recogniser had for each."""
    found: dict[int, Stretch] = {}
    start: float | None = None
    for event in events:
        if isinstance(event, of.SpeechStart) and event.side == "user" and start is None:
            start = event.at
        elif isinstance(event, of.UserPartial | of.UserFinal):
            begun = found[event.turn].start if event.turn in found else event.at if start is None else start
            found[event.turn] = Stretch(tuple(split_words(event.text, language)), min(begun, event.at), event.at)
            if isinstance(event, of.UserFinal) and event.ended:
                start = None
    return {number: turn for number, turn in found.items() if turn.words}


def assistant_stretches(events: Sequence[AnyEvent], language: str) -> list[Stretch]:
    """The assistant's words that were heard, in stretches between its pauses."""
    heard: list[history.Said] = []
    for event in events:
        if isinstance(event, of.WordSaid):
            heard.append(history.Said(event.text, event.at, event.glued))
        elif isinstance(event, of.WordDropped):
            del heard[-event.count :]
    words = history.whole_words(heard, language)
    ends = [event.at for event in events if isinstance(event, of.SpeechEnd) and event.side == "assistant"]
    edges = [0, *(n for n, (a, b) in enumerate(pairwise(words), 1) if b.start - a.start > PAUSE), len(words)]
    found = []
    for first, last in pairwise(edges):
        if group := words[first:last]:
            begun, latest = group[0].start, group[-1].start
            end = next((at for at in ends if latest < at <= latest + LAG), latest + 2 * USUAL)
            following = words[last].start if last < len(words) else end
            found.append(
                Stretch(
                    tuple(word.text for word in group),
                    begun,
                    min(end, max(following, latest + USUAL)),
                    tuple(word.start for word in group),
                )
            )
    return found


def aligned(file: soundfile.SoundFile, channel: int, stretch: Stretch, language: str) -> list[TimedWord] | None:
    """The words where they are in the sound of a channel; None where no aligner can tell."""
    first = max(0, round((stretch.start - MARGIN) * RATE))
    last = min(file.frames, round((stretch.end + MARGIN) * RATE))
    if not 0 < last - first <= MOST_ALIGNED * RATE:
        return None
    file.seek(first)
    samples = np.ascontiguousarray(file.read(last - first, dtype="int16")[:, channel])
    if not samples.any():
        return None
    found = alignment.score(samples, RATE, stretch.words, language)
    if found is None or not any(found.spans):
        return None
    placed, after = [], first / RATE
    for word, span in zip(stretch.words, found.spans, strict=True):
        start, end = (first / RATE + span[0], first / RATE + span[1]) if span else (after, after)
        placed.append(TimedWord(word, start, end))
        after = end
    return placed


def shared_out(stretch: Stretch) -> list[TimedWord]:
    """The words from when each was known to the next, or in proportion to their letters."""
    if stretch.at:
        ends = [*stretch.at[1:], max(stretch.end, stretch.at[-1] + USUAL)]
        return [TimedWord(w, a, min(e, a + 2 * USUAL)) for w, a, e in zip(stretch.words, stretch.at, ends, strict=True)]
    edges = np.cumsum([0, *(len(word) for word in stretch.words)])
    scale = (stretch.end - stretch.start) / edges[-1]
    return [
        TimedWord(w, stretch.start + a * scale, stretch.start + b * scale)
        for w, (a, b) in zip(stretch.words, pairwise(edges), strict=True)
    ]


def oracles_that_came(events: Sequence[AnyEvent], language: str) -> list[dict[str, object]]:
    """The oracles as `oracles/<id>.json` holds them, in order of their first tokens."""
    turns = user_turns(events, language)
    before: dict[int, int] = {}
    for number in sorted(turns):
        before[number] = sum(len(turns[other].words) for other in turns if other < number)
    asked = {event.id: event for event in events if isinstance(event, of.Asked)}
    texts = {event.id: event.text for event in events if isinstance(event, of.OracleEnds)}
    return list(_came(events, turns, before, asked, texts))


def _came(
    events: Sequence[AnyEvent],
    turns: dict[int, Stretch],
    before: dict[int, int],
    asked: dict[int, of.Asked],
    texts: dict[int, str],
) -> Iterator[dict[str, object]]:
    for event in events:
        if not isinstance(event, of.FirstToken):
            continue
        ask, text = asked[event.id], texts.get(event.id, "").strip()
        if text and ask.turn in turns and ask.prefix_words:
            words = before[ask.turn] + min(ask.prefix_words, len(turns[ask.turn].words))
            yield {"words": words, "transcript": ask.heard, "heard": ask.time, "time": event.time, "text": text}


def keep_whole(folder: Path, sound: NDArray[np.float32], events: Iterable[AnyEvent]) -> str:
    """Keep a conversation that is over: its sound, f32 (n, 2), the assistant left, and its events; see
    `Recording.keep`."""
    recording = Recording(folder)
    for start in range(0, len(sound), SAMPLES):
        assistant, user = np.ascontiguousarray(sound[start : start + SAMPLES].T)
        recording.tap(user, assistant)
    for event in events:
        recording.take(event)
    return recording.keep()
