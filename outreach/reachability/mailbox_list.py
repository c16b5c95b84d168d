"""The list of an authority's mailboxes, on its sheet: those in use, then those that were retired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outreach.columns import DATA, Column, Held, Kind, On
from outreach.db import Session
from outreach.delivery.ledger import suppressions
from outreach.delivery.models import Suppression, SuppressionReason
from outreach.directory import contacts, judging
from outreach.directory.models import Authority, Contact, School
from outreach.reachability import domains


@dataclass(frozen=True, slots=True)
class ListedMailbox:
    """An address, the exclusions in force, the only schools it answers for if any, what is remarked on it in use.

    A retired one that is restorable may be put back in use.
    """

    contact: Contact
    exclusions: Sequence[Suppression]
    schools: Sequence[School]
    remarks: Sequence[str]
    is_restorable: bool

    @property
    def state(self) -> str:
        """How it stands, in French: the first of these that is so."""
        states = {
            "Retirée": self.contact.retired_at,
            "Boîte en échec": self.contact.bounced_at,
            "À vérifier": self.contact.awaits_review,
            "Exclue": any(one.reason is not SuppressionReason.UNSUBSCRIBED for one in self.exclusions),
            "Désinscrite": self.exclusions,
        }
        return next((state for state, is_so in states.items() if is_so), "En usage")


COLUMNS: Sequence[Column[ListedMailbox]] = (
    Column("address", "Adresse", lambda row: row.contact.address, sort=True),
    Column("kind", "Boîte", lambda row: row.contact.mailbox_kind, on=DATA),
    Column("name", "Nom", lambda row: row.contact.name, on=DATA),
    Column("function", "Fonction", lambda row: row.contact.function, on=DATA),
    Column("phone", "Téléphone", lambda row: row.contact.phone, on=DATA),
    Column("usage", "Usage", lambda row: row.contact.usage, on=DATA),
    Column("schools", "Répond pour", lambda row: " ; ".join(one.display_name for one in row.schools), on=DATA),
    Column("state", "État", lambda row: row.state, sort=True),
    Column("remarks", "Remarques", lambda row: " ".join(row.remarks), on=DATA),
    Column("source", "Origine", lambda row: row.contact.source, sort=True),
    Column("source_note", "Source", lambda row: row.contact.source_note, on=DATA),
    Column("added_at", "Ajoutée", lambda row: row.contact.added_at, Kind.MOMENT, on=DATA),
    Column("added_by", "Par", lambda row: row.contact.added_by, Kind.PERSON, on=DATA),
    Column("retired_at", "Retirée", lambda row: row.contact.retired_at, Kind.MOMENT, on=DATA),
    Column("actions", "Actions", lambda _: "", on=On.PAGE),
)


def listed(
    session: Session, authority: Authority, names: Mapping[str, str], *, text: str = "", sort: str = ""
) -> Held[ListedMailbox]:
    """Every address that an authority has or had. `names` are those of persons, by address."""
    known, limited = contacts.contacts_of(session, authority), contacts.limited_of(session, authority)
    restorable, in_use = contacts.restorable(known), [held for held in known if held.retired_at is None]
    excluded: dict[str, list[Suppression]] = {}
    for suppression in suppressions.in_force(session, [held.address_key for held in known]):
        excluded.setdefault(suppression.address_key, []).append(suppression)
    remarks = domains.remarks(session, in_use)
    shared = judging.elsewhere(session, [held.address_key for held in in_use], fase=authority.fase)
    for held in in_use:
        if held.address_key in shared:
            remarks.setdefault(held.id, []).append(shared[held.address_key])
    rows = [
        ListedMailbox(
            held,
            excluded.get(held.address_key, ()),
            limited.get(held.id, ()),
            remarks.get(held.id, ()),
            held.id in restorable,
        )
        for held in known
    ]
    return Held(title="Contacts", columns=COLUMNS, sort=sort, rows=rows, names=names, text=text)
