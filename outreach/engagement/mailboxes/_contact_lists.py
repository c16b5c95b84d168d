"""Lists of contacts: compared with the addresses in use, applied in one transaction, undone."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import aliased

from outreach.core import audit
from outreach.core.audit import ERASED
from outreach.core.db import Session, analyze_after, hold_off_writers, table_of
from outreach.core.db.bulk import AT_ONCE, add_rows, among
from outreach.core.tables import Grid, Holds, ListKind
from outreach.core.text.addresses import Judgement
from outreach.core.text.errors import Refused
from outreach.core.text.french import plural
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.directory import confirmations
from outreach.directory.authorities import fase_numbers
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.contacts import Particulars
from outreach.directory.models import Authority, Contact, ContactSchool, ContactSource, MailboxKind
from outreach.directory.supplied_names import organisation_names
from outreach.engagement import tracking
from outreach.engagement.mailboxes._import_plan import (
    ContactChange,
    ContactList,
    ContactListLine,
    ContactPlan,
    LineNature,
    Withdrawal,
    basis,
    held_back,
    preview,
)
from outreach.engagement.mailboxes._import_rows import HEADERS, StatedContact
from outreach.engagement.tracking import TrackingBasis

CONTACTS, LINES, LIMITS = (table_of(model) for model in (Contact, ContactListLine, ContactSchool))


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes what one list does, in the transaction of a session."""

    session: Session
    list_id: int
    now: datetime
    actor: str

    def write(self, planned: ContactPlan) -> None:
        """Add, change and retire addresses, and say so in the history of each authority."""
        if planned.new:
            self._add(planned.new)
        self._change(planned.changed)
        self._retire(planned.withdrawn)
        self._confirm(planned.unchanged)
        self._tell(planned)
        analyze_after(self.session, Contact, ContactSchool)

    def _add(self, added: Sequence[StatedContact]) -> None:
        last = self.session.scalar(select(func.max(Contact.id))) or 0
        add_rows(self.session, CONTACTS, map(self._row, added))
        ours = Contact.id > last  # nobody else adds contacts meanwhile
        facts = (literal(self.list_id), Contact.id, literal(LineNature.NEW.value), literal(""))
        columns = ("list_id", "contact_id", "nature", "before")
        self.session.execute(insert(LINES).from_select(columns, select(*facts).where(ours)))
        query = select(Contact.authority_id, Contact.address_key, Contact.id).where(ours)
        keys = {(authority, key): contact for authority, key, contact in self.session.execute(query)}
        limit(self.session, {keys[stated.key]: stated.schools for stated in added if stated.schools})

    def _row(self, stated: StatedContact) -> dict[str, object]:
        judged = stated.judged
        return {
            "authority_id": stated.authority_id,
            "address": judged.address,
            "address_key": judged.key,
            "address_ascii": judged.ascii,
            **stated.particulars().columns(),
            "mailbox_kind": stated.kind or MailboxKind.IMPERSONAL,
            "source": ContactSource.LIST,
            "added_at": self.now,
            "added_by": self.actor,
            "review_asked_at": self.now if judged.mixed_writing else None,
        }

    def _change(self, changed: Sequence[ContactChange]) -> None:
        rows = (
            {"row": change.contact_id, **change.particulars.columns(), "mailbox_kind": change.kind}
            for change in changed
        )
        describe(self.session, rows, now=self.now, actor=self.actor)
        unlimit(self.session, [change.contact_id for change in changed if "schools" in change.before])
        stated = {change.contact_id: change.stated.schools for change in changed if "schools" in change.before}
        limit(self.session, {contact: schools for contact, schools in stated.items() if schools})
        told = (
            {
                **self._line(change.contact_id, LineNature.CHANGED),
                "before": json.dumps(change.before, ensure_ascii=False),
            }
            for change in changed
        )
        self._note(told)

    def _retire(self, withdrawn: Sequence[Withdrawal]) -> None:
        retired = {"retired_at": self.now, "retired_by": self.actor}
        keys = [withdrawal.contact_id for withdrawal in withdrawn]
        self.session.execute(update(CONTACTS).where(among(CONTACTS.c.id, keys)).values(retired))
        self._note({**self._line(key, LineNature.WITHDRAWN), "before": ""} for key in keys)

    def _confirm(self, unchanged: Sequence[int]) -> None:
        """A list confirms every address that it states."""
        stated = (LineNature.NEW, LineNature.CHANGED)
        lines = select(ContactListLine.contact_id).where(ContactListLine.list_id == self.list_id)
        which = Contact.id.in_(lines.where(ContactListLine.nature.in_(stated))) | among(Contact.id, unchanged)
        by, about = ConfirmationWay.LIST, f"list:{self.list_id}"
        confirmations.add_all(self.session, which, by, at=self.now, actor=self.actor, about=about)

    def _line(self, contact: int, nature: LineNature) -> dict[str, object]:
        return {"list_id": self.list_id, "contact_id": contact, "nature": nature}

    def _note(self, lines: Iterable[Mapping[str, object]]) -> None:
        add_rows(self.session, LINES, lines)

    def _tell(self, planned: ContactPlan) -> None:
        """Say in the history of each authority how many of its addresses a list touched."""
        counts = (
            Counter(stated.fase for stated in planned.new),
            Counter(change.stated.fase for change in planned.changed),
            Counter(withdrawal.fase for withdrawal in planned.withdrawn),
        )
        words = (("ajoutée", "ajoutées"), ("précisée", "précisées"), ("retirée", "retirées"))
        for fase in sorted({fase for count in counts for fase in count}):
            done = ((count[fase], each) for count, each in zip(counts, words, strict=True) if count[fase])
            text = ", ".join(plural(count, f"adresse {one}", f"adresses {more}") for count, (one, more) in done)
            said = f"Liste de contacts {self.list_id} : {text}."
            audit.record_entry(self.session, self.now, self.actor, said, f"authority:{fase}")


def describe(session: Session, rows: Iterable[dict[str, Any]], *, now: datetime, actor: str) -> None:
    """Set the particulars and kinds of addresses; each row names its contact as `row`."""
    changed = update(CONTACTS).where(CONTACTS.c.id == bindparam("row"))
    more = iter(rows)
    while some := list(islice(more, AT_ONCE)):
        session.execute(changed.values(changed_at=now, changed_by=actor), some)


def unlimit(session: Session, contacts: Sequence[int]) -> None:
    """Let addresses answer for all schools of their authority."""
    session.execute(delete(LIMITS).where(among(LIMITS.c.contact_id, contacts)))


def limit(session: Session, schools: Mapping[int, Iterable[int]]) -> None:
    """Let addresses, by the keys of their contacts, answer for these schools only."""
    rows = ({"contact_id": contact, "school_id": school} for contact, keys in schools.items() for school in keys)
    add_rows(session, LIMITS, rows)


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
        tracking.withdraw_basis(session, agreement, now=now, actor=actor)  # lists could record some up to 0.3.0
    _restore(session, last, now, actor)
    for nature, values in (
        (LineNature.NEW, {"retired_at": now, "retired_by": actor}),
        (LineNature.WITHDRAWN, {"retired_at": None, "retired_by": None, "changed_at": now, "changed_by": actor}),
    ):
        of_nature = theirs.where(ContactListLine.nature == nature)
        session.execute(update(CONTACTS).where(CONTACTS.c.id.in_(of_nature)).values(values))
    session.expire_all()
    confirmations.withdraw(session, [f"list:{last.id}"], now=now, actor=actor)
    _tell(session, last, now, actor)


def erase_lists(session: Session, these: ColumnElement[bool]) -> None:
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
        audit.record_entry(session, now, actor, said, f"authority:{fase}")


@dataclass(frozen=True)
class ContactLists(ListKind[ContactList, ContactPlan]):
    """Lists of addresses and who reads them.

    `address` judges an address by the installation's rules. `confirmed` are the rows that a person has confirmed though
    their name is far from that of their number; None confirms all.
    """

    address: Callable[[str], Judgement]
    confirmed: Collection[int] | None = ()

    table = ContactList
    headers = HEADERS
    lock = "contact-lists"
    about = "contacts"
    unknown = "Aucune liste de contacts n’est appliquée."

    def hold(self, session: Session) -> None:
        """Wait until nobody else applies a list or writes contacts."""
        super().hold(session)
        hold_off_writers(session, Contact)

    def known(self, session: Session) -> Holds:
        """FASE numbers of authorities and of schools, and their names."""
        return {**fase_numbers(session), **organisation_names(session)}

    def basis(self, session: Session, received: ContactList) -> object:
        """What a comparison depends on."""
        return basis(session)

    def plan(self, session: Session, received: ContactList, grid: Grid) -> ContactPlan:
        """Compare a list with the addresses in use. A long one takes seconds."""
        compared = preview(session, grid, complete=received.complete, address=self.address)
        return replace(held_back(compared, self.confirmed), shown=str(held_back(compared, ()).counts))

    def write(self, session: Session, received: ContactList, plan: ContactPlan, *, now: datetime, actor: str) -> str:
        """Add, change and retire addresses."""
        Writing(session, received.id, now, actor).write(plan)
        confirmed = f", {plural(plan.confirmed, 'nom confirmé', 'noms confirmés')}" if plan.confirmed else ""
        return (
            f"Liste de contacts appliquée : {plural(len(plan.new), 'adresse ajoutée', 'adresses ajoutées')}, "
            f"{plural(len(plan.changed), 'précisée', 'précisées')}, "
            f"{plural(len(plan.withdrawn), 'retirée', 'retirées')}, "
            f"{plural(len(plan.left_out), 'ligne rejetée', 'lignes rejetées')}{confirmed}."
        )

    def restore(self, session: Session, received: ContactList, *, now: datetime, actor: str) -> str:
        """Retire what a list added, and give back what it changed or retired, while nothing stands on it."""
        restore(session, received, now=now, actor=actor)
        return "Liste de contacts annulée."
