"""The lists of schools and authorities behind a figure: their pages, their files, a campaign to them."""

from dataclasses import replace
from typing import Any

from flask import Response, render_template, request
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import situation
from outreach.adherence.models import Programme, RollUp, Strand
from outreach.adherence.programmes import of_programme
from outreach.adherence.situation import Bucket, Grouping, Selection, Solicitation
from outreach.adherence.statuses import Meaning
from outreach.campaigns import results
from outreach.campaigns.results import WrittenList
from outreach.campaigns.segments import Concerns
from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.web.pages.adherence.asked import AskedSituation, pages, selected, spelt_day, surely_asked
from outreach.web.pages.adherence.tables import (
    authority_columns_on,
    definitions,
    file_name,
    school_columns,
    solicitation_label,
    terms,
)
from outreach.web.shared import programmes
from outreach.web.shared.write_to_list import INVITATION, REMINDER, write_to
from outreach.web.ui import exports
from outreach.web.ui import programme as of_request
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import is_scoped, needs, now, reading

LIST = "/situation/<any(schools, authorities):what>"


@pages.get(LIST)
@needs(RoleName.READER)
def listed(what: str) -> str:
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.shown(session)
        selection, group = selected(session, programme, about)
        strand = programme.strand(selection.strand)
        found = _rows(session, programme, about, selection, what)
        return render_template(
            f"pages/situation/{what}.html",
            programme=programme,
            selection=selection,
            group=group or "Toutes les écoles",
            about=about,
            spelt_day=spelt_day(about),
            opening=""
            if strand.is_open(about.day)
            else situation.opening_in_words(strand.number, strand.opened_on, of_request.name()),
            text=sought(request),
            shown=Shown.of(request, found, export=".export_list", write=".write_to_list"),
            solicitation=solicitation_label,
            statuses=[(one.value, one.label) for one in (*Bucket, *Solicitation)],
            labels={state.value: state.label for state in RollUp},
            terms=terms(tells_reach=not is_scoped()),
        )


@pages.get(f"{LIST}.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_list(what: str, kind: str) -> Response:
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.named(session)
        _, selection = _asked_list(session, programme, about, what)
        table = _rows(session, programme, about, selection, what).table()
        oldest = situation.oldest_register(session, about.day, about.known_at)
        meanings = definitions(oldest, tells_reach=not is_scoped())
        return exports.download(table, kind, file_name(about, f"volet-{selection.strand}"), meanings)


@pages.route(f"{LIST}/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_list(what: str) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities of a list.

    It is a reminder where a letter listed their schools in vain, and an invitation where they have no answer otherwise.
    """
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.named(session)
        name, selection = _asked_list(session, programme, about, what)
        strand = programme.strand(selection.strand)
        text = sought(request)
        has_rule = not (about.is_past or selection.solicitation or selection.meaning or text) and (
            selection.by is Grouping.NETWORK or not selection.group
        )
        rule = results.rule_of_figure(strand, selection.network, selection.bucket) if has_rule else None
        members = _rows(session, programme, about, selection, what).keys() if rule is None else ()
    told = f"{name}, au {french.day(about.day)}" if about.is_past else name
    is_reminder = selection.solicitation is Solicitation.SOLICITED
    is_unanswered = selection.bucket is Bucket.NONE or selection.meaning is Meaning.NONE
    kinds = REMINDER if is_reminder else INVITATION if is_unanswered else ()
    joined = selection.bucket in {Bucket.JOINED, Bucket.DECLARED}
    return write_to(
        WrittenList(told, rule, members),
        strand=strand.id,
        concerns=Concerns.JOINED if joined else Concerns.OPEN,
        kinds=kinds,
    )


def _rows(
    session: Session, programme: Programme, about: AskedSituation, selection: Selection, what: str
) -> QueryListing[Any]:
    """The listing of schools or authorities that the query's words find."""
    text, sort = sought(request), sorting(request)
    asked = session, programme, about.day, selection
    if what == "schools":
        return situation.list_situation_schools(
            *asked, columns=school_columns(about, selection, now()), text=text, sort=sort
        )
    return situation.list_situation_authorities(
        *asked, columns=authority_columns_on(about, selection, now()), text=text, sort=sort
    )


def _asked_list(session: Session, programme: Programme, about: AskedSituation, what: str) -> tuple[str, Selection]:
    """What a list is called, and which schools it is about; that of authorities is about all their schools.

    Raises InputError when its strand is not open yet on the day.
    """
    selection, group = selected(session, programme, about)
    strand = programme.strand(selection.strand)
    if not strand.is_open(about.day):
        raise InputError(f"{_opening(strand)} Choisissez ce jour ou un jour suivant.")
    if what == "authorities":
        selection = replace(selection, bucket=None, solicitation=None, meaning=None)
    about_strand = f"volet {selection.strand}{of_programme(of_request.name())}"
    return ", ".join(filter(None, (selection.label, about_strand, group))), selection


def _opening(strand: Strand) -> str:
    return situation.opening_in_words(strand.number, strand.opened_on, of_request.name())
