"""Numbers the links of a letter's own text and puts a mark in place of each address.

The address behind a mark may depend on the recipient.
"""

import re
from html import unescape

from outreach.mail.letters.marks import Marks, Slot

LINK = "adresse_lien"
MOST = 255  # a token names a link by one byte; any further link stays as it was written
ADDRESS = re.compile(r'(?<=<a href=")https?://[^"]*(?=")')


def mark(html: str, marks: Marks) -> str:
    """The HTML with a mark in place of each linked address; equal addresses share a mark."""
    urls = list(dict.fromkeys(unescape(address) for address in ADDRESS.findall(html)))[:MOST]
    slots = {url: marks.slot(Slot(LINK, ((str(number), url),))) for number, url in enumerate(urls, 1)}
    return ADDRESS.sub(lambda match: slots.get(unescape(match[0]), match[0]), html)


def of(slots: tuple[Slot, ...]) -> dict[int, str]:
    """The addresses of a letter's links, by number."""
    return {int(number): url for slot in slots if slot.field == LINK for number, url in slot.filters}
