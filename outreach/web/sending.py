"""Trying the relays again now, from the banner that says when they would be tried."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, request
from werkzeug.wrappers import Response as Redirect

from outreach import french
from outreach.delivery.sending import relay_health
from outreach.web.ui.frame import SENDERS, actor, database, needs, now

pages = Blueprint("sending", __name__, url_prefix="/sending")


@pages.post("/retry")
@needs(*SENDERS)
def retry() -> Redirect:
    """Have the relays tried at the clock's next pass, and go back to where one was."""
    with database().writing() as writing:
        tried = relay_health.try_now(writing, now=now(), actor=actor())
    if tried:
        relays = french.plural(len(tried), "relais est essayé", "relais sont essayés")
        flash(f"{relays} de nouveau dans les secondes qui viennent.", "success")
    else:
        flash("Aucun relais n’attendait : rien n’est changé.", "info")
    return redirect(_where_one_was())


def _where_one_was() -> str:
    """The page of ours that the browser names, never another site's."""
    came = urlsplit(request.referrer or "")
    here = came.path + (f"?{came.query}" if came.query else "")
    is_ours = came.netloc.lower() == request.host
    return here if is_ours and here.startswith("/") and here[1:2] not in {"/", "\\"} else "/"
