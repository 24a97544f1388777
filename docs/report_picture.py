"""Makes docs/report.png: one dialogue of a build in its report, while it plays.

python docs/report_picture.py out/demo [ID [SECONDS]]
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from kame_data.report.page import write_report

SIZE = {"width": 1280, "height": 940}


def picture(out: Path, wanted: str | None, seconds: float) -> None:
    """Write docs/report.png of the dialogue `wanted` (the page's first one without), `seconds` into it."""
    page_path = write_report(out, first=[wanted] if wanted else []).path
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(page_path.resolve().as_uri() + (f"#dialogue={wanted}" if wanted else ""))
        page.click("#zoom-out")
        page.evaluate("(at) => { document.querySelector('#seek').value = at; }", seconds)
        page.dispatch_event("#seek", "input")
        page.evaluate("scrollTo(0, document.querySelector('#dialogues').getBoundingClientRect().top + scrollY)")
        page.screenshot(path=Path(__file__).with_name("report.png"))
        browser.close()


if __name__ == "__main__":
    picture(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None, float((sys.argv[3:] or ["18"])[0]))
