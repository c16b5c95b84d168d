"""The demonstration mailbox's pages: the list, and each letter as HTML, as text and as source."""

from flask import Blueprint, Response, abort, render_template, request
from flask_login import current_user

from outreach.core.text.roles import RoleName
from outreach.operations.demo import mailbox
from outreach.web.ui import letter_frame
from outreach.web.ui.pager import Pager
from outreach.web.ui.request import needs, settings

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
    received = _letter(key)
    shown = {"view": letter_frame.asked_view(), "views": letter_frame.VIEWS}
    return letter_frame.around(render_template("pages/mailbox/letter.html", letter=received, **shown))


@pages.get("/<key>/html")
@needs(RoleName.READER)
def html(key: str) -> Response:
    return letter_frame.alone(_letter(key).html)


def _letter(key: str) -> mailbox.Received:
    return mailbox.letter(mailbox.folder_of(settings().data), key, of_accounts=_sees_accounts())


def _sees_accounts() -> bool:
    """Whether the person may see letters with a link to choose a password: whoever has the link has the account."""
    return bool(current_user.holds(RoleName.ADMINISTRATOR))
