"""Writes what a list of contacts does: thousands of rows by few statements, while nobody else writes contacts."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from outreach import audit
from outreach.contact_lists.lines import StatedContact
from outreach.contact_lists.models import ContactListLine, LineNature
from outreach.contact_lists.plans import ContactChange, ContactPlan, Withdrawal
from outreach.db import Session, table_of, take_stock
from outreach.db.in_list import among
from outreach.db.many import AT_ONCE, add_rows
from outreach.directory.models import Contact, ContactSchool, ContactSource, MailboxKind
from outreach.french import plural

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
        self._tell(planned)
        take_stock(self.session, Contact, ContactSchool)

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
            told = ", ".join(plural(count, f"adresse {one}", f"adresses {more}") for count, (one, more) in done)
            said = f"Liste de contacts {self.list_id} : {told}."
            audit.record(self.session, self.now, self.actor, said, f"authority:{fase}")


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
