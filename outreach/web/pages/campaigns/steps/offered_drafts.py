"""Drafts of a campaign's steps, where its author may still change it."""

from collections.abc import Callable, Iterable, Sequence

from flask import url_for
from flask_login import current_user

from outreach.access.form_drafts import Place
from outreach.campaigns import planning
from outreach.core.db import Session
from outreach.core.text.errors import Refused
from outreach.web.pages.campaigns.blueprint import Step, pages
from outreach.web.shared import drafts
from outreach.web.shared.drafts import Fields, PageDrafts


def _place(session: Session, number: int, step: str) -> Place:
    campaign = planning.campaign_numbered(session, number)
    if not planning.may_change(campaign):
        raise Refused("Cette campagne ne se change plus.")
    return planning.place_of(campaign, step, current_user.id)


drafts.kept_beside(
    pages,
    ["/<number:number>/<any(audience, letter, dates):step>"],
    _place,
    lambda step, **named: url_for(f".{step}", **named),
)


def keep(number: int, step: str, fields: Iterable[tuple[str, str]]) -> int:
    """Keep the fields of a step's form as a draft, under the page's number. Raises Refused of a settled campaign."""
    return drafts.keep(lambda session: _place(session, number, step), fields)


def on_return(session: Session, step: Step, changes: Callable[[Fields], Sequence[str]]) -> PageDrafts:
    """The drafts of a step for its page; none where the person may not change it."""
    if not step.may_change:
        return PageDrafts("")
    place = planning.place_of(step.campaign, step.name, current_user.id)
    return drafts.on_return(session, place, f".{step.name}", changes)
