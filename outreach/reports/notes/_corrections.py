"""Corrections of numbered notes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import select

from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.reports.notes._content import Correction, FigureChange, NoteTable, TableKind
from outreach.reports.notes._drafts import NoteRequest
from outreach.reports.notes._listing import by_number, is_over, stored_content
from outreach.reports.notes._models import Note, NoteApproval

ABSENT = "–"


def correction_request(session: Session, number: str) -> NoteRequest:
    """The request that would make a numbered note again, as a correction of it, still without a reason.

    Raises NotFound, and Refused as `refuse_corrected` does.
    """
    note = by_number(session, number)
    refuse_corrected(session, note)
    return replace(request_of(note), corrects=number)


def request_of(note: Note) -> NoteRequest:
    """The request that would make a frozen note again, of what is known now; it corrects nothing."""
    content = stored_content(note)
    return NoteRequest(
        note.as_of,
        content.title,
        programme=content.programme_code,
        strands=tuple(strand.number for strand in content.strands),
        networks=() if content.all_networks else tuple(network.code for network in content.networks),
        groupings=tuple(dict.fromkeys(table.kind for table in content.tables if table.kind is not TableKind.NETWORK)),
        question=content.question,
        text=content.text,
        hand_figures=content.hand_figures,
        made_as=content.made_by,
        compare=date.fromisoformat(content.compared) if content.compared else None,
        effect=next((one.number for one in content.effects), 0),
    )


def refuse_corrected(session: Session, note: Note, *, but: int = 0) -> None:
    """Raises Refused when a note has a correction, approved or awaiting its approval, other than that of a key."""
    approval = session.scalar(select(NoteApproval).where(NoteApproval.corrects_id == note.id))
    if approval is not None:
        raise Refused(
            f"Cette note est déjà corrigée par la note {approval.number}. Corrigez la note {approval.number}."
        )
    others = Note.corrects_id == note.id, Note.id != but
    waits = session.scalar(select(Note.id).where(*others, ~is_over()).limit(1))
    if waits is not None:
        raise Refused(
            "Une correction de cette note attend déjà sa validation : faites-la valider ou refuser avant d’en figer "
            "une autre."
        )


def correction_of(note: Note, asked: NoteRequest, tables: Sequence[NoteTable]) -> Correction:
    """What a new note with these tables says of the note that it corrects: the figures that differ."""
    before = stored_content(note)
    old = {**_named_cells(before.tables), **{figure.label: figure.value for figure in before.hand_figures}}
    new = {**_named_cells(tables), **{figure.label: figure.value for figure in asked.hand_figures}}
    changes = [
        FigureChange(label, old.get(label, ABSENT), new.get(label, ABSENT))
        for label in {**old, **new}
        if old.get(label) != new.get(label)
    ]
    return Correction(asked.corrects, note.sha256, asked.reason.replace("\r\n", "\n").strip(), tuple(changes))


def _named_cells(tables: Sequence[NoteTable]) -> dict[str, str]:
    """Each figure of tables by a name that says what it counts: « Volet 1, par réseau, WBE : Adhéré »."""
    return {
        f"{table.title}, {row[0]} : {column.label}": french.number(cell) if isinstance(cell, int) else cell
        for table in tables
        for row in table.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }
