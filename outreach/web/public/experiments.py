"""The public page of a draw, from its approval on, and its file: what a stranger needs to repeat it; no cookie."""

import json

from flask import Blueprint, Response, render_template

from outreach.campaigns import results
from outreach.core.text.errors import NotFound
from outreach.web.public.notes import POLICY
from outreach.web.ui.request import reading

pages = Blueprint("public_draws", __name__, url_prefix="/t")


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@pages.get("/<number:number>", defaults={"ending": ""})
@pages.get("/<number:number>.<any(json):ending>")
def draw(number: int, ending: str) -> Response:
    with reading() as session:
        try:
            found = results.public_draw(session, number)
        except NotFound:
            return Response(render_template("public/draw_unknown.html"), 404)
        if ending:
            return Response(json.dumps(found.given, ensure_ascii=False), mimetype="application/json")
        return Response(render_template("public/draw.html", draw=found))
