"""What an automatic answer says of its mailbox: who takes over, until when, or that it is nobody's. No I/O.

French, Dutch, German and English. A note of absence is short, and anybody may write it: what it says is shown to a
colleague as a proposal, and changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from outreach.core.text.addresses import LONGEST as LONGEST_ADDRESS
from outreach.core.text.addresses import judge, key_of
from outreach.core.text.errors import InputError

LONGEST = 4000  # characters that are read
LONGEST_RELIEF = 200
MOST_ADDRESSES = 10
ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
ENDS = re.compile(r"(?<=[.!?])(?<!\bM\.)(?<!\bMr\.)(?<!\b[Dd]hr\.)(?<!\b[Mm]evr\.)\s+(?=[^\W\d_])|\n\s*\n")
TURNS_TO = re.compile(
    r"contact|adress|écri|joindre|remplac|succe|relève|urgen|besoin|transmet|désormais|dorénavant"
    r"|vervang|opvolg|richt|mailen|mail naar|bereik|stuur|dringend|neem|voortaan"
    r"|wenden|kontakt|vertret|vertritt|nachfolg|erreich|dringend|schreiben|künftig"
    r"|reach|write|replac|take[sn]? over|taking over|instead|please|e-?mail",
    re.IGNORECASE,
)
UNREAD = re.compile(
    r"(?:no|ne|do)[-_.]?(?:t[-_.]?)?(?:reply|pas[-_.]?r[eé]pondre)|postmaster@|mailer-daemon@", re.IGNORECASE
)
LEFT = re.compile(
    r"(?:n.est|ne suis) plus (?!accessible|joignable|disponible|ouvert|l[àa] )|ne fai[st] plus|n.occupe plus"
    r"|ne travaille plus(?! (?:le|les|que|avant|à) )|(?:a|ai) quitté (?!le bureau)"
    r"|(?:parti|admis)e? à la (?:retraite|pension)"
    r"|n.est plus (?:utilisée|relevée|consultée)|nouvelle adresse|adresse a changé"
    r"|niet (?:meer|langer) (?:in dienst|werkzaam|actief|in gebruik)|werk(?:t)? (?:hier )?niet (?:meer|langer)"
    r"|met pensioen|heb .{0,40}verlaten|nieuw(?:e)? (?:e-?mail)?adres"
    r"|nicht (?:mehr|länger) (?:tätig|beschäftigt|im dienst|in gebrauch|gültig)|arbeite(?:t)? nicht mehr"
    r"|im ruhestand|in (?:rente|pension)|neue (?:e-?mail-?)?adresse"
    r"|no longer (?:work|with|in use|employed|monitored|at)|(?:has|have) left(?! for| the office)|retired"
    r"|new (?:e-?mail )?address",
    re.IGNORECASE,
)
RELIEVES = re.compile(  # beside TURNS_TO
    r"remplac|succ[eè]|relève|rela(?:is|ie)|intérim|vervang|opvolg|neemt .{0,40}over|vertret|vertritt|nachfolg"
    r"|replac|take[sn]? over|taking over|stand(?:s|ing)? in|covers? for|covering for",
    re.IGNORECASE,
)
PERSON = re.compile(
    r"\b(?:(?:MM?|Mme|Mr|Mrs|Ms|[Dd]hr|[Mm]evr)\.?|Madame|Monsieur|[Mm]evrouw|[Dd]e heer|Herrn?|Frau) [A-ZÀ-Þ][\w’'-]+"
    r"|\b[A-ZÀ-Þ][\w’'-]+ [A-ZÀ-Þ][\w’'-]+"
)
_MONTHS = (
    r"janv|févr|fevr|mars|avril|mai|juin|juil|ao[uû]t|sept|oct|nov|d[ée]c|jan|feb|maart|m[äa]rz|apr|mei|jun|jul|aug"
    r"|okt|dez|may"
)
_DAY = (
    rf"(?:\d{{1,2}}(?:er|st|nd|rd|th|\.)? (?:{_MONTHS})[^\W\d]{{0,8}}(?:\.? \d{{4}})?"
    rf"|(?:{_MONTHS})[^\W\d]{{0,8}}\.? \d{{1,2}}(?:st|nd|rd|th)?\b"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"
    r"|(?:lundi|mardi|mercredi|jeudi|vendredi|maandag|dinsdag|woensdag|donderdag|vrijdag"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|monday|tuesday|wednesday|thursday|friday)\b)"
)
_UNTIL = (
    r"de retour|retour|jusqu.(?:au|à)|rentre(?:rai)?|revien(?:s|drai)|repren(?:ds|drai)|au bureau|avant le"
    r"|terug|tot(?: en met)?|t\.?e\.?m|zurück|bis(?: zum| einschließlich)?|wieder|ab dem"
    r"|back|return(?:ing)?|until|till|through"
    rf"|(?:du|vom|van|from) {_DAY}.{{0,3}}? (?:au|bis|tot|to)"
)
BACK = re.compile(rf"(?:{_UNTIL})\b\.?[^\d.!?\n]{{0,40}}?({_DAY})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Absence:
    """What a note of absence says: the address to write to, or '' where it names none; `is_for_good` where its own is
    nobody's any more; the day of return and the sentence that names who takes over as they were written, or ''."""

    address: str = ""
    is_for_good: bool = False
    back: str = ""
    relief: str = ""


def read_absence(text: str, sender: str) -> Absence:
    """What the text of an automatic answer from an address (as addresses are compared) says."""
    said = text[:LONGEST]
    address = next((one for one in _named(said) if key_of(one) != sender), "")
    back = BACK.search(said)
    day = back[1] if back else ""
    return Absence(address, bool(LEFT.search(said)) and not day, day, _relief(said))


def _named(said: str) -> Iterator[str]:
    """The addresses to which sentences turn the reader, in order."""
    for sentence in ENDS.split(said):
        if _turns_to(sentence):
            yield from filter(_is_somebodys, (one.rstrip(".") for one in ADDRESS.findall(sentence)[:MOST_ADDRESSES]))


def _is_somebodys(address: str) -> bool:
    """Whether an address may be written to, and read."""
    if len(key_of(address)) > LONGEST_ADDRESS or UNREAD.match(address):
        return False
    try:
        judge(address)
    except InputError:
        return False
    return True


def _relief(said: str) -> str:
    """The first sentence that names a person who takes over; a line of it, cut, as a colleague reads it."""
    sentences = (" ".join(one.split()) for one in ENDS.split(said))
    named = (one for one in sentences if PERSON.search(one) and (RELIEVES.search(one) or _turns_to(one)))
    return next(named, "")[:LONGEST_RELIEF]


def _turns_to(sentence: str) -> bool:
    """Whether a sentence turns the reader to somebody, whatever an address in it says."""
    return TURNS_TO.search(ADDRESS.sub(" ", sentence)) is not None
