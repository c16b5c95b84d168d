"""Who a mail says it is from, and whether our own receiving server found that true (RFC 8601). No I/O.

Anybody may write any From, and any Authentication-Results: only those of our server count, by the name that the setting
gives it. It takes away what comes under its name from elsewhere (RFC 8601 §5); where two of its lines contradict each
other all the same, nothing is proved.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import getaddresses

MOST_RESULTS = 10  # lines that are read
COMMENT = re.compile(r"\([^()]{0,500}\)")
RESULT = re.compile(r"(dmarc|dkim|spf)\s*=\s*([a-z]{1,20})\b(.{0,500})", re.IGNORECASE | re.DOTALL)
PROPERTY = re.compile(r"\b(header\.from|header\.d|header\.i|smtp\.mailfrom)\s*=\s*\"?([^\s\";]{1,320})", re.IGNORECASE)
OF_METHOD = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}


def sender_of(lines: Iterable[str]) -> tuple[str, str]:
    """The name and the one address of From; two '' where there is none, or several."""
    named = [(name, address) for name, address in getaddresses(list(lines), strict=True) if address]
    if len(named) != 1 or named[0][1].count("@") != 1 or any(character.isspace() for character in named[0][1]):
        return "", ""
    return named[0]


def decoded(words: str) -> str:
    """The words of a header; as they stand where they cannot be decoded (RFC 2047)."""
    try:
        return str(make_header(decode_header(words)))
    except (LookupError, ValueError, MessageError):
        return words


def is_proved(results: Iterable[str], server: str, address: str) -> bool:
    """Whether the server of this name says that a mail is from the domain of this address."""
    domain = address.rpartition("@")[2].casefold()
    if not server or not domain:
        return False
    said: dict[str, list[set[bool]]] = defaultdict(list)
    for line in list(results)[:MOST_RESULTS]:
        name, _, rest = COMMENT.sub(" ", line).partition(";")
        if name.split(maxsplit=1)[:1] and name.split(maxsplit=1)[0].casefold() == server.casefold():
            for method, passes in _told(rest, domain).items():
                said[method].append(passes)
    if any(len(lines) > 1 and any(one != lines[0] for one in lines) for lines in said.values()):
        return False
    told = {method: True in lines[0] for method, lines in said.items()}
    return told["dmarc"] if "dmarc" in told else told.get("dkim", False) or told.get("spf", False)


def _told(rest: str, domain: str) -> dict[str, set[bool]]:
    """By method, what one line says: True where it passed for this domain."""
    told: dict[str, set[bool]] = defaultdict(set)
    for clause in rest.split(";")[:50]:
        if match := RESULT.match(clause.strip()):
            method = match[1].casefold()
            about = [value for name, value in PROPERTY.findall(match[3]) if name.casefold() in OF_METHOD[method]]
            is_about = any(value.rpartition("@")[2].casefold() == domain for value in about)
            if match[2].casefold() != "none":
                told[method].add(match[2].casefold() == "pass" and is_about)
    return told
