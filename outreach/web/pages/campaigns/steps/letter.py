"""Step 2, the letter: its editor, each recipient's preview, the exact message, test letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, review
from outreach.campaigns.models import Campaign
from outreach.campaigns.review import Preview, PreviewedLetter, hard_cases
from outreach.core.db import Session
from outreach.core.settings import listed
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.smtp import Guard
from outreach.directory import authorities
from outreach.engagement.tracking import TrackingMode
from outreach.web.pages.campaigns.blueprint import Step, pages, sending, show, step_of
from outreach.web.pages.campaigns.steps.forms import LetterForm, TestLetterForm
from outreach.web.pages.campaigns.steps.offered_drafts import keep, on_return
from outreach.web.shared import letter_editor
from outreach.web.shared.drafts import PageDrafts, changed_fields, of_page
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui import letter_frame
from outreach.web.ui.request import actor, database, needs, now, reading, settings


@dataclass(frozen=True, slots=True)
class PreviewPane:
    """The preview beside the editor: one recipient and the letter, or in `fault` why there is none.

    `place` is the recipient's rank among `total`, from 1. `previous` and `following` are the neighbours' FASE numbers.
    `cases` are recipients worth a look: a French reason and a FASE number each. `is_uninvited` is whether the letter is
    a reminder and this recipient never received a letter of the strand.
    """

    place: int
    total: int
    fase: int | None = None
    name: str = ""
    letter: PreviewedLetter | None = None
    fault: str = ""
    previous: int | None = None
    following: int | None = None
    cases: tuple[tuple[str, int], ...] = ()
    is_uninvited: bool = False


@pages.get("/<number:number>/letter")
@needs(RoleName.READER)
def letter(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        step = step_of(session, "letter", campaign)
        saved = LetterForm.about(campaign)
        drafts = on_return(session, step, lambda typed: changed_fields(saved, LetterForm(typed)))
        return _page(session, step, LetterForm(drafts.fields) if drafts.fields else saved, drafts=drafts)


@pages.post("/<number:number>/letter")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(LetterForm))
def save_letter(number: int) -> Redirect | tuple[str, int]:
    form = LetterForm()
    if not form.save(number):
        with reading() as session:
            step = step_of(session, "letter", planning.campaign_numbered(session, number))
            return _page(session, step, form), 422
    flash(" ".join(["Le courriel est enregistré.", *form.mended]), "success")
    return redirect(url_for(".dates", number=number))


@pages.post("/<number:number>/letter/preview")
@needs(RoleName.READER)
@recovers_form(of_form(LetterForm), button="Reprendre ce texte", part="preview")
def preview(number: int) -> str:
    """The page with what is typed, kept as a draft when a button asks for it; nothing is saved.

    The preview says what saving would say. A form of its own is judged, so that no field is marked before it is saved.
    """
    form, judged = LetterForm(), LetterForm()
    letter_editor.vary(form)
    is_kept = "at" in request.args and _keep(number, form)
    with reading() as session:
        step = step_of(session, "letter", planning.campaign_numbered(session, number))
        if judged.validate():
            judged.is_current(step.version)
        return _page(session, step, form, refusals=judged.refusals, drafts=of_page(is_kept=is_kept))


@pages.post("/<number:number>/letter/test")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(LetterForm), to="campaigns.preview", button="Reprendre ce texte, sans envoyer d’essai")
def send_test(number: int) -> tuple[str, int]:
    form, test = LetterForm(), TestLetterForm()
    is_fit, is_kept = form.validate() & test.validate_on_submit(), _keep(number, form)
    if is_fit and test.judged is not None:
        changes = form.changes()
        try:
            asked = _recipient()
            with reading() as session:
                as_typed = planning.as_if(session, planning.campaign_numbered(session, number), changes)
                recipient = authorities.authority_by_fase(session, asked)
                prepared = review.prepare_test(session, as_typed, sending(), recipient, now=now())
            with database().writing() as session:
                review.send_test(
                    session,
                    as_typed,
                    sending(),
                    recipient,
                    test.judged,
                    _allowed(),
                    now=now(),
                    actor=actor(),
                    prepared=prepared,
                )
        except (InputError, NotFound, Refused) as error:
            test.to.errors = [str(error)]
        else:
            left = "est gardé en brouillon, pour vous seul : enregistrez-le" if is_kept else "n’est pas enregistré"
            said = f"L’essai part pour {test.judged.address}, avec « [TEST] » devant son objet."
            flash(f"{said} Il n’est compté nulle part. Ce que vous avez tapé {left}.", "success")
    with reading() as session:
        step = step_of(session, "letter", planning.campaign_numbered(session, number))
        page = _page(session, step, form, test, drafts=of_page(is_kept=is_kept))
        return page, 422 if form.errors or test.to.errors else 200


@pages.get("/<number:number>/letter/exact")
@needs(RoleName.READER)
def exact(number: int) -> Response:
    view = letter_frame.asked_view()
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        step = step_of(session, "letter", campaign)
        pane = pane_of(session, campaign, has_layout=True)
        return letter_frame.around(show("exact", step, preview=pane, view=view, views=letter_frame.VIEWS, wave=_wave()))


@pages.get("/<number:number>/letter/exact/html")
@needs(RoleName.READER)
def exact_html(number: int) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        pane = pane_of(session, campaign, has_layout=True)
    if pane.letter is None:
        abort(404)
    return letter_frame.alone(pane.letter.in_browser)


def _page(
    session: Session,
    step: Step,
    form: LetterForm,
    test: TestLetterForm | None = None,
    refusals: Sequence[str] = (),
    drafts: PageDrafts | None = None,
) -> str:
    drafts = drafts or of_page()
    campaign, is_typed = step.campaign, bool(drafts.fields) or form.is_submitted()
    if is_typed:
        campaign = planning.as_if(session, campaign, form.changes())
    form.version.data = form.version.data or step.version
    alone, pane = review.count_measured_alone(session, campaign, now=now()), pane_of(session, campaign)
    form.withhold(TrackingMode.CLICKS, *(() if alone else (TrackingMode.INDIVIDUAL,)))
    return show(
        "letter",
        step,
        form=form,
        measured=review.tracking_offer(alone),
        unsaved=is_typed,
        drafts=drafts,
        at=request.args.get("at", ""),
        test=test or TestLetterForm(data={"to": actor()}),
        refusals=refusals,
        preview=pane,
        remarks=[*review.unfinished_parts(campaign), *review.wording_of(campaign, sending())],
        **letter_editor.shown(form.letter.data, pane.letter.samples if pane.letter else None),
    )


def pane_of(session: Session, campaign: Campaign, *, has_layout: bool = False) -> PreviewPane:
    """The letter to the recipient that the request names, or to the first one."""
    try:
        planned = planning.plan_waves(session, campaign, now=now())
        preview = Preview(session, campaign, sending(), planned, now=now(), wave=_wave(), has_layout=has_layout)
    except InputError as error:
        return PreviewPane(0, 0, fase=_asked_fase(), fault=str(error))
    rows = preview.recipients()
    if not rows:
        return PreviewPane(0, 0, fault="Personne n’est dans le public de cette campagne : élargissez-le.")
    numbers = [row.Authority.fase for row in rows]
    place = numbers.index(_asked_fase()) if _asked_fase() in numbers else 0
    chosen = rows[place].Authority
    letter = preview.of(chosen)
    is_first = _wave() == 1
    return PreviewPane(
        place=place + 1,
        total=len(rows),
        fase=chosen.fase,
        name=chosen.display_name,
        letter=letter,
        previous=numbers[place - 1] if place else None,
        following=numbers[place + 1] if place + 1 < len(rows) else None,
        cases=tuple(hard_cases(rows)),
        is_uninvited=letter is not None
        and is_first
        and review.has_nothing_to_be_reminded_of(session, campaign, letter, chosen),
    )


def _keep(number: int, form: LetterForm) -> bool:
    """Keep a letter as the person's draft, if they may change the campaign and it is not too long; whether it is."""
    with reading() as session:
        if not step_of(session, "letter", planning.campaign_numbered(session, number)).may_change:
            return False
    typed = {**{name: form[name].data or "" for name in LetterForm.KEPT}, "version": form.version.data or ""}
    try:
        keep(number, form.STEP, list(typed.items()))
    except InputError:
        return False
    return True


def _allowed() -> Guard:
    """Whom a test letter may go to besides active accounts: where no letter leaves the machine, anybody."""
    here = settings()
    return Guard(here.stays_here, frozenset(address.lower() for address in listed(here.allowed_recipients)))


def _asked_fase() -> int | None:
    """The FASE number of the recipient to preview: from the button pressed, else the one shown before."""
    return whole_number(request.values.get("go") or request.values.get("as") or "")


def _recipient() -> int:
    """The FASE number of the recipient whose letter is tested. Raises InputError when the page showed none."""
    asked = _asked_fase()
    if asked is None:
        raise InputError("Aucun destinataire n’est affiché : corrigez d’abord ce que l’aperçu signale.")
    return asked


def _wave() -> int:
    return 2 if request.values.get("wave") == "2" else 1
