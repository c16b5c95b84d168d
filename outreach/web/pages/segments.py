"""Pages of saved segments and stored lists: what they mean, where they are used, making a list, writing to one."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach.access import accounts
from outreach.campaigns import planning, segments
from outreach.campaigns.planning import ListedSegment
from outreach.campaigns.results import WrittenList
from outreach.campaigns.segments import LONGEST_NAME, AmongAuthorities, ListRow, Numbers, SavedSegment, sentence_of
from outreach.core.db import Session
from outreach.core.tables import Holds, InMemoryListing, QueryListing
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.directory.authorities import fase_numbers
from outreach.directory.models import Authority
from outreach.web.shared import programmes
from outreach.web.shared.list_files import has_files
from outreach.web.shared.write_to_list import write_to
from outreach.web.ui.fields import posted, telling
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("segments", __name__, url_prefix="/segments")
SHOWN = 20


@dataclass(frozen=True, slots=True)
class NewList:
    """What the form of a new list shows: its name, its numbers as text, and what is at fault, in French sentences."""

    name: str = ""
    numbers: str = ""
    faults: tuple[str, ...] = ()
    name_fault: str = ""

    @property
    def placed(self) -> list[tuple[str, str]]:
        """Each sentence with the field that it is about."""
        of_name = [("list-name", self.name_fault)] if self.name_fault else []
        return [*of_name, *(("list-numbers", fault) for fault in self.faults)]


class SegmentNameForm(FlaskForm):
    """The name of a segment."""

    name = StringField("Nom")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        shown = Shown.of(request, _segments(session), export=".export")
        return render_template("pages/segments/index.html", shown=shown, text=sought(request))


@pages.get("/lists")
@needs(RoleName.READER)
def lists() -> str:
    with reading() as session:
        return _lists_page(session, NewList())


@pages.post("/lists")
@needs(RoleName.AUTHOR)
def make_list() -> Redirect | tuple[str, int]:
    name = posted("name")
    keys: tuple[int, ...] = ()
    try:
        numbers = _stated()
    except InputError as error:
        asked = NewList(name, posted("numbers"), (str(error),))
    else:
        with reading() as session:
            asked, keys = _judged(session, name, numbers)
    if not asked.faults:
        try:
            with database().writing() as session:
                made = segments.make_list(session, name, keys, now=now(), actor=actor())
                return redirect(url_for(".authority_list", number=made.id))
        except InputError as error:
            asked = NewList(name, asked.numbers, name_fault=str(error))
    with reading() as session:
        return _lists_page(session, asked), 422


@pages.get("/lists/<number:number>")
@needs(RoleName.READER)
def authority_list(number: int) -> str:
    with reading() as session:
        held = segments.list_numbered(session, number)
        return render_template(
            "pages/segments/list.html",
            held=held,
            text=sought(request),
            shown=Shown.of(request, _members(session, number), export=".export_list", write=".write_to_list"),
        )


@pages.route("/lists/<number:number>/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities on a list, or to those that a search finds among them."""
    text = sought(request)
    with reading() as session:
        held = segments.list_numbered(session, number)
        if text:
            keys = segments.list_members(session, held, text=text).keys()
            written = WrittenList(f"{held.name} : « {text} »", None, keys)
        else:
            written = WrittenList(held.name, AmongAuthorities(list=number))
    return write_to(written)


@pages.route("/<number:number>/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_segment(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to those whom a segment means."""
    with reading() as session:
        chosen = segments.segment_numbered(session, number)
        written = WrittenList(chosen.name, segments.latest_version(session, chosen).criterion, segment=number)
    return write_to(written)


@pages.get("/<number:number>")
@needs(RoleName.READER)
def segment(number: int) -> str:
    with reading() as session:
        shown = segments.segment_numbered(session, number)
        return _segment_page(session, shown, SegmentNameForm(formdata=None, data={"name": shown.name}))


@pages.post("/<number:number>/name")
@needs(RoleName.AUTHOR)
def rename(number: int) -> Redirect | tuple[str, int]:
    form = SegmentNameForm()
    with telling(form.name), database().writing() as session:
        segment, name = segments.segment_numbered(session, number), form.name.data or ""
        segments.rename_segment(session, segment, name, now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return _segment_page(session, segments.segment_numbered(session, number), form), 422
    flash("Le nom est changé.", "success")
    return redirect(url_for(".segment", number=number))


@pages.post("/<number:number>/retirement")
@needs(RoleName.AUTHOR)
def retire(number: int) -> Redirect:
    with database().writing() as session:
        segments.retire_segment(session, segments.segment_numbered(session, number), now=now(), actor=actor())
    flash("Le segment est retiré. Les campagnes qui l’ont repris gardent leur public.", "success")
    return redirect(url_for(".index"))


def _segment_page(session: Session, shown: SavedSegment, form: SegmentNameForm) -> str:
    return render_template(
        "pages/segments/segment.html",
        shown=shown,
        form=form,
        sentence=sentence_of,
        names=planning.criteria_names(session, [version.criterion for version in shown.versions]),
        uses=planning.list_uses(session, shown),
        longest=LONGEST_NAME,
    )


def _stated() -> Numbers:
    """The numbers that a request states, typed and in a file. Raises InputError when the file cannot be read."""
    numbers, sent = segments.read_numbers(posted("numbers")), request.files.get("file")
    if sent is None or not sent.filename:
        return numbers
    of_file = segments.of_file(sent.read(), _numbers)
    return Numbers(tuple(dict.fromkeys((*numbers.fases, *of_file.fases))), (*numbers.rejected, *of_file.rejected))


def _numbers() -> Holds:
    with reading() as session:
        return fase_numbers(session)


def _judged(session: Session, name: str, numbers: Numbers) -> tuple[NewList, tuple[int, ...]]:
    """The form again, with the keys of its authorities. What is unknown is named, and no longer in the text."""
    known = segments.known_fases(session, numbers.fases)
    unknown = [str(fase) for fase in numbers.fases if fase not in known]
    faults = [f"Ligne {row.row} : {row.message}" for row in numbers.rejected[:SHOWN]]
    if len(numbers.rejected) > SHOWN:
        faults.append(f"{len(numbers.rejected) - SHOWN} autres cases ne sont pas des numéros FASE.")
    if unknown:
        counted = french.plural(len(unknown), "numéro n’est d’aucun PO connu", "numéros ne sont d’aucun PO connu")
        faults.append(f"{counted} : {', '.join(unknown[:SHOWN])}{'…' if len(unknown) > SHOWN else '.'}")
    kept = "\n".join(str(fase) for fase in numbers.fases if fase in known)
    return NewList(name, kept, tuple(faults)), tuple(known.values())


@has_files(pages, "/export", "segments", RoleName.READER)
def _segments(session: Session) -> InMemoryListing[ListedSegment]:
    names, fields = accounts.colleagues(session), {"text": sought(request), "sort": sorting(request)}
    return planning.list_segments(session, names, programme=programmes.filtered(session), **fields)


@has_files(pages, "/lists/export", "listes", RoleName.READER, endpoint="export_lists")
def _lists(session: Session) -> InMemoryListing[ListRow]:
    return segments.list_stored_lists(
        session, accounts.colleagues(session), text=sought(request), sort=sorting(request)
    )


@has_files(pages, "/lists/<number:number>", "liste-{number}", RoleName.READER, endpoint="export_list")
def _members(session: Session, number: int) -> QueryListing[Authority]:
    held = segments.list_numbered(session, number)
    return segments.list_members(session, held, text=sought(request), sort=sorting(request))


def _lists_page(session: Session, asked: NewList) -> str:
    return render_template(
        "pages/segments/lists.html",
        asked=asked,
        shown=Shown.of(request, _lists(session), export=".export_lists"),
        text=sought(request),
        longest=LONGEST_NAME,
    )
