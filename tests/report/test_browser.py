"""The page in a real browser: Chromium, from the disk and over HTTP."""

import http.server
import os
import shutil
import threading
import time
from functools import partial

import pytest

import dummies
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.report.page import write_report
from kame_data.report.print_replay import moments
from kame_data.settings.tree import Settings
from kame_data.text.words import split_words

CHROMIUM = os.environ.get("KAME_DATA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine (apt-get install chromium)")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--mute-audio",
]  # fmt: skip
SIZES = {"desktop": {"width": 1300, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens an address in a fresh context; at the end there must have been no errors, and no request to elsewhere."""
    contexts, troubles = [], []

    def open_(address, size="desktop", scheme="light"):
        phone = size == "phone"
        context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, has_touch=phone, is_mobile=phone)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        own = (address.split("#")[0], "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def written(folder, rows, **options):
    return write_report(dummies.finish(folder / "out", rows, **options)).path


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Twelve dialogues, every fourth with all situations, one of which says something that no other says."""
    rows = [dummies.row(n, duplex=n % 4 == 0) for n in range(12)]
    rows[7]["oracles"][-1]["text"] = "A zebra, I should think."
    return written(tmp_path_factory.mktemp("browser"), rows, refused=[("speech", "clipped")])


def ids(page):
    return page.locator("#list b").all_inner_texts()


def until(page, condition):
    """Wait for a condition; the browser's own way to do so is an `eval`, which the page's policy forbids."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_from_the_disk_and_over_http(visit, report):
    assert len(ids(visit(report.as_uri()))) == 12
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=report.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = visit(f"http://127.0.0.1:{server.server_port}/report.html#dialogue=dummy-00007-v0")
        assert page.inner_text("#viewer-title") == "dummy-00007-v0"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_playing_moves_the_marker_lights_words_and_shows_what_the_model_sees(visit, report):
    page = visit(f"{report.as_uri()}#dialogue=dummy-00004-v0")
    assert "no oracle has arrived" in page.inner_text("#now")
    places = "new DOMMatrix(getComputedStyle(document.querySelector('.marker')).transform).e"
    before = page.evaluate(places)
    page.click("#play")
    until(page, "document.querySelectorAll('#said .word.now').length === 1")
    until(page, "document.querySelector('#clock').textContent > '0:01.0'")
    assert page.evaluate(places) > before + 50
    assert page.inner_text("#play") == "Pause"
    word = page.inner_text("#said .word.now")
    assert word in dummies.USER
    until(page, "document.querySelector('#now .reading strong')?.textContent.startsWith('Perhaps')")
    assert page.locator(".oracle.now").count() == 1
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    at = page.inner_text("#clock")
    page.wait_for_timeout(300)
    assert page.inner_text("#clock") == at
    # The sound is the element's own: it has the row's length, and one side alone can be heard.
    page.select_option("#channel", "user")
    page.click("#play")
    until(page, f"document.querySelector('#clock').textContent > '{at}'")


def test_what_is_seen_at_a_moment_is_what_replay_says(visit, report):
    row = dummies.row(4, duplex=True)
    page = visit(f"{report.as_uri()}#dialogue=dummy-00004-v0")
    for moment in moments(Row.of(row), Reckoner.of(Settings()))[2:9]:
        page.evaluate(f"document.querySelector('#seek').value = {moment.start + 1}")
        page.dispatch_event("#seek", "input")
        assert page.inner_text("#now .reading strong") == moment.readings[-1].seen.text
        assert page.inner_text("#now .reading .chip") == str(moment.readings[-1].level)


def test_oracles_are_readable_on_hover_tap_and_focus(visit, report):
    page = visit(report.as_uri())
    first, second = page.locator(".oracle").nth(0), page.locator(".oracle").nth(1)
    first.hover()
    assert "Level 0, at 2.18 s: Perhaps level 0 says 18 seats" in page.inner_text("#tip")
    assert first.get_attribute("aria-label") == page.inner_text("#tip")
    page.mouse.move(5, 5)
    assert page.locator("#tip").is_hidden()
    first.focus()
    page.keyboard.press("ArrowRight")
    assert second.evaluate("e => e === document.activeElement")
    assert page.inner_text("#tip") == second.get_attribute("aria-label")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.keyboard.press("Enter")
    assert page.inner_text("#clock").startswith("0:02.8")


@pytest.mark.parametrize("focuses", [True, False])
def test_a_tapped_oracle_stays_readable_where_a_tap_gives_no_focus_and_the_timeline_scrolls(visit, report, focuses):
    phone = visit(report.as_uri(), "phone")
    if not focuses:  # as Safari, whose buttons take no focus from a tap
        phone.evaluate("addEventListener('mousedown', (e) => e.target.closest('button') && e.preventDefault(), true)")
    for number in (0, 3, 5):
        oracle = phone.locator(".oracle").nth(number)
        oracle.tap()
        phone.wait_for_timeout(300)
        assert phone.locator("#tip").is_visible() and phone.inner_text("#tip") == oracle.get_attribute("aria-label")


CHINESE = "一共有 GSM8K 3.5 二百二十八个，我想。“对”吗？" * 2
ARABIC = "GSM8K كيف حالك اليوم."


def in_language(language, text):
    """A row whose words and oracles are of one text."""
    row = dummies.row(1)
    words = split_words(text, language)
    turns = [turn | {"text": text, "intended_text": text} for turn in row["turns"]]
    kept = [w | {"word": words[n % len(words)]} for n, w in enumerate(row["words"])]
    return (
        row
        | {"language": language, "turns": turns, "words": kept}
        | {"oracles": [oracle | {"text": text} for oracle in row["oracles"]]}
    )


def test_of_a_language_without_spaces_words_are_read_as_replay_says(visit, tmp_path):
    row = in_language("zh", CHINESE)
    page = visit(written(tmp_path, [row]).as_uri())
    seen = set()
    for moment in moments(Row.of(row), Reckoner.of(Settings()))[2:9]:
        page.evaluate(f"document.querySelector('#seek').value = {moment.start + 1}")
        page.dispatch_event("#seek", "input")
        shown = page.locator("#now .reading strong").text_content()
        assert shown.strip() == moment.readings[-1].seen.text
        seen.add(shown)
    page.evaluate("document.querySelector('#seek').value = 2.5")
    page.dispatch_event("#seek", "input")
    assert f"of {len(split_words(CHINESE, 'zh'))} words" in page.inner_text("#now") and len(seen) > 2


def test_text_has_its_language_and_its_direction(visit, tmp_path):
    rows = [in_language("ar", ARABIC), in_language("en", "one \u202etwo three") | {"id": "other-v0"}]
    page = visit(f"{written(tmp_path, rows).as_uri()}#dialogue={rows[0]['id']}")
    said = page.locator("#said p").nth(0)
    assert said.evaluate("e => [getComputedStyle(e).direction, e.lang]") == ["rtl", "ar"]
    first_three = "all => all.slice(0, 3).map((word) => word.getBoundingClientRect().left)"
    lefts = said.locator(".word").evaluate_all(first_three)
    assert lefts == sorted(lefts, reverse=True)
    # A bar that is too short shows how its text begins.
    bar = page.locator(".oracle").nth(1)
    ends = "e => [e.scrollWidth > e.clientWidth, e.scrollLeft, e.getBoundingClientRect().right]"
    cut, scrolled, right = bar.locator(".oracle-text").evaluate(ends)
    assert cut and scrolled == 0 and right <= bar.evaluate("e => e.getBoundingClientRect().right")
    # What turns the direction of writing turns its own word alone.
    page.goto(f"{page.url.split('#')[0]}#dialogue=other-v0")
    words = page.locator("#said p").nth(0).locator(".word")
    lefts = words.evaluate_all(first_three)
    assert words.nth(0).inner_text() == "one" and lefts == sorted(lefts)


def test_situations_are_marked_and_the_rest_of_a_cut_turn_is_shown(visit, report):
    page = visit(f"{report.as_uri()}#dialogue=dummy-00004-v0")
    labels = [b.get_attribute("aria-label") for b in page.locator(".situation").all()]
    assert [label.split(" (")[0] for label in labels] == [
        "background", "pause", "back-channel", "hesitation", "overlap", "barge-in",
    ]  # fmt: skip
    assert page.locator("#said s").inner_text() == " ".join(dummies.BACK[6:])
    assert page.locator("#said li.aside").count() == 1
    page.evaluate("document.querySelector('#seek').value = 3")
    page.dispatch_event("#seek", "input")
    assert "heard as" in page.inner_text("#now") and "Tell me how mini" in page.inner_text("#now")


def test_filters_and_search(visit, report):
    page = visit(report.as_uri())
    assert page.inner_text("#found") == "12 dialogues"
    page.select_option("#filter-source", "gsm8k")
    assert page.inner_text("#found") == "4 of 12 dialogues"
    page.select_option("#filter-situation", "barge_in")
    assert ids(page) == ["dummy-00004-v0"]
    page.click("#clear")
    page.select_option("#filter-split", "validation")
    assert ids(page) == ["dummy-00009-v0"]
    page.click("#clear")
    page.fill("#filter-text", "ZEBRA think")
    assert ids(page) == ["dummy-00007-v0"]
    page.select_option("#filter-level", "1")
    assert page.inner_text("#found") == "0 of 12 dialogues"
    page.select_option("#filter-level", "5")
    assert ids(page) == ["dummy-00007-v0"]
    page.click("#list button")
    assert page.locator(".oracle.dim").count() == page.locator(".oracle:not(.level-5)").count() > 0
    page.click("#clear")
    assert page.locator(".oracle.dim").count() == 0 and len(ids(page)) == 12


def test_keys(visit, report):
    page = visit(report.as_uri())
    page.locator("#list button").nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    second = ids(page)[1]
    assert page.inner_text("#viewer-title") == second
    assert page.evaluate("document.activeElement.id") == "viewer"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#clock").startswith("0:01.0")
    page.keyboard.press("Space")
    until(page, "document.querySelector('#clock').textContent > '0:01.2'")
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Play"
    page.keyboard.press("Home")
    assert page.inner_text("#clock").startswith("0:00.0")
    page.keyboard.press("n")
    assert page.inner_text("#viewer-title") == ids(page)[2]
    page.keyboard.press("p")
    assert page.inner_text("#viewer-title") == second and page.url.endswith(f"#dialogue={second}")
    page.focus("#filter-text")
    page.keyboard.type("n p")
    assert page.inner_text("#viewer-title") == second and page.input_value("#filter-text") == "n p"
    page.keyboard.press("Tab")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_hostile_text_is_shown_and_never_run(visit, tmp_path):
    evil = " ".join(dummies.HOSTILE)
    rows = [dummies.row(n, hostile=dummies.HOSTILE, duplex=n == 0, source=evil) for n in range(2)]
    spend = {"dollars": 1.0, "by": []}
    path = written(tmp_path, rows, settings={"writer": evil}, stand_ins=[evil], spend=spend, refused=[(evil, evil)])
    page = visit(path.as_uri())
    name = rows[0]["id"]
    assert page.text_content("#viewer-title") == name
    for place in (".notice", "#viewer-badges", "#said", "#oracles-table", "#facts", "#list"):
        for text in dummies.HOSTILE:
            assert text in page.text_content(place), (place, text)
    page.locator(".oracle").nth(0).hover()
    assert "<img src=x onerror=window.pwned=1>" in page.inner_text("#tip")
    page.fill("#filter-text", "</script><script>window.pwned=1</script>")
    assert len(ids(page)) == 2
    for details in page.locator("details > summary").all():
        details.click()
    page.click("#play")
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('img, iframe, object, script:not([type])').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_nothing_overflows_and_no_rule_of_accessibility_is_broken(visit, report, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"{report.as_uri()}#dialogue=dummy-00004-v0", size, scheme)
    assert overflow(page) <= 0
    for details in page.locator("details > summary").all():
        details.click()
    assert overflow(page) <= 0
    page.evaluate("document.querySelector('#seek').value = 3")
    page.dispatch_event("#seek", "input")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 19, 25)"}[scheme]
    # axe runs inside the page, where the policy would not let its script in: it is put there by the test's own hand.
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:150] for node in v["nodes"][:3]]) for v in found] == []


def test_dialogues_without_sound_play_in_silence(visit, tmp_path):
    path = written(tmp_path, [dummies.row(n, spoken=False, duplex=n == 0) for n in range(3)])
    page = visit(path.as_uri())
    assert "words at 170 a minute" in page.inner_text("#sound-note")
    page.click("#play")
    until(page, "document.querySelector('#clock').textContent > '0:00.5'")
    assert page.locator(".word.now").count() == 1
    out = dummies.finish(tmp_path / "some", [dummies.row(n) for n in range(3)])
    page = visit(write_report(out, audio=1).path.as_uri())
    page.select_option("#filter-sound", "without")
    page.click("#list button")
    assert "kame-data report OUT --dialogue" in page.inner_text("#sound-note")


def test_a_thousand_dialogues(visit, tmp_path):
    path = written(tmp_path, [dummies.row(n, duplex=n % 50 == 0) for n in range(1000)])
    assert path.stat().st_size < 40_000_000
    page = visit(path.as_uri())
    assert page.inner_text("#found") == "1,000 dialogues" and len(ids(page)) == 50
    page.click("#page-on")
    assert page.inner_text("#page-at") == "2 of 20"
    page.fill("#filter-text", "row 777")
    assert "dummy-00777-v0" in ids(page)
