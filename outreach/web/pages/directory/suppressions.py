"""The suppression list's pages: the list, its file, adding and lifting an exclusion by hand."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import TextAreaField

from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.bounces import excluded_for_another
from outreach.delivery.models import SuppressionReason, SuppressionScope
from outreach.delivery.outbox import Excluded
from outreach.directory import authorities, contacts
from outreach.directory.authorities import LONGEST_SEARCH
from outreach.directory.models import Authority, Contact
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import remark
from outreach.web.ui.pager import Shown, member, sorting, words
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("exclusions", __name__, url_prefix="/directory")
MAILBOX = "/<number:fase>/contacts/<number:contact_id>/exclusion"
LIFTERS = (RoleName.AUTHOR, RoleName.APPROVER)


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
        further = excluded_for_another(session)
        return render_template(
            "pages/directory/exclusions.html",
            counts=outbox.count_suppressions(session, text),
            reason=reason,
            text=text,
            shown=Shown.of(
                request,
                _listed(session, further),
                export=".export",
                hidden=() if current_user.holds(*LIFTERS) else ("action",),
            ),
            further=further,
            of_further=outbox.list_suppressions(session, text=text, further=further, is_further=True).count(),
            is_further=_is_elsewhere(),
            kept=_kept(),
        )


@pages.get("/exclusions/<number:number>")
@needs(*LIFTERS)
def exclusion(number: int) -> str:
    with reading() as session:
        return _line(session, number, ExclusionForm())


@pages.post("/exclusions/<number:number>")
@needs(*LIFTERS)
@recovers_form(of_form(ExclusionForm), button="Lever l’exclusion")
def end(number: int) -> Redirect | tuple[str, int]:
    form = ExclusionForm()
    if not form.validate_on_submit():
        with reading() as session:
            return _line(session, number, form), 422
    with database().writing() as session:
        excluded = outbox.get_suppression(session, number)
        told = _lift(session, excluded.entry.address_key, excluded.entry.reason, form, excluded.address)
    flash(told, "success")
    return redirect(url_for(".index", **_kept()))


@pages.get(MAILBOX)
@needs(*LIFTERS)
def mailbox(fase: int, contact_id: int) -> str:
    with reading() as session:
        return _page(session, *_found(session, fase, contact_id), ExclusionForm())


@pages.post(MAILBOX)
@needs(*LIFTERS)
@recovers_form(of_form(ExclusionForm), button="Ne plus écrire à cette adresse")
def exclude(fase: int, contact_id: int) -> Redirect | tuple[str, int]:
    form = ExclusionForm()
    if not form.validate_on_submit():
        with reading() as session:
            return _page(session, *_found(session, fase, contact_id), form), 422
    with database().writing() as session:
        _, contact = _found(session, fase, contact_id)
        reason, by = SuppressionReason.STAFF, actor()
        outbox.suppress_address(session, contact.address_key, reason, now=now(), actor=by, detail=form.note.data or "")
        address = contact.address
    flash(f"Plus aucun courriel ne part pour {address}.", "success")
    return redirect(url_for("directory.authority_contacts", fase=fase))


@pages.post(f"{MAILBOX}/<any(unsubscribed, hard_bounce, complaint, staff):reason>/lifting")
@needs(*LIFTERS)
@recovers_form(of_form(ExclusionForm), button="Lever l’exclusion")
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
    outbox.lift_suppression(session, key, reason, now=now(), actor=actor(), because=form.note.data or "")
    return f"{address} : l’exclusion ({reason.label}) est levée."


def _kept() -> dict[str, Any]:
    """The list's query parameters, to be kept from page to page."""
    return {name: request.args[name] for name in ("reason", "elsewhere", "q", "page", "sort") if name in request.args}


def _asked() -> tuple[SuppressionReason | None, str]:
    """The reason and the search text in the query; an unknown reason becomes None."""
    reason = None if _is_elsewhere() else member(SuppressionReason, request.args.get("reason"))
    return reason, words(request.args, "q", LONGEST_SEARCH)


def _is_elsewhere() -> bool:
    """Whether only exclusions for a refusal of another address are asked for."""
    return request.args.get("elsewhere") == "1"


@has_files(pages, "/exclusions/export", "liste-d-exclusion", RoleName.READER)
def _listed(session: Session, further: Mapping[int, str] | None = None) -> QueryListing[Excluded]:
    reason, text = _asked()
    further = excluded_for_another(session) if further is None else further
    return outbox.list_suppressions(
        session, reason, text, further=further, is_further=_is_elsewhere(), sort=sorting(request)
    )


def _line(session: Session, number: int, form: ExclusionForm) -> str:
    excluded = outbox.get_suppression(session, number)
    return render_template("pages/directory/lifting.html", row=excluded, form=form, kept=_kept())


def _found(session: Session, fase: int, contact_id: int) -> tuple[Authority, Contact]:
    authority = authorities.authority_by_fase(session, fase)
    return authority, contacts.contact(session, authority, contact_id)


def _page(session: Session, authority: Authority, contact: Contact, form: ExclusionForm) -> str:
    standing = outbox.in_force(session, [contact.address_key])
    return render_template(
        "pages/directory/exclusion.html",
        authority=authority,
        contact=contact,
        form=form,
        standing=standing,
        is_stopped=any(suppression.scope is SuppressionScope.ALL for suppression in standing),
    )
