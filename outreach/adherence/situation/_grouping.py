"""What a situation counts schools by, and whether one can be shown as it was known at a moment.

Undoing an edition of the register keeps what it stated. Before version 0.4.0 it did not, and what was known while such
an edition was in force is lost.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, literal, or_, select, true, union_all

from outreach.adherence.models import Strand
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.tables import ListState
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.labelled import Labelled
from outreach.directory.models import (
    Authority,
    Federation,
    Membership,
    Nature,
    Network,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    Teaching,
    types_of,
)
from outreach.directory.reference import PROVINCES, province_of


def refuse_unknowable(session: Session, day: date, known_at: datetime | None) -> None:
    """Refuse a situation that nobody can have known, or that can no longer be shown as it was known.

    Raises InputError when the day lies after the moment, Refused when an edition in force at the moment was undone.
    """
    if known_at is None:
        return
    if day > today(known_at):
        raise InputError(
            f"Le {french.moment(known_at)}, personne ne connaissait la situation du {french.day(day)} : choisissez un "
            "jour qui précède ce moment."
        )
    undone = undone_since(session, known_at)
    if undone is not None and undone.applied_at is not None and undone.undone_at is not None:
        raise Refused(
            f"La situation d’après ce qui était enregistré le {french.moment(known_at)} ne peut plus être recalculée : "
            f"l’édition du registre du {french.day(undone.edition_on)}, appliquée alors, a été annulée le "
            f"{french.moment(undone.undone_at)}. Choisissez un moment avant le {french.moment(undone.applied_at)}, ou "
            "après cette annulation."
        )


def undone_since(session: Session, known_at: datetime) -> RegisterImport | None:
    """The edition that was in force at a moment and was undone since without being kept: the moment is lost."""
    in_force = RegisterImport.applied_at <= known_at, RegisterImport.undone_at > known_at, ~RegisterImport.is_kept
    return session.scalar(
        select(RegisterImport).where(*in_force).order_by(RegisterImport.applied_at, RegisterImport.id).limit(1)
    )


def oldest_register(session: Session, day: date, known_at: datetime | None = None) -> date | None:
    """The day of the first edition, where the day or the moment lies before it; else None.

    Its schools then stand for those of the time before.
    """
    query = select(RegisterImport).where(RegisterImport.state == ListState.APPLIED)
    first = session.scalar(query.order_by(RegisterImport.applied_at, RegisterImport.id).limit(1))
    if first is None or first.applied_at is None:
        return None
    is_before = day < first.edition_on or (known_at is not None and known_at < first.applied_at)
    return first.edition_on if is_before else None


OUTSIDE = "-"  # the code of the group of schools that have no zone, province or federation


class Grouping(Labelled):
    """By what schools are counted."""

    NETWORK = "network", "réseau"
    ZONE = "zone", "zone"
    PROVINCE = "province", "province"
    FEDERATION = "federation", "fédération"

    @property
    def outside(self) -> str:
        """What the group of schools outside all groups is called; every school has a network."""
        labels = {"zone": "Sans zone", "province": "Sans province", "federation": "Sans fédération"}
        return labels.get(self.value, "")

    @property
    def is_partition(self) -> bool:
        """Whether an authority belongs to one group only, so that the total is the sum of the groups."""
        return self is Grouping.NETWORK


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a grouping as of a day: their labels by code, in order, and the SQL of a school's code.

    With `networks` (codes) only the schools of these count.
    """

    by: Grouping
    labels: dict[str, str]
    code: ColumnElement[str]
    strands: Sequence[Strand]
    day: date
    known_at: datetime | None
    networks: Collection[str] = ()

    def counts(self, rows: Subquery) -> ColumnElement[bool]:
        """Whether the school of a row counts: an authority keeps its network for ever."""
        if not self.networks:
            return true()
        theirs = select(Authority.id).join(Network, Network.id == Authority.network_id)
        return rows.c.authority_id.in_(theirs.where(Network.code.in_(self.networks)))

    def joined(self, query: Select[*tuple[Any, ...]], rows: Subquery) -> Select[*tuple[Any, ...]]:
        """The query over `rows` (columns school_id, authority_id, strand_id), joined with what `code` reads."""
        if self.by is Grouping.NETWORK:
            query = query.join(Authority, Authority.id == rows.c.authority_id)
            return query.join(Network, Network.id == Authority.network_id)
        if self.by is Grouping.FEDERATION:
            return self.with_federation(query, rows)
        return query.join(School, School.id == rows.c.school_id)

    def with_federation(self, query: Select[*tuple[Any, ...]], rows: Subquery) -> Select[*tuple[Any, ...]]:
        """The query, joined with the federations that represent each authority for a level that makes its school count.

        A federation that does so for two levels of a school is there once.
        """
        levels = [self._makes_count(strand, rows) for strand in self.strands]
        represents = exists().where(
            Membership.federation_id == Federation.id,
            Membership.authority_id == rows.c.authority_id,
            Membership.on(self.day, self.known_at),
            or_(*levels),
        )
        return query.outerjoin(Federation, represents.correlate(Federation, rows))

    def _makes_count(self, strand: Strand, rows: Subquery) -> ColumnElement[bool]:
        """Whether a membership is for a level of a strand at which the school of a row teaches."""
        is_of = and_(rows.c.strand_id == strand.id, Membership.level.in_(strand.levels))
        if len(strand.levels) == 1:
            return is_of
        taught = [and_(Membership.level == one, Teaching.education_type.in_(types_of(one))) for one in strand.levels]
        teaches = exists().where(
            Teaching.school_id == rows.c.school_id, Teaching.on(self.day, self.known_at), or_(*taught)
        )
        return and_(is_of, teaches.correlate(Membership, rows))


def groups(
    session: Session,
    by: Grouping,
    strands: Sequence[Strand],
    day: date,
    known_at: datetime | None = None,
    networks: Collection[str] = (),
) -> Groups:
    """The groups of a grouping, as of a day and as known at a moment; that of schools outside all groups stands last.

    An authority keeps its network for ever. Zone and postcode of a school are those that the editions applied by
    `known_at` gave.
    """
    code: ColumnElement[str]
    match by:
        case Grouping.NETWORK:
            named = session.execute(select(Network.code, Network.label).order_by(Network.position)).all()
            labels, code = dict(named), Network.code.expression
        case Grouping.FEDERATION:
            labels = {name: name for name in session.scalars(select(Federation.code).order_by(Federation.code))}
            code = func.coalesce(Federation.code, OUTSIDE)
        case Grouping.PROVINCE:
            labels = {name: name for name in PROVINCES}
            then = {
                fase: province_of(postcode)
                for fase, postcode in before_later_editions(session, "postcode", known_at).items()
            }
            code = _as_known(func.coalesce(School.province, OUTSIDE), then)
        case Grouping.ZONE:
            changed = before_later_editions(session, "zone", known_at)
            used = {*session.scalars(select(School.zone).distinct()), *changed.values()} - {""}
            labels = {zone: zone for zone in sorted(used)}
            code = _as_known(func.coalesce(func.nullif(School.zone, ""), OUTSIDE), changed)
    if by.outside:
        labels[OUTSIDE] = by.outside
    return Groups(by, labels, code, strands, day, known_at, networks)


def before_later_editions(session: Session, field: str, known_at: datetime | None) -> dict[int, str]:
    """A field of schools before the first edition that was applied or undone after a moment, by FASE number."""
    if known_at is None:
        return {}
    change, edition = RegisterChange, RegisterImport
    # Of what happened at one moment, editions were undone first, the last one first.
    turns = (
        select(change.fase, change.before.label("value"), edition.applied_at.label("at"), (-change.id).label("turn")),
        select(change.fase, change.after.label("value"), edition.undone_at.label("at"), change.id.label("turn")),
    )
    theirs = change.kind == RegisterKind.SCHOOL, change.nature == Nature.CHANGED, change.field == field
    every = union_all(*(turn.join(edition, edition.id == change.import_id).where(*theirs) for turn in turns)).subquery()
    query = select(every.c.fase, every.c.value).where(every.c.at > known_at).order_by(every.c.at.desc(), every.c.turn)
    return dict(session.execute(query).all())  # of several turns of one school, the first stands


def _as_known(today: ColumnElement[str], then: Mapping[int, str | None]) -> ColumnElement[str]:
    schools: dict[str, list[int]] = {}
    for fase, value in then.items():
        schools.setdefault(value or OUTSIDE, []).append(fase)
    if not schools:
        return today
    return case(*((among(School.fase, theirs), literal(value)) for value, theirs in schools.items()), else_=today)
