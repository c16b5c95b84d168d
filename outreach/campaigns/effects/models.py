"""The table of effects: what each draw showed, frozen with the list that opened it."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class DrawnEffect(Base):
    """What the draw of a campaign showed, as known when `list_id` was applied. Rows are only added.

    `outcome` is JSON (`freezing.Outcome`).
    """

    __tablename__ = "drawn_effects"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("draw_attempts.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("joining_lists.id"), index=True)
    frozen_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text)

    @property
    def told(self) -> dict[str, Any]:
        """What it showed."""
        outcome: dict[str, Any] = json.loads(self.outcome)
        return outcome
