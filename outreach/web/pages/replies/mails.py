"""« Courriels reçus »: what people wrote back, one mail with its thread, and what colleagues decide about it."""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import SelectChoice, SelectField, StringField

from outreach.access import accounts
from outreach.campaigns import correspondence, planning, results
from outreach.campaigns.correspondence import Mails, MailState
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.results import WrittenList
from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.french import day
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.received import (
    MailStepKind,
    attach_mail,
    detach_mail,
    file_to_hand_out,
    may_open,
    owners_elsewhere,
    reopen_mail,
    settle_mail,
    suggest_authorities,
    take_mail,
)
from outreach.delivery.received import hand_over as hand_over_of_received
from outreach.directory import authorities
from outreach.engagement.replies import Answer
from outreach.web.shared import programmes
from outreach.web.shared.list_files import has_files
from outreach.web.shared.write_to_list import write_to
from outreach.web.ui.exports import attachment
from outreach.web.ui.fields import SHORT, chosen, posted, telling
from outreach.web.ui.forms import AboutSchoolsForm
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import actor, current_day, database, held_roles, needs, now, reading, settings


class ToldForm(AboutSchoolsForm):
    """What a mail says, as an answer to the letter of a campaign."""

    answer = SelectField(
        "Réponse, dite par ce courriel",
        [chosen("Choisissez la réponse que donne ce courriel.")],
        choices=[SelectChoice("", "Choisir…"), *(SelectChoice(answer, answer.label) for answer in Answer)],
        default="",
        validate_choice=False,
    )


class WhoseForm(FlaskForm):
    """Whose a mail is that nobody attached."""

    fase = StringField("Numéro FASE du pouvoir organisateur", render_kw=SHORT)


pages = Blueprint("mails", __name__, url_prefix="/responses/mails")
MINE, TODO = "me", "todo"
BESIDE = 20  # mails of the list that stand beside the one that is read
TOLD = {MailStepKind.NOTHING, MailStepKind.ANSWERED}  # what one decides by a button alone
DECIDERS = (RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        asked, kept = _asked(session), _kept()
        campaign = planning.campaign_numbered(session, kept["campaign"]) if "campaign" in kept else None
        write = ".write_to_list" if asked.state is MailState.TO_DECIDE else ""  # others may be nobody's
        return render_template(
            "pages/responses/mails.html",
            counts=correspondence.count_mails(session, asked),
            asked=asked,
            kept=kept,
            campaign=campaign,
            MailState=MailState,
            shown=Shown.of(
                request, _listed(session), names=accounts.colleagues(session), export=".export", write=write
            ),
        )


@pages.route("/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list() -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities whose mails are listed now."""
    with reading() as session:
        keys = list(filter(None, _listed(session).keys()))
    return write_to(WrittenList(f"Courriels reçus, au {day(current_day())}", None, keys))


@pages.get("/<number:number>")
@needs(RoleName.READER)
def mail(number: int) -> str:
    with reading() as session:
        return _page(session, number, ToldForm(formdata=None))


@pages.get("/<number:number>/files/<number:file>")
@needs(RoleName.READER)
def attached(number: int, file: int) -> Response:
    """A file that the mail brought, as bytes to be saved, of which no browser shows anything."""
    with reading() as session:
        found = correspondence.mail_numbered(session, number)
        name, content = file_to_hand_out(session, found, file, settings().kept_kinds)
    return attachment(content, "application/octet-stream", name)


@pages.post("/<number:number>/answer")
@needs(RoleName.AUTHOR)
def record(number: int) -> Redirect | tuple[str, int]:
    """Record what the mail says, as told by mail."""
    form = ToldForm()
    if form.validate_on_submit():
        with telling(form), database().writing() as session:
            schools, said, sending = form.schools.data or (), Answer(form.answer.data), SenderIdentity.of(settings())
            correspondence.record_from_mail(session, number, said, schools, sending, now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return _page(session, number, form), 422
    flash("La réponse est notée : elle compte comme dite par courriel.", "success")
    return redirect(url_for(".mail", number=number, **_kept()))


@pages.post("/<number:number>/answer/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(number: int) -> Redirect:
    """Take back what was noted from the mail."""
    response, said = whole_number(posted("response")) or 0, "La réponse est annulée, avec ce qu’elle avait déclaré."
    return _done(number, partial(correspondence.withdraw, response=response), said)


@pages.post("/<number:number>/decision")
@needs(*DECIDERS)
def decide(number: int) -> Redirect:
    """Decide without recording anything: nothing to do, or answered elsewhere."""
    decision = member(MailStepKind, posted("decision"))
    if decision not in TOLD:
        raise InputError("Choisissez ce qui est décidé.")
    with database().writing() as session:
        settle_mail(session, number, decision, now=now(), actor=actor())
    flash("C’est décidé : ce que ce courriel retenait repart.", "success")
    return redirect(url_for(".index", **_kept()))


@pages.post("/<number:number>/owner")
@needs(*DECIDERS)
def take(number: int) -> Redirect:
    return _done(number, take_mail, "C’est noté : vos collègues voient qui s’en occupe.")


@pages.post("/<number:number>/colleague")
@needs(*DECIDERS)
def hand_over(number: int) -> Redirect:
    """Have a named colleague look after it."""
    return _done(
        number, partial(hand_over_of_received, to=posted("to")), "C’est confié : ce courriel est dans ses tâches."
    )


@pages.post("/<number:number>/reopening")
@needs(*DECIDERS)
def reopen(number: int) -> Redirect:
    return _done(number, reopen_mail, "Le courriel attend de nouveau, et il est à vous.")


@pages.post("/<number:number>/authority")
@needs(*DECIDERS)
def attach(number: int) -> Redirect | tuple[str, int]:
    """Say whose the mail is."""
    form = WhoseForm()
    fase = whole_number((form.fase.data or "").strip()) or 0
    with telling(form.fase), database().writing() as session:
        try:
            authority = authorities.authority_by_fase(session, fase)
        except NotFound as error:
            raise InputError(str(error) if fase else "Tapez le numéro FASE d’un pouvoir organisateur.") from None
        attach_mail(session, number, authority, now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return _page(session, number, ToldForm(formdata=None), form), 422
    flash("Le courriel est rattaché : il retient ce qui part vers ce pouvoir organisateur.", "success")
    return redirect(url_for(".mail", number=number, **_kept()))


@pages.post("/<number:number>/detachment")
@needs(*DECIDERS)
def detach(number: int) -> Redirect:
    return _done(number, detach_mail, "Le courriel n’est plus rattaché : ce qu’il retenait repart.")


def _done(number: int, act: Callable[..., None], said: str) -> Redirect:
    with database().writing() as session:
        act(session, number, now=now(), actor=actor())
    flash(said, "success")
    return redirect(url_for(".mail", number=number, **_kept()))


@has_files(pages, "/export", "courriels-recus", RoleName.READER)
def _listed(session: Session) -> QueryListing[Any]:
    return correspondence.list_mails(session, _asked(session), sorting(request))


def _deciders(session: Session) -> dict[str, str]:
    """The names of those who decide about mails, by their address."""
    return {one.email: one.name for role in correspondence.DECIDERS for one in accounts.holders_of(session, role)}


def _kept() -> dict[str, Any]:
    """The list's filter in the query, to be kept from page to page. Unknown values are left out."""
    values = {name: request.args.get(name, "") for name in ("state", "owner", "campaign")}
    kept: dict[str, Any] = {"state": member(MailState, values["state"])}
    kept["owner"] = values["owner"] if values["owner"] in {MINE, TODO} else None
    kept["campaign"] = whole_number(values["campaign"])
    kept["q"] = sought(request) or None
    return {name: value for name, value in kept.items() if value is not None}


def _asked(session: Session) -> Mails:
    kept, whom, mailings = _kept(), None, None
    if kept.get("owner") == MINE:
        whom = correspondence.is_of(actor())
    elif kept.get("owner") == TODO:
        whom = correspondence.awaits_whom(actor(), held_roles(), current_day())
    if "campaign" in kept:
        mailings = planning.campaign_numbered(session, kept["campaign"]).mailing_keys
    return Mails(kept.get("state"), programmes.filtered(session), mailings, whom, kept.get("q", ""))


def _page(session: Session, number: int, form: ToldForm, whose: WhoseForm | None = None) -> str:
    received = correspondence.mail_numbered(session, number)
    found, authority = correspondence.question_of(session, received, now=now()), received.authority
    campaign = correspondence.campaign_of(session, received)
    form.offer(found[1].open() if found else ())
    return render_template(
        "pages/responses/mail.html",
        mail=received,
        authority=authority,
        campaign=campaign,
        thread=results.correspondence_thread(session, authority, campaign, now=now()) if authority else (),
        outcome=correspondence.mail_outcome(received),
        noted=correspondence.noted_responses(session, received),
        asked=found[1] if found else None,
        form=form,
        whose=whose or WhoseForm(formdata=None),
        suggested=() if authority else suggest_authorities(session, received),
        elsewhere=owners_elsewhere(session, received) if authority else (),
        kept=_kept(),
        kinds=settings().kept_kinds,
        may_open=may_open,
        colleagues=accounts.colleagues(session),
        deciders=sorted(_deciders(session).items(), key=itemgetter(1)),
        beside=_listed(session).page(1, BESIDE),
    )
