"""Private drafts of forms: kept by typing or a button, beside older ones, which are offered, resumed or ignored."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import randbelow

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect
from wtforms import Field, FieldList, Form, HiddenField, StringField

from outreach.access import form_drafts
from outreach.access.form_drafts import Draft, Place
from outreach.core.db import Session
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.web.sign_in.sessions import TOKEN
from outreach.web.ui.fields import posted_number
from outreach.web.ui.request import database, needs, now

RESUMED = "draft"  # in the address of a page that goes on with a draft: the number of that one's page
MARK = "draft_page"  # the hidden field with the number of the opened page, and the version of the draft it resumed
SHOWN_VALUE = 60  # characters of a field's value that the offer of a draft repeats
Fields = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class DraftOffer:
    """The offer to go on with a draft: when it was typed, and what it would change of what is saved, in French.

    `page` is the number of its page, `resuming` the address that goes on with it.
    """

    page: int
    resuming: str
    at: datetime
    changes: Sequence[str]


@dataclass(frozen=True, slots=True)
class PageDrafts:
    """What a page shows of drafts: its own `mark`, the `fields` that it resumes, if any, and the offers of others."""

    mark: str
    fields: Fields | None = None
    offers: Sequence[DraftOffer] = ()
    is_kept: bool = False

    @property
    def page(self) -> int:
        """The number of the page."""
        return int(self.mark.partition(" ")[0])


def of_page(*, is_kept: bool = False) -> PageDrafts:
    """The drafts of a page that shows what was just typed on it. `is_kept`: a button has kept it."""
    return PageDrafts(_mark(), is_kept=is_kept)


def on_return(session: Session, place: Place, endpoint: str, changes: Callable[[Fields], Sequence[str]]) -> PageDrafts:
    """The drafts that a page is opened with: the one that its address resumes, and the others as offers.

    One that is older than what is saved, or would change nothing, is not offered. `changes` says what the fields of a
    form change, and `endpoint` names the page. A script, which asks for a part of the page, leaves the offers as they
    were shown.
    """
    asked, held = whole_number(request.args.get(RESUMED, "")), form_drafts.drafts_of(session, place)
    resumed = next((draft for draft in held if draft.page == asked), None)
    others = [] if "HX-Request" in request.headers else [draft for draft in held if draft is not resumed]
    told = [(draft, changes(MultiDict(draft.pairs))) for draft in others if draft.is_newer_than(place)]
    offers = [_offer(draft, endpoint, changed) for draft, changed in told if changed]
    if resumed is None:
        return PageDrafts(_mark(), offers=offers)
    return PageDrafts(f"{_mark()} {resumed.version}", MultiDict(resumed.pairs), offers, is_kept=True)


def _offer(draft: Draft, endpoint: str, changes: Sequence[str]) -> DraftOffer:
    fields = {**request.args.to_dict(flat=False), **(request.view_args or {}), RESUMED: draft.page}
    return DraftOffer(draft.page, url_for(endpoint, **fields), draft.typed_at, changes)


def _mark() -> str:
    """The mark that the page came with, or a new one for a page that is opened."""
    given = request.values.get(MARK, "")
    return given if whole_number(given.partition(" ")[0]) is not None else str(1 + randbelow(10**9 - 1))


def own() -> tuple[int, str]:
    """The number of the page that a request comes from, and the version of the draft that it resumed, or ''."""
    page, _, resumed = _mark().partition(" ")
    return int(page), resumed


def keep(place_of: Callable[[Session], Place], fields: Iterable[tuple[str, str]]) -> int:
    """Keep the fields of a form as the person's draft of this page, whose number is returned. Raises InputError."""
    page, resumed = own()
    typed = [(name, value) for name, value in fields if name not in {TOKEN, MARK}]
    with database().writing() as session:
        form_drafts.keep(session, place_of(session), page, typed, now=now(), resumed=resumed)
    return page


def kept_beside(
    pages: Blueprint, rules: Iterable[str], place_of: Callable[..., Place], page: Callable[..., str]
) -> None:
    """Add, to the addresses of pages with forms, those at which a script keeps a draft and a button ignores one.

    `place_of` gets the session and what the address names, and refuses what the person may not change. `page` is the
    address of the page.
    """

    @needs(RoleName.AUTHOR)
    def keep_draft(**named: object) -> Response:
        keep(lambda session: place_of(session, **named), request.form.items(multi=True))
        return Response(status=204)

    @needs(RoleName.AUTHOR)
    def ignore_draft(**named: object) -> Redirect:
        ignored = posted_number(RESUMED) or 0
        with database().writing() as session:
            form_drafts.discard(session, place_of(session, **named), ignored)
        return redirect(page(**named, **request.args.to_dict(flat=False)))

    for rule in rules:
        pages.post(f"{rule}/draft")(keep_draft)
        pages.post(f"{rule}/draft/removal")(ignore_draft)


def changed_fields(saved: Form, typed: Form) -> list[str]:
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
    data = [row for row in field.data if any(row.values())] if isinstance(field, FieldList) else field.data
    return str(data or "").replace("\r\n", "\n").strip()
