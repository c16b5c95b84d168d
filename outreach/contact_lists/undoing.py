"""Gives back what was before a list of contacts, while nothing stands on it; empties what that needs, in time."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import aliased

from outreach import audit
from outreach.audit import ERASED
from outreach.contact_lists.models import ContactList, ContactListLine, LineNature
from outreach.contact_lists.writing import CONTACTS, describe, limit, unlimit
from outreach.db import Session
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.directory.contacts import Particulars
from outreach.directory.models import Authority, Contact, MailboxKind
from outreach.errors import Refused
from outreach.measuring import bases
from outreach.measuring.models import TrackingBasis

KEPT = timedelta(days=30)  # how long a list can be undone


def restore(session: Session, last: ContactList, *, now: datetime, actor: str) -> None:
    """Retire what a list added, and give back what it changed or retired as it was before.

    Raises Refused when it was applied more than thirty days ago, and when something stands on it: a letter to one of
    its addresses, or what somebody did about one since.
    """
    if last.applied_at is None or last.applied_at <= now - KEPT:
        raise Refused("Cette liste est appliquée depuis plus de trente jours : elle ne peut plus être annulée.")
    _refuse_what_stands(session, last, last.applied_at)
    theirs = select(ContactListLine.contact_id).where(ContactListLine.list_id == last.id)
    recorded = TrackingBasis.contact_id.in_(theirs), TrackingBasis.recorded_at == last.applied_at
    for agreement in session.scalars(select(TrackingBasis).where(*recorded, TrackingBasis.withdrawn_at.is_(None))):
        bases.withdraw(session, agreement, now=now, actor=actor)  # lists could record some up to 0.3.0
    _restore(session, last, now, actor)
    for nature, values in (
        (LineNature.NEW, {"retired_at": now, "retired_by": actor}),
        (LineNature.WITHDRAWN, {"retired_at": None, "retired_by": None, "changed_at": now, "changed_by": actor}),
    ):
        of_nature = theirs.where(ContactListLine.nature == nature)
        session.execute(update(CONTACTS).where(CONTACTS.c.id.in_(of_nature)).values(values))
    session.expire_all()
    _tell(session, last, now, actor)


def erase(session: Session, these: ColumnElement[bool]) -> None:
    """Empty what serves to correct and undo these lists. What they said of an address stays with the address."""
    for each in session.scalars(select(ContactList).where(these)).all():
        changed = (ContactListLine.list_id == each.id, ContactListLine.before != "")
        session.execute(update(ContactListLine).where(*changed).values(before=""))
        summary = each.summary
        rejected = [{**rejection, "message": ERASED} for rejection in summary.get("rejected", ())]
        each.outcome, each.grid = json.dumps({**summary, "rejected": rejected}, ensure_ascii=False), ""
    session.flush()


def _refuse_what_stands(session: Session, last: ContactList, at: datetime) -> None:
    touched = (
        select(Contact.address)
        .join(ContactListLine, ContactListLine.contact_id == Contact.id)
        .where(ContactListLine.list_id == last.id)
        .limit(1)
    )
    for happened, condition in (
        ("a été corrigée, retirée ou remise en usage", _is_touched(at)),
        ("est celle d’un courriel parti, ou qui attend,", _is_written_to(at)),
    ):
        address = session.scalar(touched.where(condition))
        if address is not None:
            raise Refused(
                f"Cette liste ne peut plus être annulée : l’adresse {address} {happened} depuis. "
                "Corrigez les adresses une à une, ou par une nouvelle liste."
            )


def _is_touched(at: datetime) -> ColumnElement[bool]:
    again = aliased(Contact)
    is_back = select(again.id).where(
        again.authority_id == Contact.authority_id,
        again.address_key == Contact.address_key,
        again.retired_at.is_(None),
    )
    since = (Contact.changed_at, Contact.bounced_at, Contact.reviewed_at)
    is_withdrawn = ContactListLine.nature == LineNature.WITHDRAWN
    return or_(
        and_(~is_withdrawn, or_(Contact.retired_at.is_not(None), *(moment > at for moment in since))),
        and_(is_withdrawn, or_(Contact.retired_at != at, Contact.changed_at > at, is_back.exists())),
    )


def _is_written_to(at: datetime) -> ColumnElement[bool]:
    letters = (
        select(Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(
            Message.authority_id == Contact.authority_id,
            Message.address_key == Contact.address_key,
            Message.state != MessageState.WITHDRAWN,
            func.coalesce(Mailing.filled_at, Mailing.created_at) >= at,
        )
    )
    return and_(ContactListLine.nature != LineNature.WITHDRAWN, letters.exists())


def _restore(session: Session, last: ContactList, now: datetime, actor: str) -> None:
    """Give the addresses that a list changed what they had before."""
    described = (Contact.name, Contact.function, Contact.phone, Contact.usage, Contact.source_note)
    query = (
        select(Contact.id, ContactListLine.before, Contact.mailbox_kind, *described)
        .join(ContactListLine, ContactListLine.contact_id == Contact.id)
        .where(ContactListLine.list_id == last.id, ContactListLine.nature == LineNature.CHANGED)
    )
    rows: list[dict[str, Any]] = []
    schools: dict[int, list[int]] = {}
    for contact, changed, kind, *words in session.execute(query):
        before = json.loads(changed)
        if "schools" in before:
            schools[contact] = before["schools"]
        was = {name: text for name, text in before.items() if name not in {"kind", "schools", "consent"}}
        told = Particulars(*words).but(was).columns()
        rows.append({"row": contact, **told, "mailbox_kind": MailboxKind(before.get("kind", kind))})
    describe(session, rows, now=now, actor=actor)
    unlimit(session, list(schools))
    limit(session, schools)


def _tell(session: Session, last: ContactList, now: datetime, actor: str) -> None:
    query = (
        select(Authority.fase)
        .join(Contact, Contact.authority_id == Authority.id)
        .join(ContactListLine, ContactListLine.contact_id == Contact.id)
        .where(ContactListLine.list_id == last.id)
    )
    for fase in sorted(Counter(session.scalars(query))):
        said = f"Liste de contacts {last.id} annulée : les adresses sont comme avant."
        audit.record(session, now, actor, said, f"authority:{fase}")
