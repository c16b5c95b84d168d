"""The table of proposals."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.db import Base, enum_of
from outreach.directory.models import Authority, Contact, School
from outreach.labelled import Labelled
from outreach.sight.scopes import SightKind


class ProposalKind(Labelled):
    """What is proposed: another address, or that a school is its authority's no longer."""

    ADDRESS = "address", "Adresse de courriel"
    SCHOOL = "school", "École qui n’est plus à ce PO"


class ProposalState(Labelled):
    """How far a proposal has come."""

    WAITING = "waiting", "En attente"
    ACCEPTED = "accepted", "Acceptée"
    REFUSED = "refused", "Refusée"


class Proposal(Base):
    """What somebody of a federation or a network proposes about a member. `said` is why, in that person's words.

    Of an address, `address` is the new one, and `contact_id` the one in its place, or None where it is one more. Of a
    school, `school_id` says which. `scope_kind` and `scope_code` say whose proposal it is. Once decided, `answer` is
    what staff said of it. Personal data.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(kind = 'school') = (school_id IS NOT NULL)", name="about"),
        Index("ix_proposals_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ProposalKind] = mapped_column(enum_of(ProposalKind, "proposal_kind"))
    state: Mapped[ProposalState] = mapped_column(
        enum_of(ProposalState, "proposal_state"), default=ProposalState.WAITING
    )
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("schools.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    said: Mapped[str] = mapped_column(Text)
    scope_kind: Mapped[SightKind] = mapped_column(enum_of(SightKind, "scope_kind"))
    scope_code: Mapped[str] = mapped_column(String(60))
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(255))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(255))
    answer: Mapped[str] = mapped_column(Text, default="")

    authority: Mapped[Authority] = relationship(lazy="joined", innerjoin=True)
    contact: Mapped[Contact | None] = relationship(lazy="joined")
    school: Mapped[School | None] = relationship(lazy="joined")

    @property
    def subject(self) -> str:
        """What is proposed, in a few French words."""
        if self.school is not None:
            return f"{self.school.display_name} n’est plus à ce PO"
        return f"{self.contact.address} devient {self.address}" if self.contact else f"{self.address} en plus"
