"""Rows and finished builds for the tests of what reads them: spoken or not, with every situation, or hostile."""

import hashlib
import io
import json
from collections import Counter
from functools import cache

import numpy as np
import soundfile

from kame_data.shards.write_shard import write_shard
from kame_data.text.words import join_words, split_words

RATE = 24000
USER = split_words("Tell me how many seats there are in a hall with twelve rows of nineteen seats each please")
BACK = split_words("It is two hundred twenty eight seats in all because twelve times nineteen is that")
AGAIN = split_words("Wait I meant thirteen rows of nineteen")
LAST = split_words("Then it is two hundred forty seven seats")
HOSTILE = (
    "</script><script>window.pwned=1</script>", "</ScRiPt \n/x", "<!--<script>", "-->",
    "<img src=x onerror=window.pwned=1>",
    "\u2028window.pwned=1\u2029", "]]>", "{{ 7 * 7 }}${window.pwned=1}", '" autofocus onfocus="window.pwned=1',
    "javascript:window.pwned=1", "&lt;b&gt;&amp;", "\u202eleft\u202c", "<svg/onload=window.pwned=1>",
    "\\u003cb\\", "\x7f\x01",
)  # fmt: skip


@cache
def flac(spans, duration):
    """Stereo FLAC of `duration` s that hums where a word is: spans of (channel, start, end)."""
    sound = np.zeros((round(duration * RATE), 2))
    for channel, start, end in spans:
        place = slice(round(start * RATE), round(end * RATE))
        t = np.arange(place.stop - place.start) / RATE
        sound[place, channel] = 0.3 * np.sin(2 * np.pi * (180 + 60 * channel) * t) * np.hanning(len(t))
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _speak(turns, pace):
    """Times for turns of (role, words, starts at): words and their ends, `pace` s a word."""
    words, spans, at = [], [], 0.5
    for number, (role, said, start) in enumerate(turns):
        at = start if start is not None else at + 0.4
        spans.append((at, at + len(said) * pace))
        for word in said:
            words.append({"turn": number, "role": role, "word": word, "start": at, "end": at + pace * 0.9})
            at += pace
        words[-1]["end"] = spans[-1][1]
    return words, spans


def row(
    number, *, spoken=True, duplex=False, grid=False, hostile=(), language="en", source=None, pace=0.3, answer="228"
):
    """A row of `kame_data.shards.schema.SHARD`; `hostile` strings stand in every field that has room for text."""
    evil = " ".join(hostile)
    tail = [*hostile]
    turns = [("user", [*USER, *tail], None), ("assistant", [*BACK, *tail], None)]
    if duplex:
        heard = 0.9 + len(turns[0][1]) * pace
        turns = [
            turns[0], ("assistant", ["Mm-hm."], 2.0), ("assistant", BACK[:6], heard + 0.3),
            ("user", AGAIN, heard + 0.3 + 5 * pace), ("assistant", LAST, None),
        ]  # fmt: skip
    words, spans = _speak(turns, pace)
    duration = max(end for _, end in spans) + 0.6
    floor = [n for n, (role, _, _) in enumerate(turns) if role == "user"]
    oracles, transcripts = [], []
    for turn in floor:
        said = turns[turn][1]
        for count in range(2, len(said) + 1, 2):
            ratio = count / len(said)
            heard = next(w["end"] for k, w in enumerate(w for w in words if w["turn"] == turn) if k == count - 1) + 0.31
            for level in range(6) if grid else [min(5, int(ratio * 6 - 1e-9))]:
                text = f"Perhaps level {level} says {count * 9} seats or so in row {number}. {evil}".strip()
                time = None if count % 6 == 0 and level < 5 else heard + 0.4
                prefix = {"turn": turn, "prefix_words": count, "ratio": ratio}
                oracles.append(prefix | {"level": level, "text": text, "heard": heard, "time": time})
        if duplex:
            transcripts.append({"turn": turn, "prefix_words": 4, "text": f"Tell me how mini {evil}".strip()})
    kinds = []
    if duplex:
        end = duration - 0.1
        kinds = [
            ("background", -1, 0.0, end), ("pause", 0, 1.4, 1.7), ("back_channel", 1, *spans[1]),
            ("hesitation", 0, 2.4, 2.7), ("overlap", 3, spans[3][0], spans[2][1]),
            ("barge_in", 2, spans[3][0], spans[2][1]),
        ]  # fmt: skip
    situations = [{"kind": k, "turn": t, "start": s, "end": e} for k, t, s, e in sorted(kinds, key=lambda s: s[2])]
    found = {
        "id": f"dummy-{number:05d}{evil}-v0",
        "source": source or ("mmlu_pro", "gsm8k", "hssbench")[number % 3],
        "question_id": f"dummy-{number:05d}" + evil,
        "category": evil or ("math", "law", "history of art")[number % 3],
        "language": language,
        "split": "validation" if number % 10 == 9 else "train",
        "source_split": evil or "test",
        "form": "closed",
        "answer": evil or answer,
        "choices": [evil] if hostile else [],
        "variant": 0,
        "turns": [
            dict.fromkeys(("text", "intended_text"), join_words(said, language))
            | {"role": role, "start": start, "end": end}
            for (role, said, _), (start, end) in zip(turns, spans, strict=True)
        ],
        "claims": [{"turn": 1, "text": evil}] if hostile else [{"turn": 1, "text": answer}] if duplex else [],
        "words": words,
        "oracles": oracles,
        "transcripts": transcripts,
        "situations": situations,
        "audio": None,
        "duration": duration,
        "audio_checks": dict.fromkeys(("user_wer", "assistant_wer", "assistant_lufs"))
        | {"alignment": 0.9, "user_lufs": -23.0 - number % 3},
        "provenance": dict.fromkeys(("writer", "simulator", "prompts", "word_times", "latency"), evil or "dummy")
        | {"user_voice": evil or "user-1", "assistant_voice": "assistant-1"},
    }  # fmt: skip
    if duplex:
        found["turns"][2]["intended_text"] = f"{' '.join(BACK)} {evil}".strip()
    if not spoken:
        return silent(found)
    channels = tuple((0 if w["role"] == "assistant" else 1, round(w["start"], 3), round(w["end"], 3)) for w in words)
    return found | {"audio": {"bytes": flac(channels, duration), "path": f"{number}.flac"}}


def silent(found):
    """The row as a build without speech has it."""
    none = {"start": None, "end": None}
    spoken = ("user_voice", "assistant_voice", "word_times", "latency")
    return found | {
        "turns": [t | none for t in found["turns"]],
        "words": [w | none for w in found["words"]],
        "oracles": [o | {"heard": None, "time": None} for o in found["oracles"]],
        "situations": [s | none for s in found["situations"]],
        "audio": None,
        "duration": None,
        "audio_checks": None,
        "provenance": found["provenance"] | dict.fromkeys(spoken),
    }


def finish(out, rows, *, settings=None, refused=(), spend=None, stand_ins=("voice: espeak",), a_shard=500):
    """A finished build of `rows` in the folder `out`: shards, rejected/ and the manifest. Returns `out`."""
    groups = {split: [r for r in rows if r["split"] == split] for split in ("train", "validation")}
    shards = []
    for split, members in groups.items():
        pieces = [members[i : i + a_shard] for i in range(0, len(members), a_shard)]
        for number, piece in enumerate(pieces):
            path = out / "shards" / f"{split}-{number:05d}-of-{len(pieces):05d}.parquet"
            write_shard(path, piece, row_group=16, fingerprint=f"{split}{number}")
            shards.append(
                {"path": f"shards/{path.name}", "split": split, "rows": len(piece), "bytes": path.stat().st_size,
                 "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "fingerprint": f"{split}{number}"}
            )  # fmt: skip
    sources = sorted({r["source"] for r in rows})
    whose = {"question_id": "q", "dialogue_id": "", "detail": ""}
    lines = {"questions": [{"stage": "questions", "reason": "too_long", "source": s} | whose for s in sources]}
    lines["dialogues"] = [{"stage": stage, "reason": reason, "source": "gsm8k"} | whose for stage, reason in refused]
    (out / "rejected").mkdir(parents=True, exist_ok=True)
    for stage, told in lines.items():
        (out / "rejected" / f"{stage}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told))
    levels = Counter(o["level"] for r in rows for o in r["oracles"])
    rules = {"levels": [*range(6)], "speak": any(r["audio"] for r in rows)}
    manifest = {
        "kame_data": "0.1.0",
        "stand_ins": list(stand_ins),
        "settings": rules
        | (settings or {"seed": 0, "writer": "dummy", "speech": {"tts": "espeak", "user_voices": []}}),
        "sources": {s: {"fingerprint": s, "rows": 9, "kept": 8, "refused": {"too_long": 1}} for s in sources},
        "dialogues": {
            "asked_for": len(rows),
            "accepted": len(rows),
            "by_split": {split: len(members) for split, members in groups.items()},
            "by_source": dict(sorted(Counter(r["source"] for r in rows).items())),
        },
        "oracles": {str(level): levels[level] for level in sorted(levels)},
        "seconds": sum(r["duration"] or 0.0 for r in rows),
        "refused": {},
        "shards": shards,
    } | ({"spend": spend} if spend else {})
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False))
    return out
