"""The public page of a draw, from its approval on: what a stranger needs to check it, and counts alone; no cookie."""

from flask import Blueprint, Response, render_template

from outreach.campaigns.effects import public_page
from outreach.db import Session
from outreach.errors import NotFound
from outreach.web.public.notes import POLICY
from outreach.web.ui.request import reading

pages = Blueprint("public_draws", __name__, url_prefix="/t")


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@pages.get("/<number:number>")
def draw(number: int) -> Response:
    with reading() as session:
        return _page(session, number)


def _page(session: Session, number: int) -> Response:
    try:
        found = public_page.of(session, number)
    except NotFound:
        return Response(render_template("public/draw_unknown.html"), 404)
    return Response(render_template("public/draw.html", draw=found))
