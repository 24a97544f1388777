"""Whole builds in French and in Chinese, through the command, against the scripted server and with espeak's voices."""

import io
import json
import sys
import zipfile
from contextlib import suppress
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
import soundfile

from building import build, settings_of
from drawn import drawn
from kame_data.cli import main as cli
from kame_data.engine.sources import get_source
from kame_data.errors import KameError
from kame_data.finished.level_figures import measure
from kame_data.finished.reader import Finished
from kame_data.levels import LevelSchedule
from kame_data.sources.pull import pull
from kame_data.text.hesitations import clause_end, is_hesitation
from kame_data.text.spoken import is_spoken
from kame_data.text.words import join_words
from llm import plausible
from llm.server import ScriptedServer, prompt

QUESTIONS = {
    "zh": [
        ("一辆火车每小时行驶80公里，3小时后它一共走了多少公里？", "240公里", ()),
        ("植物在阳光下把二氧化碳和水变成糖和氧气，这个过程叫什么？", "光合作用", ()),
        ("中国历史上第一个统一全国的皇帝是谁，他建立的朝代叫什么？", "秦始皇", ("秦始皇", "汉武帝", "唐太宗")),
        ("小明有12个苹果，给了小红25%，他还剩下几个？", "9", ()),
        ("《红楼梦》的作者是谁？", "曹雪芹", ()),
    ],
    "fr": [
        (
            "Un train roule à 80 kilomètres à l'heure ; quelle distance a-t-il parcourue au bout de 3 heures ?",
            "240 kilomètres",
            (),
        ),
        ("Par quel processus les plantes transforment-elles, à la lumière, l'eau en sucre ?", "La photosynthèse", ()),
        (
            "Quel roi de France, qui a fait agrandir le château de Versailles, où il vivait avec toute sa cour, a été "
            "surnommé « le Roi-Soleil » ?",
            "Louis le Grand",
            ("Louis le Grand", "Henri le Bon"),
        ),
        ("Marie a 12 pommes, et elle en donne 25 % à son frère. Combien lui en reste-t-il ?", "9", ()),
        ("Qui a écrit « Les Misérables » ?", "Victor Hugo", ()),
    ],
}
SHARES = {"hesitation": 1.0, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 1.0}


def write(path, language, rows):
    lines = [
        {"id": str(n), "language": language, "question": q, "answer": a, "choices": list(c)}
        for n, (q, a, c) in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(reply=plausible.reply) as running:
        yield running


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_build_from_question_to_shard(language, server, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-scripted")
    out, config = tmp_path / "out", tmp_path / "config.yaml"
    config.write_text(json.dumps({"duplex": SHARES}))
    file = write(tmp_path / "questions.jsonl", language, QUESTIONS[language])
    command = ["kame-data", "build", "--llm", f"openai:scripted@{server.url}", "--source", f"questions={file}"]
    command += [
        "--languages",
        language,
        "--out",
        str(out),
        "--ledger",
        str(tmp_path / "ledger"),
        "--config",
        str(config),
    ]
    before = len(server.log)
    monkeypatch.setattr(sys, "argv", [*command, "--config", str(config), "--workers", "2"])
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code
    assert [p.read_text() for p in (out / "rejected").iterdir()] == [""] * 4
    rows = [row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 5
    for row in rows:
        check_row(row, language)
    kinds = {s["kind"] for row in rows for s in row["situations"]}
    assert kinds >= {"hesitation", "pause", "barge_in", "back_channel"}
    asked = server.log[before:]
    assert len(asked) == len({entry["digest"] for entry in asked})
    quality = measure(Finished.open(out))
    assert sorted(quality.levels) == [0, 1, 2, 3, 4, 5] and quality.falls() == []


def check_row(row, language):
    sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
    for number, turn in enumerate(row["turns"]):
        words = [word for word in row["words"] if word["turn"] == number]
        assert join_words([word["word"] for word in words], language) == turn["text"]
        assert is_spoken(turn["text"], language) == []
        assert all(any(map(str.isalnum, word["word"])) for word in words), "no mark is a word of its own"
        channel = ("assistant", "user").index(turn["role"])
        for word in words:
            assert 0 <= word["start"] < word["end"] <= len(sound) / rate
            heard = sound[round(word["start"] * rate) : round(word["end"] * rate), channel]
            assert (heard**2).mean() > 1e-5, word
        if language == "zh":
            assert all(clause_end(a["word"]) for a, b in pairwise(words) if b["start"] - a["end"] > 0.1)
            assert 2 < len(words) / sum(word["end"] - word["start"] for word in words) < 7, "ideographs a second"
    truths = {turn["intended_text"] for turn in row["turns"] if turn["role"] == "assistant"}
    assert all(oracle["text"] in truths for oracle in row["oracles"] if oracle["level"] == 5)
    assert any(is_hesitation(word["word"], language) for word in row["words"]) or len(row["turns"][0]["text"]) < 40


def test_the_offline_writer_says_that_it_writes_english_only(tmp_path):
    file = write(tmp_path / "questions.jsonl", "zh", QUESTIONS["zh"])
    settings = settings_of(tmp_path / "out", sources=(f"questions={file}",), languages=("zh",), max_refused=1.0)
    with pytest.raises(KameError, match="the offline writer writes English only, not 'zh'; name a model") as refusal:
        build(settings)
    assert "\n" not in str(refusal.value)
    lines = [json.loads(line) for line in (tmp_path / "out/rejected/dialogues.jsonl").read_text().splitlines()]
    assert {line["reason"] for line in lines} == {"language"} and len(lines) == 5


def test_calls_for_a_turn_of_40_ideographs_are_bounded():
    assert sum(prefix.level < 5 for prefix in LevelSchedule().prefixes(0, 40)) <= 20


def test_hssbench_rows_of_other_languages_reach_a_writer_that_sees(tmp_path):
    (tmp_path / "a.png").write_bytes(drawn())
    stems = {"zh": "图中的建筑是哪个朝代修建的？", "fr": "De quel siècle est le monument qui est sur cette image ?"}
    rows = [
        {
            "id": stem,
            "question": stem,
            "options": {"A": "明朝", "B": "唐朝"},
            "correct_answer": "A",
            "category": "history",
        }
        | {"pic_path": "a.png"}
        for stem in stems.values()
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    for sees in (True, False):
        with pull(get_source("hssbench"), str(file), languages=stems, sees_pictures=sees) as found:
            assert {question.language for question in found.accepted} == (set(stems) if sees else set())
            assert [r.reason for r in found.rejected] == ([] if sees else ["needs_picture"] * 2)


PICTURED = [
    ("en", "Which of the following do the two animals in the picture stand for?", ("Rain", "Power", "Winter"), "B"),
    ("zh", "图中的两只动物象征什么？下列哪一项正确？", ("雨水", "权力", "冬天"), "B"),
    ("zh", "下图说明（   ）①工匠手艺高超 ②石头非常便宜 ③主人门第显赫 ④冬天十分寒冷", ("①②", "①③", "③④"), "B"),
    ("zh", "下图中的①②③④四处，哪两处最高？", ("①②", "①③", "③④"), "B"),
]
TOLD = {"en": "There are two stone lions at a red gate.", "zh": "有两只石狮子站在一扇红色的大门前面。"}


def telling(body):
    """A plausible reply whose user tells what is seen, instead of pointing at it."""
    text, reply = prompt(body), plausible.reply(body)
    if "Manner of the user:" not in text:
        return reply
    found = json.loads(reply)
    language = "zh" if "Language: Chinese" in text else "en"
    if "some of the statements" in text:
        asked, found["choices"] = "是工匠手艺高超，石头非常便宜，主人门第显赫，还是冬天十分寒冷？", []
    else:
        asked = f"它们象征{'，还是'.join(found['choices'])}？" if language == "zh" else ""
        asked = asked or f" Do they stand for {', or '.join(found['choices'])}?"
    found["exchanges"][0]["user"] = TOLD[language] + asked
    seen = {"en": ["two stone lions", "a red gate"], "zh": ["两只石狮子", "一扇红色的大门"]}[language]
    return json.dumps({"seen": seen, **found}, ensure_ascii=False)


def test_a_build_from_pictures_in_an_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-scripted")
    rows = [
        {"id": n, "question": stem, "options": dict(zip(("A .", "B .", "C ."), options, strict=True))}
        | {"correct_answer": answer, "category": "art", "image_necessity": "需要", "pic_path": f"p{n}.png"}
        for n, (_, stem, options, answer) in enumerate(PICTURED)
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    with zipfile.ZipFile(tmp_path / "in" / "some.zip", "w") as archive:
        for n in range(len(rows)):
            archive.writestr(f"set/p{n}.png", drawn(n, "JPEG" if n else "PNG"))
    with ScriptedServer(reply=telling) as server:
        command = ["kame-data", "build", "--llm", f"openai:local@{server.url}", "--no-speech", "--languages", "en,zh"]
        command += ["--source", f"hssbench={tmp_path / 'in'}", "--out", str(tmp_path / "out"), "--set", "max_refused=1"]
        command += ["--ledger", str(tmp_path / "ledger"), "--set", "llm.pictures=true"]
        monkeypatch.setattr(sys, "argv", command)
        with suppress(SystemExit):
            cli.main()
        asked = [entry["body"]["messages"][-1]["content"] for entry in server.log]
    shown = [content[1]["image_url"]["url"][:22] for content in asked if isinstance(content, list)]
    assert sorted(shown) == ["data:image/jpeg;base64"] * 2 + ["data:image/png;base64,"]
    found = [row for path in sorted((tmp_path / "out/shards").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert sorted(row["answer"] for row in found) == ["Power", "工匠手艺高超；主人门第显赫", "权力"]
    for row in found:
        assert row["turns"][0]["text"].startswith(TOLD[row["language"]])
        assert len(row["choices"]) == (0 if "；" in row["answer"] else 3)
    refused = [json.loads(line) for line in (tmp_path / "out/rejected/questions.jsonl").read_text().splitlines()]
    assert [line["reason"] for line in refused] == ["refers_to_choices"]
