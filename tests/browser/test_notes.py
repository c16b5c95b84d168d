"""The public page of a note in a browser, without an account."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import expect

from tests.browser.test_pages import overflow
from tests.reports.notes.contents import content, correction, zones
from tests.reports.notes.published import published

pytestmark = [pytest.mark.browser, pytest.mark.long]

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_the_public_page_of_a_note_keeps_the_rules_and_scrolls_nowhere_sideways(
    visitor, sample_database, violations, looks
):
    full = replace(content(), tables=(*content().tables, zones()))
    old = published(sample_database, full, KEY)
    told = replace(correction().correction, number=old)
    published(sample_database, replace(full, correction=told), KEY, corrects=old)
    for address in (f"/n/{old}", "/n/key", "/n/2000-001"):
        visitor.goto(address)
        for look in looks(visitor, (1280, 390, 320)):
            assert violations(visitor) == [], (address, look)
            assert overflow(visitor) <= 0, (address, look)
    visitor.goto(f"/n/{old}")
    visitor.emulate_media(media="print")
    expect(visitor.locator(".printed")).to_contain_text(f"Note {old}")
    expect(visitor.locator("tfoot").first).to_have_css("display", "table-row-group")
