"""An authority's history: what is planned, what happened (newest first), and notes of calls."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import records
from outreach.campaigns import channels, correspondence, results
from outreach.campaigns.results import CampaignEvent
from outreach.core.db import Session
from outreach.core.text.dates import parse_day
from outreach.core.text.roles import RoleName
from outreach.directory import authorities, contacts
from outreach.directory.authorities import PastEvent
from outreach.directory.models import Authority, CallKind
from outreach.engagement import replies
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import telling
from outreach.web.ui.forms import CallForm
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("history", __name__, url_prefix="/directory/<number:fase>")


@pages.get("/history")
@needs(RoleName.READER)
def index(fase: int) -> str:
    with reading() as session:
        form = CallForm(data={"day": current_day().isoformat(), "kind": CallKind.PHONE})
        return _page(session, authorities.authority_by_fase(session, fase), form)


@pages.post("/calls")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(CallForm))
def note_call(fase: int) -> Redirect | tuple[str, int]:
    form = CallForm()
    if form.validate_on_submit():
        _note(fase, form)
    if form.errors:
        with reading() as session:
            return _page(session, authorities.authority_by_fase(session, fase), form), 422
    flash("L’échange est noté.", "success")
    return redirect(url_for(".index", fase=fase))


@pages.post("/calls/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw_call(fase: int, number: int) -> Redirect:
    with database().writing() as session:
        channels.withdraw_call(session, authorities.authority_by_fase(session, fase), number, now=now(), actor=actor())
    flash("La note est reprise ; elle reste visible dans l’historique.", "success")
    return redirect(url_for(".index", fase=fase))


def _note(fase: int, form: CallForm) -> None:
    """Record the call of a valid form. Only a day in the future can still be wrong in it."""
    day = parse_day(form.day.data or "")
    with telling(form.day), database().writing() as session:
        authorities.record_call(
            session,
            authorities.authority_by_fase(session, fase),
            form.note.data or "",
            kind=CallKind(form.kind.data),
            day=day,
            person=form.person.data or "",
            now=now(),
            today=current_day(),
            actor=actor(),
        )


def _page(session: Session, authority: Authority, form: CallForm) -> str:
    events = _events(session, authority)
    is_measured = any(isinstance(event, CampaignEvent) and event.is_measured for event in events)
    return render_template(
        "pages/directory/history.html",
        authority=authority,
        federations=authorities.represented_by(session, authority),
        planned=results.to_come(session, authority, now=now()),
        pending=correspondence.awaiting_letters(session, authority),
        reached=results.of_sheet(session, authority, now=now()),
        events=events,
        meaning=results.MEANING if is_measured else "",
        form=form,
        phones=[held for held in contacts.contacts_of(session, authority) if held.phone and held.retired_at is None],
        colleagues=replies.known_names(session, authority),
    )


def _events(session: Session, authority: Authority) -> list[PastEvent]:
    events = [
        *results.answer_events(session, authority, authorities.authority_history(session, authority)),
        *records.list_events(session, authority),
        *results.letter_events(session, authority, now=now()),
        *results.mail_events(session, authority),
        *results.exclusion_events(session, authority),
        *authorities.call_events(session, authority),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)
