"""Programmes, for administrators: what is stored; the form or the file of one, changed, its difference seen first."""

from collections import Counter
from collections.abc import Mapping

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import programmes, records
from outreach.adherence.models import Programme
from outreach.adherence.programmes import ProgrammeFile
from outreach.campaigns import planning
from outreach.core.db import Session
from outreach.core.tables import decode_text
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.staff import removed_programmes
from outreach.web.pages.administration import programme_forms
from outreach.web.pages.administration.programme_forms import MOST_RULES, MOST_STRANDS, ProgrammeForm
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import posted, posted_number, pressed, telling
from outreach.web.ui.forms import UploadForm
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("programmes", __name__, url_prefix="/administration/programmes")
LONGEST = 64_000
TOO_LONG = "Le fichier dépasse 64 000 caractères : un programme en a quelques milliers."
TOO_LARGE = (
    f"Un volet de ce programme a plus de {MOST_RULES} conditions, que le formulaire ne tient pas. Pour changer le "
    "programme, téléchargez son fichier, modifiez-le, puis chargez-le."
)


class ProgrammeUploadForm(UploadForm):
    """A programme's file to send."""

    def __init__(self) -> None:
        super().__init__()
        self.file.description = "Le fichier TOML d’un programme."


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        return _index_page(session, ProgrammeUploadForm())


@pages.get("/new")
@needs(RoleName.ADMINISTRATOR)
def begin() -> str:
    """A programme to state, with one strand."""
    form = ProgrammeForm(formdata=None)
    form.add_strand()
    with reading() as session:
        return _form_page(session, form, None)


@pages.get("/<number:number>")
@needs(RoleName.ADMINISTRATOR)
def change(number: int) -> str:
    """A programme to change, in its form."""
    with reading() as session:
        programme = programmes.programme_numbered(session, number)
        stated = programmes.stated_of(session, programme)
        return _form_page(session, programme_forms.filled(_refuse_too_large(stated)), programme)


@pages.post("/form")
@needs(RoleName.ADMINISTRATOR)
@recovers_form(of_form(ProgrammeForm))
def state() -> str | tuple[str, int]:
    """What is typed: with a row more or less, or what it would change. Nothing is written."""
    form, number = ProgrammeForm(), posted_number("programme")
    with reading() as session:
        programme = programmes.programme_numbered(session, number) if number else None
        if programme is not None:
            form.code.data = programme.code
        if form.are_cut:
            form.stated()
            return _form_page(session, form, programme), 422
        if pressed("add") and len(form.strands) < MOST_STRANDS:
            form.add_strand()
            return _form_page(session, form, programme, added=True)
        if pressed("remove"):
            used = programmes.in_use(session, programme) if programme else set()
            form.remove_strand(posted_number("remove") or 0, used)
            return _form_page(session, form, programme)
        if programme is None and _coded(session, form.code.data):
            form.form_errors.append("Ce code est celui d’un autre programme : choisissez-en un autre.")
        if (stated := form.stated()) is not None:
            with telling(form):
                return _difference_page(session, programmes.programme_as_file(stated))
        return _form_page(session, form, programme), 422


def _coded(session: Session, code: str | None) -> Programme | None:
    return next((one for one in programmes.all_programmes(session) if one.code == code), None)


@pages.post("/again")
@needs(RoleName.ADMINISTRATOR)
def again() -> str:
    """What was to be saved, back in the form."""
    stated = _refuse_too_large(_read(posted("text")))
    with reading() as session:
        return _form_page(session, programme_forms.filled(stated), _coded(session, stated.code))


@pages.get("/<number:number>/before")
@needs(RoleName.ADMINISTRATOR)
def undo(number: int) -> str:
    """What going back to before the last change would change, as of any other change."""
    with reading() as session:
        programme = programmes.programme_numbered(session, number)
        if programme.previous is None:
            raise NotFound("Ce programme n’a pas encore changé.")
        if refused := programmes.undoing_refused(session, programme):
            raise Refused(refused)
        return _difference_page(session, programme.previous)


@pages.get("/<number:number>/removal")
@needs(RoleName.ADMINISTRATOR)
def removal(number: int) -> str:
    """Ask before a programme is taken away, or say what stands on it."""
    with reading() as session:
        programme = programmes.programme_numbered(session, number)
        uses = removed_programmes.uses(session, programme)
        return render_template("pages/administration/programme_removal.html", programme=programme, uses=uses)


@pages.post("/<number:number>/removal")
@needs(RoleName.ADMINISTRATOR)
def remove(number: int) -> Redirect:
    with database().writing() as session:
        programme = programmes.programme_numbered(session, number)
        name = removed_programmes.remove(session, programme, now=now(), actor=actor())
    flash(f"Le programme « {name} » est retiré.", "success")
    return redirect(url_for(".index"))


@pages.post("/file")
@needs(RoleName.ADMINISTRATOR)
def upload() -> str | tuple[str, int]:
    form = ProgrammeUploadForm()
    with reading() as session:
        if form.validate_on_submit():
            text = decode_text(form.file.data.read())[0]
            with telling(form.file):
                return _difference_page(session, text)
        return _index_page(session, form), 422


@pages.get("/<number:number>/programme.toml")
@needs(RoleName.ADMINISTRATOR)
def download(number: int) -> Response:
    with reading() as session:
        programme = programmes.programme_numbered(session, number)
        headers = {"Content-Disposition": f'attachment; filename="{programme.code}.toml"', "Cache-Control": "no-store"}
        return Response(programmes.as_file(session, programme), mimetype="text/plain", headers=headers)


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def load() -> Redirect:
    stated, version = _read(posted("text")), posted("version")
    with database().writing() as session:
        loaded = programmes.load_programme_file(session, stated, version, now=now(), actor=actor())
        sentence = f"Le programme « {loaded.name} » est enregistré."
    flash(sentence, "success")
    return redirect(url_for(".index"))


def _read(text: str) -> ProgrammeFile:
    if len(text) > LONGEST:
        raise InputError(TOO_LONG)
    return programmes.read_programme("\n".join(text.splitlines()))


def _refuse_too_large(stated: ProgrammeFile) -> ProgrammeFile:
    """The programme, where the form has room for all of it. Raises Refused."""
    if any(count > MOST_RULES for count in Counter(rule.strand for rule in stated.prerequisites).values()):
        raise Refused(TOO_LARGE)
    return stated


def _form_page(session: Session, form: ProgrammeForm, programme: Programme | None, *, added: bool = False) -> str:
    form.free_rules()
    return render_template(
        "pages/administration/programme.html",
        form=form,
        faults=form.faults(),
        name=programme.name if programme else "",
        number=programme.id if programme else None,
        uses=_uses(session, programme) if programme else {},
        added=added,
    )


def _uses(session: Session, programme: Programme) -> Mapping[str, str]:
    """What stands on each strand that is in use, in French, by its number as the form has it."""
    campaigns, schools = planning.by_strand(session, programme), records.by_strand(session, programme)
    values = {}
    for number in programmes.in_use(session, programme):
        counts = ((campaigns.get(number, 0), "campagne"), (schools.get(number, 0), "école"))
        values[str(number)] = ", ".join(french.plural(count, what) for count, what in counts if count) or "a servi"
    return values


def _difference_page(session: Session, text: str) -> str:
    """What a file would change, with the file in the page until it is applied. Raises InputError."""
    stated = _read(text)
    difference = programmes.programme_difference(session, stated)
    return render_template(
        "pages/administration/programme_difference.html",
        difference=difference,
        text=text,
        warnings=[*difference.warnings, *planning.stopped_by(session, stated)],
    )


def _index_page(session: Session, form: ProgrammeUploadForm) -> str:
    every = programmes.all_programme_files(session)
    return render_template(
        "pages/administration/programmes.html",
        form=form,
        programmes=every,
        asked=programmes.prerequisite_in_words,
        fixed={one.id: programmes.undoing_refused(session, one) for one, _ in every},
        unused={one.id for one, _ in every if not removed_programmes.uses(session, one)},
    )
