"""Lists of contacts: compared with the addresses in use, applied in one transaction, undone."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from outreach.contact_lists import undoing
from outreach.contact_lists.columns import HEADERS
from outreach.contact_lists.models import ContactList
from outreach.contact_lists.plans import ContactPlan, basis, held_back, preview
from outreach.contact_lists.writing import Writing
from outreach.db import Session, hold_off_writers
from outreach.directory.known_numbers import fase_numbers
from outreach.directory.models import Contact
from outreach.directory.stated_names import organisation_names
from outreach.french import plural
from outreach.mail.addresses import Judgement
from outreach.sent_lists.steps import ListKind
from outreach.spreadsheets.tables import Grid
from outreach.spreadsheets.understanding import Holds


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
        undoing.restore(session, received, now=now, actor=actor)
        return "Liste de contacts annulée."
