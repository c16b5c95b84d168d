"""The tables of the directory.

FASE numbers are keys within their own series only: an authority, a school and a site may share one. Facts that an
edition may change and that dated figures depend on (owner, type of education, sites, membership) are stored
as periods, so that a figure about the past stays the same.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    exists,
    false,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.core.db import Base, enum_of
from outreach.core.tables import FileImport
from outreach.core.text.labelled import Labelled
from outreach.directory.display_names import shown

LONGEST_PERSON, LONGEST_NOTE = 200, 2000  # characters of who spoke, and of what was said


class Level(Labelled):
    """The levels of compulsory education."""

    NURSERY = "nursery", "maternel"
    PRIMARY = "primary", "primaire"
    SECONDARY = "secondary", "secondaire"

    @property
    def adjective(self) -> str:
        """What one school of it is called after « école »."""
        return {"nursery": "maternelle"}.get(self.value, self.label)


class EducationType(StrEnum):
    """The types of compulsory education, as the register spells them."""

    NURSERY_ORDINARY = "Maternel ordinaire"
    NURSERY_SPECIAL = "Maternel spécialisé"
    PRIMARY_ORDINARY = "Primaire ordinaire"
    PRIMARY_SPECIAL = "Primaire spécialisé"
    SECONDARY_ORDINARY = "Secondaire ordinaire"
    SECONDARY_SPECIAL = "Secondaire spécialisé"
    SECONDARY_CEFA = "Secondaire CEFA"

    @property
    def level(self) -> Level:
        """The level this type belongs to."""
        return {"M": Level.NURSERY, "P": Level.PRIMARY, "S": Level.SECONDARY}[self.value[0]]


def types_of(*levels: Level) -> list[EducationType]:
    """The types that belong to any of these levels."""
    return [kind for kind in EducationType if kind.level in levels]


class MailboxKind(Labelled):
    """Whether a mailbox is a function's or a person's: the law treats them differently."""

    IMPERSONAL = "impersonal", "boîte de fonction"
    PERSONAL = "personal", "boîte personnelle"


class ContactSource(Labelled):
    """Where an address comes from."""

    DERIVED = "derived", "boîte administrative, déduite du numéro FASE"
    STAFF = "staff", "ajoutée par le service"
    LIST = "list", "reçue par fichier"


def _one_in_force(name: str, *columns: str) -> Index:
    *keys, end = columns
    condition = text(f"{end} IS NULL")
    return Index(name, *keys, unique=True, sqlite_where=condition, postgresql_where=condition)


NEVER = date.min  # the `until` of a fact that holds on no day any more


class Dated:
    """A fact that holds during [since, until). No `since`: since before the first edition; no `until`: still.

    One that an undone edition stated, or ended, was known so until `undone_at`: it holds on no day now, and
    `kept_until` is the `until` that it had. `known_from` is when such an undoing, or the next edition, made it hold.
    """

    since: Mapped[date | None]
    until: Mapped[date | None]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("register_imports.id"), index=True)
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("register_imports.id"), index=True)
    known_from: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    kept_until: Mapped[date | None]

    @classmethod
    def on(cls, day: date | ColumnElement[date], known_at: datetime | None = None) -> ColumnElement[bool]:
        """True for the rows that held at the end of this day, as the editions applied by `known_at` have it.

        Without `known_at`, as all editions that stand have it. The first edition counts as always known.
        """
        has_begun, goes_on = or_(cls.since.is_(None), cls.since <= day), or_(cls.until.is_(None), cls.until > day)
        if known_at is None:
            return and_(has_begun, goes_on)
        later = select(RegisterImport.id).where(RegisterImport.applied_at > known_at)
        is_first = and_(cls.since.is_(None), ~exists().where(RegisterImport.applied_at <= known_at))
        was_opened = or_(cls.opened_by.is_(None), cls.opened_by.not_in(later))
        was_closed_later = cls.closed_by.in_(later)
        was_so = or_(cls.known_from.is_(None), cls.known_from <= known_at)
        stands = and_(
            cls.undone_at.is_(None),
            or_(was_opened, cls.since.is_(None)),
            or_(goes_on, was_closed_later),
            or_(was_so, and_(is_first, cls.opened_by.is_not(None))),
        )
        went_on = or_(cls.kept_until.is_(None), cls.kept_until > day, was_closed_later)
        stood = and_(cls.undone_at > known_at, was_opened, went_on, was_so)
        return and_(has_begun, or_(stands, stood))

    @classmethod
    def current(cls) -> ColumnElement[bool]:
        """True for the rows that hold in the last edition applied."""
        return cls.until.is_(None)


class Network(Base):
    """A network (réseau): `code` is the register's value, `label` the official French name."""

    __tablename__ = "networks"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]


class Federation(Base):
    """A body that represents organising authorities of some networks, for some levels."""

    __tablename__ = "federations"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200))


class Located:
    """A postal address, as the register spells it."""

    address: Mapped[str] = mapped_column(String(200))
    postcode: Mapped[str] = mapped_column(String(10))
    locality: Mapped[str] = mapped_column(String(100))
    municipality: Mapped[str] = mapped_column(String(100))

    @property
    def full_address(self) -> str:
        """The address on one line."""
        return f"{self.address}, {self.postcode} {self.locality}"


class Named:
    """A name: `name` as the register spells it, and `corrected_name`, which a person gave instead, or None."""

    name: Mapped[str] = mapped_column(String(200))
    corrected_name: Mapped[str | None] = mapped_column(String(200))

    @property
    def display_name(self) -> str:
        """The name as pages and letters show it."""
        return shown(self.name, self.corrected_name)


class Authority(Base, Named, Located):
    """An organising authority (pouvoir organisateur). It is listed while it owns a listed school."""

    __tablename__ = "authorities"

    id: Mapped[int] = mapped_column(primary_key=True)
    fase: Mapped[int] = mapped_column(unique=True)
    company_number: Mapped[str | None] = mapped_column(String(10))
    network_id: Mapped[int] = mapped_column(ForeignKey("networks.id"), index=True)
    folded: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("register_imports.id"), index=True)

    network: Mapped[Network] = relationship(lazy="joined", innerjoin=True)


class School(Base, Named, Located):
    """A school (établissement). `zone` is the register's teaching zone, `province` follows from the postcode."""

    __tablename__ = "schools"

    id: Mapped[int] = mapped_column(primary_key=True)
    fase: Mapped[int] = mapped_column(unique=True)
    company_number: Mapped[str | None] = mapped_column(String(10))
    zone: Mapped[str] = mapped_column(String(60), index=True)
    district: Mapped[str] = mapped_column(String(60))
    province: Mapped[str | None] = mapped_column(String(40), index=True)
    folded: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("register_imports.id"), index=True)


class Site(Base, Located):
    """A site (implantation), which several schools may share."""

    __tablename__ = "sites"

    id: Mapped[int] = mapped_column(primary_key=True)
    fase: Mapped[int] = mapped_column(unique=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("register_imports.id"), index=True)


class Ownership(Base, Dated):
    """School S stood in the register under authority A during a period."""

    __tablename__ = "listings"
    __table_args__ = (
        Index("ix_listings_authority_id_until", "authority_id", "until"),
        _one_in_force("uq_listings_school_id_current", "school_id", "until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))


class Teaching(Base, Dated):
    """School S offered a type of education during a period."""

    __tablename__ = "teachings"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    education_type: Mapped[EducationType] = mapped_column(enum_of(EducationType, "education_type"))


class SchoolSite(Base, Dated):
    """School S used a site during a period."""

    __tablename__ = "school_sites"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)


class Membership(Base, Dated):
    """Authority A was represented by a federation, for one level, during a period."""

    __tablename__ = "memberships"

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    federation_id: Mapped[int] = mapped_column(ForeignKey("federations.id"), index=True)
    level: Mapped[Level] = mapped_column(enum_of(Level, "level"))


class Contact(Base):
    """An address of an authority. It is never deleted: it is retired, with a date and an author, and emptied later.

    It is usable while it is not retired, has not bounced since its last check, and is reviewed if a review was asked.
    `name`, `function` and `phone` are those of who reads it, `usage` says what for, `source_note` where the service has
    them from; '' = not known. `changed_at` is when these or its schools were last changed.

    Personal data.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        _one_in_force("uq_contacts_in_use", "authority_id", "address_key", "retired_at"),
        CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retired"),
        CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name="reviewed"),
        CheckConstraint("(changed_at IS NULL) = (changed_by IS NULL)", name="changed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), index=True)
    address_ascii: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(200), default="")
    function: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    usage: Mapped[str] = mapped_column(String(200), default="")
    mailbox_kind: Mapped[MailboxKind] = mapped_column(enum_of(MailboxKind, "mailbox_kind"))
    source: Mapped[ContactSource] = mapped_column(enum_of(ContactSource, "contact_source"))
    source_note: Mapped[str] = mapped_column(String(200), default="")
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[str | None] = mapped_column(String(255))
    bounced_at: Mapped[datetime | None]
    review_asked_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None] = mapped_column(String(255))
    retired_at: Mapped[datetime | None] = mapped_column(index=True)
    retired_by: Mapped[str | None] = mapped_column(String(255))

    authority: Mapped[Authority] = relationship()

    @classmethod
    def usable(cls) -> ColumnElement[bool]:
        """True for the addresses that may be written to."""
        return and_(
            cls.retired_at.is_(None),
            cls.bounced_at.is_(None),
            or_(cls.review_asked_at.is_(None), cls.reviewed_at.is_not(None)),
        )

    @property
    def awaits_review(self) -> bool:
        """Whether a second person still has to review the address."""
        return self.review_asked_at is not None and self.reviewed_at is None


class ContactSchool(Base):
    """An address answers for this school. One without any row answers for all schools of its authority.

    A school that another authority owns by now counts for nothing, and the address still answers for some only.
    """

    __tablename__ = "contact_schools"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)


class RegisterImport(FileImport, Base):
    """One edition of the register, sent from the page or by a command, and the day from which it holds.

    The register is public. What one stated that was undone stays, where `is_kept`, for moments at which it was known.
    """

    __tablename__ = "register_imports"

    edition_on: Mapped[date]
    is_kept: Mapped[bool] = mapped_column(default=False, server_default=false())


class RegisterKind(StrEnum):
    """The subject of a change in the register."""

    AUTHORITY = "authority"
    SCHOOL = "school"
    SITE = "site"


class Nature(StrEnum):
    """The kind of event of the authority, school or site."""

    NEW = "new"
    RETURNED = "returned"
    CHANGED = "changed"
    MOVED = "moved"
    GONE = "gone"


class RegisterChange(Base):
    """One difference an edition brought, field by field; `authority_fase` is the authority it concerns."""

    __tablename__ = "register_changes"
    __table_args__ = (Index("ix_register_changes_authority_fase", "authority_fase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("register_imports.id"), index=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    nature: Mapped[Nature] = mapped_column(enum_of(Nature, "nature"))
    fase: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    authority_fase: Mapped[int]
    field: Mapped[str] = mapped_column(String(40))
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)


class CallKind(Labelled):
    """By which means an authority and the service spoke."""

    PHONE = "phone", "Appel téléphonique"
    MEETING = "meeting", "Réunion ou visite"
    WRITTEN = "written", "Courriel ou courrier"
