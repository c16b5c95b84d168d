"""What a difference between two readings is: readings, causes, cells. No database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select

from outreach.access import scopes
from outreach.access.scopes import AccessScope, ScopeKind
from outreach.adherence.models import Programme, Strand
from outreach.adherence.situation._situation import Bucket
from outreach.core.text.labelled import Labelled

EVER = datetime(9000, 1, 1, tzinfo=UTC)  # the moment of a reading that has all that is known now
A_MONTH = timedelta(days=30)  # before today: the first day where none is asked for
CONCERNED = "concerned"  # beside the statuses, in what a population is counted by


class By(Labelled):
    """By what the cells of a difference group schools."""

    NETWORK = "network", "réseau"
    ZONE = "zone", "zone"
    LEVEL = "level", "niveau"


class Cause(Labelled):
    """Why a school is in a cell of one reading and not of the other, in the order in which causes are looked for."""

    STRAND_OPENED = "strand_opened", "volet ouvert depuis"
    OPENED = "opened", "école entrée au registre"
    CLOSED = "closed", "école sortie du registre"
    MERGED = "merged", "fusion ou reprise par un autre PO"
    MOVED = "moved", "passée à un autre PO"
    LEVEL_CHANGED = "level_changed", "niveaux d’enseignement changés"
    LEFT = "left", "sortie"
    EDITION_APPLIED = "edition_applied", "édition du registre appliquée depuis"
    EDITION_UNDONE = "edition_undone", "édition du registre annulée"
    JOINED_SINCE = "joined_since", "adhésion confirmée depuis"
    DECLARED_SINCE = "declared_since", "adhésion déclarée depuis"
    CHANGED_SINCE = "changed_since", "statut changé depuis"
    TOLD_LATE = "told_late", "dit après coup"
    TAKEN_BACK = "taken_back", "enregistrement retiré"
    LIST_UNDONE = "list_undone", "liste annulée"
    CORRECTED = "corrected", "corrigé"


OF_STATUS = (*list(Cause)[list(Cause).index(Cause.JOINED_SINCE) :],)  # the others are the register's doing


class Reading(NamedTuple):
    """The situation at the end of a day, as known at a moment; None = all that is known now."""

    day: date
    known_at: datetime | None = None

    @property
    def moment(self) -> datetime:
        """The moment, comparable."""
        return self.known_at or EVER


@dataclass(frozen=True, slots=True)
class Compared:
    """Of what two readings are taken: a strand, the grouping, and whose members alone count, those of each reading.

    With `schools` (their keys) only these count, in both readings; `about` says in French which they are.
    """

    programme: Programme
    strand: Strand
    by: By = By.NETWORK
    scope: AccessScope | None = None
    schools: Select[int] | None = None
    about: str = ""

    @property
    def whose(self) -> str:
        """Whose schools, or which ones, count, in French; '' of all."""
        return ", ".join(filter(None, (self.about, scopes.authorities_in_words(self.scope))))

    def code(self, kind: ScopeKind) -> str | None:
        """The code of the federation, or of the network, whose members alone count."""
        return self.scope.code if self.scope and self.scope.kind is kind else None


@dataclass(slots=True)
class Cell:
    """How many schools a cell had in each reading, and by which causes it has others: the FASE numbers of each.

    A school that is no member any more is counted, and its number is None. `sign` is 1 of who came, -1 of who left.
    """

    before: int = 0
    after: int = 0
    causes: dict[tuple[Cause, int], list[int | None]] = field(default_factory=dict)

    def ordered(self) -> list[tuple[tuple[Cause, int], list[int | None]]]:
        """The causes in their order."""
        order = list(Cause)
        return sorted(self.causes.items(), key=lambda one: (order.index(one[0][0]), one[0][1]))

    def as_json(self) -> dict[str, Any]:
        """The cell under its fixed names, its causes in their order."""
        causes = [
            {
                "cause": cause.value,
                "delta": sign * len(schools),
                "schools": sorted(fase for fase in schools if fase is not None),
            }
            for (cause, sign), schools in self.ordered()
        ]
        return {"before": self.before, "after": self.after, "causes": causes}


@dataclass(frozen=True, slots=True)
class SituationDifference:
    """Two readings of a strand and why they differ: by group and status, of each group's concerned schools, and of all.

    `labels` names the groups. `records` are the keys of the records that decided, by the FASE number of the school.
    """

    compared: Compared
    before: Reading
    after: Reading
    cells: dict[tuple[str, Bucket], Cell]
    populations: dict[str, Cell]
    totals: dict[str, Cell]
    labels: dict[str, str]
    records: dict[int, int]

    def as_json(self) -> dict[str, Any]:
        """The difference as JSON, under fixed names. `cells` has every status of every group that has a school."""
        by = self.compared.by.value
        cells = self.cells.items()
        return {
            "from": self._reading(self.before),
            "to": self._reading(self.after),
            "cells": [{"by": {by: group}, "status": bucket.value, **cell.as_json()} for (group, bucket), cell in cells],
            "populations": [{"by": {by: group}, **cell.as_json()} for group, cell in self.populations.items()],
            "totals": [{"status": name, **cell.as_json()} for name, cell in self.totals.items()],
        }

    def _reading(self, one: Reading) -> dict[str, Any]:
        return {
            "programme": self.compared.programme.code,
            "strand": self.compared.strand.number,
            "as_of": one.day.isoformat(),
            "known_at": one.known_at.isoformat() if one.known_at else None,
            **{kind.value: self.compared.code(kind) for kind in ScopeKind},
        }
