"""The suppression list's pages: the list, its file, adding and lifting an exclusion by hand."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import TextAreaField

from outreach.accounts import staff
from outreach.accounts.staff import Colleagues
from outreach.days import BRUSSELS
from outreach.db import Session
from outreach.delivery.bounces.elsewhere import excluded_for_another
from outreach.delivery.ledger import suppression_list, suppressions
from outreach.delivery.ledger.suppression_list import PAGE_ROWS, Excluded
from outreach.delivery.models import SuppressionReason, SuppressionScope
from outreach.directory import authority_sheet, contacts
from outreach.directory.listing import LONGEST_SEARCH
from outreach.directory.models import Authority, Contact
from outreach.roles import RoleName
from outreach.web.signing_in.kept import keeps_text, of_form
from outreach.web.ui import exports
from outreach.web.ui.fields import remark
from outreach.web.ui.pager import Pager, member, words
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("exclusions", __name__, url_prefix="/directory")
MAILBOX = "/<number:fase>/contacts/<number:contact_id>/exclusion"
HEADERS = ("Adresse", "Motif", "Arrête", "Depuis", "Par", "Précision", "FASE", "Pouvoir organisateur")


class ExclusionForm(FlaskForm):
    """The reason for excluding an address, or for lifting its exclusion."""

    note = TextAreaField(
        "Raison",
        [remark("Écrivez la raison : elle reste dans l’historique.")],
        description="Qui l’a demandé, quand et comment : 500 caractères au plus.",
    )


@pages.get("/exclusions")
@needs(RoleName.READER)
def index() -> str:
    reason, text = _asked()
    with reading() as session:
        counts, further = suppression_list.counts(session, text), excluded_for_another(session)
        among = _among(further)
        of_further = suppression_list.count_among(session, further, text)
        of_reason = counts[reason] if reason else sum(counts.values())
        pager = Pager.of(request, of_reason if among is None else of_further, PAGE_ROWS)
        return render_template(
            "pages/directory/exclusions.html",
            counts=counts,
            reason=reason,
            text=text,
            pager=pager,
            rows=suppression_list.page(session, reason, text, pager.number, among),
            further=further,
            of_further=of_further,
            is_further=among is not None,
            kept=_kept(),
            colleagues=staff.colleagues(session),
        )


@pages.get("/exclusions/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    with reading() as session:
        names, excluded = staff.colleagues(session), suppression_list.every(session, *_asked(), _among_now(session))
        table = exports.Table("Liste d’exclusion", HEADERS, [_row(each, names) for each in excluded])
        return exports.download(table, kind, "liste-d-exclusion")


@pages.get("/exclusions/<number:number>")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def exclusion(number: int) -> str:
    with reading() as session:
        return _line(session, number, ExclusionForm())


@pages.post("/exclusions/<number:number>")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
@keeps_text(of_form(ExclusionForm), button="Lever l’exclusion")
def end(number: int) -> Redirect | tuple[str, int]:
    form = ExclusionForm()
    if not form.validate_on_submit():
        with reading() as session:
            return _line(session, number, form), 422
    with database().writing() as session:
        excluded = suppression_list.numbered(session, number)
        told = _lift(session, excluded.entry.address_key, excluded.entry.reason, form, excluded.address)
    flash(told, "success")
    return redirect(url_for(".index", **_kept()))


@pages.get(MAILBOX)
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def mailbox(fase: int, contact_id: int) -> str:
    with reading() as session:
        return _page(session, *_found(session, fase, contact_id), ExclusionForm())


@pages.post(MAILBOX)
@needs(RoleName.AUTHOR, RoleName.APPROVER)
@keeps_text(of_form(ExclusionForm), button="Ne plus écrire à cette adresse")
def exclude(fase: int, contact_id: int) -> Redirect | tuple[str, int]:
    form = ExclusionForm()
    if not form.validate_on_submit():
        with reading() as session:
            return _page(session, *_found(session, fase, contact_id), form), 422
    with database().writing() as session:
        _, contact = _found(session, fase, contact_id)
        reason, by = SuppressionReason.STAFF, actor()
        suppressions.suppress(session, contact.address_key, reason, now=now(), actor=by, detail=form.note.data or "")
        address = contact.address
    flash(f"Plus aucun courriel ne part pour {address}.", "success")
    return redirect(url_for("directory.authority_contacts", fase=fase))


@pages.post(f"{MAILBOX}/<any(unsubscribed, hard_bounce, complaint, staff):reason>/lifting")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
@keeps_text(of_form(ExclusionForm), button="Lever l’exclusion")
def lift(fase: int, contact_id: int, reason: str) -> Redirect | tuple[str, int]:
    form = ExclusionForm()
    if not form.validate_on_submit():
        with reading() as session:
            return _page(session, *_found(session, fase, contact_id), form), 422
    with database().writing() as session:
        _, contact = _found(session, fase, contact_id)
        told = _lift(session, contact.address_key, SuppressionReason(reason), form, contact.address)
    flash(told, "success")
    return redirect(url_for("directory.authority_contacts", fase=fase))


def _lift(session: Session, key: str, reason: SuppressionReason, form: ExclusionForm, address: str) -> str:
    suppressions.lift(session, key, reason, now=now(), actor=actor(), because=form.note.data or "")
    return f"{address} : l’exclusion ({reason.label}) est levée."


def _kept() -> dict[str, Any]:
    """The list's query parameters, to be kept from page to page."""
    return {name: request.args[name] for name in ("reason", "elsewhere", "q", "page") if name in request.args}


def _asked() -> tuple[SuppressionReason | None, str]:
    """The reason and the search text in the query; an unknown reason becomes None."""
    reason = None if _is_elsewhere() else member(SuppressionReason, request.args.get("reason"))
    return reason, words(request.args, "q", LONGEST_SEARCH)


def _is_elsewhere() -> bool:
    """Whether only exclusions for a refusal of another address are asked for."""
    return request.args.get("elsewhere") == "1"


def _among(further: Mapping[int, str]) -> Collection[int] | None:
    return further.keys() if _is_elsewhere() else None


def _among_now(session: Session) -> Collection[int] | None:
    return _among(excluded_for_another(session)) if _is_elsewhere() else None


def _row(excluded: Excluded, names: Colleagues) -> Sequence[exports.Cell]:
    entry, fases = excluded.entry, [authority.fase for authority in excluded.authorities]
    return (
        excluded.address,
        entry.reason.label,
        entry.scope.label,
        entry.created_at.astimezone(BRUSSELS).isoformat(timespec="seconds"),
        names[entry.created_by],
        entry.detail,
        fases[0] if len(fases) == 1 else ", ".join(map(str, fases)),
        ", ".join(authority.display_name for authority in excluded.authorities),
    )


def _line(session: Session, number: int, form: ExclusionForm) -> str:
    excluded, names = suppression_list.numbered(session, number), staff.colleagues(session)
    return render_template("pages/directory/lifting.html", row=excluded, form=form, kept=_kept(), colleagues=names)


def _found(session: Session, fase: int, contact_id: int) -> tuple[Authority, Contact]:
    authority = authority_sheet.authority_by_fase(session, fase)
    return authority, contacts.contact(session, authority, contact_id)


def _page(session: Session, authority: Authority, contact: Contact, form: ExclusionForm) -> str:
    standing = suppressions.in_force(session, [contact.address_key])
    return render_template(
        "pages/directory/exclusion.html",
        authority=authority,
        contact=contact,
        form=form,
        standing=standing,
        is_stopped=any(suppression.scope is SuppressionScope.ALL for suppression in standing),
    )
