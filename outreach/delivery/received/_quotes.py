"""Takes from a mail what its writer wrote, without quotations, the signature and what a program adds. No I/O.

Mail programs agree on nothing: each opens a quotation with a line of its own, in the language of its owner. They are
recognised a line at a time, in bounded steps, as anybody may write any text; libraries that do this take quadratic
time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from outreach.delivery.received import _signatures as signatures

MOST_LINES = 5000
LONGEST_LINE = 2000  # of what is compared: an opening of a quotation is shorter
LONGEST_OPENING = 400
OPENING_LINES = 4  # an opening that is wrapped has at most so many
LINES_OF_NAMED = 2  # of one that begins with a name, as a sentence does
HEADER_LINES = 12  # among which the header of a quoted mail has three fields

_DAY = r"(?:\d|[^\W\d]{2,12}[.,]{0,2} (?:\d|[^\W\d]{2,12}[.,]? \d))"
_WROTE = r"(?:a écrit|wrote|schreef|schrieb)"
# How programs open a quotation: on one line once it is unwrapped, and ending in a colon.
DATED = (
    re.compile(rf"(?:le|on) {_DAY}.{{0,300}}(?:a écrit|wrote) ?:"),
    re.compile(rf"(?:op|am) {_DAY}.{{0,200}}(?:schreef|schrieb)\b.{{0,200}}:"),
    re.compile(rf"(?:op|am) {_DAY}.{{0,200}} (?:heeft|hat) .{{1,200}} geschr(?:even|ieben) ?:"),
    re.compile(r"(?:quoting|citeren|zitat von|quotation de) .{1,200}@.{1,200}:"),
)
NAMED = (
    re.compile(rf".{{1,200}} {_WROTE}(?: le| on| op| am)? {_DAY}.{{0,100}}:"),
    re.compile(rf".{{0,120}}<[^<>@ ]{{1,100}}@[^<>@ ]{{1,200}}> {_WROTE} ?:"),
)
SAYS_WHERE = re.compile(r"@|\d{1,2} ?[:h.] ?\d\d")  # an address or an hour: a person who tells of a text gives neither
_WORDS = re.compile(r"écrit|wrote|schreef|schrieb|geschr|quoting|citeren|zitat|quotation")
# What stands before a mail that is quoted whole, or passed on.
RULES = re.compile(
    r"[-_*= ]{0,20}(?:message d.origine|(?:message|mail|courriel) original|original message"
    r"|oorspronkelijk bericht|origineel bericht"
    r"|ursprüngliche nachricht|originalnachricht|message transféré|forwarded message|doorgestuurd bericht"
    r"|weitergeleitete nachricht|message réacheminé)[-_*=: ]{0,20}"
    r"|-{2,20} ?(?:[^\W\d]{1,20}[ '’]){0,3}(?:(?:e-?)?mail|courriel|message|bericht|nachricht)"
    r"(?:[ '’][^\W\d]{1,20}){0,3} ?-{2,20}"
    r"|(?:début du message (?:réexpédié|transféré)|begin forwarded message|begin doorgestuurd bericht"
    r"|anfang der weitergeleiteten (?:nachricht|e-mail)) ?:"
)
MARKED = re.compile(r"[-_*= ]{2,}")
FIELDS = tuple(
    re.compile(rf"[*_ ]{{0,3}}(?:{names})[*_ ]{{0,3}}:(?=[*_ ]|$)")
    for names in (
        "de|from|van|von",
        "envoyé|date|sent|verzonden|datum|gesendet|envoyé le",
        "à|to|aan|an|pour|destinataire|cc",
        "objet|subject|onderwerp|betreff|sujet",
    )
)
OF_SENDER, LEAST_FIELDS = 0, 3
SIGNATURE = re.compile(r"--|_{8,}")
# What programs on telephones, and some servers, put below a mail: it names a device or a program.
_DEVICE = (
    r"(?:ip|télé|smart|mobile|android|galaxy|samsung|huawei|xiaomi|redmi|oneplus|pixel|nokia|appareil|gsm|mac|tablet"
    r"|blackberry|handy|telefo|toestel|gerät|phone|device|portable|windows|outlook|yahoo|proton|gmail|mail)"
)
ADDED = re.compile(
    rf"(?:envoyé (?:(?:de|depuis|à partir de|avec) (?:mon |l.application |la |une? )?{_DEVICE}|avec la messagerie)"
    rf"|sent (?:from|with) (?:my |an? )?(?:\w{{1,20}} )?{_DEVICE}"
    rf"|(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via) (?:mijn |de |een )?(?:\w{{1,20}} )?{_DEVICE}"
    rf"|(?:von|aus) mein\w{{1,3}} .{{0,60}}gesendet|gesendet (?:von|mit|aus) (?:mein\w{{1,3}} |der )?{_DEVICE}"
    r"|(?:télécharge[rz]|obtenir|obtenez) outlook pour|get outlook for|download outlook|outlook voor .{1,40}downloaden"
    r"|(?:holen sie sich|laden sie|beziehen sie) outlook|outlook für .{1,40}(?:herunterladen|beziehen)"
    r"|provenance : courrier pour windows|garanti sans virus|virus-free|virenfrei|virusvrij)"
    r".{0,160}"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """What the writer wrote, and what was left out: quotations, openings, a signature."""

    text: str
    folded: str = ""


def cut(text: str) -> Cut:
    """Part what was written from what was quoted or added."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MOST_LINES]
    lines = [line.rstrip() for line in lines]
    plain = [_plain(line) for line in lines]
    own: list[str] = []
    folded: list[str] = []
    place = begun = before = 0  # the lines of `own` and of `folded` before the last that were written without a break
    in_signature = is_after = False
    while place < len(lines):
        opened = _opening(lines, plain, place)
        if opened:
            after = _next(plain, place + opened)
            folded += lines[place : place + opened]
            place += opened
            if after is not None and not _is_quoted(lines[after]):
                folded += lines[place:]
                break
            in_signature, is_after = False, True
        elif not _is_quoted(lines[place]) and _ends(plain, place):
            folded += lines[place:]
            break
        elif _is_quoted(lines[place]):
            in_signature, is_after = False, True
            folded.append(lines[place])
            place += 1
        else:
            in_signature = in_signature or _begins_signature(plain[place])
            if is_after and lines[place]:
                begun, before, is_after = len(own), len(folded), False
            (folded if in_signature else own).append(lines[place])
            place += 1
    if (signed := signatures.begins_at([_plain(line) for line in own[begun:]])) is not None:
        folded[before:before] = own[begun + signed :]
        del own[begun + signed :]
    return Cut(_tidy(own), _tidy(folded))


def _plain(line: str) -> str:
    """A line as it is compared: one space for any, no case, without the mark of a quotation before it."""
    return " ".join(line[:LONGEST_LINE].lstrip("> ").split()).casefold()


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \u00a0").startswith(">")


def _next(lines: Sequence[str], place: int) -> int | None:
    """The first line from here that says anything."""
    return next((number for number in range(place, min(place + OPENING_LINES, len(lines))) if lines[number]), None)


def _opening(written: Sequence[str], lines: Sequence[str], place: int) -> int:
    """How many lines from here are one opening of a quotation; 0 where none begins here."""
    if not lines[place]:
        return 0
    for count in range(1, OPENING_LINES + 1):
        these = lines[place : place + count]
        if len(these) < count or not these[-1] or sum(map(len, these)) > LONGEST_OPENING:
            return 0
        if not (these[-1].endswith(":") and _WORDS.search(" ".join(these))):
            continue
        after = _next(lines, place + count)
        is_before_quotes = after is not None and _is_quoted(written[after])
        later = any(_matches(these[number:], DATED, is_before_quotes) for number in range(1, count))  # it begins there
        is_named = count <= LINES_OF_NAMED and _matches(these, NAMED, is_before_quotes)
        if not later and (is_named or _matches(these, DATED, is_before_quotes)):
            return count
    return 0


def _matches(lines: Sequence[str], patterns: Sequence[re.Pattern[str]], is_before_quotes: bool) -> bool:
    joined = " ".join(lines)
    says_where = is_before_quotes or SAYS_WHERE.search(joined)
    return bool(says_where) and any(pattern.fullmatch(joined) for pattern in patterns)


def _ends(lines: Sequence[str], place: int) -> bool:
    """Whether all from here is another mail, quoted whole or passed on."""
    line = lines[place]
    if RULES.fullmatch(line[:LONGEST_OPENING]):
        return True
    if MARKED.fullmatch(line):  # the rule of Outlook, above the header of what it quotes
        after = _next(lines, place + 1)
        return after is not None and _is_header(lines, after)
    return _is_header(lines, place)


def _is_header(lines: Sequence[str], place: int) -> bool:
    """Whether the header of a quoted mail begins here. One that does not begin with its sender has no empty line."""
    told, is_of_sender = set[int](), bool(FIELDS[OF_SENDER].match(lines[place]))
    for line in lines[place : place + HEADER_LINES]:
        field = next((number for number, one in enumerate(FIELDS) if one.match(line)), None)
        if field in told or (field is None and not told) or not (line or is_of_sender):
            break  # of another header, of none, or its end
        told |= set() if field is None else {field}
    return OF_SENDER in told and len(told) >= LEAST_FIELDS


def _begins_signature(line: str) -> bool:
    return bool(SIGNATURE.fullmatch(line) or ADDED.fullmatch(line[:LONGEST_OPENING]))


def _tidy(lines: Sequence[str]) -> str:
    """The lines with one empty line at most between two others."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n ")
