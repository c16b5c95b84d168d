"""The guide inside the service: its pages, their pictures, and a search; nothing of them comes from elsewhere."""

from flask import Blueprint, Response, abort, render_template, request, send_file

from outreach.core import site
from outreach.core.text.roles import RoleName
from outreach.web.ui.pager import sought
from outreach.web.ui.request import needs

BASE = "/help"
pages = Blueprint("guide", __name__, url_prefix=BASE)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    text = sought(request)
    found = site.search_guide(text, BASE)
    return render_template("pages/guide/index.html", page=site.guide_page(site.START, BASE), text=text, found=found)


@pages.get("/<topic>")
@needs(RoleName.READER)
def topic(topic: str) -> str:
    return render_template("pages/guide/page.html", page=site.guide_page(topic, BASE))


@pages.get("/files/<filename>")
@needs(RoleName.READER)
def file(filename: str) -> Response:
    path = site.guide_files().get(filename)
    if path is None:
        abort(404)
    return send_file(path, max_age=3600)
