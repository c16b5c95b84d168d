"""What the service knows of an address, for administrators: on a page, as JSON, as a PDF; and how it is erased.

An address stands in no URL, and the trail names it by the numbers of its rows. Whoever asks proves once more to be
that person.
"""

import json
import time
from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, render_template, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import Field, StringField
from wtforms.validators import StopValidation

from outreach.access.accounts import TrailKind
from outreach.core.db import time_limit
from outreach.core.tables import Origin
from outreach.core.text.addresses import judge
from outreach.core.text.errors import TookTooLong
from outreach.core.text.french import plural
from outreach.core.text.roles import RoleName
from outreach.operations import retention
from outreach.operations.retention import ErasurePlan, Known, KnownTable
from outreach.web.shared.jobs import later
from outreach.web.sign_in.access_log_queue import note, of_export
from outreach.web.sign_in.account_forms import ProofForm
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.sign_in.second_factor.blueprint import FullProofForm
from outreach.web.ui.exports import attachment
from outreach.web.ui.fields import fit, posted_all
from outreach.web.ui.request import actor, database, finishing, inert, job, needs, now, reading, settings, tell

pages = Blueprint("persons", __name__, url_prefix="/administration/persons")
MOST_SHOWN = 20  # rows of a table on the page
PAGE_SECONDS = (
    1.0  # for finding what an erasure changes: beyond, a job erases, as changing it takes three times as long
)
KEPT = "kept"  # the names that stay where others bear them
Write = Callable[[str, Known, Sequence[KnownTable]], bytes]


class PersonForm(FlaskForm):
    """The address about which something is asked."""

    address = StringField(
        "Adresse de courriel", [fit(lambda text: judge(text, examples=True).address)], render_kw={"type": "email"}
    )


class ProvingForm(PersonForm, ProofForm):
    """The same, with the password of whoever asks."""


class FullProvingForm(PersonForm, FullProofForm):
    """The same, with a code of the second factor."""


class ErasureForm(PersonForm):
    """The address that is to be erased, typed once more."""

    again = StringField(
        "L’adresse, encore une fois",
        description="Retapez-la : rien ne défait un effacement.",
        render_kw={"type": "email"},
    )

    def validate_again(self, field: Field) -> None:
        """Raises StopValidation unless it is the same address."""
        if " ".join((field.data or "").split()).casefold() != (self.address.data or "").casefold():
            raise StopValidation("Ce n’est pas la même adresse : retapez celle qui est à effacer.")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    return _page(_form())


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def show() -> str | tuple[str, int]:
    form = _form()
    if not _is_allowed(form):
        return _page(form), 422
    address = form.address.data or ""
    try:
        with reading() as session:
            known = retention.known_of(session, address)
            shown = retention.readable_tables(session, known, most=MOST_SHOWN, seen=inert)
    except TookTooLong:
        return render_template("pages/administration/person_later.html", address=address)
    note(TrailKind.EXPORTED, actor(), f"à l’écran, données de : {retention.named_by_number(known)}")
    return render_template("pages/administration/person.html", address=address, tables=shown)


@pages.post("/export.pdf")
@needs(RoleName.ADMINISTRATOR)
@blueprint.keeps_proof
def export_pdf() -> Response | Redirect:
    return _exported("pdf", "application/pdf", _pdf, retention.MOST_ROWS)


@pages.post("/export.json")
@needs(RoleName.ADMINISTRATOR)
@blueprint.keeps_proof
def export_json() -> Response | Redirect:
    return _exported("json", "application/json", _json, 0)


def _exported(kind: str, mimetype: str, write: Write, most: int) -> Response | Redirect:
    """A file with what is known of an address; a job makes it where that takes too long for a page."""
    form = _form()
    if not form.validate_on_submit() or isinstance(form, ProofForm):  # a job keeps its form, which has no password
        return make_response(_page(form), 422)
    address = form.address.data or ""
    try:
        with reading() as session:
            known = retention.known_of(session, address)
            shown = retention.readable_tables(session, known, most=most, seen=inert)
    except TookTooLong:
        return later(f"Données d’une personne ({kind.upper()})", url_for(".index"))
    content = write(address, known, shown)
    of_export(f"données de : {retention.named_by_number(known)} ({kind.upper()})")
    return attachment(content, mimetype, f"personne{Origin(now(), current_user.name).suffix()}.{kind}")


@pages.post("/erasure")
@needs(RoleName.ADMINISTRATOR)
def ask_erasure() -> str | tuple[str, int]:
    """What erasing an address would do, before it is done. Where its rows take long to find, they are not counted."""
    asked = _form()
    if not asked.validate_on_submit() or isinstance(asked, ProofForm):
        return _page(asked), 422
    planned = _planned(asked)
    return _erasure_page(ErasureForm(), planned or _without_rows(asked), is_counted=planned is not None)


@pages.post("/erasure/confirmation")
@needs(RoleName.ADMINISTRATOR)
def erase() -> str | tuple[str, int] | Redirect:
    """Erase an address that was typed a second time. Nothing undoes it.

    A job does so where it takes long. Its form has the address, which goes from there with all the others.
    """
    asked = _form()
    if not asked.validate_on_submit() or isinstance(asked, ProofForm):
        return _page(asked), 422
    begun = time.monotonic()
    form, planned = ErasureForm(), _planned(asked)
    if not form.validate_on_submit():
        return _erasure_page(form, planned or _without_rows(asked), is_counted=planned is not None), 422
    if planned is None or (not job() and time.monotonic() - begun > PAGE_SECONDS):
        return later("Effacer une personne", url_for(".index"))
    with time_limit.lifted():
        work = job()
        number = work.number if work else None
        count = retention.carry_out(database(), planned, settings().data, now=now(), actor=actor(), job=number)
    if work:
        with finishing():
            tell(f"La personne est effacée : {plural(count, 'ligne')} {'a' if count < 2 else 'ont'} changé.")
    return render_template("pages/administration/person_erased.html", count=count, keeps_address=planned.keeps_address)


def _planned(form: PersonForm) -> ErasurePlan | None:
    """What erasing the address of a form would do; None where a page would wait too long to know it.

    Raises InputError for no address, Refused where it may not be now.
    """
    with time_limit.lifted():
        time_limit.limit(None if job() else PAGE_SECONDS)
        try:
            return _plan(form)
        except TookTooLong:
            return None


def _without_rows(form: PersonForm) -> ErasurePlan:
    """The same without the rows, which a job finds."""
    with time_limit.lifted():
        return _plan(form, with_rows=False)


def _plan(form: PersonForm, *, with_rows: bool = True) -> ErasurePlan:
    address, kept, has_list = form.address.data or "", posted_all(KEPT), bool(settings().sorting_list)
    with reading() as session:
        return retention.plan_erasure(session, address, has_sorting_list=has_list, kept=kept, with_rows=with_rows)


def _erasure_page(form: PersonForm, planned: ErasurePlan, *, is_counted: bool) -> str:
    rows = {name: len(planned.rows[name]) for name in sorted(planned.rows, key=retention.table_place)}
    return render_template(
        "pages/administration/person_erasure.html",
        form=form,
        address=planned.address,
        told=retention.erasure_in_words(planned),
        names=[(name, name) for name in sorted([*planned.named, *planned.kept])],
        kept=planned.kept,
        rows=[(retention.table_title(name), count) for name, count in rows.items()],
        is_counted=is_counted,
    )


def _pdf(address: str, _known: Known, shown: Sequence[KnownTable]) -> bytes:
    return retention.pdf_of(address, shown, settings().address, now=now())


def _json(address: str, known: Known, _shown: Sequence[KnownTable]) -> bytes:
    return inert(json.dumps(retention.export_person(address, known), ensure_ascii=False, indent=1)).encode()


def _form() -> PersonForm:
    """The form, with a proof unless it was given lately, or a job goes on with what was allowed."""
    if job() or not blueprint.asks_again():
        return PersonForm()
    return FullProvingForm() if blueprint.factor_state() else ProvingForm()


def _is_allowed(form: PersonForm) -> bool:
    """Whether the form is complete, and proves who asks where it has to. A proof lasts ten minutes."""
    if not isinstance(form, ProofForm):
        return bool(form.validate_on_submit())
    if not blueprint.proved(form):
        return False
    blueprint.remember()
    return True


def _page(form: PersonForm) -> str:
    return render_template("pages/administration/persons.html", form=form, asks=isinstance(form, ProofForm))
