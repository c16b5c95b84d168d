"""Text that an ended session would lose: it travels in the page, signed, until the same person sends it.

Nothing of it is kept on the server. Only views with `recovers_form` do so, and only for a form that comes from our own
origin and whose token names the person that it was shown to.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from flask import Flask, Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import Field, FieldList, Form, HiddenField

from outreach.core.db import NO_ANSWER
from outreach.core.text.errors import OutreachError
from outreach.web.sign_in.account_forms import SignInForm
from outreach.web.sign_in.sessions import TOKEN, person_of, way_of
from outreach.web.ui.errors import refuse_form
from outreach.web.ui.fields import posted

SIGN_IN_AGAIN = "account.sign_in_again"
CARRYING = {SIGN_IN_AGAIN, "second_factor.check", "second_factor.set_up"}  # views that carry a text through a sign-in
FIELD = "kept"  # the hidden field that carries the text
KEPT_SECONDS = 7 * 24 * 3600  # a form left open on a Friday is still somebody's on Monday
ANOTHERS = (
    "Ce formulaire a été ouvert par une autre personne. Son texte n’est pas repris, et rien n’est enregistré : rouvrez "
    "la page et recommencez."
)
Told = Callable[[MultiDict[str, str], Mapping[str, Any]], list[tuple[str, str]]]
"""What a form says, for a person to read before it is sent: labels and values. It gets the view's arguments, too."""


View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a view keeps text: how to `describe` it, the view that gets it (`to`, or itself), the words on the button.

    `part` is the id of the element that a script asks of this view, or ''. `without` are fields that are not kept.
    """

    describe: Told
    to: str
    button: str
    part: str
    without: Collection[str]


def recovers_form(
    told: Told, *, to: str = "", button: str = "Enregistrer", part: str = "", without: Collection[str] = ()
) -> Callable[[View], View]:
    """Let a view's text outlive the session: its author signs in, reads what will be sent, and sends it.

    Never for a view that approves, sends, or changes roles, passwords or files. `to` names the view that receives the
    text after sign-in, if another. `without` lists the fields that view must not get, because they would approve or
    send.
    """

    def mark(view: View) -> View:
        view.__dict__["keeping"] = Keeping(told, to, button, part, without)
        return view

    return mark


def of_form(kind: type[FlaskForm]) -> Told:
    """What a form of this class says, by its own labels and those of its rows; nothing of hidden and empty fields."""

    def told(fields: MultiDict[str, str], _arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(label, value) for label, value in _shown(kind(fields, meta={"csrf": False})) if value.strip()]

    return told


def _shown(form: Form, row: str = "") -> Iterator[tuple[str, str]]:
    for field in form:
        if isinstance(field, FieldList):
            for number, each in enumerate(field, 1):
                yield from _shown(each.form, f"{field.label.text.removesuffix(' (facultatif)')}, ligne {number}, ")
        elif not isinstance(field, HiddenField):
            yield row + field.label.text, _said(field)


def _said(field: Field) -> str:
    labels = {str(choice.value): choice.label for choice in getattr(field, "choices", None) or ()}
    values = field.data if isinstance(field.data, list) else [field.data or ""]
    return ", ".join(str(labels.get(str(value), value)) for value in values)


def of_fields(labels: Mapping[str, str]) -> Told:
    """What these fields say, each under its label."""
    return lambda fields, _arguments: [(label, fields[name]) for name, label in labels.items() if fields.get(name)]


@dataclass(frozen=True, slots=True)
class KeptText:
    """A form that could not be taken: the account it was shown to, the view it was sent to, and its fields."""

    person: int
    endpoint: str
    arguments: dict[str, Any]
    query: str
    fields: list[tuple[str, str]]

    @property
    def keeping(self) -> Keeping:
        """How its view keeps text."""
        return _keepings()[self.endpoint]

    def sealed(self) -> str:
        """The text as a signed word that `unsealed` reads."""
        return _seal().dumps(asdict(self))


def unsealed(word: str) -> KeptText | None:
    """The kept text in a word that this service signed in the last seven days, or None."""
    try:
        stated = _seal().loads(word, max_age=KEPT_SECONDS)
    except BadData:
        return None
    if stated["endpoint"] not in _keepings():
        return None  # that view keeps none any more
    return KeptText(**{**stated, "fields": [(name, value) for name, value in stated["fields"]]})


def install(app: Flask, is_ours: Callable[[str], bool]) -> None:
    """Keep the text of requests without a session, or with a stale token. `is_ours` judges an Origin header.

    Install it after the CSRF check, which comes first.
    """

    def keep() -> Response | tuple[str, int] | None:
        if request.method != "POST" or request.endpoint not in _keepings():
            return None  # public pages ask for no cookie
        if current_user.is_authenticated and not current_user.must_change_password:
            return None
        return _kept_page(is_ours, _of_request)

    def refuse(_error: Exception) -> ResponseReturnValue:
        read = _of_sign_in if request.endpoint in CARRYING else _of_request
        try:
            return _kept_page(is_ours, read) or refuse_form()
        except (*NO_ANSWER, OutreachError) as fault:
            # Flask calls no handler for what another one raises: it would be an internal error.
            return app.handle_user_exception(fault)

    app.before_request(keep)
    app.register_error_handler(CSRFError, refuse)


def _kept_page(
    is_ours: Callable[[str], bool], read: Callable[[], KeptText | None]
) -> Response | tuple[str, int] | None:
    """The page that goes on with the text of a request that was not taken; None when there is none to keep.

    An Origin is required here: every browser sends one with a form, and without it nobody knows whose page it was. The
    answer is 400, as of any form that is not taken: 403 would tell the trail that somebody was refused.
    """
    kept = read() if is_ours(request.headers.get("Origin", "")) else None
    if kept is None:
        return None
    if current_user.is_authenticated and current_user.id != kept.person:
        return refuse_form(ANOTHERS)
    if "HX-Request" in request.headers:  # the page with the text stays as it is
        return make_response(render_template("pages/account/part_over.html", part=kept.keeping.part), 400)
    page = review_page(kept) if current_user.is_authenticated else sign_in_page(kept, SignInForm(formdata=None))
    return page, 400


def _of_request() -> KeptText | None:
    """The text of this request, if its view keeps any and its token names the person that its form was shown to."""
    if request.endpoint not in _keepings():
        return None
    person = person_of(posted(TOKEN), seconds=KEPT_SECONDS)
    if person is None:
        return None
    left_out = {TOKEN, *_keepings()[request.endpoint].without}
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in left_out]
    query = request.query_string.decode("ascii", "ignore")
    return KeptText(person, request.endpoint, request.view_args or {}, query, fields)


def _of_sign_in() -> KeptText | None:
    return unsealed(posted(FIELD))


def sign_in_page(kept: KeptText, form: SignInForm) -> str:
    """The page on which the author of a text signs in again. The text is in it, and not shown."""
    return render_template("pages/account/session_over.html", form=form, sealed=kept.sealed())


def review_page(kept: KeptText) -> str:
    """The page that shows what will be sent, with one button. Only for the author, who is signed in."""
    keeping = kept.keeping
    address = url_for(keeping.to or kept.endpoint, **kept.arguments) + (f"?{kept.query}" if kept.query else "")
    told = keeping.describe(MultiDict(kept.fields), kept.arguments)
    return render_template("pages/account/kept_text.html", kept=kept, keeping=keeping, address=address, told=told)


def page_for_author(text: KeptText) -> str | WerkzeugResponse:
    """What somebody who has signed in from a page with a text goes on with: its author reads it, others go home."""
    if current_user.id != text.person:
        flash(ANOTHERS, "warning")
        return redirect(way_of(current_user, "/"))
    return review_page(text)


def _keepings() -> dict[str, Keeping]:
    """The views that keep text, by their names, and how each does."""
    views = current_app.view_functions.items()
    return {name: view.keeping for name, view in views if hasattr(view, "keeping")}


def _seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="kept-text")
