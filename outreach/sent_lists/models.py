"""What the tables of all lists that people send have in common."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import enum_of
from outreach.labelled import Labelled
from outreach.spreadsheets.tables import Rejection


class ListState(Labelled):
    """Whether a list is received, applied or undone."""

    RECEIVED = "received", "À vérifier"
    APPLIED = "applied", "Appliquée"
    UNDONE = "undone", "Annulée"


class SentList:
    """The columns of a list that somebody sent; `grid` is its cells, `outcome` the summary of applying it (both JSON).

    `grid` may hold megabytes: it is read only where it is asked for. Once the list is applied, the cells of the rows
    that it left out are all that stays.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ListState] = mapped_column(enum_of(ListState, "list_state"), default=ListState.RECEIVED)
    sha256: Mapped[str] = mapped_column(String(64))
    grid: Mapped[str] = mapped_column(Text, deferred=True)
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(index=True)
    received_by: Mapped[str] = mapped_column(String(255))
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[str | None] = mapped_column(String(255))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def summary(self) -> dict[str, Any]:
        """The summary that was stored when the list was applied; empty before."""
        summary: dict[str, Any] = json.loads(self.outcome or "{}")
        return summary

    @property
    def rejected(self) -> list[Rejection]:
        """The rows that were left out when the list was applied; none before."""
        return [Rejection(**rejection) for rejection in self.summary.get("rejected", ())]
