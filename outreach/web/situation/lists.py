"""The lists of schools and authorities behind a figure: their pages, their files, a campaign to them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, render_template, request
from werkzeug.wrappers import Response as Redirect

from outreach import french
from outreach.adherence import known, programmes, sentences, situation
from outreach.adherence.definitions import DEFINITIONS
from outreach.adherence.grouping import Grouping
from outreach.adherence.models import Programme, RollUp
from outreach.adherence.situation import Bucket, Selection, Solicitation
from outreach.campaigns import from_lists
from outreach.campaigns.from_lists import WrittenList
from outreach.db import Session
from outreach.directory.listing import PAGE_ROWS
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.segments.audience import Concerns
from outreach.web.audience.writing import INVITATION, REMINDER, write_to
from outreach.web.situation.asked import AskedSituation, selected, spelt_day, surely_asked
from outreach.web.situation.blueprint import pages
from outreach.web.situation.tables import (
    AUTHORITY_HEADERS,
    SCHOOL_HEADERS,
    authority_cells,
    definitions,
    file_name,
    school_cells,
    solicitation_label,
)
from outreach.web.ui import exports
from outreach.web.ui.pager import Pager
from outreach.web.ui.request import needs, now, reading

MOST_PRINTED = 5000  # rows of a page that shows the whole list
LIST = "/situation/<any(schools, authorities):what>"


@pages.get("/situation/schools")
@needs(RoleName.READER)
def schools() -> str:
    return _rows_page("pages/situation/schools.html", situation.count_schools, situation.schools)


@pages.get("/situation/authorities")
@needs(RoleName.READER)
def authorities() -> str:
    return _rows_page("pages/situation/authorities.html", situation.count_authorities, situation.authorities)


@pages.get(f"{LIST}.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_list(what: str, kind: str) -> Response:
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.the_programme(session)
        _, selection = _asked_list(session, programme, about, what)
        is_of_schools = what == "schools"
        found = (situation.schools if is_of_schools else situation.authorities)(
            session, programme, about.day, selection
        )
        cells, headers = (school_cells, SCHOOL_HEADERS) if is_of_schools else (authority_cells, AUTHORITY_HEADERS)
        rows = [cells(about, selection, row, now()) for row in found]
        oldest = known.oldest_register(session, about.day, about.known_at)
    named = file_name(about, f"volet-{selection.strand}")
    return exports.download(exports.Table("Liste", headers, rows), kind, named, definitions(oldest))


@pages.post(f"{LIST}/campaign")
@needs(RoleName.AUTHOR)
def write_to_list(what: str) -> Redirect:
    """Begin a campaign to the authorities of a list.

    It is a reminder where a letter listed their schools in vain, and an invitation where they have no answer otherwise.
    """
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.the_programme(session)
        name, selection = _asked_list(session, programme, about, what)
        strand = situation.strand_by_number(programme, selection.strand)
        has_rule = not (about.is_past or selection.solicitation) and (
            selection.by is Grouping.NETWORK or not selection.group
        )
        rule = from_lists.rule_of_figure(strand, selection.network, selection.bucket) if has_rule else None
        members = situation.owners(session, programme, about.day, selection) if rule is None else ()
    told = f"{name}, au {french.day(about.day)}" if about.is_past else name
    is_reminder = selection.solicitation is Solicitation.SOLICITED
    ready_made = REMINDER if is_reminder else INVITATION if selection.bucket is Bucket.NONE else ()
    joined = selection.bucket in {Bucket.JOINED, Bucket.DECLARED}
    return write_to(
        WrittenList(told, rule, members),
        strand=selection.strand,
        concerns=Concerns.JOINED if joined else Concerns.OPEN,
        ready_made=ready_made,
    )


def _rows_page(template: str, count: Callable[..., int], rows: Callable[..., Sequence[Any]]) -> str:
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.the_programme(session)
        selection, group = selected(session, programme, about)
        strand = situation.strand_by_number(programme, selection.strand)
        total = count(session, programme, about.day, selection)
        is_whole = request.args.get("whole") == "1" and total <= MOST_PRINTED
        size = MOST_PRINTED if is_whole else PAGE_ROWS
        pager = Pager.of(request, total, size)
        return render_template(
            template,
            programme=programme,
            selection=selection,
            group=group or "Toutes les écoles",
            about=about,
            spelt_day=spelt_day(about),
            opening="" if strand.is_open(about.day) else sentences.opening(strand.number, strand.opened_on),
            pager=pager,
            may_print=PAGE_ROWS < total <= MOST_PRINTED,
            is_whole=is_whole,
            rows=rows(session, programme, about.day, selection, size, (pager.number - 1) * size),
            owners=situation.count_owners(session, programme, about.day, selection),
            RollUp=RollUp,
            solicitation=solicitation_label,
            terms=DEFINITIONS,
        )


def _asked_list(session: Session, programme: Programme, about: AskedSituation, what: str) -> tuple[str, Selection]:
    """What a list is called, and which schools it is about; that of authorities is about all their schools.

    Raises InputError when its strand is not open yet on the day.
    """
    selection, group = selected(session, programme, about)
    strand = situation.strand_by_number(programme, selection.strand)
    if not strand.is_open(about.day):
        raise InputError(f"{sentences.opening(strand.number, strand.opened_on)} Choisissez ce jour ou un jour suivant.")
    if what == "authorities":
        selection = replace(selection, bucket=None, solicitation=None)
    return ", ".join(filter(None, (selection.label, f"volet {selection.strand}", group))), selection
