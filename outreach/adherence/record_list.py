"""The list of adherence records, as programs read it: every record, with what was said, since when, and its end."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from outreach.adherence.models import AdherenceRecord, Programme, RecordWithdrawal, Strand
from outreach.columns import DATA, Column, Kind, Queried
from outreach.db import Session
from outreach.directory.models import School

RecordRow = Row[Any]
COLUMNS: Sequence[Column[RecordRow]] = (
    Column("record", "Numéro", lambda row: row.AdherenceRecord.id, Kind.NUMBER, on=DATA),
    Column("school", "FASE de l’école", lambda row: row.school, Kind.NUMBER, on=DATA),
    Column("programme", "Programme", lambda row: row.programme, on=DATA),
    Column("strand", "Volet", lambda row: row.strand, Kind.NUMBER, on=DATA),
    Column("status", "Statut", lambda row: row.AdherenceRecord.status, on=DATA),
    Column("word", "Sur la parole de qui", lambda row: row.AdherenceRecord.word, on=DATA),
    Column("effective_on", "En vigueur depuis", lambda row: row.AdherenceRecord.effective_on, Kind.DAY, on=DATA),
    Column("recorded_at", "Enregistré", lambda row: row.AdherenceRecord.recorded_at, Kind.INSTANT, on=DATA),
    Column("source", "Source", lambda row: row.AdherenceRecord.source, on=DATA),
    Column("list", "Liste", lambda row: row.AdherenceRecord.list_id, Kind.NUMBER, on=DATA),
    Column("withdrawn_at", "Annulé", lambda row: row.withdrawn_at, Kind.INSTANT, on=DATA),
)


def listed(session: Session) -> Queried[RecordRow]:
    """Every record, withdrawn ones too, in the order in which they were recorded."""
    told = School.fase.label("school"), Programme.code.label("programme"), Strand.number.label("strand")
    query = (
        select(AdherenceRecord, *told, RecordWithdrawal.withdrawn_at)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Programme, Programme.id == Strand.programme_id)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
    )
    return Queried(
        title="Statuts d’adhésion",
        columns=COLUMNS,
        session=session,
        query=query,
        order=(AdherenceRecord.id,),
        numbered=(AdherenceRecord.id, lambda row: row.AdherenceRecord.id),
    )
