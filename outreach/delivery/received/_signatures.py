"""Finds the signature below a closing formula, where no line announces it. No I/O.

It is a card: name, office, where one is found. A last block in which anything may be said stays what was written; so
do a name and a title alone.
"""

import re
from collections.abc import Sequence

MOST_LINES = 20
LONGEST_LINE = 120
LONGEST_NAME = 5  # words
LEAST_OF_A_CARD = 5  # lines, where no address or number shows that it is one

CLOSES = re.compile(
    r"(?:(?:bien |très |(?:bien )?sincèrement |amicalement et )?cordialement|bien (?:à (?:vous|toi)|sincèrement)"
    r"|(?:mes |nos |avec (?:mes|nos) )?(?:\w+ ){0,2}salutations(?: \w+)?|respectueusement"
    r"|(?:je vous prie|nous vous prions|veuillez|recevez|agréez)\b.{0,160}\b(?:salutations|sentiments|considération)\b"
    r".{0,40}"
    r"|(?:met |mijn |onze )?(?:\w+ ){0,2}groet(?:en|jes)?|hoogachtend|mvg"
    r"|(?:mit |viele |beste |liebe |schöne )?(?:\w+ ){0,2}gr(?:ü|ue)sse?n?|hochachtungsvoll|mfg"
    r"|(?:with )?(?:(?:my|our|kind|best|warm|many) )*(?:regards|wishes|greetings)"
    r"|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?) ?[,!.]*"
)
SAYS = re.compile(
    r"[-*•–]\s|\d+[.)]\s|p\.? ?-?s\b|n\.? ?b\b|post-?scriptum"
    r"|.*(?:\?|!|:)$"
    r"|.*\b(?:oui|non|ja|nee|nein|yes|je|j['’]\w+|nous|ik|wij|wir|ich|we|i|adh[ée]r\w*|d[ée]sol[ée]\w*|merci|dank\w*"
    r"|thanks?|attention|veuillez|is|est|sont|zijn|ist|sind|are)\b"
)
NOTICE = re.compile(
    r".*(?:confiden|vertrouwelijk|vertraulich|avant d.imprimer|before printing|print deze|destinataire)"
)
FINDS = re.compile(r"@|\bwww\.|https?://|(?:\d[ ./-]?){8}|\b(?:[bfdl]-?)?\d{4,5} [^\W\d]{3}")


def begins_at(lines: Sequence[str]) -> int | None:
    """The first line of the signature among the last lines of what somebody wrote, folded as they are compared; None
    where they have none. The formula and the name below it are no part of it."""
    closings = [number for number, line in enumerate(lines) if CLOSES.fullmatch(line)]
    if not closings or not any(lines[: closings[-1]]):
        return None
    block = [number for number in range(closings[-1] + 1, len(lines)) if lines[number]]
    notice = next((number for number in block if NOTICE.match(lines[number])), None)
    card = [number for number in block if notice is None or number < notice]
    if len(block) > MOST_LINES or any(len(lines[one]) > LONGEST_LINE or SAYS.match(lines[one]) for one in card):
        return None
    if len(card) < LEAST_OF_A_CARD and not any(FINDS.search(lines[number]) for number in card):
        return notice
    return card[1] if len(card) > 1 and _is_name(lines[card[0]]) else card[0]


def _is_name(line: str) -> bool:
    return len(line.split()) <= LONGEST_NAME and not FINDS.search(line)
