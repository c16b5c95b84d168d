"""How long each thing is kept: the rules of `retention.toml`, and the periods that administrators chose."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, delete, func, inspect, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, table_of, take_lock
from outreach.core.db.bulk import among
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import WIDE
from outreach.operations.retention._bindings import BINDINGS, Binding

SUBJECT = "retention"  # of what the audit records about periods, and about what was exported


class RetentionChange(Base):
    """Another period for a rule of the file, within its bounds; the last one of a rule holds. Rows are only added."""

    __tablename__ = "retention_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(40))
    period: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(255))


FILE = Path(__file__).with_name("retention.toml")
DAY = timedelta(days=1)
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
    the shortest and the longest period that an administrator may choose, or None where the period is fixed. For the
    page of the administration it has a `group` of `GROUPS`, a `short` name, and what `stays`, or ''.
    """

    name: str
    group: str
    short: str
    stays: str
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

    def has_key(self, keys: Sequence[Sequence[Any]]) -> ColumnElement[bool]:
        """The condition that a row has one of these keys. Where a key is one number, they are one parameter."""
        if len(self.keys) == 1 and isinstance(self.keys[0].type, Integer):
            return among(self.keys[0], [key for (key,) in keys])
        return tuple_(*self.keys).in_(keys)

    @property
    def rhythm(self) -> Rhythm:
        """Each minute where the period is shorter than a day, so that none lasts much longer than it says."""
        return Rhythm.MINUTE if self.period < DAY else Rhythm.HOUR

    def allows(self, written: str) -> bool:
        """Whether a period lies within the bounds that the file sets."""
        if not written or self.bounds is None:
            return False
        shortest, longest = map(period_of, self.bounds)
        return shortest <= period_of(written) <= longest

    def is_over(self, now: datetime) -> ColumnElement[bool]:
        """The condition that a row's period is over."""
        over = self.since <= now - self.period
        if self.binding.ahead:
            over |= self.since >= now + self.period
        return self.binding.only & (self.binding.through(over) if self.binding.through else over)

    @property
    def is_archive(self) -> bool:
        """Whether it may be a public archive, which goes only after an export that a sorting list allows."""
        return self.binding.export is not None

    def export(self, session: Session, keys: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """The rows with these keys as a sealed file holds them, of what may be an archive."""
        return self.binding.export(session, keys) if self.binding.export else iter(())

    def apply(self, session: Session, keys: Sequence[Sequence[Any]], *, now: datetime) -> None:
        """Do to the rows with these keys what is due."""
        these = self.has_key(keys)
        if self.binding.replace is None:
            session.execute(delete(self.model).where(these).execution_options(synchronize_session=False))
        else:
            self.binding.replace(session, these, now)


def _rule(stated: Mapping[str, Any], grounds: Mapping[str, str]) -> Retention:
    binding = BINDINGS[stated["nom"]]
    if table_of(binding.model).name != stated["table"]:
        raise ValueError(f"retention.toml: the rule {stated['nom']} is about another table")
    return Retention(
        name=stated["nom"],
        group=stated["groupe"],
        short=stated["bref"],
        stays=stated.get("reste", ""),
        what=stated["objet"],
        why=stated["pourquoi"],
        ground=grounds[stated["fondement"]],
        written=stated["duree"],
        since=getattr(binding.dated or binding.model, stated["depuis"].rpartition(".")[2]),
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
GROUPS: Mapping[str, str] = _STATED["groupes"]
OF_SERVICE = "service"  # the group of what only running the service needs
IMPERSONAL: Mapping[str, Sequence[str]] = _STATED["sans_personne"]


def in_force(session: Session) -> Sequence[Retention]:
    """Every rule with the period that holds now. A choice that the file's bounds no longer allow does not count."""
    last = select(func.max(RetentionChange.id)).group_by(RetentionChange.rule)
    query = select(RetentionChange.rule, RetentionChange.period).where(RetentionChange.id.in_(last))
    chosen = dict(session.execute(query).all())
    return [
        replace(rule, written=chosen[rule.name]) if rule.allows(chosen.get(rule.name, "")) else rule for rule in RULES
    ]


def rule_named(session: Session, name: str) -> Retention:
    """A rule with the period that holds now. Raises NotFound for an unknown one."""
    for rule in in_force(session):
        if rule.name == name:
            return rule
    raise NotFound("Cette règle de conservation n’existe pas.")


def rule_history(session: Session, rule: Retention) -> Sequence[RetentionChange]:
    """The changes of a rule's period, the newest first."""
    theirs = select(RetentionChange).where(RetentionChange.rule == rule.name)
    return session.scalars(theirs.order_by(RetentionChange.id.desc())).all()


def change_rule(session: Session, name: str, written: str, *, now: datetime, actor: str) -> bool:
    """Give a rule another period; False where it is the same. The audit says who did it.

    Raises InputError for a period that is none or beyond the bounds, Refused where the file allows no change.
    """
    take_lock(session, SUBJECT, name)
    rule, period = rule_named(session, name), " ".join(written.split())
    if rule.bounds is None:
        raise Refused("Cette durée est fixe : le service en a besoin pour fonctionner.")
    asked = period_of(period)
    if not rule.allows(period):
        shortest, longest = rule.bounds
        raise InputError(f"Choisissez une durée entre {shortest} et {longest}.")
    if asked == rule.period:
        return False
    session.add(RetentionChange(rule=name, period=period, changed_at=now, changed_by=actor))
    said = f"Conservation, « {rule.what} » : {period} au lieu de {rule.written}."
    audit.record_entry(session, now, actor, said, SUBJECT)
    return True
