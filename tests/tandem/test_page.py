"""The page of the tandem in a real browser: a conversation with a file as the microphone, and one that is over."""

import asyncio
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kame_data.tandem.events import event_of, read_log
from kame_data.tandem.page import live_page, session_page
from tandem.server.scripted import NUMBERS, left_nothing, running

CHROMIUM = os.environ.get("KAME_DATA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed (pip install '.[dev]')")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine (apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--mute-audio"]
MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
EVIL = "<img src=x onerror=alert(1)></script><b>"


async def with_page(run, *flags, **context):
    """Run with a page of a fresh browser; there must be no errors, and no request to elsewhere."""
    troubles = []
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        page = await (await browser.new_context(**context)).new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        own = ("http://127.0.0.1", "ws://127.0.0.1", "file:", "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        await run(page)
        await browser.close()
    assert troubles == []


async def until(page, selector, words):
    """Wait until an element holds the words; the browser's own way is an `eval`, which the page's policy forbids."""
    for _ in range(600):
        if words in (await page.inner_text(selector)):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{selector}: {await page.inner_text(selector)!r}, not {words!r}")


def voice():
    """A second of a voice, f32 at 24 kHz, and two of silence: its pitch moves, for a browser takes hum for noise."""
    time = np.arange(24_000) / 24_000
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 3 * time)) / 24_000
    tone = sum(np.sin(n * phase) / n for n in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    return np.concatenate([np.zeros(24_000), 0.1 * tone, np.zeros(24_000)]).astype(np.float32)


def test_one_talks_in_the_browser_and_saves_the_conversation(tmp_path):
    soundfile.write(tmp_path / "question.wav", voice(), 24_000)

    async def talk(server, page):
        await page.goto(server.url)
        assert await page.inner_text("#talk") == "Talk"
        await page.keyboard.press("t")
        await until(page, "#state", "Speak.")
        await until(page, "#user-said", "This is number")
        await until(page, "#assistant-said", "You said that number,")
        assert (await page.inner_text("#user-said")).split()[-1] in NUMBERS
        assert not (await page.inner_text("#counts")).startswith("0")
        await until(page, "#oracle", "You said that number,")
        await page.keyboard.press("m")
        assert await page.get_attribute("#mute", "aria-pressed") == "true"
        await page.click("#talk")
        await until(page, "#state", "The conversation is over.")
        assert not await page.is_visible("#trouble")
        saved = []
        page.on("download", lambda download: saved.append(download))
        await page.click("#save")
        while len(saved) < 2:
            await asyncio.sleep(0.1)
        for download in saved:  # by their names: a browser may tell of the second first
            await download.save_as(tmp_path / f"saved{Path(download.suggested_filename).suffix}")
        sound, rate = soundfile.read(tmp_path / "saved.wav")
        assert rate == 24_000 and sound.shape[1] == 2 and (np.abs(sound).max(0) > 0.01).all()
        kinds = [event_of(line).kind for line in (tmp_path / "saved.jsonl").read_bytes().splitlines()]
        assert kinds[0] == "session" and kinds[-1] == "closed" and "oracle" in kinds

    async def run():
        file = f"--use-file-for-fake-audio-capture={tmp_path / 'question.wav'}"
        async with running() as server:
            await with_page(lambda page: talk(server, page), *MICROPHONE, file, accept_downloads=True)
            await left_nothing(server)

    asyncio.run(run())


def test_a_microphone_that_is_refused_is_said_and_one_may_try_again():
    async def talk(server, page):
        await page.goto(server.url)
        await page.click("#talk")
        await until(page, "#trouble", "microphone")
        assert await page.inner_text("#talk") == "Talk"

    async def run():
        async with running() as server:
            await with_page(lambda page: talk(server, page), "--deny-permission-prompts")
            await left_nothing(server)

    asyncio.run(run())


def lines():
    """The log of a short conversation whose words are hostile."""
    session = {"kind": "session", "time": 0, "wall": 0, "format": 1, "id": "x", "clock": "virtual", "language": "en"}
    session |= {"model": EVIL, "tokenizer": "t", "start_id": 9, "recogniser": "r", "back_end": "b", "policy": "poll"}
    yield session | {"oracle_mode": "contract", "voice": "v", "stand_ins": [EVIL]}
    for time, kind, more in [
        (0.2, "speech_start", {"side": "user", "at": 0.2}),
        (0.8, "user_partial", {"turn": 0, "text": EVIL, "stable": 0, "at": 0.8}),
        (0.8, "ask", {"id": 0, "turn": 0, "prefix_words": 1, "heard": "what"}),
        (1.2, "first_token", {"id": 0}),
        (1.2, "oracle_delta", {"id": 0, "text": "Two ", "tokens": [4, 5]}),
        (1.4, "oracle_delta", {"id": 0, "text": EVIL, "tokens": [6]}),
        (1.4, "oracle_read", {"id": 0, "read": 2}),
        (1.5, "speech_end", {"side": "user", "at": 1.2}),
        (1.6, "word", {"text": "Two", "at": 1.5}),
        (1.6, "speech_start", {"side": "assistant", "at": 1.5}),
        (1.8, "word", {"text": EVIL, "at": 1.7}),
        (2.0, "words_dropped", {"count": 1}),
        (2.2, "user_final", {"turn": 0, "text": EVIL, "ended": True, "at": 1.2}),
        (3.0, "closed", {"reason": "the sound is over", "frames": 38}),
    ]:
        yield {"kind": kind, "time": time, "wall": time, **more}


@pytest.mark.parametrize("context", [{}, {**PHONE, "color_scheme": "dark"}], ids=["desktop", "phone"])
def test_a_conversation_that_is_over_is_shown_with_its_words_as_text(tmp_path, context):
    import json

    (tmp_path / "e.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines()))
    flac = io.BytesIO()
    soundfile.write(flac, 0.1 * np.random.default_rng(0).standard_normal((72_000, 2)), 24_000, format="FLAC")
    (tmp_path / "session.html").write_text(session_page(read_log(tmp_path / "e.jsonl"), flac.getvalue()))

    async def look(page):
        await page.goto(f"file://{tmp_path / 'session.html'}")
        await until(page, "#assistant-said", "Two")
        assert EVIL in await page.inner_text("#user-said") and EVIL in await page.inner_text("#assistant-said")
        assert (await page.inner_text("#assistant-said s")).strip() == EVIL
        assert EVIL in await page.inner_text("#stand-ins")
        assert (await page.inner_text("#onset"), await page.inner_text("#first")) == ("0.30 s", "0.40 s")
        await until(page, "#oracle .read", "Two")
        assert await page.inner_text("#oracle .rest") == EVIL
        assert await page.locator(".oracle").count() == 1
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    asyncio.run(with_page(look, **context))


def test_the_page_asks_nothing_of_other_hosts():
    assert "http" not in live_page().replace("http-equiv", "").replace('"https:"', "").replace("only on https", "")
