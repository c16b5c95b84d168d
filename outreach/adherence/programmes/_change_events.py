"""Tells programs what was recorded of schools, what was withdrawn, and what a programme asks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from outreach.adherence.models import AdherenceRecord, Programme, Strand
from outreach.core.audit import EventKind, publish_event, tell_all
from outreach.core.db import Session
from outreach.directory.models import School


def tell_recorded(session: Session, of: ColumnElement[bool], *, now: datetime) -> None:
    """Tell the records for which this is true, in the order in which they were written."""
    query = (
        select(AdherenceRecord, School.fase, Strand.number, Programme.code)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Programme, Programme.id == Strand.programme_id)
        .order_by(AdherenceRecord.id)
    )
    told = [(f"school:{fase}", _recorded(*row)) for row in session.execute(query.where(of)) for fase in [row[1]]]
    tell_all(session, EventKind.STATUS_RECORDED, told, at=now)


def tell_withdrawn(session: Session, of: ColumnElement[bool], *, now: datetime) -> None:
    """Tell that the records for which this is true hold no longer."""
    query = (
        select(AdherenceRecord.id, School.fase, Programme.code, Strand.number)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Programme, Programme.id == Strand.programme_id)
        .order_by(AdherenceRecord.id)
    )
    told = [
        (f"school:{fase}", {"record": key, "school": fase, "programme": programme, "strand": strand})
        for key, fase, programme, strand in session.execute(query.where(of))
    ]
    tell_all(session, EventKind.STATUS_WITHDRAWN, told, at=now)


def tell_programme(session: Session, stated: Mapping[str, Any], *, now: datetime) -> None:
    """Tell what a programme is from now on."""
    publish_event(session, EventKind.PROGRAMME_STATED, f"programme:{stated['code']}", stated, at=now)


def _recorded(record: AdherenceRecord, fase: int, strand: int, programme: str) -> dict[str, Any]:
    return {
        "record": record.id,
        "school": fase,
        "programme": programme,
        "strand": strand,
        "status": record.status.value,
        "word": record.word.value,
        "effective_on": record.effective_on.isoformat(),
    }
