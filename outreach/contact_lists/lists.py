"""Lists of contacts: received, and applied in one transaction."""

from datetime import datetime

from outreach import audit, sent_lists
from outreach.contact_lists.columns import sheet_of
from outreach.contact_lists.models import ContactList
from outreach.contact_lists.plans import ContactJudgement, ContactPlan, Counts, basis
from outreach.contact_lists.writing import Writing
from outreach.db import Session, hold_off_writers, take_turns
from outreach.directory.models import Contact
from outreach.errors import Refused
from outreach.french import plural
from outreach.sent_lists import Opened, summary_of
from outreach.spreadsheets.tables import Rejection

CHANGED_MEANWHILE = "Ce qui est connu a changé entre-temps : regardez à nouveau ce que la liste changerait."


def opened(content: bytes) -> Opened:
    """Read a file (`sent_lists.opened`)."""
    return sent_lists.opened(content, sheet_of)


def receive(session: Session, sent: Opened, *, complete: bool, now: datetime, actor: str) -> ContactList:
    """Store a list to be checked. The same file sent twice by one person within a minute is one list."""
    take_turns(session, "contact-lists")
    last = sent_lists.sent_before(session, ContactList, sent, ContactList.complete == complete, now=now, actor=actor)
    if last is not None:
        return last
    received = ContactList(
        sha256=sent.sha256, grid=sent.grid, outcome="", complete=complete, received_at=now, received_by=actor
    )
    session.add(received)
    session.flush()
    return received


def apply(
    session: Session,
    received: ContactList,
    judged: ContactJudgement,
    *,
    now: datetime,
    actor: str,
    shown: Counts | None = None,
) -> ContactPlan:
    """Do what `plans.judge` found that a list does, and store the counts and the rejected rows with the list.

    Nothing is compared here, so that others wait only while rows are written. Raises Refused when the list was applied
    or undone already, when nothing in it changes anything, or when the addresses have changed since it was compared, or
    since its counts were `shown` to the person who confirmed it.
    """
    take_turns(session, "contact-lists")
    hold_off_writers(session, Contact)
    session.refresh(received)
    sent_lists.refuse_applied(received)
    planned = judged.plan
    if judged.basis != basis(session) or shown not in {None, judged.shown}:
        raise Refused(CHANGED_MEANWHILE)
    if not planned.does_something:
        if planned.waiting:
            raise Refused("Rien à enregistrer : cochez les lignes dont le nom est juste, ou corrigez leur numéro.")
        raise Refused("Rien à enregistrer : la liste ne dit rien de nouveau.")
    Writing(session, received.id, now, actor).write(planned)
    sent_lists.mark_applied(received, planned.outcome(), now=now, actor=actor)
    received.grid = judged.rejected_grid
    confirmed = f", {plural(planned.confirmed, 'nom confirmé', 'noms confirmés')}" if planned.confirmed else ""
    told = (
        f"Liste de contacts appliquée : {plural(len(planned.new), 'adresse ajoutée', 'adresses ajoutées')}, "
        f"{plural(len(planned.changed), 'précisée', 'précisées')}, "
        f"{plural(len(planned.withdrawn), 'retirée', 'retirées')}, "
        f"{plural(len(planned.left_out), 'ligne rejetée', 'lignes rejetées')}{confirmed}."
    )
    audit.record(session, now, actor, told, f"contacts:{received.id}")
    return planned


def rejected_of(received: ContactList) -> list[Rejection]:
    """The rows left out when a list was applied: those rejected, and those whose name nobody confirmed."""
    return [Rejection(**rejection) for rejection in summary_of(received).get("rejected", ())]
