"""« Appels »: whom to call for a campaign, one call taken at a time, and what it brought."""

from flask import Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect
from wtforms import (
    Field,
    Form,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)

from outreach.campaigns import channels, planning
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import CallOutcome, StepState
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import WrittenList
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.roles import RoleName
from outreach.directory import contacts
from outreach.directory.models import LONGEST_NOTE, LONGEST_PERSON
from outreach.engagement.replies import Answer, Question
from outreach.web.pages.campaigns.blueprint import pages, sending, show, step_of, title_in_file
from outreach.web.shared.write_to_list import write_to
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui import exports
from outreach.web.ui.fields import DAY, WORDS, a_day, chosen, line, lines, telling
from outreach.web.ui.forms import AboutSchoolsForm
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, judged, needs, now, reading

EVERY = "all"


def _a_day_if_any(form: Form, field: Field) -> None:
    if field.data:
        a_day(form, field)


class CampaignCallForm(AboutSchoolsForm):
    """What a call for a campaign brought."""

    outcome = RadioField(
        "L’appel",
        [chosen("Dites ce que l’appel a donné.")],
        choices=[SelectChoice(outcome, outcome.label) for outcome in CallOutcome],
        validate_choice=False,
    )
    person = StringField("Personne jointe (facultatif)", [line(most=LONGEST_PERSON)], render_kw=WORDS)
    answer = SelectField(
        "Réponse, dite par téléphone (facultatif)",
        choices=[SelectChoice("", "Aucune"), *(SelectChoice(answer, answer.label) for answer in Answer)],
        default="",
        validate_choice=False,
    )
    address = StringField(
        "Autre adresse de courriel (facultatif)",
        description="Elle remplace sur la fiche celle du courriel, qui reste dans l’historique.",
    )
    confirmed = HiddenField()  # the address with a remark that was shown
    recall = StringField("À rappeler le (facultatif)", [_a_day_if_any], render_kw=DAY)
    words = TextAreaField(
        "Ce qui a été dit (facultatif)", [lines(most=LONGEST_NOTE)], description="2 000 caractères au plus."
    )

    def judged_address(self, session: Session, fase: int) -> Judgement | None:
        """The address that was told, judged as on the sheet of the authority with this number.

        Raises InputError on one that cannot be; with the remarks on one that may be a slip, once.
        """
        if not (typed := (self.address.data or "").strip()):
            return None
        address = contacts.weigh(judged(typed), contacts.in_use(session), fase=fase)
        if address.warnings and self.confirmed.data != address.address:
            self.confirmed.data = address.address
            raise InputError(f"{' '.join(address.warnings)} Notez l’appel encore une fois pour garder cette adresse.")
        return address

    def noted(self, asked: Question | None, address: Judgement | None) -> NotedCall:
        """What was typed in a valid form, about schools of what the call asks.

        Raises InputError on a school that waits for no answer any more.
        """
        day = parse_day(self.recall.data) if self.recall.data else None
        answer = Answer(self.answer.data) if self.answer.data in set(Answer) else None
        about = asked.keys_of(self.schools.data or ()) if asked else []
        words, person = self.words.data or "", self.person.data or ""
        return NotedCall(CallOutcome(self.outcome.data), words, person, day, answer, about, address)


@pages.get("/<number:number>/calls")
@needs(RoleName.READER)
def list_calls(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        return show(
            "channels/call/index",
            step_of(session, "list_calls", campaign),
            text=sought(request),
            is_whole=_is_whole(),
            waiting=channels.count_calls(session, campaign),
            me=actor(),
            shown=Shown.of(request, _listed(session, campaign), export=".export_calls", write=".write_to_called"),
        )


@pages.get("/<number:number>/calls/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_calls(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        table = _listed(session, campaign).table()
        return exports.download(table, kind, f"appels-campagne-{number}", campaign=title_in_file(session, campaign))


@pages.route("/<number:number>/calls/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_called(number: int) -> Redirect | str | tuple[str, int]:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        written = WrittenList(f"À appeler : {campaign.title}", None, _listed(session, campaign).keys())
        strand = campaign.strand_id
    return write_to(written, strand=strand)


@pages.post("/<number:number>/calls/<number:call>/take")
@needs(RoleName.AUTHOR)
def take_call(number: int, call: int) -> Redirect:
    with database().writing() as session:
        campaign = planning.campaign_numbered(session, number)
        taken = channels.take_call(session, campaign, call, now=now(), actor=actor())
        why = taken.reason.label if taken.state is StepState.STOPPED and taken.reason else ""
    if why:
        flash(f"Cet appel n’est plus à faire : {why}.", "info")
        return redirect(url_for(".list_calls", number=number))
    return redirect(url_for(".show_call", number=number, call=call))


@pages.post("/<number:number>/calls/<number:call>/release")
@needs(RoleName.AUTHOR)
def release_call(number: int, call: int) -> Redirect:
    with database().writing() as session:
        channels.release_call(session, planning.campaign_numbered(session, number), call, actor=actor())
    flash("L’appel est laissé aux autres.", "success")
    return redirect(url_for(".list_calls", number=number))


@pages.get("/<number:number>/calls/<number:call>")
@needs(RoleName.READER)
def show_call(number: int, call: int) -> str:
    with reading() as session:
        return _call_page(session, number, call, CampaignCallForm())


@pages.post("/<number:number>/calls/<number:call>")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(CampaignCallForm))
def note_campaign_call(number: int, call: int) -> Redirect | tuple[str, int]:
    form = CampaignCallForm()
    if form.validate_on_submit():
        with telling(form):
            address = _told(number, call, form)  # judged before anybody has to wait
            with database().writing() as session:
                campaign = planning.campaign_numbered(session, number)
                row = channels.row_of(session, campaign, call)
                asked = channels.asked_of(session, row.step, now=now()) if row else None
                noted = form.noted(asked, address)
                channels.note_call(session, campaign, call, noted, sending(), now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return _call_page(session, number, call, form), 422
    flash("L’appel est noté.", "success")
    return redirect(url_for(".list_calls", number=number))


def _told(number: int, call: int, form: CampaignCallForm) -> Judgement | None:
    with reading() as session:
        row = channels.row_of(session, planning.campaign_numbered(session, number), call)
        return form.judged_address(session, row.authority.fase) if row else None


def _call_page(session: Session, number: int, key: int, form: CampaignCallForm) -> str:
    campaign = planning.campaign_numbered(session, number)
    row = channels.row_of(session, campaign, key)
    if row is None:
        raise NotFound("Cet appel n’est pas de cette campagne.")
    form.offer(channels.asked_of(session, row.step, now=now()).open())
    return show(
        "channels/call/one",
        step_of(session, "list_calls", campaign),
        row=row,
        form=form,
        me=actor(),
        letter=channels.letter_in_three_lines(session, row.step, sending(), now=now()),
    )


def _listed(session: Session, campaign: Campaign) -> InMemoryListing[channels.CallRow]:
    return channels.list_calls(session, campaign, waiting=not _is_whole(), text=sought(request), sort=sorting(request))


def _is_whole() -> bool:
    return request.args.get("calls") == EVERY
