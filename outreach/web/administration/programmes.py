"""Programmes, for administrators: what is stored, and their file sent or changed, its difference seen first."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import TextAreaField

from outreach.adherence import programmes
from outreach.adherence.programmes import files as programme_files
from outreach.db import Session
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.spreadsheets.tables import decode
from outreach.web.signing_in.kept import keeps_text, of_form
from outreach.web.ui.fields import posted, telling
from outreach.web.ui.forms import UploadForm
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("programmes", __name__, url_prefix="/administration/programmes")
LONGEST = 64_000
EXAMPLE = """code = "mon-programme"
name = "Mon programme"

[[strands]]
number = 1
name = "Premier volet"
circular = "1234"
opened_on = 2026-09-01
level = "secondary"  # ou "primary" (primaire), "nursery" (maternel)

[[strands]]
number = 2
name = "Second volet"
opened_on = 2027-01-15
level = "secondary"

# Le volet 2 demande le volet 1. « until », facultatif, dit jusqu’à quand.
[[prerequisites]]
strand = 2
requires = 1
since = 2027-01-15
"""
TOO_LONG = "Le fichier dépasse 64 000 caractères : un programme en a quelques milliers."


class ProgrammeUploadForm(UploadForm):
    """A programme's file to send."""

    def __init__(self) -> None:
        super().__init__()
        self.file.description = "Le fichier TOML d’un programme."


class ProgrammeForm(FlaskForm):
    """A programme's file, changed in the page."""

    text = TextAreaField("Le fichier du programme", description="Du TOML : chaque volet commence par [[strands]].")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        return _index_page(session, ProgrammeUploadForm())


@pages.post("/file")
@needs(RoleName.ADMINISTRATOR)
def upload() -> str | tuple[str, int]:
    form = ProgrammeUploadForm()
    with reading() as session:
        if form.validate_on_submit():
            text = decode(form.file.data.read())[0]
            with telling(form.file):
                return _difference_page(session, text)
        return _index_page(session, form), 422


@pages.get("/new")
@needs(RoleName.ADMINISTRATOR)
def begin() -> str:
    """A programme to write, from an example."""
    return _file_page(ProgrammeForm(data={"text": EXAMPLE}))


@pages.get("/<number:number>/file")
@needs(RoleName.ADMINISTRATOR)
def edit(number: int) -> str:
    with reading() as session:
        text = programme_files.as_file(session, programme_files.programme_numbered(session, number))
        return _file_page(ProgrammeForm(data={"text": text}))


@pages.get("/<number:number>/programme.toml")
@needs(RoleName.ADMINISTRATOR)
def download(number: int) -> Response:
    with reading() as session:
        programme = programme_files.programme_numbered(session, number)
        headers = {"Content-Disposition": f'attachment; filename="{programme.code}.toml"', "Cache-Control": "no-store"}
        return Response(programme_files.as_file(session, programme), mimetype="text/plain", headers=headers)


@pages.post("/difference")
@needs(RoleName.ADMINISTRATOR)
@keeps_text(of_form(ProgrammeForm))
def compare() -> str | tuple[str, int]:
    form = ProgrammeForm()
    with reading() as session:
        if form.validate_on_submit():
            with telling(form.text):
                return _difference_page(session, form.text.data or "")
        return _file_page(form), 422


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def load() -> Redirect:
    stated, version = _read(posted("text")), posted("version")
    with database().writing() as session:
        loaded = programme_files.load(session, stated, version, now=now(), actor=actor())
        told = f"Le programme « {loaded.name} » est enregistré."
    flash(told, "success")
    return redirect(url_for(".index"))


def _read(text: str) -> programmes.ProgrammeFile:
    if len(text) > LONGEST:
        raise InputError(TOO_LONG)
    return programmes.read("\n".join(text.splitlines()))


def _file_page(form: ProgrammeForm) -> str:
    return render_template("pages/administration/programme_file.html", form=form)


def _difference_page(session: Session, text: str) -> str:
    """What a file would change, with the file in the page until it is applied. Raises InputError."""
    difference = programme_files.difference(session, _read(text))
    return render_template("pages/administration/programme_difference.html", difference=difference, text=text)


def _index_page(session: Session, form: ProgrammeUploadForm) -> str:
    every = programme_files.every(session)
    return render_template(
        "pages/administration/programmes.html", form=form, programmes=every, told=programme_files.told
    )
