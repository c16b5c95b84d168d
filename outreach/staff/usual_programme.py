"""The programme that pages show where their address names none: the one that a person worked on last."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from outreach.adherence.models import Programme, Strand
from outreach.campaigns.models import Campaign
from outreach.core.db import Session
from outreach.reports import notes
from outreach.reports.notes import Note


def usual(session: Session, person: str, there: Sequence[Programme], day: date) -> Programme:
    """Of the programmes `there`, that of a person's latest campaign, note or draft of a note; without any, the one
    whose strand opened last.

    It is a default of pages alone, which name it: files, forms, commands and programs name theirs.
    """
    by_key, by_code = ({getattr(one, name): one for one in there} for name in ("id", "code"))
    campaign = select(Campaign.created_at, Strand.programme_id).join(Strand, Strand.id == Campaign.strand_id)
    campaign = campaign.where(Campaign.created_by == person, Strand.programme_id.in_(by_key))
    note = select(Note.frozen_at, Note.programme_id).where(Note.frozen_by == person, Note.programme_id.in_(by_key))
    found = [
        (at, by_key[key])
        for query in (campaign.order_by(Campaign.created_at.desc()), note.order_by(Note.frozen_at.desc()))
        for at, key in session.execute(query.limit(1))
    ]
    own = notes.drafts_of(session, person)
    drafted = ((one.changed_at, notes.read_request(one.request).programme) for one in own)
    found += [(at, by_code[code]) for at, code in drafted if code in by_code][:1]
    if found:
        return max(found, key=lambda worked: worked[0])[1]
    opened = {one.id: max((strand.opened_on for strand in one.open_on(day)), default=date.min) for one in there}
    return max(there, key=lambda one: opened[one.id])
