"""How long a list of contacts keeps what was sent, applied or not."""

import threading
from datetime import timedelta

from sqlalchemy import select

from outreach.core.tables import ListState
from outreach.directory.models import Contact
from outreach.engagement.mailboxes import ContactList
from outreach.engagement.mailboxes._import_plan import ContactListLine, LineNature
from outreach.operations.retention import RULES, forget_by_rule

OUTCOME = '{"new": 1, "rejected": [{"row": 3, "column": "adresse", "message": "« a@ » n’est pas une adresse."}]}'


def test_what_was_sent_is_erased_after_thirty_days_and_what_was_done_stays(sample_database, now):
    def sent(days, state):
        at = now - timedelta(days=days)
        applied = {} if state is ListState.RECEIVED else {"applied_at": at, "applied_by": "nadia"}
        fields = {"received_at": at, "received_by": "nadia", "outcome": OUTCOME, "complete": False}
        return ContactList(state=state, sha256="", grid="{}", **fields, **applied)

    with sample_database.writing() as session:
        lists = [sent(days, state) for days in (29, 31) for state in ListState]
        session.add_all(lists)
        session.flush()
        contact = session.scalars(select(Contact.id).limit(1)).one()
        done = {"contact_id": contact, "nature": LineNature.CHANGED, "before": "{}"}
        session.add_all(ContactListLine(list_id=each.id, **done) for each in lists if each.applied_at)
    for row in RULES:
        if row.model is ContactList:
            forget_by_rule(sample_database, row, lambda: now, threading.Event())
    with sample_database.reading() as session:
        kept = [
            (each.received_at == now - timedelta(days=29), each.state, each.grid)
            for each in session.scalars(select(ContactList).order_by(ContactList.id))
        ]
        assert kept == [
            *((True, state, "{}") for state in ListState),
            (False, ListState.APPLIED, ""),
            (False, ListState.UNDONE, ""),
        ]
        outcomes = session.scalars(select(ContactList.outcome).order_by(ContactList.id))
        assert ["a@" in outcome for outcome in outcomes] == [True] * 3 + [False] * 2
        lines = select(ContactListLine.before).order_by(ContactListLine.list_id)
        assert session.scalars(lines).all() == ["{}", "{}", "", ""]
