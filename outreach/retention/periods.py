"""How long each thing is kept: the French file, read, and what the program adds to each of its rules.

`retention.toml` is the policy, the public page and the program. What the file cannot say in words stands here in
`BINDINGS`: which rows a rule is about, what is done besides deleting, and how many rows one transaction takes.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, inspect, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from outreach.accounts.attempts import SignInAttempt
from outreach.accounts.links import AccountLink
from outreach.accounts.requests import PasswordRequest
from outreach.accounts.sessions import StaffSession
from outreach.accounts.trail import TrailEntry
from outreach.adherence.models import JoiningList
from outreach.backups.models import Rehearsal
from outreach.contact_lists import undoing
from outreach.contact_lists.models import ContactList
from outreach.db import Base, Session, table_of
from outreach.directory.models import RegisterImport
from outreach.drafts import Draft
from outreach.errors import InputError
from outreach.french import WIDE
from outreach.jobs.models import Job
from outreach.measuring import hits
from outreach.measuring.models import Hit
from outreach.notes.models import NoteDraft
from outreach.reachability.models import DomainCheck
from outreach.responses.answer_lists.models import AnswerList
from outreach.sent_lists.matching import ColumnMatching
from outreach.sent_lists.models import ListState
from outreach.staff_mail.models import StaffNotice

FILE = Path(__file__).with_name("retention.toml")
DAY = timedelta(days=1)
ALL = true()
FILES = 10  # rows that hold a file of megabytes each
DAYS_OF_A_YEAR = 365.25
WRITTEN = re.compile(r"([1-9]\d{0,3}) (minutes?|heures?|jours?|mois|ans?)")
UNITS = {
    "minute": timedelta(minutes=1),
    "heure": timedelta(hours=1),
    "jour": DAY,
    "moi": DAY * DAYS_OF_A_YEAR / 12,
    "an": DAY * DAYS_OF_A_YEAR,
}


class Rhythm(Enum):
    """How often the clock looks for rows whose period is over; the value is in seconds."""

    MINUTE = 60
    HOUR = 3600


def period_of(written: str) -> timedelta:
    """The period that a text in French says: "13 mois". From a day on it is whole days. Raises InputError."""
    read = WRITTEN.fullmatch(" ".join(written.split()))
    if read is None:
        raise InputError("Écrivez une durée en jours, mois ou ans : « 30 jours », « 13 mois », « 3 ans ».")
    period = int(read[1]) * UNITS[read[2].removesuffix("s")]
    return timedelta(days=round(period / DAY)) if period >= DAY else period


Replace = Callable[[Session, ColumnElement[bool]], object]


@dataclass(frozen=True, slots=True)
class Binding:
    """What the program adds to a rule of the file.

    Rows are deleted unless `replace` says otherwise; it gets the condition that picks them. `only` names which rows the
    rule is about. With `ahead`, rows as far in the future are over as well: they were written before the clock was put
    back. One transaction takes at most `most` rows.
    """

    model: type[Base]
    only: ColumnElement[bool] = ALL
    replace: Replace | None = None
    ahead: bool = False
    most: int = 500


BINDINGS: Mapping[str, Binding] = {
    "hits": Binding(Hit, replace=hits.fold),
    "contact_lists": Binding(ContactList, ContactList.state == ListState.RECEIVED, most=FILES),
    "contact_lists_applied": Binding(ContactList, ContactList.grid != "", replace=undoing.erase, most=FILES),
    "joining_lists": Binding(JoiningList, JoiningList.state == ListState.RECEIVED, most=FILES),
    "register_imports": Binding(RegisterImport, RegisterImport.state == ListState.RECEIVED, most=FILES),
    "answer_lists": Binding(AnswerList, most=FILES),
    "domain_checks": Binding(DomainCheck),
    "trail_entries": Binding(TrailEntry),
    "column_matchings": Binding(ColumnMatching),
    "note_drafts": Binding(NoteDraft),
    "drafts": Binding(Draft),
    "staff_notices": Binding(StaffNotice),
    "account_links": Binding(AccountLink),
    "rehearsals": Binding(Rehearsal),
    "jobs": Binding(Job, most=FILES),
    "sessions": Binding(StaffSession),
    "password_requests": Binding(PasswordRequest, ahead=True),
    "sign_in_attempts": Binding(SignInAttempt, ahead=True),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays, as the file says it: what, why, on what ground, until when, and its columns by table."""

    what: str
    why: str
    ground: str
    until: str
    columns: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """A rule of the file: how long rows are kept after the moment in the column `since`, and what is then done.

    `what`, `why`, `ground`, `moment`, `written` (the period) and `then` are French, for the public page. `bounds` are
    the shortest and the longest period that an administrator may choose, or None where the period is fixed.
    """

    name: str
    what: str
    why: str
    ground: str
    written: str
    since: InstrumentedAttribute[Any]
    moment: str
    then: str
    bounds: tuple[str, str] | None
    columns: Mapping[str, Sequence[str]]
    binding: Binding = field(repr=False)

    @property
    def period(self) -> timedelta:
        """How long a row is kept."""
        return period_of(self.written)

    @property
    def duration(self) -> str:
        """The period as pages show it, on one line."""
        return self.written.replace(" ", WIDE)

    @property
    def model(self) -> type[Base]:
        """The model whose rows it is about."""
        return self.binding.model

    @property
    def table(self) -> str:
        """The name of its table."""
        return table_of(self.model).name

    @property
    def keys(self) -> Sequence[ColumnElement[Any]]:
        """The columns of its primary key."""
        return inspect(self.model).primary_key

    @property
    def rhythm(self) -> Rhythm:
        """Each minute where the period is shorter than a day, so that none lasts much longer than it says."""
        return Rhythm.MINUTE if self.period < DAY else Rhythm.HOUR

    def is_over(self, now: datetime) -> ColumnElement[bool]:
        """The condition that a row's period is over."""
        over = self.since <= now - self.period
        return self.binding.only & ((over | (self.since >= now + self.period)) if self.binding.ahead else over)

    def apply(self, session: Session, keys: Sequence[Sequence[Any]]) -> None:
        """Do to the rows with these keys what is due."""
        these = tuple_(*self.keys).in_(keys)
        if self.binding.replace is None:
            session.execute(delete(self.model).where(these).execution_options(synchronize_session=False))
        else:
            self.binding.replace(session, these)


def _rule(stated: Mapping[str, Any], grounds: Mapping[str, str]) -> Retention:
    binding = BINDINGS[stated["nom"]]
    if table_of(binding.model).name != stated["table"]:
        raise ValueError(f"retention.toml: the rule {stated['nom']} is about another table")
    return Retention(
        name=stated["nom"],
        what=stated["objet"],
        why=stated["pourquoi"],
        ground=grounds[stated["fondement"]],
        written=stated["duree"],
        since=getattr(binding.model, stated["depuis"]),
        moment=stated["moment"],
        then=stated["ensuite"],
        bounds=tuple(stated["bornes"]) if "bornes" in stated else None,
        columns=stated["colonnes"],
        binding=binding,
    )


def _kept(stated: Mapping[str, Any], grounds: Mapping[str, str]) -> Kept:
    ground = grounds[stated["fondement"]]
    return Kept(stated["objet"], stated["pourquoi"], ground, stated["jusque"], stated["colonnes"])


_STATED = tomllib.loads(FILE.read_text(encoding="utf-8"))
RULES: Sequence[Retention] = [_rule(stated, _STATED["fondements"]) for stated in _STATED["regle"]]
KEPT: Sequence[Kept] = [_kept(stated, _STATED["fondements"]) for stated in _STATED["garde"]]
IMPERSONAL: Mapping[str, Sequence[str]] = _STATED["sans_personne"]
