"""Joinings that a program states: the list that a person would have sent, judged, applied and undone as any other."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outreach.adherence.models import Status
from outreach.sent_lists.grids import Opened, kept
from outreach.spreadsheets.tables import Grid
from outreach.text import cleaned

HEADER = ["fase", "volet", "statut", "date", "source", "motif"]


@dataclass(frozen=True, slots=True)
class StatedJoining:
    """The status of a school (its FASE number) in a strand (its number) since a day."""

    school: int
    strand: int
    status: Status
    day: date
    source: str = ""
    reason: str = ""

    @property
    def cells(self) -> list[str]:
        """The row of a list that says the same."""
        return [
            str(self.school),
            str(self.strand),
            self.status.label.lower(),
            f"{self.day:%d/%m/%Y}",
            cleaned(self.source),
            cleaned(self.reason),
        ]


def opened(joinings: Sequence[StatedJoining], label: str) -> Opened:
    """The list of these joinings, whose rows are numbered from 1; `label` says who sent it."""
    records = [(number, joining.cells) for number, joining in enumerate(joinings, 1)]
    grid = kept(Grid(label, HEADER, records), records)
    return Opened(hashlib.sha256(grid.encode()).hexdigest(), grid)
