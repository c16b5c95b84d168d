"""An authority's history: what is planned, what happened (newest first), and notes of calls."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence.records import records
from outreach.campaigns.channels import calls as noting
from outreach.campaigns.results import history, openings, reached
from outreach.campaigns.results.history import CampaignEvent
from outreach.core.db import Session
from outreach.core.text.dates import parse_day
from outreach.core.text.roles import RoleName
from outreach.directory import contacts
from outreach.directory.authorities import calls, sheet
from outreach.directory.authorities.sheet import Event
from outreach.directory.models import Authority, CallKind
from outreach.engagement.replies import models
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
        return _page(session, sheet.authority_by_fase(session, fase), form)


@pages.post("/calls")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(CallForm))
def note_call(fase: int) -> Redirect | tuple[str, int]:
    form = CallForm()
    if form.validate_on_submit():
        _note(fase, form)
    if form.errors:
        with reading() as session:
            return _page(session, sheet.authority_by_fase(session, fase), form), 422
    flash("L’échange est noté.", "success")
    return redirect(url_for(".index", fase=fase))


@pages.post("/calls/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw_call(fase: int, number: int) -> Redirect:
    with database().writing() as session:
        noting.withdraw_call(session, sheet.authority_by_fase(session, fase), number, now=now(), actor=actor())
    flash("La note est reprise ; elle reste visible dans l’historique.", "success")
    return redirect(url_for(".index", fase=fase))


def _note(fase: int, form: CallForm) -> None:
    """Record the call of a valid form. Only a day in the future can still be wrong in it."""
    day = parse_day(form.day.data or "")
    with telling(form.day), database().writing() as session:
        calls.record_call(
            session,
            sheet.authority_by_fase(session, fase),
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
        federations=sheet.represented_by(session, authority),
        planned=history.to_come(session, authority, now=now()),
        reached=reached.of_sheet(session, authority, now=now()),
        events=events,
        meaning=openings.MEANING if is_measured else "",
        form=form,
        phones=[held for held in contacts.contacts_of(session, authority) if held.phone and held.retired_at is None],
        colleagues=models.known_names(session, authority),
    )


def _events(session: Session, authority: Authority) -> list[Event]:
    events = [
        *history.answer_events(session, authority, sheet.authority_history(session, authority)),
        *records.list_events(session, authority),
        *history.letter_events(session, authority, now=now()),
        *history.mail_events(session, authority),
        *history.exclusion_events(session, authority),
        *calls.call_events(session, authority),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)
