"""The tables of postal addresses: corrections of the register's, and mail that came back."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.directory.models import RegisterKind
from outreach.directory.postal.addresses import PostalAddress

LONGEST = 200
_IN_FORCE = text("withdrawn_at IS NULL")


class PostalCorrection(Base):
    """A person's postal address for an authority or a school, and the register's, on one line, that it stands for.

    Its FASE number names the authority or school, as undoing an edition may delete that row. It is withdrawn, never
    deleted, and holds while the register says what it said then.
    """

    __tablename__ = "postal_corrections"
    __table_args__ = (
        Index(
            "uq_postal_corrections_in_force",
            *("kind", "fase"),
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    fase: Mapped[int]
    register_address: Mapped[str] = mapped_column(String(400))
    street: Mapped[str] = mapped_column(String(LONGEST))
    house_number: Mapped[str] = mapped_column(String(20))
    box: Mapped[str] = mapped_column(String(20))
    postcode: Mapped[str] = mapped_column(String(10))
    locality: Mapped[str] = mapped_column(String(100))
    corrected_at: Mapped[datetime]
    corrected_by: Mapped[str] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def address(self) -> PostalAddress:
        """The address that it says."""
        return PostalAddress(self.street, self.house_number, self.box, self.postcode, self.locality)


class PostalReturn(Base):
    """Mail came back from an address (« NPAI »): the address as it was written, on which day, and who noted it.

    It marks the address while the authority or school still has this one.
    """

    __tablename__ = "postal_returns"
    __table_args__ = (Index("ix_postal_returns_kind_fase", "kind", "fase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    fase: Mapped[int]
    returned_address: Mapped[str] = mapped_column(String(400))
    returned_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))
