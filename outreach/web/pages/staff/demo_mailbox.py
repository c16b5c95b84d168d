"""The demonstration mailbox's pages: the list, and each letter as HTML, as text and as source."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from outreach.core.text.roles import RoleName
from outreach.delivery import received
from outreach.delivery.letters import Keys
from outreach.delivery.received import Trust
from outreach.operations.demo import mailbox
from outreach.web.ui import letter_frame
from outreach.web.ui.pager import Pager
from outreach.web.ui.request import database, needs, now, settings

MOST = 10_000  # characters of an answer


class DemoReplyForm(FlaskForm):
    """What whoever got a letter writes back."""

    text = TextAreaField(
        "Réponse, à la place de qui a reçu ce courriel",
        [DataRequired("Écrivez une réponse."), Length(max=MOST, message="Raccourcissez : 10 000 caractères au plus.")],
    )


pages = Blueprint("mailbox", __name__, url_prefix="/mailbox")


@pages.before_request
def only_in_a_demonstration() -> None:
    if not settings().stays_here:
        abort(404)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    words = request.args.get("q", "").strip()[:100]
    paths = mailbox.letters_in(mailbox.folder_of(settings().data), words, of_accounts=_sees_accounts())
    pager = Pager.of(request, len(paths), mailbox.PAGE)
    letters = mailbox.page(paths[pager.first_row - 1 : pager.last_row]) if paths else []
    return render_template("pages/mailbox/index.html", letters=letters, pager=pager, words=words)


@pages.get("/<key>")
@needs(RoleName.READER)
def letter(key: str) -> Response:
    return _page(key, DemoReplyForm(formdata=None))


@pages.post("/<key>/reply")
@needs(RoleName.AUTHOR)
def reply(key: str) -> Redirect | tuple[Response, int]:
    """Answer a letter by mail, as whoever got it would."""
    form = DemoReplyForm()
    if not form.validate_on_submit():
        return _page(key, form), 422
    written = mailbox.reply(mailbox.folder_of(settings().data), key, form.text.data, of_accounts=_sees_accounts())
    taken = received.take_in(database(), written, Keys(settings().signing_keys), Trust.of(settings()), now=now())
    whose = f"pour le pouvoir organisateur {taken.fase}" if taken.fase else "et n’est à personne : rattachez-la"
    flash(f"La réponse est arrivée dans « Courriels reçus », {whose}.", "success")
    return redirect(url_for("mails.index"))


@pages.get("/<key>/html")
@needs(RoleName.READER)
def html(key: str) -> Response:
    return letter_frame.alone(_letter(key).html)


def _page(key: str, form: DemoReplyForm) -> Response:
    fields = {"letter": _letter(key), "form": form, "view": letter_frame.asked_view(), "views": letter_frame.VIEWS}
    return letter_frame.around(render_template("pages/mailbox/letter.html", **fields))


def _letter(key: str) -> mailbox.Received:
    return mailbox.letter(mailbox.folder_of(settings().data), key, of_accounts=_sees_accounts())


def _sees_accounts() -> bool:
    """Whether the person may see letters with a link to choose a password: whoever has the link has the account."""
    return bool(current_user.holds(RoleName.ADMINISTRATOR))
