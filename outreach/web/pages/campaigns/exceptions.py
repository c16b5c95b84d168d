"""Authorities left out of a campaign by exceptions: some by number, or those that other campaigns write to as well."""

from collections.abc import Collection

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, review
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages
from outreach.web.pages.campaigns.steps.check import check_page
from outreach.web.pages.campaigns.steps.forms import ExceptionForm
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import telling
from outreach.web.ui.request import actor, database, needs, now, reading

NEAR = "une autre campagne leur écrit dans les sept jours"


@pages.post("/<number:number>/overlap")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def leave_out_shared(number: int) -> Redirect:
    """Leave out the authorities that other campaigns write to within a week."""
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        shared = review.shared_with_others(session, campaign, now=now())
    if not shared:
        raise Refused("Plus aucun PO de ce public ne reçoit un autre courriel dans les sept jours : rechargez la page.")
    return _leave_out(number, shared, NEAR)


@pages.post("/<number:number>/exceptions")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
@recovers_form(of_form(ExceptionForm))
def leave_out(number: int) -> Redirect | tuple[str, int]:
    form = ExceptionForm()
    if form.validate_on_submit():
        with telling(form):
            with reading() as session:
                keys = review.keys_of(session, form.numbers)
            return _leave_out(number, keys, form.because.data or "")
    with reading() as session:
        return check_page(session, number, excepting=form), 422


@pages.post("/<number:number>/exceptions/<number:exception>/withdrawal")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def take_exception_back(number: int, exception: int) -> Redirect:
    with database().writing() as session:
        review.take_back(session, planning.in_turn(session, number), exception, now=now(), actor=actor())
    flash("L’exception est retirée : ce qui n’est pas encore parti leur est de nouveau destiné.", "success")
    return redirect(url_for(".check", number=number))


def _leave_out(number: int, keys: Collection[int], because: str) -> Redirect:
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        review.leave_out(session, campaign, keys, because, now=now(), actor=actor())
    words = french.plural(len(keys), "PO est écarté", "PO sont écartés")
    flash(
        f"{words} de cette campagne. Son contenu et sa validation restent ; la personne qui l’a validée est prévenue.",
        "success",
    )
    return redirect(url_for(".check", number=number))
