"""What a request asks of the situation: the day, the moment of knowledge, the grouping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import Blueprint, request, url_for

from outreach.access import scopes
from outreach.adherence import situation
from outreach.adherence.models import Programme, Strand
from outreach.adherence.situation import Bucket, Grouping, Listed, Reading, Selection, Solicitation, groups
from outreach.adherence.statuses import Meaning
from outreach.campaigns.planning import known_until, read_past
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS, parse_day, today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.typed import whole_number
from outreach.delivery.outbox import listed_schools
from outreach.web.ui import programme as of_request
from outreach.web.ui.pager import member
from outreach.web.ui.request import counted, current_day, now

pages = Blueprint("situation", __name__)


TODAYS = " La situation est celle d’aujourd’hui."


@dataclass(frozen=True, slots=True)
class AskedSituation:
    """The day of a situation, the moment whose knowledge it shows (None = now), and by what schools are counted.

    `refusal` is a French sentence on what could not be taken: then both times are those of now. `typed` is the moment
    as it was typed.
    """

    day: date
    known_at: datetime | None
    by: Grouping
    refusal: str = ""
    typed: str = ""
    is_of_moment: bool = False  # whether the moment is what is refused

    @property
    def is_past(self) -> bool:
        """Whether a day before today is shown, or what was known before now."""
        return self.known_at is not None or self.day != current_day()

    @property
    def moment(self) -> datetime | None:
        """The past moment until which actions count, or None for now."""
        return known_until(self.day, self.known_at) if self.is_past else None

    @property
    def listed(self) -> Listed:
        """The schools that letters had listed by then."""
        return listed_schools(known_until(self.day, self.known_at))

    @property
    def wall_clock(self) -> str:
        """The moment as a form's field has it: Brussels time, or what was typed and could not be read."""
        return f"{self.known_at.astimezone(BRUSSELS):%Y-%m-%dT%H:%M}" if self.known_at else self.typed

    @property
    def query(self) -> dict[str, str]:
        """What links to this situation carry in their query."""
        values = {
            "as_of": self.day.isoformat() if self.is_past else "",
            "known_at": self.typed if self.known_at else "",
            "by": self.by.value if self.by is not Grouping.NETWORK else "",
        }
        return {name: value for name, value in values.items() if value}


def asked(session: Session) -> AskedSituation:
    """What the query asks; where it cannot be answered, the situation of now and why."""
    by = member(Grouping, request.args.get("by")) or Grouping.NETWORK
    typed = _printable("known_at")
    try:
        known_at = read_past(typed, now=now()) if typed else None
    except InputError as error:
        return AskedSituation(current_day(), None, by, f"{error}{TODAYS}", typed, is_of_moment=True)
    day, refusal = _day("as_of", today(known_at) if known_at else current_day())
    if refusal:
        return AskedSituation(current_day(), None, by, refusal, typed)
    try:
        situation.refuse_unknowable(session, day, known_at)
    except (InputError, Refused) as error:
        return AskedSituation(current_day(), None, by, f"{error}{TODAYS}", typed, is_of_moment=True)
    return AskedSituation(day, known_at, by, typed=typed)


def surely_asked(session: Session) -> AskedSituation:
    """What the query asks. Raises InputError when it cannot be answered: a list or a file never answers for another
    day or moment."""
    found = asked(session)
    if found.refusal:
        raise InputError(found.refusal.removesuffix(TODAYS))
    return found


def reading_asked(name: str, usual: date) -> Reading:
    """One end of a difference: the day of the query's parameter, and the moment of `known_` with its name.

    Raises InputError when they cannot be read.
    """
    typed = _printable(f"known_{name}")
    known_at = read_past(typed, now=now()) if typed else None
    day, refusal = _day(name, today(known_at) if known_at else usual)
    if refusal:
        raise InputError(refusal.removesuffix(TODAYS))
    return Reading(day, known_at)


def shown_strand(programme: Programme, day: date) -> Strand:
    """The strand that is shown, and named: the one asked for, or else the first that is open, or the first.

    A form that chooses another programme, too, says whose strand it had. Raises InputError for one that the programme
    does not have.
    """
    is_theirs = request.args.get("strand_of", programme.code) == programme.code
    return programme.strand_shown(_number() if is_theirs and request.args.get("strand") else None, day)


def _number() -> int:
    return whole_number(request.args.get("strand", ""), digits=2) or 0


def chosen_groups(by: Grouping) -> list[str]:
    """The codes of the groups whose answer is asked for, each once: of `?network=WBE&network=COCOF`."""
    return list(dict.fromkeys(filter(str.isprintable, request.args.getlist(by.value))))[:20]


def toggled(about: AskedSituation, chosen: Sequence[str], code: str) -> str:
    """The address of the same situation with the answer for one group more, or less if it is shown."""
    groups_then = [one for one in chosen if one != code] if code in chosen else [*chosen, code]
    strand = _number() or None
    values: dict[str, Any] = {**about.query, "strand": strand, "answer": 1, about.by.value: groups_then}
    return url_for("situation.index", **values)


def selected(session: Session, programme: Programme, about: AskedSituation) -> tuple[Selection, str]:
    """The schools that a list is about, and the label of their group, or ''. Raises as `shown_strand` does."""
    strand = shown_strand(programme, about.day)
    part = member(Solicitation, request.args.get("status"))
    bucket = Bucket.NONE if part else member(Bucket, request.args.get("status"))
    meaning = None if bucket else member(Meaning, request.args.get("meaning"))
    every = Selection(
        strand.number, bucket, solicitation=part, meaning=meaning, known_at=about.known_at, listed=about.listed
    )
    for by in Grouping:
        code = request.args.get(by.value, "")
        labels: Mapping[str, str] = groups(session, by, [strand], about.day, about.known_at).labels if code else {}
        if code in labels:
            return replace(every, group=code, by=by), labels[code]
    return every, ""


def spelt_day(about: AskedSituation) -> str:
    """The day, the moment of knowledge, the programme where several are loaded, and whose members alone are counted, as
    titles have them, as in "au samedi 15 mai 2021, pouvoirs organisateurs membres du SeGEC"."""
    whose = f", {scopes.authorities_in_words(counted())}" if counted() else ""
    known_then = f", d’après ce qui était enregistré le {french.moment(about.known_at)}" if about.known_at else ""
    return f"au {french.weekday(about.day)}{known_then}{of_request.said()}{whose}"


def _day(name: str, usual: date) -> tuple[date, str]:
    text = _printable(name)
    if not text and request.args.get(name):
        return usual, f"Cette date est illisible.{TODAYS}"
    if not text:
        return usual, ""
    try:
        day = parse_day(text)
    except InputError as error:
        return usual, str(error)
    if day > current_day():
        return usual, f"Cette date est dans l’avenir.{TODAYS}"
    return day, ""


def _printable(name: str) -> str:
    return "".join(c for c in request.args.get(name, "") if c.isprintable()).strip()
