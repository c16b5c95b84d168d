"""How long a list of contacts keeps what was sent: thirty days."""

import json
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from outreach import sent_lists
from outreach.audit import ERASED
from outreach.contact_lists.models import ContactList, ContactListLine
from outreach.db import Session
from outreach.sent_lists import ListState

KEPT = timedelta(days=30)


def forget(session: Session, *, now: datetime) -> None:
    """Delete the lists that nobody applied within thirty days; of older ones, empty what serves to correct and undo.

    What a list said of an address stays with the address. Such a list can no longer be undone.
    """
    unused = (ContactList.state == ListState.RECEIVED, ContactList.received_at < now - KEPT)
    session.execute(delete(ContactList).where(*unused))
    old = select(ContactList).where(ContactList.grid != "", ContactList.applied_at < now - KEPT)
    for each in session.scalars(old).all():
        changed = (ContactListLine.list_id == each.id, ContactListLine.before != "")
        session.execute(update(ContactListLine).where(*changed).values(before=""))
        summary = sent_lists.summary_of(each)
        rejected = [{**rejection, "message": ERASED} for rejection in summary.get("rejected", ())]
        each.outcome, each.grid = json.dumps({**summary, "rejected": rejected}, ensure_ascii=False), ""
    session.flush()
