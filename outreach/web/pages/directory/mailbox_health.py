"""Pages of reachability: whom mail reaches, its file, who looks after whom; and that tab of an authority's sheet."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.campaigns.results import WrittenList
from outreach.core.db import Session
from outreach.core.tables import PAGE_ROWS
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError
from outreach.core.text.french import day, plural
from outreach.core.text.roles import RoleName
from outreach.delivery import deliverability
from outreach.delivery.deliverability import NOBODY
from outreach.directory import authorities, confirmations, contacts
from outreach.directory.models import Authority, Level
from outreach.directory.reference import NETWORKS
from outreach.engagement import mailboxes, replies
from outreach.engagement.mailboxes import FAULTS, REACHED, Freshness, MailboxHealth, ReachFilters, ReachList
from outreach.web.pages.directory.filters import LEVELS
from outreach.web.shared.list_files import has_files
from outreach.web.shared.write_to_list import write_to
from outreach.web.sign_in.form_recovery import of_fields, recovers_form
from outreach.web.ui.fields import posted, posted_numbers, pressed, remarked, telling
from outreach.web.ui.forms import RecallForm
from outreach.web.ui.pager import Shown, member, sorting
from outreach.web.ui.request import actor, current_day, database, needs, now, reading, settings

pages = Blueprint("reachability", __name__, url_prefix="/directory")
SHEET = "/<number:fase>/reachability"
MINE = "me"


@pages.get("/reachability")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        return _list_page(session)


@pages.route("/reachability/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list() -> Redirect | str | tuple[str, int]:
    """Begin a campaign to those of the list whom mail can reach; they are stored as a list."""
    filters = asked(request.args)
    with reading() as session:
        keys = _listed(session).keys()
    said = ", ".join(state.label for state in filters.states or MailboxHealth if state in REACHED)
    return write_to(WrittenList(f"État des boîtes : {said}, au {day(current_day())}", None, keys))


@pages.post("/reachability/owner")
@needs(RoleName.AUTHOR)
def hand_over_ticked() -> Redirect | tuple[str, int]:
    """Hand the ticked authorities to a colleague, and set the day to come back to them where one is given."""
    to, typed = posted("to"), posted("day")
    try:
        numbers = _ticked()
        recall_on = parse_day(typed) if typed.strip() else None
        with database().writing() as session:
            for fase in numbers:
                authority = authorities.authority_by_fase(session, fase)
                _hand_over(session, authority, to, recall_on)
            name = accounts.colleagues(session)[to]
    except InputError as error:
        with reading() as session:
            return _list_page(session, str(error), typed), 422
    many = plural(len(numbers), "pouvoir organisateur suivi", "pouvoirs organisateurs suivis")
    flash(f"{many} par {name}{f', à rappeler le {day(recall_on)}' if recall_on else ''}.", "success")
    return redirect(url_for(".index", **_kept()))


@pages.get(SHEET)
@needs(RoleName.READER)
def sheet(fase: int) -> str:
    with reading() as session:
        return _sheet_page(session, authorities.authority_by_fase(session, fase))


@pages.post(f"{SHEET}/owner")
@needs(RoleName.AUTHOR)
def hand_over(fase: int) -> Redirect:
    to = "" if pressed("nobody") else posted("to")
    with database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        if to:
            deliverability.hand_over(session, authority, to=to, now=now(), actor=actor())
        else:
            deliverability.release_follow_up(session, authority, now=now(), actor=actor())
        name = accounts.colleagues(session)[to] if to else "personne"
    flash(f"Ce pouvoir organisateur est suivi par {name}.", "success")
    return redirect(url_for(".sheet", fase=fase))


@pages.post(f"{SHEET}/recall")
@needs(RoleName.AUTHOR)
def recall(fase: int) -> Redirect | tuple[str, int]:
    form, ends = RecallForm(), pressed("never")
    if ends or form.validate_on_submit():
        recall_on = None if ends else parse_day(form.day.data or "")
        with telling(form.day), database().writing() as session:
            authority = authorities.authority_by_fase(session, fase)
            deliverability.set_recall(session, authority, day=recall_on, now=now(), actor=actor())
        if not form.errors:
            flash("Le rappel est fixé." if recall_on else "Plus aucun rappel n’est fixé.", "success")
            return redirect(url_for(".sheet", fase=fase))
    with reading() as session:
        return _sheet_page(session, authorities.authority_by_fase(session, fase), form), 422


@pages.post(f"{SHEET}/<number:contact_id>")
@needs(RoleName.AUTHOR)
@recovers_form(of_fields({"note": "Note"}), button="Confirmer cette boîte")
def confirm(fase: int, contact_id: int) -> Redirect:
    note = remarked("note")
    with database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        held = contacts.contact(session, authority, contact_id)
        contacts.confirm(session, authority, held, now=now(), actor=actor(), note=note)
        address = held.address
    flash(f"La boîte {address} est confirmée.", "success")
    return redirect(url_for(".sheet", fase=fase))


def asked(arguments: MultiDict[str, str]) -> ReachFilters:
    """The filters in a query string. Unknown values are left out. Without a state, the faults are asked for, and
    any state of those whom the reader looks after, who are to be called back or who are asked for by confirmation."""
    owner = arguments.get("owner", "")
    states = tuple(state for state in MailboxHealth if state in arguments.getlist("state"))
    confirmed = member(Freshness, arguments.get("confirmed"))
    return ReachFilters(
        states=states if states or owner == MINE or confirmed or "recall" in arguments else FAULTS,
        networks=tuple(code for code in arguments.getlist("network") if code in NETWORKS),
        level=member(Level, arguments.get("level")),
        owner={MINE: actor(), NOBODY: NOBODY}.get(owner, ""),
        recalled="recall" in arguments,
        confirmed=confirmed,
    )


def _ticked() -> list[int]:
    """The FASE numbers that were ticked, at most a page of them. Raises InputError without any."""
    numbers = posted_numbers("pick")
    if not numbers:
        raise InputError("Cochez au moins un pouvoir organisateur.")
    return numbers[:PAGE_ROWS]


@has_files(pages, "/reachability/export", "etat-des-boites", RoleName.READER)
def _listed(session: Session) -> ReachList:
    return mailboxes.list_mailbox_health(session, asked(request.args), now=now(), sort=sorting(request))


def _kept() -> dict[str, Any]:
    """The list's filters, to be kept from page to page."""
    return {name: values for name, values in request.args.lists() if name != "page"}


def _hand_over(session: Session, authority: Authority, to: str, recall_on: date | None) -> None:
    deliverability.hand_over(session, authority, to=to, now=now(), actor=actor())
    if recall_on is not None:
        deliverability.set_recall(session, authority, day=recall_on, now=now(), actor=actor())


def _list_page(session: Session, fault: str = "", typed: str = "") -> str:
    filters, found, names = asked(request.args), _listed(session), accounts.colleagues(session)
    others = (state for state in MailboxHealth if state not in FAULTS)
    return render_template(
        "pages/directory/reachability.html",
        filters=filters,
        listed=found,
        shown=Shown.of(request, found, names=names, export=".export", write=".write_to_list"),
        networks=authorities.list_networks(session),
        states=list(MailboxHealth),
        freshness=list(Freshness),
        faults=FAULTS,
        rest={state: sum(found.tally(code, state) for code in filters.networks or ("",)) for state in others},
        chosen=request.args.getlist("state"),
        checks=settings().checks_domains,
        levels=LEVELS,
        owner=request.args.get("owner", ""),
        ticked="ticked" in request.args,
        kept=_kept(),
        colleagues=names,
        authors=[(one.email, one.name) for one in accounts.holders_of(session, RoleName.AUTHOR)],
        today=current_day(),
        fault=fault,
        typed=typed,
    )


def _sheet_page(session: Session, authority: Authority, form: RecallForm | None = None) -> str:
    row = mailboxes.mailbox_health_of(session, authority)
    return render_template(
        "pages/directory/follow_up.html",
        authority=authority,
        federations=authorities.represented_by(session, authority),
        row=row,
        steps=deliverability.steps_of(session, authority),
        confirmations=confirmations.history(session, authority),
        names=replies.known_names(session, authority),
        authors=[(one.email, one.name) for one in accounts.holders_of(session, RoleName.AUTHOR)],
        today=current_day(),
        form=form or RecallForm.at(row.followed.recall_on),
    )
