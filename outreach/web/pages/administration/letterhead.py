"""The letterhead, for administrators: its lines and its logo; and the logo's picture, which every page shows."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as Redirect
from wtforms import BooleanField, TextAreaField

from outreach.core import audit, site
from outreach.core.site import Letterhead
from outreach.core.text.errors import NotFound
from outreach.core.text.roles import RoleName
from outreach.web.ui.fields import telling
from outreach.web.ui.request import actor, database, needs, now, reading
from outreach.web.ui.templates import forget_letterhead

pages = Blueprint("letterhead", __name__)
PLACE = "/administration/letterhead"
PICTURE_SECONDS = 3600


class LetterheadForm(FlaskForm):
    """The lines, another logo, or none."""

    lines = TextAreaField(
        "Lignes (facultatif)",
        description="Une par ligne, quatre au plus : le ministère, la direction, l’adresse.",
    )
    logo = FileField(
        "Autre logo (facultatif)",
        description="PNG non entrelacé, 0,3 Mo et 1 600 sur 800 points au plus. Sans fichier, le logo reste.",
    )
    without_logo = BooleanField("Retirer le logo")


@pages.get(PLACE)
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        head = site.current_letterhead(session)
    return _page(LetterheadForm(formdata=None, data={"lines": "\n".join(head.lines)}))


@pages.post(PLACE)
@needs(RoleName.ADMINISTRATOR)
def change() -> Redirect | tuple[str, int]:
    form = LetterheadForm()
    sent, lines = form.logo.data.read() if form.logo.data else b"", site.lines_of(form.lines.data or "")
    with telling(form.lines):
        site.refuse_lines(lines)
    with telling(form.logo):
        logo = site.shown_png(sent) if sent else b""
    if form.errors:
        return _page(form), 422
    with database().writing() as session:
        kept = b"" if form.without_logo.data else site.current_letterhead(session).logo
        site.change_letterhead(session, Letterhead(lines, logo or kept), now=now(), actor=actor())
    forget_letterhead()
    flash(
        "L’en-tête est changé : pages, prochaines notes et courriels soumis dès maintenant le portent.",
        "success",
    )
    return redirect(url_for(".index"))


@pages.get("/letterhead.png")
def picture() -> Response:
    with reading() as session:
        logo = site.current_letterhead(session).logo
    if not logo:
        raise NotFound("Le service n’a pas de logo.")
    return Response(logo, mimetype="image/png", headers={"Cache-Control": f"public, max-age={PICTURE_SECONDS}"})


def _page(form: LetterheadForm) -> str:
    with reading() as session:
        return render_template(
            "pages/administration/letterhead.html",
            form=form,
            head=site.current_letterhead(session),
            entries=audit.entries_about(session, site.SUBJECT),
        )
