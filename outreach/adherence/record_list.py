"""The list of adherence records, as programs read it: every record, with what was said, since when, and its end."""

from typing import Any

from sqlalchemy import Row, select

from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Strand
from outreach.columns import Queried
from outreach.db import Session
from outreach.directory.models import School

RecordRow = Row[Any]


def listed(session: Session) -> Queried[RecordRow]:
    """Every record, withdrawn ones too, in the order in which they were recorded."""
    told = School.fase.label("school"), Strand.number.label("strand")
    query = (
        select(AdherenceRecord, *told, RecordWithdrawal.withdrawn_at)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
    )
    return Queried(
        title="Statuts d’adhésion",
        columns=(),
        session=session,
        query=query,
        order=(AdherenceRecord.id,),
        numbered=(AdherenceRecord.id, lambda row: row.AdherenceRecord.id),
    )
