"""Private drafts of a campaign's steps: kept as one types, offered on return, taken up or ignored."""

from flask import Response, redirect, request, url_for
from flask_security import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import drafts, lifecycle
from outreach.campaigns.drafts import DraftStep
from outreach.db import Session
from outreach.errors import Refused
from outreach.roles import RoleName
from outreach.web.campaigns.blueprint import RESUMED, Step, pages
from outreach.web.ui.frame import database, needs, now
from outreach.web.ui.sign_in import TOKEN

STEP = "<any(audience, letter, dates):step>"


@pages.post(f"/<number:number>/{STEP}/draft")
@needs(RoleName.AUTHOR)
def keep_draft(number: int, step: str) -> Response:
    """Keep what a script sends as its user types; the answer is empty (204)."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != TOKEN]
    with database().writing() as session:
        if not lifecycle.may_change(lifecycle.campaign_numbered(session, number)):
            raise Refused("Cette campagne ne se change plus.")
        drafts.keep(session, number, current_user.id, DraftStep(step), fields, now=now())
    return Response(status=204)


@pages.post(f"/<number:number>/{STEP}/draft/removal")
@needs(RoleName.AUTHOR)
def ignore_draft(number: int, step: str) -> Redirect:
    with database().writing() as session:
        drafts.discard(session, number, current_user.id, DraftStep(step))
    return redirect(url_for(f".{step}", number=number))


def resumed(session: Session, step: Step) -> MultiDict[str, str] | None:
    """The fields of the person's draft, where the page's address asks to go on with it; else None."""
    if RESUMED not in request.args or not step.may_change:
        return None
    draft = drafts.draft_of(session, step.campaign.id, current_user.id, DraftStep(step.name))
    return MultiDict(draft.pairs) if draft else None
