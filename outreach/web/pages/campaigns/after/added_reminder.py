"""A reminder added to a campaign under way: its letter and moment, its check, its approval by a second person."""

from collections.abc import Callable
from datetime import datetime, time
from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.access import approvals
from outreach.campaigns import planning, review, waves
from outreach.campaigns.models import AddedReminder, Campaign, ReminderState, Wave
from outreach.campaigns.planning import ClosingRule, PlannedWave, moment_of
from outreach.campaigns.results import WrittenList
from outreach.campaigns.review import Preview, PreviewedLetter, ReminderFindings
from outreach.core.db import Session, time_limit
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.directory.models import Authority
from outreach.web.pages.campaigns.blueprint import CHANGED, pages, sending, show, step_of
from outreach.web.pages.campaigns.progress import PROPOSED
from outreach.web.pages.campaigns.steps.forms import ReminderForm
from outreach.web.shared import letter_editor
from outreach.web.shared.beginning import Beginning, begin, like
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import posted, posted_number, remarked, telling
from outreach.web.ui.request import actor, database, needs, now, reading

USUAL_HOUR = time(9, 30)


@pages.get("/<number:number>/reminders/new")
@needs(RoleName.AUTHOR)
def new_reminder(number: int) -> str | Redirect:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        pending = waves.pending_reminder(session, campaign)
        if pending is not None:
            return redirect(url_for(".reminder", number=number, reminder=pending.id))
        if not waves.may_be_added(session, campaign):
            return redirect(url_for(".waves", number=number))
        last = max(wave.due_at for wave in campaign.waves)
        proposed = datetime.combine(today(max(now(), last) + PROPOSED), USUAL_HOUR)
        form = ReminderForm.about(campaign, moment_of(proposed).at)
        return _form_page(session, campaign, form, url_for(".add_reminder", number=number))


@pages.post("/<number:number>/reminders")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ReminderForm))
def add_reminder(number: int) -> Redirect | tuple[str, int]:
    form = ReminderForm()

    def add(session: Session, campaign: Campaign, changes: dict[str, Any]) -> int:
        return waves.add_reminder(session, campaign, **changes, now=now(), actor=actor()).id

    return _saved(number, form, url_for(".add_reminder", number=number), add)


@pages.get("/<number:number>/reminders/<number:reminder>/letter")
@needs(RoleName.AUTHOR)
def reminder_letter(number: int, reminder: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        added = waves.reminder_of(session, campaign, reminder)
        form = ReminderForm.about(added, added.asked_at, waves.content_hash(added))
        action = url_for(".save_reminder", number=number, reminder=reminder)
        return _form_page(session, campaign, form, action, added)


@pages.post("/<number:number>/reminders/<number:reminder>/letter")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(ReminderForm))
def save_reminder(number: int, reminder: int) -> Redirect | tuple[str, int]:
    form = ReminderForm()
    seen = form.version.data

    def save(session: Session, campaign: Campaign, changes: dict[str, Any]) -> int:
        added = waves.reminder_of(session, campaign, reminder)
        if seen != waves.content_hash(added):
            raise InputError(CHANGED)
        waves.revise_reminder(session, added, **changes, now=now(), actor=actor())
        return reminder

    return _saved(number, form, url_for(".save_reminder", number=number, reminder=reminder), save)


@pages.get("/<number:number>/reminders/<number:reminder>")
@needs(RoleName.READER)
def reminder(number: int, reminder: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        return _check_page(session, waves.reminder_of(session, campaign, reminder))


@pages.post("/<number:number>/reminders/<number:reminder>/submission")
@needs(RoleName.AUTHOR)
def submit_reminder(number: int, reminder: int) -> Redirect:
    judged = _judged(number, reminder)
    sentence = f"La validation est demandée, pour {french.plural(judged.counts.written, 'PO', 'PO')}."
    return _move(number, reminder, sentence, partial(review.ask_reminder_approval, judged=judged))


@pages.post("/<number:number>/reminders/<number:reminder>/approval")
@needs(RoleName.APPROVER)
def approve_reminder(number: int, reminder: int) -> Redirect | tuple[str, int]:
    judged, overlap = _judged(number, reminder), posted_number("overlap", digits=7) or 0
    sentence = "La relance est validée et planifiée."
    give = partial(review.give_reminder_approval, judged=judged, overlap=overlap)
    try:
        return _move(number, reminder, sentence, give)
    except InputError as error:
        with reading() as session:
            campaign = planning.campaign_numbered(session, number)
            return _check_page(session, waves.reminder_of(session, campaign, reminder), str(error)), 422


@pages.post("/<number:number>/reminders/<number:reminder>/return")
@needs(RoleName.APPROVER)
def return_reminder(number: int, reminder: int) -> Redirect:
    why = remarked("why").rstrip(".")
    sentence = "La relance est renvoyée à la personne qui l’écrit."
    return _move(number, reminder, sentence, partial(waves.send_back, reason=why))


@pages.post("/<number:number>/reminders/<number:reminder>/abandonment")
@needs(RoleName.AUTHOR)
def abandon_reminder(number: int, reminder: int) -> Redirect:
    return _move(number, reminder, "La relance est abandonnée.", waves.abandon_reminder, to=".waves")


@pages.route("/<number:number>/unreacted/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def campaign_for_unreacted(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign with this one's letter, for those who have not reacted to it."""
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        if not planning.launched_mailings(campaign):
            raise Refused("Aucun courriel de cette campagne n’est parti : personne n’a pu y répondre.")
        stated = planning.begin_again(planning.definition_of(session, campaign))
        rule, strand = planning.unreacted_criterion(campaign), campaign.strand_id
    name = f"{stated.title[:160]} : à ceux qui n’ont ni répondu ni adhéré"
    return begin(
        Beginning(name, partial(like, stated, None), strand, WrittenList(name, rule), f"Copie de « {stated.title} ».")
    )


def _saved(
    number: int, form: ReminderForm, action: str, save: Callable[[Session, Campaign, dict[str, Any]], int]
) -> Redirect | tuple[str, int]:
    """Save a valid form and lead to the reminder's check; else show the form with its errors.

    Asked only for the text in another shape (`text`), it shows the form with what is typed, and saves nothing.
    """
    if "text" in request.args:
        letter_editor.vary(form)
        with reading() as session:
            return _form_page(session, planning.campaign_numbered(session, number), form, action), 200
    if form.validate_on_submit():
        changes = form.changes()
        with telling(form), database().writing() as session:
            key = save(session, planning.in_turn(session, number), changes)
        if not form.errors:
            flash("La relance est enregistrée. Rien ne part avant sa validation.", "success")
            return redirect(url_for(".reminder", number=number, reminder=key))
    with reading() as session:
        return _form_page(session, planning.campaign_numbered(session, number), form, action), 422


def _judged(number: int, key: int) -> ReminderFindings:
    """The reminder as the person read it, judged before anything is written, for as long as it takes."""
    version = posted("version")
    with time_limit.lifted(), database().reading() as session:
        added = waves.reminder_of(session, planning.campaign_numbered(session, number), key)
        return review.review_reminder(session, added, sending(), now=now(), version=version)


def _move(number: int, key: int, told: str, move: Callable[..., Any], to: str = ".reminder") -> Redirect:
    with database().writing() as session:
        added = waves.reminder_of(session, planning.in_turn(session, number), key)
        move(session, added, now=now(), actor=actor())
    flash(told, "success")
    return redirect(url_for(to, number=number) if to == ".waves" else url_for(to, number=number, reminder=key))


def _previewed(
    session: Session, campaign: Campaign, reminder: AddedReminder | None, *planned: PlannedWave
) -> tuple[Authority, PreviewedLetter] | None:
    """The letter to the first of those who have not reacted, with who that is; without a reminder, the campaign's."""
    preview = Preview(session, campaign, sending(), planned, now=now(), has_layout=False, reminder=reminder)
    return preview.first()


def _form_page(
    session: Session, campaign: Campaign, form: ReminderForm, action: str, added: AddedReminder | None = None
) -> str:
    leaves_at = added.asked_at if added else now() + PROPOSED
    counts = planning.count_campaign_audience(session, campaign, now=now(), only_unreacted=True, leaves_at=leaves_at)
    typed = AddedReminder(subject=form.subject.data or "", letter=(form.letter.data or "").replace("\r\n", "\n"))
    example, fault = None, ""
    try:
        example = _previewed(session, campaign, typed)
    except InputError as error:
        fault = str(error)
    of_fields = example or _previewed(session, campaign, None)  # there are examples also while nobody has the letter
    return show(
        "reminder_form",
        step_of(session, "waves", campaign),
        form=form,
        action=action,
        added=added,
        counts=counts,
        example=example,
        fault=fault,
        unsaved=form.is_submitted(),
        **letter_editor.shown(form.letter.data, of_fields[1].samples if of_fields else None),
    )


def _check_page(session: Session, added: AddedReminder, fault: str = "") -> str:
    campaign = added.campaign
    wave = next((wave for wave in reversed(campaign.waves) if wave.added_reminder_id == added.id), None)
    is_open = added.state in {ReminderState.DRAFT, ReminderState.TO_APPROVE}
    findings = review.check_reminder(session, added, sending(), now=now()) if is_open else None
    content, planned = waves.content_of(added), _planned(session, campaign, wave, findings)
    return show(
        "reminder",
        step_of(session, "waves", campaign),
        added=added,
        fault=fault,
        wave=wave,
        version=content.digest,
        findings=findings,
        example=_previewed(session, campaign, added, planned) if planned else None,
        may_approve=approvals.may_decide(session, actor(), content.subject),
        moves=approvals.decision_history(session, [content.subject]),
    )


def _planned(
    session: Session, campaign: Campaign, wave: Wave | None, findings: ReminderFindings | None
) -> PlannedWave | None:
    """When the reminder leaves: as approved, or as it would be planned now; None where it does not."""
    if wave is not None:
        return ClosingRule.of(session, campaign, now=now()).first(wave.due_at)
    return findings.planned if findings else None
