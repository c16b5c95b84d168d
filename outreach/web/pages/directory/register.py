"""Pages of the register: an edition sent, what it would change, applied, undone; and the history of editions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField, ValidationError

from outreach.core import tables
from outreach.core.db import Session
from outreach.core.tables import ListState, Opened
from outreach.core.text import french
from outreach.core.text.dates import parse_day
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName
from outreach.directory import register
from outreach.directory.models import Nature, RegisterImport, RegisterKind
from outreach.directory.register import FIELD_LABELS, Change, ChangedItem, Difference, Editions, items_of, open_edition
from outreach.reports import notes
from outreach.web.shared.imports import ListPages
from outreach.web.ui.fields import a_day
from outreach.web.ui.forms import UploadForm
from outreach.web.ui.pager import Pager, member
from outreach.web.ui.request import current_day, reading, settings

pages = Blueprint("register", __name__)
SHOWN = 50


class ChangeGroup(Labelled):
    """What happened to items, as the difference is counted and filtered."""

    NEW = "new", "Nouveaux"
    CHANGED = "changed", "Modifiés"
    MOVED = "moved", "Changent de PO"
    GONE = "gone", "Ne figurent plus"


KIND_LABELS = {
    RegisterKind.AUTHORITY: ("Pouvoirs organisateurs", "PO"),
    RegisterKind.SCHOOL: ("Écoles", "École"),
    RegisterKind.SITE: ("Implantations", "Implantation"),
}


class EditionForm(UploadForm):
    """An edition of the register to send, and the day from which it holds."""

    day = StringField("Date de l’édition", [a_day], description="Le jour de sa publication, par exemple 30/06/2021.")

    def validate_day(self, field: StringField) -> None:
        """The day must not be in the future."""
        if parse_day(field.data or "") > current_day():
            raise ValidationError("La date de l’édition est dans l’avenir.")


class EditionPages(ListPages[RegisterImport, Difference]):
    """Editions of the register, which readers see once they are applied."""

    place = "/directory/register"
    each = "/editions"
    templates = "pages/register"
    rejects = "registre-lignes-rejetees"
    called = "l’édition du registre"
    undone = "L’édition est annulée : l’annuaire est celui d’avant."
    blamed = "day"
    readers = RoleName.READER

    def kind(self) -> Editions:
        """The kind of list, as this request judges it."""
        return Editions(settings().mailbox_domain)

    def form(self) -> UploadForm:
        """The form; it opens with today."""
        return EditionForm(data={"day": current_day().isoformat()})

    def opened(self, content: bytes) -> Opened:
        """Read a file. Raises InputError."""
        return open_edition(content)

    def facts(self, session: Session, form: UploadForm, sent: Opened) -> dict[str, Any]:
        """The day from which an edition holds."""
        return {"edition_on": parse_day(form["day"].data)}

    def before(self, session: Session) -> dict[str, Any]:
        """The editions that were applied, and those that wait."""
        fields = {"editions": register.applied_editions(session), "last": register.last_import(session)}
        return {**fields, "waiting": register.waiting_editions(session)}

    def shown(self, session: Session, received: RegisterImport, plan: Difference | None) -> dict[str, Any]:
        """Its changes, by kind and group."""
        if plan is None:
            return _listed(session, items_of(register.changes_of(session, received)))
        if not current_user.holds(RoleName.AUTHOR):
            abort(403)
        moved = notes.by_edition(session, received.edition_on, plan)
        return {"moved_notes": moved, **_listed(session, items_of(plan.changes))}

    def done(self, received: RegisterImport, plan: Difference) -> str:
        """What is said of an edition that was applied."""
        return f"L’édition du {french.day(received.edition_on)} est appliquée."

    def undoing(self, list_id: int) -> str | Redirect:
        """What undoing the last edition applied takes back, to be confirmed."""
        with reading() as session:
            entry, last = tables.list_by_id(session, RegisterImport, list_id), register.last_import(session)
            if last is None or last.id != entry.id:
                return redirect(url_for(".shown_list", list_id=list_id))
            before = next(
                (one for one in register.applied_editions(session)[1:] if one.state is ListState.APPLIED), None
            )
            items = items_of(register.changes_of(session, entry))
            return render_template(
                "pages/register/withdrawal.html",
                entry=entry,
                before=before,
                counts=_counts(items),
                moved_notes=notes.by_undoing(session, entry.applied_at),
                **_words(),
            )


EditionPages().put(pages)


def _listed(session: Session, items: Sequence[ChangedItem]) -> dict[str, object]:
    """What the page of a difference shows: its counts by kind and group, and a page of the lines that were asked for.

    `known` are the authorities that have a sheet: those of an edition that is not applied yet may have none.
    """
    kind, group = member(RegisterKind, request.args.get("of")), member(ChangeGroup, request.args.get("group"))
    asked = [item for item in items if kind in {None, item.kind} and group in {None, _group(item.nature)}]
    pager = Pager.of(request, len(asked), SHOWN)
    lines = asked[pager.first_row - 1 : pager.last_row] if asked else []
    named = {number for item in lines for change in item.changes for number in (change.authority, *_owners(change))}
    return {
        "kind": kind,
        "group": group,
        "pager": pager,
        "lines": lines,
        "known": register.known_authorities(session, named),
        "counts": _counts(items),
        **_words(),
    }


def _words() -> dict[str, object]:
    return {"kinds": KIND_LABELS, "groups": list(ChangeGroup), "field_labels": FIELD_LABELS, "group_of": _group}


def _counts(items: Sequence[ChangedItem]) -> Counter[tuple[RegisterKind, ChangeGroup]]:
    return Counter((item.kind, _group(item.nature)) for item in items)


def _group(nature: Nature) -> ChangeGroup:
    return ChangeGroup.NEW if nature is Nature.RETURNED else ChangeGroup(nature.value)


def _owners(change: Change) -> tuple[int, ...]:
    """The authorities between which a school moves."""
    return (int(change.before), int(change.after)) if change.nature is Nature.MOVED else ()
