"""Pages of the register: an edition sent, what it would change, applied, undone; and the history of editions."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach import french
from outreach.accounts import staff
from outreach.days import parse_day
from outreach.db import Session, time_limit
from outreach.directory.editions import imports, uploads
from outreach.directory.editions.difference import FIELD_LABELS, Change, ChangedItem, items_of
from outreach.directory.models import ImportState, Nature, RegisterKind, RegisterUpload
from outreach.errors import Refused
from outreach.roles import RoleName
from outreach.web.ui import exports
from outreach.web.ui.fields import a_day
from outreach.web.ui.forms import UploadForm
from outreach.web.ui.pager import Pager, member
from outreach.web.ui.request import actor, current_day, database, needs, now, reading, settings
from outreach.web.ui.sent_lists import letters, rejected_table

pages = Blueprint("register", __name__, url_prefix="/directory/register")
SHOWN = 50
SHOWN_REJECTED = 200


class ChangeGroup(StrEnum):
    """What happened to items, as the difference is counted and filtered."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    GONE = "gone"

    @property
    def label(self) -> str:
        """The column of the table of counts."""
        return _GROUP_LABELS[self]


_GROUP_LABELS = {
    ChangeGroup.NEW: "Nouveaux",
    ChangeGroup.CHANGED: "Modifiés",
    ChangeGroup.MOVED: "Changent de PO",
    ChangeGroup.GONE: "Ne figurent plus",
}
KIND_LABELS = {
    RegisterKind.AUTHORITY: ("Pouvoirs organisateurs", "PO"),
    RegisterKind.SCHOOL: ("Écoles", "École"),
    RegisterKind.SITE: ("Implantations", "Implantation"),
}


class EditionForm(UploadForm):
    """An edition of the register to send, and the day from which it holds."""

    day = StringField("Date de l’édition", [a_day], description="Le jour de sa publication, par exemple 30/06/2021.")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        return _index_page(session, EditionForm(data={"day": current_day().isoformat()}))


@pages.post("")
@needs(RoleName.AUTHOR)
def receive() -> Redirect | tuple[str, int]:
    form = EditionForm()
    if form.validate_on_submit():
        sent = _opened(form)
        if sent is not None:
            try:
                with database().writing() as session:
                    upload = uploads.receive(session, *sent, now=now(), actor=actor())
                    return redirect(url_for(".edition_sent", upload=upload.id))
            except Refused as error:
                form.day.errors = [str(error)]
    with reading() as session:
        return _index_page(session, form), 422


@pages.get("/<number:upload>")
@needs(RoleName.AUTHOR)
def edition_sent(upload: int) -> str | Redirect:
    with reading() as session:
        sent = uploads.upload_numbered(session, upload)
        if sent.import_id is not None:
            return redirect(url_for(".edition", edition=sent.import_id))
        judged = uploads.judge(session, sent)
        difference, items = judged.edition.difference, items_of(judged.edition.difference.changes)
        return render_template(
            "pages/register/sent.html",
            sent=sent,
            version=judged.edition.basis,
            difference=difference,
            older=_older(session, sent),
            rejections=difference.rejected,
            letters=letters(judged.left),
            most_rejected=SHOWN_REJECTED,
            unchanged={kind: difference.unchanged[kind] for kind in RegisterKind},
            colleagues=staff.colleagues(session),
            **_listed(session, items),
        )


@pages.get("/<number:upload>/rejected.<any(xlsx, csv):kind>")
@needs(RoleName.AUTHOR)
def rejected(upload: int, kind: str) -> Response:
    with reading() as session:
        sent = uploads.upload_numbered(session, upload)
        if sent.import_id is None:
            judged = uploads.judge(session, sent)
            grid, rejections = judged.left, judged.edition.difference.rejected
        else:
            grid, rejections = uploads.grid_of(sent), uploads.rejected_of(sent)
    return exports.form(rejected_table(grid, rejections), kind, f"registre-lignes-rejetees-{upload}")


@pages.post("/<number:upload>/application")
@needs(RoleName.AUTHOR)
def apply(upload: int) -> Redirect:
    version, domain = request.form.get("version", ""), settings().mailbox_domain
    with time_limit.lifted(), database().reading() as session:
        sent = uploads.upload_numbered(session, upload)
        if sent.import_id is not None:
            raise Refused("Cette édition est déjà appliquée.")
        if version != imports.basis_of(session):
            raise Refused(imports.STALE)
        judged = uploads.judge(session, sent)
    with database().writing() as session:
        sent = uploads.upload_numbered(session, upload)
        uploads.apply(session, sent, judged, now=now(), actor=actor(), mailbox_domain=domain)
        told = f"L’édition du {french.day(sent.edition_on)} est appliquée."
    flash(told, "success")
    return redirect(url_for(".edition_sent", upload=upload))


@pages.get("/editions/<number:edition>")
@needs(RoleName.READER)
def edition(edition: int) -> str:
    with reading() as session:
        entry = imports.edition_numbered(session, edition)
        last, sent = imports.last_import(session), uploads.upload_of(session, entry)
        items = items_of(imports.changes_of(session, entry))
        return render_template(
            "pages/register/edition.html",
            entry=entry,
            sent=sent,
            is_last=last is not None and last.id == entry.id,
            rejections=uploads.rejected_of(sent) if sent else [],
            letters=letters(uploads.grid_of(sent)) if sent else {},
            most_rejected=SHOWN_REJECTED,
            unchanged=None,
            colleagues=staff.colleagues(session),
            **_listed(session, items),
        )


@pages.get("/editions/<number:edition>/withdrawal")
@needs(RoleName.AUTHOR)
def withdrawal(edition: int) -> str | Redirect:
    with reading() as session:
        entry, last = imports.edition_numbered(session, edition), imports.last_import(session)
        if last is None or last.id != entry.id:
            return redirect(url_for(".edition", edition=edition))
        standing = (one for one in imports.editions(session) if one.state is ImportState.APPLIED and one.id < entry.id)
        before = next(standing, None)
        items = items_of(imports.changes_of(session, entry))
        return render_template(
            "pages/register/withdrawal.html", entry=entry, before=before, counts=_counts(items), **_words()
        )


@pages.post("/editions/<number:edition>/withdrawal")
@needs(RoleName.AUTHOR)
def undo(edition: int) -> Redirect:
    with database().writing() as session:
        entry = imports.undo(session, now=now(), actor=actor(), number=edition)
        told = f"L’édition du {french.day(entry.edition_on)} est annulée : l’annuaire est celui d’avant."
    flash(told, "success")
    return redirect(url_for(".edition", edition=edition))


def _opened(form: EditionForm) -> tuple[uploads.OpenedEdition, date] | None:
    """What a valid form sends, read before anything is written; None where the form now holds an error."""
    day = parse_day(form.day.data or "")
    if day > current_day():
        form.day.errors = ["La date de l’édition est dans l’avenir."]
        return None
    sent = form.opened(uploads.opened)
    return None if sent is None else (sent, day)


def _index_page(session: Session, form: EditionForm) -> str:
    return render_template(
        "pages/register/index.html",
        form=form,
        editions=imports.editions(session),
        last=imports.last_import(session),
        waiting=uploads.waiting(session),
        colleagues=staff.colleagues(session),
    )


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
        "known": imports.known_authorities(session, named),
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


def _older(session: Session, sent: RegisterUpload) -> str:
    """Why an edition can no longer be applied, in French, or ''."""
    try:
        imports.refuse_older(session, sent.edition_on)
    except Refused as error:
        return str(error)
    return ""
