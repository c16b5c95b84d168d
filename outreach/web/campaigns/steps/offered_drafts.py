"""Private drafts of a campaign's steps: kept by typing or a button, offered on return, resumed or ignored."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect
from wtforms import Field, HiddenField, StringField

from outreach.campaigns import lifecycle, step_drafts
from outreach.campaigns.step_drafts import DraftStep
from outreach.db import Session
from outreach.errors import Refused
from outreach.roles import RoleName
from outreach.web.campaigns.blueprint import RESUMED, Step, pages
from outreach.web.campaigns.steps.forms import StepForm
from outreach.web.signing_in.sign_in import TOKEN
from outreach.web.ui.request import database, needs, now

STEP = "<any(audience, letter, dates):step>"
SHOWN_VALUE = 60  # characters of a field's value that the offer of a draft repeats
Fields = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class DraftOffer:
    """The offer to go on with a draft: when it was typed, and what it would change of what is shown, in French."""

    at: datetime
    changes: Sequence[str]


@pages.post(f"/<number:number>/{STEP}/draft")
@needs(RoleName.AUTHOR)
def keep_draft(number: int, step: str) -> Response:
    """Keep what a script sends as its user types; the answer is empty (204)."""
    keep(number, DraftStep(step), request.form.items(multi=True))
    return Response(status=204)


def keep(number: int, step: DraftStep, fields: Iterable[tuple[str, str]]) -> None:
    """Keep the fields of a step's form as the person's draft of it. Raises Refused where the campaign is settled."""
    kept = [(name, value) for name, value in fields if name != TOKEN]
    with database().writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        if not lifecycle.may_change(campaign):
            raise Refused("Cette campagne ne se change plus.")
        step_drafts.keep(session, campaign, current_user.id, step, kept, now=now())


@pages.post(f"/<number:number>/{STEP}/draft/removal")
@needs(RoleName.AUTHOR)
def ignore_draft(number: int, step: str) -> Redirect:
    with database().writing() as session:
        step_drafts.discard(session, number, current_user.id, DraftStep(step))
    return redirect(url_for(f".{step}", number=number))


def resumed(session: Session, step: Step) -> MultiDict[str, str] | None:
    """The fields of the person's draft, where the page's address asks to go on with it; else None."""
    if RESUMED not in request.args or not step.may_change:
        return None
    draft = step_drafts.draft_of(session, step.campaign.id, current_user.id, DraftStep(step.name))
    return MultiDict(draft.pairs) if draft else None


def offered(session: Session, step: Step, changes: Callable[[Fields], Sequence[str]]) -> DraftOffer | None:
    """The offer of the person's draft of a step, to a page that shows what is saved.

    None where the draft is older than that, or would change nothing. `changes` says what the fields of a form change.
    """
    if RESUMED in request.args or not step.may_change:
        return None
    draft = step_drafts.draft_of(session, step.campaign.id, current_user.id, DraftStep(step.name))
    if draft is None or not draft.is_newer_than(step.campaign):
        return None
    told = changes(MultiDict(draft.pairs))
    return DraftOffer(draft.typed_at, told) if told else None


def changed_fields(saved: StepForm, typed: StepForm) -> list[str]:
    """The fields that differ from one form to another, by their labels; short values are repeated."""
    return [
        _told(saved[field.name], field)
        for field in typed
        if not isinstance(field, HiddenField) and _value(saved[field.name]) != _value(field)
    ]


def _told(saved: Field, typed: Field) -> str:
    label = str(typed.label.text).removesuffix(" (facultatif)")
    values = [_value(saved), _value(typed)]
    if type(typed) is not StringField or max(map(len, values)) > SHOWN_VALUE:
        return label
    before, after = (f"« {value} »" if value else "rien" for value in values)
    return f"{label}, {before} → {after}"


def _value(field: Field) -> str:
    return str(field.data or "").replace("\r\n", "\n").strip()
