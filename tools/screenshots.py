#!/usr/bin/env python3
"""Take the screenshots of the documentation from a running demonstration (./run), with Debian's Chromium.

Usage: .venv/bin/python tools/screenshots.py [http://127.0.0.1:8000]
"""

import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SHOTS = {
    "situation": "/",
    "directory": "/directory?network=Libre+confessionnel&level=secondary&zone=Li%C3%A8ge&sort=-secondary",
}


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(base_url=base, viewport={"width": 1280, "height": 800})
        page.goto("/sign-in")
        page.get_by_label("Adresse de courriel").fill(page.locator("section code").nth(1).inner_text())
        page.get_by_label("Mot de passe").fill(page.locator("section code").first.inner_text())
        page.get_by_role("button", name="Se connecter").click()
        for name, address in SHOTS.items():
            page.goto(address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
