"""What a stage makes of the same input is pinned by its version, for a part on disk is trusted by its fingerprint.

Where a change alters what the bundled samples become, raise the version of the stage, writer or simulator that changed,
or that of text/ (`kame_data.text.VERSION`) where they are read in another way. Then
`PYTHONPATH=tests python tests/engine/test_versions.py` notes the new state.
"""

import json
import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path

from building import build, settings_of
from kame_data import text
from kame_data.codec.text_stream import lay_text, token_frames
from kame_data.codec.token_parts import TOKENS_VERSION, fingerprint_of
from kame_data.codec.tokenizer import Tokenizer
from kame_data.engine.build import Build
from kame_data.engine.stages import STAGES
from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.seeds import digest
from kame_data.sources.pull import VERSION
from kame_data.text.answers import key, said_or_raw, says_nothing
from kame_data.text.askable import reads_as_question
from kame_data.text.hesitations import candidates, without_hesitations
from kame_data.text.interruptions import listens
from kame_data.text.language import of_text
from kame_data.text.normal import normalise
from kame_data.text.numerals import number_of
from kame_data.text.sounds import alike
from kame_data.text.spoken import is_spoken
from kame_data.text.words import bare_words, length_in_words, split_words

NOTED = Path(__file__).with_suffix(".json")


ELSEWHERE = [
    {"language": "zh", "question": "一共有125个苹果，3.5公斤，百分之二十是多少？", "answer": "25个"},
    {"language": "ja", "question": "3.5キロは何グラムですか。", "answer": "3500グラム"},
    {"language": "de", "question": "Wie viele Meter sind 2,5 km?", "answer": "2500 m"},
    {"language": "fr", "question": "Combien font 71 % de l'eau ?", "answer": "0,71"},
    {"language": "ar", "question": "كم عدد أيام السنة؟ 365", "answer": "٣٦٥"},
]


DUPLEX = {"hesitation": 1.0, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 1.0}


def now(folder):
    """What the bundled samples become, as they are by themselves and as a noisy duplex conversation."""
    duplex = settings_of(folder / "duplex", duplex=DUPLEX, stt={"noise": 0.1})
    rows = _rows(settings_of(folder / "plain"))
    rows |= {f"duplex {name}": found for name, found in _rows(duplex).items() if name != "questions"}
    read = digest(*map(repr, readings(bundled("data/samples"))))
    tokens = {
        "version": _with_reading(str(TOKENS_VERSION)),
        "rows": digest(*map(repr, streams(bundled("data/samples")))),
    }
    return {"text": {"version": str(text.VERSION), "rows": read}, "tokens": tokens} | rows


def readings(samples):
    """What text/ makes of every text of the bundled samples and of ELSEWHERE, one row for each."""
    for said, language in _said(samples):
        read = said_or_raw(said, language)
        words = split_words(read, language)
        yield (
            read,
            [is_spoken(said, language), is_spoken(read, language), reads_as_question(said)],
            [words, bare_words(read, language), length_in_words(read, language), candidates(words, language)],
            [
                normalise(said),
                key(said, language),
                str(number_of(read, language)),
                says_nothing(read, language),
            ],
            [listens(words, language), without_hesitations(read, language), of_text(said)],
            list(chain(*map(alike, words[:3]))) if language == "en" else [],
        )


def streams(samples):
    """The text stream of every text of `readings`, its words 4 frames apart; or why it has none."""
    tokenizer = Tokenizer.of("sample")
    for said, language in _said(samples):
        words = split_words(said_or_raw(said, language), language)
        try:
            tokens, lengths = tokenizer.encode_words(words, language)
        except Refusal as refusal:
            yield str(refusal)
            continue
        frames = 10 + 4 * len(words) + len(tokens)
        yield lay_text(tokens, token_frames(range(0, 4 * len(words), 4), lengths, frames), frames).tolist()


def _said(samples):
    rows = [
        json.loads(line) for file in sorted(samples.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
    for row in rows + ELSEWHERE:
        language = row.get("language") or row.get("lang") or "en"
        yield from ((said, language) for said in sorted(set(_texts(row))))


def _texts(value):
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return list(chain(*map(_texts, values)))


def _rows(settings):
    build(settings)
    found = Build(settings)
    rows = {"questions": [], "dialogues": [], "oracles": []}
    for source in settings.sources:
        rows["questions"] += found.questions.marker(source).rows.values()
    for slice_ in found.parts.slices(found.selection().counts):
        for name in ("dialogues", "oracles"):
            rows[name] += found.parts.marker(STAGES[name], slice_).rows.values()
    versions = {"questions": str(VERSION)}
    for name in ("dialogues", "oracles"):
        versions[name] = digest(STAGES[name].version, sorted(STAGES[name].key(settings).items()))
    return {name: {"version": _with_reading(versions[name]), "rows": digest(*rows[name])} for name in rows}


def _with_reading(version):
    return f"{version}, text {text.VERSION}" if text.reading() else version


def test_changed_output_has_a_changed_version(tmp_path):
    found = now(tmp_path)
    noted = json.loads(NOTED.read_text())
    for name in found:  # in order: what reads changed rows changes with them
        same = noted[name]["version"] == found[name]["version"]
        assert not same or noted[name] == found[name], f"{name}: other rows than noted under the same version; raise it"
        assert noted[name] == found[name], f"{name}: `python tests/engine/test_versions.py` notes it; commit that"


def test_another_reading_under_the_same_version_is_found(tmp_path, monkeypatch):
    before = list(readings(bundled("data/samples")))
    assert before == list(readings(bundled("data/samples"))) and len(before) > 300
    monkeypatch.setattr("kame_data.text.words.IDEOGRAPHS_PER_WORD", 1.4)
    assert before != list(readings(bundled("data/samples")))


def test_other_tokens_under_the_same_version_are_found(monkeypatch):
    before = list(streams(bundled("data/samples")))
    assert before == list(streams(bundled("data/samples"))) and len(before) > 300
    monkeypatch.setattr("kame_data.codec.tokenizer.join_words", lambda words, language: "".join(words))
    assert before != list(streams(bundled("data/samples")))


def test_tokens_are_found_again_until_text_is_read_in_another_way(monkeypatch):
    monkeypatch.setattr(text, "VERSION", 1)
    first = fingerprint_of("codec", "tokenizer", "content", 0, 25)
    assert first == digest(TOKENS_VERSION, "codec", "tokenizer", "content", 0, 25)[:32]
    monkeypatch.setattr(text, "VERSION", 2)
    assert first != fingerprint_of("codec", "tokenizer", "content", 0, 25)


def test_the_first_version_of_reading_is_in_no_fingerprint(monkeypatch):
    monkeypatch.setattr(text, "VERSION", 1)
    assert text.reading() == {}
    monkeypatch.setattr(text, "VERSION", 2)
    assert text.reading() == {"text": 2}


def test_a_raised_version_of_reading_makes_all_parts_anew_and_the_old_ones_hold(tmp_path, monkeypatch):
    version = text.VERSION
    settings = settings_of(tmp_path / "out", sources=("gsm8k=sample",), speak=True, limit=3)
    manifest, made = build(settings)
    clips = {path.name for path in (tmp_path / "out" / "parts" / "clips").rglob("*.clip")}
    assert set(build(settings)[1]) == {"questions"}
    monkeypatch.setattr(text, "VERSION", version + 1)
    again, anew = build(settings)
    assert Counter(anew) == Counter(made)
    assert again["dialogues"] == manifest["dialogues"]
    assert len({path.name for path in (tmp_path / "out" / "parts" / "clips").rglob("*.clip")}) == 2 * len(clips)
    assert set(build(settings)[1]) == {"questions"}
    monkeypatch.setattr(text, "VERSION", version)
    assert build(settings)[0] == manifest


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        NOTED.write_text(json.dumps(now(Path(folder)), indent=1) + "\n")
