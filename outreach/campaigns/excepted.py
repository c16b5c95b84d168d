"""The tables of exceptions: authorities left out of a campaign whose content and approval stay."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class AudienceException(Base):
    """Authorities left out of a campaign whose content and approval stay: when, who and why; kept as long as it."""

    __tablename__ = "audience_exceptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))


class ExceptedAuthority(Base):
    """An authority of such an exception, and how many letters of the next wave it would have got then."""

    __tablename__ = "excepted_authorities"

    exception_id: Mapped[int] = mapped_column(ForeignKey("audience_exceptions.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    letters: Mapped[int]
