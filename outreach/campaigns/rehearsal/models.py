"""The table of rehearsals: what was played, on which content and audience, and what came out."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class CampaignRehearsal(Base):
    """A rehearsal of a campaign. `outcome` is JSON (`playing.Rehearsed`).

    `content_digest` is that of the campaign's content then, `audience_digest` that of whom it would have written to and
    whom not. `played_by` is the address of an account: personal data.
    """

    __tablename__ = "campaign_rehearsals"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    content_digest: Mapped[str] = mapped_column(String(64))
    audience_digest: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(index=True)
    played_by: Mapped[str] = mapped_column(String(255))

    @property
    def told(self) -> dict[str, Any]:
        """What came out."""
        outcome: dict[str, Any] = json.loads(self.outcome)
        return outcome
