"""One row of a shard: a dialogue with its question, oracles and speech, the oracles placed in time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.backend import Latency, replay
from pipeline.oracles import DialogueOracles
from pipeline.records import Dialogue, Oracle, Question, Role, Speech, Split
from pipeline.text.words import split_words


def example(
    question: Question,
    split: Split,
    dialogue: Dialogue,
    oracles: DialogueOracles,
    speech: Speech | None,
    *,
    latency: Latency,
    seed: int,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """The row of `pipeline.shards.schema.SHARD`. Without speech all times, the audio and the duration are null.

    `labels` are the provenance fields that are one for the build: simulator, prompts, latency.
    """
    arrivals = replay(dialogue.id, oracles.oracles, speech.words, latency, seed) if speech else None
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
        "answer": question.answer,
        "choices": list(dialogue.choices),
        "variant": dialogue.variant,
        "turns": turns,
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
            "user_voice": speech.user_voice if speech else None,
            "assistant_voice": speech.assistant_voice if speech else None,
            "word_times": speech.word_times if speech else None,
            "latency": labels["latency"] if speech else None,
        },
    }


def _silent_words(dialogue: Dialogue) -> list[dict[str, Any]]:
    def word(turn: int, role: Role, text: str) -> dict[str, Any]:
        return {"turn": turn, "role": role, "word": text, "start": None, "end": None}

    return [
        word(number, turn.role, text)
        for number, turn in enumerate(dialogue.turns)
        for text in split_words(turn.text, dialogue.language)
    ]


def _transcripts(oracles: Sequence[Oracle]) -> list[dict[str, Any]]:
    """What the recogniser had made of each prefix, where that is not what was said."""
    heard = {(o.turn, o.prefix_words): o.transcript for o in oracles if o.transcript}
    return [{"turn": turn, "prefix_words": words, "text": text} for (turn, words), text in heard.items()]


def _silent_situations(dialogue: Dialogue) -> list[dict[str, Any]]:
    """What of the duplex conversation is in words; it has no times yet."""
    turns = enumerate(dialogue.turns)
    kinds = [(n, "back_channel" if t.kind == "back_channel" else "barge_in" if t.interrupted else "") for n, t in turns]
    return [{"kind": kind, "turn": number, "start": None, "end": None} for number, kind in kinds if kind]
