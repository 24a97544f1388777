"""A writer that sees: pictures as they are sent by the real clients, and dialogues that stand without them."""

import base64
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from building import settings_of
from drawn import drawn, real_rows
from kame_data.dialogues.write import accept
from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.llm import vision
from kame_data.llm.prompts import prompts_of
from kame_data.llm.request import Answer, Request
from kame_data.llm.session import close_session
from kame_data.llm.spec import parse_spec
from kame_data.llm.vision import MOST_SENT, MOST_SIDE, picture_part
from kame_data.llm.writer import LlmWriter
from kame_data.records import Dialogue, Picture, Question
from kame_data.settings.tree import Settings
from kame_data.text.references import in_words
from llm.server import Body, ScriptedServer
from llm.test_engine import one, run

QUESTION = Question(
    "hssbench-1", "hssbench", "What are the people in the picture carrying?", "A drum",
    ("A boat", "A drum", "A flag"), picture=Picture("p.png", drawn()),
)  # fmt: skip
STATEMENTS = in_words(
    Question(
        "hssbench-2-zh", "hssbench",
        "下边两幅作品的作者的基本特点有（   ）  ①集书法与绘画为一体 ②以自然风景为主 ③强调个性和写意 ④用画面传达情致",
        "①③", ("②④", "②③", "①④", "①③"), language="zh", picture=Picture("p.png", drawn()),
    )
)  # fmt: skip


def seeing(spec: str = "openai:gpt-4.1-nano@http://127.0.0.1:9/v1", pictures: bool | None = None) -> LlmWriter:
    return LlmWriter(parse_spec(spec), prompts_of(None), lambda: pytest.fail("asked"), 0, pictures=pictures)


def looked(data: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.format, image.size


# -- pictures as they are sent


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_every_server_takes_goes_as_it_is(kind: str) -> None:
    part = picture_part(drawn(1, kind), "a")
    assert (part.data, part.media_type) == (drawn(1, kind), f"image/{kind.lower()}")


@pytest.mark.parametrize(
    "data",
    [
        drawn(1, "GIF"),
        drawn(1, "WEBP"),
        drawn(1, "BMP"),
        drawn(1, "TIFF"),
        drawn(1, "JPEG", mode="CMYK"),
        drawn(1, "PNG", (3000, 20)),
        drawn(1, "TIFF", mode="F"),
    ],
)
def test_anything_else_is_made_what_every_server_takes(data: bytes) -> None:
    part = picture_part(data, "a")
    kind, size = looked(part.data)
    assert part.data != data and part.media_type == f"image/{str(kind).lower()}" and kind in ("PNG", "JPEG")
    assert max(size) <= MOST_SIDE and len(part.data) <= MOST_SENT


def test_a_large_picture_is_made_smaller_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.frombytes("RGB", (1500, 900), os.urandom(1500 * 900 * 3))
    for kind in ("PNG", "JPEG"):
        file = io.BytesIO()
        noise.save(file, kind, **({"quality": 100} if kind == "JPEG" else {}))
        with monkeypatch.context() as patch:
            patch.setattr(vision, "MOST_SENT", 100_000)
            part = picture_part(file.getvalue(), "a")
        kind_sent, (width, height) = looked(part.data)
        assert len(part.data) <= 100_000 and kind_sent == "JPEG" and part.media_type == "image/jpeg"
        assert abs(width / height - 1500 / 900) < 0.02
    part = picture_part(drawn(1, "JPEG", (5000, 2500)), "a")
    assert looked(part.data) == ("JPEG", (2048, 1024))


def test_a_picture_is_sent_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    part = picture_part(drawn(1, "JPEG", (40, 20), exif=turned), "a")
    assert looked(part.data) == ("JPEG", (20, 40))


def test_sixteen_bits_keep_their_shades() -> None:
    file = io.BytesIO()
    Image.new("I;16", (9, 9), 40_000).save(file, "PNG")
    with Image.open(io.BytesIO(picture_part(file.getvalue(), "a").data)) as image:
        assert image.convert("L").getpixel((4, 4)) == 40_000 // 256


def test_what_is_see_through_lies_on_white_where_it_must_be_a_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision, "MOST_SENT", 4_000)
    noise = Image.frombytes("RGBA", (64, 64), os.urandom(64 * 64 * 3 + 64 * 64))
    noise.putalpha(0)
    file = io.BytesIO()
    noise.save(file, "PNG")
    with Image.open(io.BytesIO(picture_part(file.getvalue(), "a").data)) as image:
        assert image.format == "JPEG" and image.getpixel((5, 5)) == (255, 255, 255)


def test_a_picture_that_breaks_off_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match=r"bad_picture: cut.jpg cannot be read"):
        picture_part(drawn(1, "JPEG", (500, 400))[:-900], "cut.jpg")


# -- over the wire, by the real clients


def pictures_in(body: Body) -> list[tuple[str, bytes]]:
    """The media types and bytes of the pictures in a request, in whichever form it is."""
    found = []
    for part in body["messages"][-1]["content"]:
        if part["type"] == "image_url":
            head, _, data = part["image_url"]["url"].partition(",")
            assert head.startswith("data:") and head.endswith(";base64")
            found.append((head[5:-7], base64.b64decode(data, validate=True)))
        elif part["type"] == "image":
            assert part["source"]["type"] == "base64"
            found.append((part["source"]["media_type"], base64.b64decode(part["source"]["data"], validate=True)))
    return found


@pytest.mark.parametrize(
    ("spec", "pictures"),
    [("openai:gpt-4.1-nano", None), ("anthropic:claude-haiku-4-5", None), ("openai:qwen2.5-7b-instruct", True)],
)
def test_both_providers_get_picture_question_and_choices(tmp_path: Path, spec: str, pictures: bool | None) -> None:
    with ScriptedServer() as server:
        url = server.root if spec.startswith("anthropic") else server.url
        writer = seeing(f"{spec}@{url}", pictures)
        assert writer.sees_pictures
        run(one(tmp_path, writer.request(QUESTION, 0)))
        huge = replace(QUESTION, picture=Picture("p.webp", drawn(5, "WEBP", (3000, 1500))))
        run(one(tmp_path, writer.request(huge, 0)))
        first, second = (entry["body"] for entry in server.log)
    assert pictures_in(first) == [("image/png", drawn())]
    text = first["messages"][-1]["content"][0]["text"]
    assert QUESTION.stem in text and all(f"* {choice}\n" in text for choice in QUESTION.choices)
    ((media, data),) = pictures_in(second)
    assert media == "image/png" and looked(data) == ("PNG", (2048, 1024))
    form = first["output_config"]["format"] if "output_config" in first else first["response_format"]["json_schema"]
    form = form["schema"]
    assert next(iter(form["properties"])) == "seen" and "seen" in form["required"]


def test_real_pictures_are_sent_as_the_type_that_they_are() -> None:
    source, sent = get_source("hssbench"), Counter[str]()
    for _, row, data in real_rows():
        try:
            question = source.question(row, "")
        except Refusal:
            continue
        request = seeing().request(replace(question, picture=Picture(row["pic_path"], data)), 0)
        ((_, part),) = [request.messages[-1].parts]
        assert not isinstance(part, str)
        assert part.media_type == f"image/{str(looked(part.data)[0]).lower()}"
        sent[part.media_type] += 1
    assert sent["image/png"] > 10


def test_a_writer_without_eyes_is_sent_none() -> None:
    blind = seeing("openai:gpt-3.5-turbo@http://127.0.0.1:9/v1")
    assert not blind.sees_pictures
    request = blind.request(QUESTION, 0)
    assert request.pictures() == 0 and "A picture belongs" not in str(request.messages)


# -- dialogues that stand alone


USER = "There are two people in red coats who carry a round thing. Is it a boat, a drum or a flag?"
GOOD = {"seen": ["two people in red coats", "a round thing"], "choices": ["a boat", "a drum", "a flag"]}


def reply(user: str = USER, said: str = "A drum. It is round and has a skin.", **changes: Any) -> dict[str, Any]:
    return {**GOOD, "exchanges": [{"user": user, "answer": "a drum", "assistant": said}], **changes}


def read(told: dict[str, Any], question: Question = QUESTION) -> Dialogue:
    """The dialogue of a reply, where it passes."""
    dialogue = seeing().dialogue(Answer(json.dumps(told, ensure_ascii=False), ""), question, 0)
    accept(dialogue, question)
    return dialogue


def test_a_dialogue_that_says_what_is_seen_passes() -> None:
    assert read(reply()).choices == ("a boat", "a drum", "a flag")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (reply(seen=[]), "picture_not_told"),
        (reply(seen=["three men with hats"]), "picture_not_told"),
        (reply(seen=["people"]), "picture_not_told"),
        (reply("What do the people carry, a boat, a drum or a flag?", seen=["the people carry"]), "picture_not_told"),
        (reply(USER.replace("Is it a boat, a drum or a flag", "What is it"), choices=[]), "choices_not_named"),
        (reply(f"In the picture, {USER}"), "needs_picture"),
        (reply(USER.replace("There are", "The image shows")), "needs_picture"),
        (reply(USER.replace("carry", "carry, as shown above,")), "needs_picture"),
        (reply(said="A drum, as the figure below shows. It is round."), "needs_picture"),
        (reply(said="A drum. One can tell from the photo that it has a skin."), "needs_picture"),
    ],
)
def test_a_dialogue_that_does_not_stand_alone_is_refused(told: dict[str, Any], reason: str) -> None:
    question = replace(QUESTION, stem="Which of these are the people in the picture carrying?")
    with pytest.raises(Refusal) as caught:
        read(told, question)
    assert caught.value.reason == reason


def test_a_picture_that_was_brought_up_may_be_spoken_of() -> None:
    user = "I have an old photo of two people in red coats. On the photo they carry a round thing, "
    user += "a boat, a drum or a flag?"
    assert read(reply(user)).answer == "a drum"


CHINESE = (
    "有两幅画，一幅画的是山水，边上题着字，另一幅画的是人。"
    "作者的特点有哪些，是集书法与绘画为一体，以自然风景为主，强调个性和写意，还是用画面传达情致？"
)


def chinese(user: str = CHINESE, said: str = "", **changes: Any) -> dict[str, Any]:
    claim = "集书法与绘画为一体，强调个性和写意"
    exchange = {"user": user, "answer": claim, "assistant": said or f"{claim}。因为画上有题字。"}
    return {"seen": ["画的是山水，边上题着字"], "exchanges": [exchange], "choices": [], **changes}


def test_statements_that_a_question_lists_are_named_in_chinese_too() -> None:
    found = read(chinese(), STATEMENTS)
    assert found.answer == "集书法与绘画为一体，强调个性和写意" and found.choices == ()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (chinese(CHINESE.replace("，强调个性和写意", "")), "choices_not_named"),
        (chinese(f"图中{CHINESE}"), "needs_picture"),
        (chinese(CHINESE.replace("有两幅画，一幅画的", "如图所示，一幅画的")), "needs_picture"),
        (chinese(said="集书法与绘画为一体，强调个性和写意。从图片中可以看出来。"), "needs_picture"),
        (chinese(seen=["一座很高的铁桥"]), "picture_not_told"),
    ],
)
def test_a_chinese_dialogue_that_does_not_stand_alone_is_refused(told: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(told, STATEMENTS)
    assert caught.value.reason == reason


def test_another_choice_of_statements_is_wrong() -> None:
    wrong = "以自然风景为主，用画面传达情致"
    exchange = {"user": CHINESE, "answer": wrong, "assistant": f"{wrong}。因为画上有题字。"}
    with pytest.raises(Refusal, match="wrong_answer"):
        read(chinese(exchanges=[exchange]), STATEMENTS)


def test_a_request_says_what_is_to_be_named() -> None:
    def asked(question: Question) -> str:
        return str(seeing().request(question, 0).messages[-1].parts[0])

    which = replace(QUESTION, stem="Which of these do the people in the picture carry?")
    assert "refers to its choices" in asked(which) and "refers to its choices" not in asked(QUESTION)
    assert "some of the statements" in asked(STATEMENTS) and "* 集书法与绘画为一体；强调个性和写意" in asked(STATEMENTS)


# -- a whole session

SHORT = {"answer_words": [10, 10]}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ScriptedServer], LlmWriter]]:
    """Opens writers in sessions of their own against a server."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    opened: list[Settings] = []

    def of(server: ScriptedServer) -> LlmWriter:
        model = f"openai:local-vl@{server.url}"
        opened.append(settings_of(tmp_path / "out", writer=model, ledger=tmp_path / "ledger", writing=SHORT))
        return LlmWriter.of(opened[-1])

    yield of
    for settings in opened:
        close_session(settings)


def test_a_broken_picture_costs_no_request(session: Callable[[ScriptedServer], LlmWriter]) -> None:
    broken = replace(QUESTION, id="b", picture=Picture("cut.jpg", drawn(1, "JPEG", (500, 400))[:-900]))
    with ScriptedServer(reply=lambda _: json.dumps(reply())) as server:
        good, bad = session(server).write_many([QUESTION, broken], 0, accept)
        assert isinstance(good, Dialogue) and good.choices == ("a boat", "a drum", "a flag")
        assert isinstance(bad, Refusal) and bad.reason == "bad_picture" and "cut.jpg" in bad.detail
        assert len(server.log) == 1


def test_a_draft_that_points_at_the_picture_is_asked_for_again(session: Callable[[ScriptedServer], LlmWriter]) -> None:
    drafts = iter([reply(f"In this image, {USER}"), reply(seen=[]), reply()])
    with ScriptedServer(reply=lambda _: json.dumps(next(drafts))) as server:
        (found,) = session(server).write_many([QUESTION], 0, accept)
    assert isinstance(found, Dialogue) and found.again == ("needs_picture", "picture_not_told")


def test_requests_of_one_picture_share_their_key_and_others_do_not() -> None:
    def key(**changes: Any) -> str:
        request: Request = seeing().request(replace(QUESTION, **changes), 0)
        return request.key

    assert key() == key(picture=Picture("elsewhere.png", drawn()))
    assert key() != key(picture=Picture("p.png", drawn(2)))
