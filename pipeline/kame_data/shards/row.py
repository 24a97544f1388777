"""One row of a shard: a dialogue with its question, oracles and speech, the oracles placed in time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kame_data.levels import LevelSchedule
from kame_data.oracles.early_arrivals import early_arrivals, planned_prefixes
from kame_data.oracles.replay import Arrival, replay
from kame_data.oracles.simulate import DialogueOracles
from kame_data.records import Dialogue, Oracle, Question, Role, Speech, Split
from kame_data.settings.latency import LatencySettings
from kame_data.text.words import split_words

CONVERSATION = "as it came"
"""The latency of a row whose oracles came in a conversation with a tandem; none was replayed."""


def example(
    question: Question,
    split: Split,
    dialogue: Dialogue,
    oracles: DialogueOracles,
    speech: Speech | None,
    *,
    latency: LatencySettings,
    seed: int,
    labels: Mapping[str, str],
    schedule: LevelSchedule,
) -> dict[str, Any]:
    """The row of `kame_data.shards.schema.SHARD`. Without speech all times, the audio and the duration are null.

    `labels` are the provenance fields that are one for the build: simulator, prompts, latency. `schedule` says which
    prefixes are planned.
    """
    arrivals = _arrivals(dialogue, oracles, speech, latency, seed, schedule) if speech else None
    turns = []
    for number, turn in enumerate(dialogue.turns):
        spoken = [w for w in speech.words if w.turn == number] if speech else []
        turns.append(
            {
                "role": turn.role,
                "text": turn.text,
                "intended_text": turn.intended_text,
                "start": spoken[0].start if spoken else None,
                "end": spoken[-1].end if spoken else None,
            }
        )
    return {
        "id": dialogue.id,
        "source": question.source,
        "question_id": question.id,
        "category": question.category,
        "language": dialogue.language,
        "split": split,
        "source_split": question.source_split,
        "form": dialogue.form,
        "answer": question.answer if dialogue.form == "closed" else dialogue.answer,
        "choices": list(dialogue.choices),
        "variant": dialogue.variant,
        "turns": turns,
        "claims": [{"turn": n, "text": turn.claim} for n, turn in enumerate(dialogue.turns) if turn.claim],
        "starts": [
            {name: value for name, value in asdict(start).items() if name != "waits_for"} for start in dialogue.starts
        ],
        "words": [asdict(w) for w in speech.words] if speech else _silent_words(dialogue),
        "oracles": [
            {name: value for name, value in asdict(oracle).items() if name != "transcript"}
            | {
                "heard": arrivals[i].heard if arrivals else None,
                "time": arrivals[i].time if arrivals else None,
            }
            for i, oracle in enumerate(oracles.oracles)
        ],
        "transcripts": _transcripts(oracles.oracles),
        "situations": [asdict(s) for s in speech.situations] if speech else _silent_situations(dialogue),
        "audio": {"bytes": speech.flac, "path": f"{dialogue.id}.flac"} if speech else None,
        "duration": speech.duration if speech else None,
        "audio_checks": asdict(speech.checks) if speech else None,
        "provenance": {
            "writer": dialogue.writer,
            **labels,
            **({"simulator": oracles.asked} if oracles.asked else {}),
            "user_voice": speech.user_voice if speech else None,
            "assistant_voice": speech.assistant_voice if speech else None,
            "word_times": speech.word_times if speech else None,
            "latency": (CONVERSATION if oracles.came else labels["latency"]) if speech else None,
        },
    }


def _arrivals(
    dialogue: Dialogue,
    oracles: DialogueOracles,
    speech: Speech,
    latency: LatencySettings,
    seed: int,
    schedule: LevelSchedule,
) -> list[Arrival]:
    """When each oracle arrives: as it came in a conversation, or else by a replay, the very one that placed the answers
    where one starts early."""
    if oracles.came:
        return [Arrival(came.heard, came.time) for came in oracles.came]
    if not dialogue.starts:
        return replay(dialogue.id, oracles.oracles, speech.words, latency, seed)
    found = early_arrivals(dialogue, planned_prefixes(dialogue, schedule), speech.words, latency, seed)
    return [found[oracle.turn, oracle.prefix_words] for oracle in oracles.oracles]


def _silent_words(dialogue: Dialogue) -> list[dict[str, Any]]:
    def word(turn: int, role: Role, text: str) -> dict[str, Any]:
        return {"turn": turn, "role": role, "word": text, "start": None, "end": None}

    return [
        word(number, turn.role, text)
        for number, turn in enumerate(dialogue.turns)
        for text in split_words(turn.text, dialogue.language)
    ]


def _transcripts(oracles: Sequence[Oracle]) -> list[dict[str, Any]]:
    """The recogniser's transcripts of prefixes, where these are not what was said."""
    heard = {(o.turn, o.prefix_words): o.transcript for o in oracles if o.transcript}
    return [{"turn": turn, "prefix_words": words, "text": text} for (turn, words), text in heard.items()]


def _silent_situations(dialogue: Dialogue) -> list[dict[str, Any]]:
    """The situations of a duplex conversation that are in its words; they have no times yet."""
    turns = enumerate(dialogue.turns)
    kinds = [(n, "back_channel" if t.kind == "back_channel" else "barge_in" if t.interrupted else "") for n, t in turns]
    kinds += [(start.turn, "filler" if start.kind == "filler" else "early_start") for start in dialogue.starts]
    return [{"kind": kind, "turn": number, "start": None, "end": None} for number, kind in sorted(kinds) if kind]
