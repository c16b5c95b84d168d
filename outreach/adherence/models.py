"""The tables of adherence: programmes, strands, prerequisites, joining lists, records.

A status is never changed: a dated and signed record is added, and the latest one holds.
"""

from datetime import date, datetime
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.adherence.statuses import Status as Status  # noqa: PLC0414 - whoever reads records asks for it here
from outreach.core.db import Base, enum_of
from outreach.core.tables import FileImport
from outreach.core.text.errors import InputError
from outreach.core.text.labelled import Labelled
from outreach.directory.models import Level, Network


class Word(Labelled):
    """On whose word a status is known: the authority's own (declared), or the service's (confirmed)."""

    DECLARED = "declared", "déclaré"
    CONFIRMED = "confirmed", "confirmé"


class RollUp(Labelled):
    """Where an authority stands in a strand, over its eligible schools."""

    COMPLETE = "complete", "Toutes les écoles"
    PARTIAL = "partial", "Une partie des écoles"
    NONE = "none", "Aucune école"
    NOT_CONCERNED = "not_concerned", "Non concerné"


class LevelSet(TypeDecorator[tuple[Level, ...]]):
    """Levels as text, in their order and between commas: SQL of a scope looks a level up in it as a word."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: tuple[Level, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text of levels."""
        return None if value is None else ",".join(level.value for level in Level if level in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Level, ...] | None:  # noqa: ARG002
        """The levels of a text."""
        return None if value is None else tuple(map(Level, value.split(",")))


LEVEL_SETS = ["'" + ",".join(some) + "'" for count in range(1, len(Level) + 1) for some in combinations(Level, count)]


class Programme(Base):
    """A programme (plan) the ministry wants schools to join."""

    __tablename__ = "programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    page: Mapped[str] = mapped_column(String(500), default="", server_default=text("''"))
    """The address of the page about it, to which letters lead; '' without one."""
    words: Mapped[str] = mapped_column(String(500), default="", server_default=text("''"))
    """What letters call it beside its name, between commas."""
    previous: Mapped[str | None] = mapped_column(Text)
    """Its file from before the last change, which may be loaded again; None before any."""

    strands: Mapped[list["Strand"]] = relationship(
        order_by="Strand.number", lazy="selectin", back_populates="programme"
    )

    def open_on(self, day: date) -> list["Strand"]:
        """The strands that are open at the end of a day, in order."""
        return [strand for strand in self.strands if strand.is_open(day)]

    def strand(self, number: int) -> "Strand":
        """Its strand with this number. Raises InputError, with the numbers there are."""
        found = next((strand for strand in self.strands if strand.number == number), None)
        if found is None:
            theirs = ", ".join(str(strand.number) for strand in self.strands)
            raise InputError(f"Le programme « {self.name} » n’a pas de volet {number}. Ses volets : {theirs}.")
        return found

    def strand_shown(self, number: int | None, day: date) -> "Strand":
        """Its strand with this number; without one the first that is open on a day, or the first. Raises InputError."""
        return [*self.open_on(day), *self.strands][0] if number is None else self.strand(number)

    @property
    def strand_keys(self) -> list[int]:
        """The keys of its strands."""
        return [strand.id for strand in self.strands]

    @property
    def called(self) -> list[str]:
        """What letters may call it: its name, and its other words."""
        return [self.name, *filter(None, (word.strip() for word in self.words.split(",")))]

    @property
    def level(self) -> Level | None:
        """The level of schools that all its strands are open to; None where there are several."""
        levels = {level for strand in self.strands for level in strand.levels}
        return next(iter(levels)) if len(levels) == 1 else None


class Strand(Base):
    """A part (volet) of a programme, joined by itself; it is open to schools that teach at one of its levels."""

    __tablename__ = "strands"
    __table_args__ = (
        UniqueConstraint("programme_id", "number"),
        CheckConstraint(f"levels IN ({', '.join(LEVEL_SETS)})", name="strand_levels"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    circular: Mapped[str] = mapped_column(String(40))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    levels: Mapped[tuple[Level, ...]] = mapped_column(LevelSet)

    programme: Mapped[Programme] = relationship(back_populates="strands")

    def is_open(self, day: date) -> bool:
        """Whether schools may join it at the end of a day. Before its opening a strand has no figures."""
        return self.opened_on <= day

    def is_closed(self, day: date) -> bool:
        """Whether schools could join it until a day before this one. A closed strand keeps its records and figures."""
        return self.closed_on is not None and self.closed_on < day


class Prerequisite(Base):
    """During [since, until), a strand could be joined only by schools that had joined another."""

    __tablename__ = "prerequisites"

    id: Mapped[int] = mapped_column(primary_key=True)
    strand_id: Mapped[int] = mapped_column(ForeignKey("strands.id"), index=True)
    required_id: Mapped[int] = mapped_column(ForeignKey("strands.id"))
    since: Mapped[date]
    until: Mapped[date | None]


class Coverage(NamedTuple):
    """What a list is said to be complete for: joinings until the end of a day, of networks by their keys."""

    until: date
    networks: frozenset[int]


class JoiningList(FileImport, Base):
    """A list of statuses that somebody sent.

    Of those applied, the rejected rows are kept.
    """

    __tablename__ = "joining_lists"

    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"))

    programme: Mapped[Programme] = relationship()
    covered: Mapped[list["CoveredNetwork"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="CoveredNetwork.network_id", lazy="selectin"
    )

    @property
    def coverage(self) -> Coverage | None:
        """What the list is said to be complete for; None where nobody said it."""
        if not self.covered:
            return None
        return Coverage(self.covered[0].complete_until, frozenset(one.network_id for one in self.covered))

    @coverage.setter
    def coverage(self, said: Coverage | None) -> None:
        until, networks = said or (date.min, frozenset[int]())
        self.covered = [CoveredNetwork(network_id=network, complete_until=until) for network in sorted(networks)]


class CoveredNetwork(Base):
    """A list has all joinings of a network until the end of a day, by the word of whoever sent it."""

    __tablename__ = "covered_networks"

    list_id: Mapped[int] = mapped_column(ForeignKey("joining_lists.id", ondelete="CASCADE"), primary_key=True)
    network_id: Mapped[int] = mapped_column(ForeignKey("networks.id"), primary_key=True)
    complete_until: Mapped[date]

    network: Mapped[Network] = relationship(lazy="joined")


class AdherenceRecord(Base):
    """The recorded status of a school in a strand; it holds from `effective_on` until a later record.

    The row is never changed. A record of an undone list, or one made by mistake, is withdrawn by a row of its own.
    """

    __tablename__ = "adherence_records"
    __table_args__ = (Index("ix_adherence_records_school_id_strand_id", "school_id", "strand_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"))
    strand_id: Mapped[int] = mapped_column(ForeignKey("strands.id"), index=True)
    status: Mapped[Status] = mapped_column(enum_of(Status, "status"))
    word: Mapped[Word] = mapped_column(enum_of(Word, "word"))
    effective_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))
    source: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("joining_lists.id"), index=True)

    @classmethod
    def stands(cls, at: datetime | None = None) -> ColumnElement[bool]:
        """The SQL condition that a record is not withdrawn (by `at`). Whoever reads statuses asks for it."""
        theirs = select(RecordWithdrawal.record_id).where(RecordWithdrawal.record_id == cls.id)
        theirs = theirs if at is None else theirs.where(RecordWithdrawal.withdrawn_at <= at)
        return ~theirs.correlate(cls).exists()

    @classmethod
    def was_known(cls, at: datetime | None) -> ColumnElement[bool]:
        """The SQL condition that a record was there and not withdrawn at a moment; today's records without one."""
        return cls.stands() if at is None else and_(cls.recorded_at <= at, cls.stands(at))


class RecordWithdrawal(Base):
    """A record holds no longer: since when, and by whom it or its list was undone ('' = not known)."""

    __tablename__ = "record_withdrawals"

    record_id: Mapped[int] = mapped_column(ForeignKey("adherence_records.id"), primary_key=True)
    withdrawn_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(255))
