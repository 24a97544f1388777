"""kame_finetune's canonical folders: `audio/<id>.wav`, `text/<id>.json` and `oracle_raw/<id>.json`, once a split.

The assistant is speaker A, left and channel 0, which kame_finetune (SakanaAI) trains as its main speaker by default.
"""

import json
from pathlib import Path
from typing import Any

from kame_data.export.exported_rows import Oracles, Tally, file_name, rows_by_split, wav_of, write_new
from kame_data.export.layout import Layout
from kame_data.finished.reader import Finished
from kame_data.finished.row import Row, RowWord
from kame_data.records import Role
from kame_data.text.words import join_words, split_words

SPEAKER = {"assistant": "A", "user": "B"}
ASSISTANT_CHANNEL = 0
RECENT_WORDS = 5
# Up to this share of the turn there is no hint (kame_finetune's rule).
HINTLESS_RATIO = 0.5


def write_folders(build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    """Write all rows of the build, one in memory at a time beside a row group."""
    for split, rows in rows_by_split(build):
        room = folder / split
        for name in ("audio", "text", "oracle_raw"):
            (room / name).mkdir(parents=True)
        for row in rows:
            name = file_name(row.id)
            entries = oracle_entries(row, oracles)
            write_new(room / "audio" / f"{name}.wav", wav_of(row))
            write_new(room / "text" / f"{name}.json", _json(spoken_words(row)))
            write_new(room / "oracle_raw" / f"{name}.json", _json(entries))
            tally.dialogues[split] = tally.dialogues.get(split, 0) + 1
            tally.oracles += len(entries)
            tally.left_out += len(row.oracles) - len(entries)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _in_time(row: Row) -> list[RowWord]:
    """The words of both sides in the order in which they end, as a recogniser has them."""
    return sorted(row.words, key=lambda word: (word.end, word.start))


def spoken_words(row: Row) -> list[dict[str, Any]]:
    """The words of a row as kame_finetune has them, in order of time."""
    return [{"speaker": SPEAKER[w.role], "word": w.word, "start": w.start, "end": w.end} for w in _in_time(row)]


def oracle_entries(row: Row, oracles: Oracles) -> list[dict[str, Any]]:
    """The row's oracles as kame_finetune has them, in order of time.

    What had been heard is what was said by the end of the prefix's last word; where the recogniser had the prefix
    otherwise, it is that.
    """
    words, by_turn, heard_as, truths = _in_time(row), row.words_by_turn, row.heard_as, row.truths
    entries = []
    for at, index in oracles.chosen(row):
        turn, count, ratio, _, text, *_ = row.oracles[index]
        end = by_turn[turn][count - 1].end
        heard = [(w.role, w.word, w.turn) for w in words if w.end <= end]
        if transcript := heard_as.get((turn, count)):
            own = [(row.turns[turn].role, word, turn) for word in split_words(transcript, row.language)]
            heard = [w for w in heard if w[2] != turn] + own
        entries.append(
            {
                "timestamp_ms": round(at * 1000),
                "conversation_context": _context([(role, word) for role, word, _ in heard], row.language),
                "prediction": text,
                "total_word_count": len(heard),
                "trigger_word": heard[-1][1],
                "recent_words": join_words([word for _, word, _ in heard[-RECENT_WORDS:]], row.language),
                "current_spoken_ratio": ratio,
                "channel": ASSISTANT_CHANNEL,
                "hint": truths.get(turn, "") if ratio > HINTLESS_RATIO else "",
            }
        )
    return entries


def _context(heard: list[tuple[Role, str]], language: str) -> str:
    """`B: ...` and `A: ...` lines, a new one wherever the speaker changes."""
    lines: list[tuple[str, list[str]]] = []
    for role, word in heard:
        if lines and lines[-1][0] == role:
            lines[-1][1].append(word)
        else:
            lines.append((role, [word]))
    return "\n".join(f"{SPEAKER[role]}: {join_words(words, language)}" for role, words in lines)


KAME_FINETUNE = Layout("kame-finetune", write_folders, sound=True, oracles=True)
