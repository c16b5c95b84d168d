#!/usr/bin/env python3
"""Take pictures of every kind of mail, to be looked at after a change of their layout (maintainers only).

Usage: .venv/bin/python -m tools.letters FOLDER [WORDS OF A NAME]; needs Debian's chromium.

Each mail gets two sheets, light and dark, and each sheet shows it 320, 390 and 700 px wide, with its `<style>` and as
where a mail program strips it. What Outlook for Windows alone reads is in no picture: Chromium takes it for a comment.
"""

import pathlib
import re
import shutil
import sys
from html import escape

from playwright.sync_api import Page, sync_playwright

from tests.campaigns.letter import samples

WIDTHS = 320, 390, 700
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
FRAME = '<iframe width="{0}" height="10" srcdoc="{1}"></iframe>'
SHEET = """<!doctype html><meta name="color-scheme" content="light dark"><style>
body {{ margin: 8px; display: flex; gap: 8px; align-items: flex-start; background: #888 }} iframe {{ border: 0 }}
</style>{0}"""
GROWN = """() => Promise.all([...document.querySelectorAll("iframe")].map(frame => new Promise(done => {
  const grow = () => { frame.height = frame.contentDocument.documentElement.scrollHeight; done() }
  frame.contentDocument.readyState === "complete" ? grow() : frame.addEventListener("load", grow)
})))"""


def main() -> None:
    folder, words = pathlib.Path(sys.argv[1]), " ".join(sys.argv[2:])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 2 * sum(WIDTHS) + 64, "height": 100})
        for name in samples.mails():
            if words in name:
                shoot(page, name, samples.mail(name), folder)


def shoot(page: Page, name: str, html: str, folder: pathlib.Path) -> None:
    looks = [look for width in WIDTHS for look in ((width, html), (width, STYLE.sub("", html)))]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_content(SHEET.format("".join(FRAME.format(width, escape(said)) for width, said in looks)))
        page.evaluate(GROWN)
        page.screenshot(path=folder / f"{re.sub('[^a-zéèà0-9]+', '-', name.lower())}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main()
