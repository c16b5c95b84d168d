"""Pages of contacts by file."""

from typing import Any

from flask import Blueprint, request

from outreach.core.db import Session
from outreach.core.tables import Opened
from outreach.core.text import french
from outreach.core.text.typed import whole_number
from outreach.engagement.mailboxes import ContactList, ContactLists, ContactPlan
from outreach.web.shared.imports import ListPages
from outreach.web.ui import exports
from outreach.web.ui.fields import posted_all, pressed
from outreach.web.ui.forms import ContactListForm, UploadForm
from outreach.web.ui.request import judged

MOST_WAITING = 200  # rows that wait for a word, on one page: whoever confirms them has seen them
pages = Blueprint("contact_lists", __name__)
EXAMPLE = exports.Table(
    "Exemple",
    ("fase", "nom_po", "adresse", "ecole", "nom", "fonction", "type", "telephone", "usage", "source"),
    (
        ("9300", "", "secretariat@po.example", "", "", "Secrétariat", "fonction", "02 555 12 34", "", "Circulaire"),
        ("9300", "", "anne.dupont@ecole.example", "80001", "Anne Dupont", "Directrice", "personne", "", "", "Courriel"),
    ),
)


class ContactPages(ListPages[ContactList, ContactPlan]):
    """Lists of contacts: addresses and who reads them."""

    place = "/directory/contact-lists"
    templates = "pages/contact_lists"
    rejects = "contacts"
    called = "la liste de contacts"
    undone = "La liste est annulée : les adresses sont comme avant."
    sample = EXAMPLE

    def kind(self) -> ContactLists:
        """The kind of list, with the rows whose names were confirmed: those ticked, or all that the page has shown."""
        is_sent = request.method == "POST"
        rows = posted_all("seen" if pressed("all") else "confirmed") if is_sent else []
        numbers = (whole_number(row) for row in rows[:MOST_WAITING])
        return ContactLists(judged, {number for number in numbers if number is not None})

    def form(self) -> UploadForm:
        """The form, on which a list may be said to be complete."""
        return ContactListForm()

    def facts(self, session: Session, form: UploadForm, sent: Opened) -> dict[str, Any]:
        """A list may be complete."""
        return {"complete": bool(form["complete"].data)}

    def before(self, session: Session) -> dict[str, Any]:
        """The rows of the example, beside the last lists."""
        return {**super().before(session), "example": EXAMPLE}

    def shown(self, session: Session, received: ContactList, plan: ContactPlan | None) -> dict[str, Any]:
        """How many rows wait for a word on one page."""
        return {"most_waiting": MOST_WAITING}

    def done(self, received: ContactList, plan: ContactPlan) -> str:
        """What is said of a list that was applied."""
        added = french.plural(plan.counts.new, "adresse ajoutée", "adresses ajoutées")
        changed = french.plural(plan.counts.changed, "précisée", "précisées")
        retired = french.plural(plan.counts.withdrawn, "retirée", "retirées")
        return f"La liste est appliquée : {added}, {changed}, {retired}."


ContactPages().put(pages)
