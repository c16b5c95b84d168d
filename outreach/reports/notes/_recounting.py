"""Notes whose figures were counted by definitions that have changed: frozen again, or their correction offered.

Each has a row of `NoteRecount`. One that nobody approved is frozen again, and the earlier one stays to be read. Of an
approved one, whoever wrote it reads each figure as it was signed and as it would be counted today.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import aliased

from outreach.access import approvals
from outreach.access.approvals import DecisionKind
from outreach.core.db import Session, take_lock
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.reports.notes._approval import TURN
from outreach.reports.notes._content import ActionState, FigureChange, NoteContent
from outreach.reports.notes._corrections import request_of
from outreach.reports.notes._drafts import NoteRequest
from outreach.reports.notes._freezing import Gathered, content_of, freeze_note
from outreach.reports.notes._listing import awaits_as_author, get_note_by_key, is_over, stored_content
from outreach.reports.notes._models import Note, NoteApproval, NoteRecount, NoteState
from outreach.reports.notes._requests import AskedNote

UNKNOWN = "non reconstituable"


def request_again(note: Note) -> NoteRequest:
    """The request by which a note that nobody approved is counted again: its own, of what is known now."""
    corrected = stored_content(note).correction
    asked = replace(request_of(note), again=note.id)
    return asked if corrected is None else replace(asked, corrects=corrected.number, reason=corrected.reason)


def refuse_settled(note: Note) -> None:
    """Raises Refused for a note that need not be counted again, or is approved, refused or counted again already."""
    if note.recount is None or note.state is not NoteState.FROZEN:
        raise Refused("Cette note n’est pas à recompter : rouvrez sa page.")


def freeze_again(session: Session, key: int, gathered: Gathered, *, now: datetime, actor: str) -> Note:
    """Freeze a note in place of the earlier one of this key, which leaves the queue and stays to be read.

    `gathered` is of `request_again`. Raises NotFound, and Refused as `refuse_settled` does.
    """
    take_lock(session, TURN)
    earlier = get_note_by_key(session, key)
    refuse_settled(earlier)
    why = "comptée à nouveau, selon les définitions d’aujourd’hui"
    approvals.record_decision(session, content_of(earlier), DecisionKind.WITHDRAWN, now=now, actor=actor, reason=why)
    made = freeze_note(session, gathered, now=now, actor=actor)
    session.execute(update(NoteRecount).where(NoteRecount.note_id == key).values(again_id=made.id))
    session.execute(update(AskedNote).where(AskedNote.note_id == key).values(note_id=made.id))
    session.expire_all()
    return made


def changed_figures(note: Note) -> tuple[FigureChange, ...]:
    """The figures of a note whose definition has changed: as it stands there, and as it is counted today.

    The recipients of a wave that left are those that the note counted. Whom a campaign had reached rows no longer tell.
    """
    content = stored_content(note)
    return tuple(one for one in (*_recipients(content), *_reached(content)) if one.before != one.after)


def offered_corrections(person: str, roles: Collection[RoleName]) -> Select[Note]:
    """Select the approved notes whose correction awaits this person, the newest first: its author's own.

    Where the author's account is closed, they await approvers.
    """
    correcting = aliased(Note)
    outdated = exists().where(NoteRecount.note_id == Note.id)
    approved = exists().where(NoteApproval.note_id == Note.id)
    corrected = exists().where(correcting.corrects_id == Note.id, ~is_over(correcting))
    return select(Note).where(outdated, approved, ~corrected, awaits_as_author(person, roles)).order_by(Note.id.desc())


def _recipients(content: NoteContent) -> Iterator[FigureChange]:
    """« Destinataires » meant all whom a wave was for; it means those to whom a letter left, whom the note counted."""
    for one in content.actions:
        counts = dict(one.counted)
        if one.state is ActionState.DONE and "sent" in counts:
            label = french.typeset(f"« {one.campaign} », {one.wave} : destinataires")
            yield FigureChange(label, french.number(counts["meant"]), french.number(counts["sent"]))


def _reached(content: NoteContent) -> Iterator[FigureChange]:
    """A letter that was tried again, a mailbox, an exclusion and the audience of a wave to come are as they are now."""
    for one in content.reached:
        label = french.typeset(f"« {one.campaign} », volet {one.strand} : atteints, avec preuve")
        yield FigureChange(label, f"{french.number(one.proved)} sur {french.number(one.authorities)}", UNKNOWN)
