"""What programs read: the functions that feed pages and commands, as JSON."""

from collections.abc import Callable
from dataclasses import replace

from flask import Response, render_template

from outreach.accounts import staff
from outreach.adherence import programmes as known_programmes
from outreach.adherence import record_list, situation
from outreach.adherence.models import AdherenceRecord
from outreach.adherence.programmes import files as programme_files
from outreach.campaigns import lifecycle, segment_uses
from outreach.campaigns import listing as campaign_list
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import as_json
from outreach.campaigns.schedule import concerned
from outreach.columns import Expression, Queried, Row
from outreach.db import Session
from outreach.delivery.ledger import listing as recipient_list
from outreach.delivery.ledger import suppression_list
from outreach.directory import authority_sheet
from outreach.directory import listing as directory
from outreach.directory.listing import Filters
from outreach.errors import InputError, NotFound, Refused
from outreach.notes import listing as note_list
from outreach.notes.models import NoteState
from outreach.responses import trays
from outreach.responses.models import Response as GivenResponse
from outreach.web.api import cursors
from outreach.web.api.blueprint import holder, page_of, pages, told
from outreach.web.api.figures import CampaignStandingTold, SituationTold
from outreach.web.api.shapes import (
    AuthoritiesAsked,
    AuthorityTold,
    CampaignTold,
    ExclusionTold,
    NetworkTold,
    NoteTold,
    Nothing,
    OfProgrammeAsked,
    Page,
    PageAsked,
    ProgrammeAsked,
    ProgrammeTold,
    RecipientTold,
    RecordTold,
    ResponseTold,
    SchoolTold,
    SegmentTold,
    SituationAsked,
)
from outreach.web.api.specification import OF_ONE, OF_PROGRAMME, answers, document, query_as
from outreach.web.situation.asked import surely_asked
from outreach.web.ui.request import now, reading, settings


@pages.get("/")
def contents() -> str:
    """The interface on a page, for people."""
    return render_template("public/api.html", document=document(), address=settings().address)


@pages.get("/openapi.json")
def openapi() -> Response:
    """The interface as OpenAPI 3.1 says it."""
    return told(document())


@pages.get("/situation")
@answers(SituationTold, SituationAsked, faults=OF_PROGRAMME)
def current_situation() -> Response:
    """La situation d’un programme : combien d’écoles à chaque statut, par groupe et par volet."""
    with reading() as session:
        programme = known_programmes.named(session, query_as(SituationAsked).programme)
        try:
            about = surely_asked(session)
        except InputError as fault:  # not of the form, which was read: a day to come, or one that cannot be known
            raise Refused(str(fault)) from None
        found = situation.situation(
            session, programme, about.day, known_at=about.known_at, by=about.by, listed=about.listed
        )
        return told({"programme": programme.code, **found.as_json()})


@pages.get("/networks")
@answers(Page[NetworkTold], Nothing)
def networks() -> Response:
    """Les réseaux, dans leur ordre habituel."""
    with reading() as session:
        found = [{"code": one.code, "label": one.label} for one in directory.networks(session)]
    return told({"items": found, "next": None})


@pages.get("/programmes")
@answers(Page[ProgrammeTold], Nothing)
def programmes() -> Response:
    """Les programmes, leurs volets, et ce que chaque volet demande."""
    with reading() as session:
        found = [known_programmes.as_json(programme, rules) for programme, rules in programme_files.every(session)]
    return told({"items": found, "next": None})


@pages.get("/authorities")
@answers(Page[AuthorityTold], AuthoritiesAsked)
def authorities() -> Response:
    """Les pouvoirs organisateurs du registre d’aujourd’hui, par numéro FASE."""
    asked = query_as(AuthoritiesAsked)
    filters = Filters(networks=(asked.network,) if asked.network else ())
    with reading() as session:
        return page_of(directory.listed(session, filters), asked.cursor, asked.limit)


@pages.get("/authorities/<number:fase>/schools")
@answers(Page[SchoolTold], PageAsked, faults=OF_ONE)
def schools(fase: int) -> Response:
    """Les écoles d’un pouvoir organisateur."""
    asked = query_as(PageAsked)
    with reading() as session:
        authority = authority_sheet.authority_by_fase(session, fase)
        return page_of(authority_sheet.schools(session, authority), asked.cursor, asked.limit)


@pages.get("/segments")
@answers(Page[SegmentTold], ProgrammeAsked, faults=OF_PROGRAMME)
def segments() -> Response:
    """Les segments enregistrés, et combien de pouvoirs organisateurs chacun désigne en ce moment dans un programme."""
    with reading() as session:
        programme = known_programmes.named(session, query_as(ProgrammeAsked).programme)
        listed = segment_uses.listed(session, staff.colleagues(session))
        counted = [
            {
                **listed.object(row),
                "programme": programme.code,
                "authorities": segment_uses.counted(session, row.segment, programme, now=now()),
            }
            for row in listed.every()
        ]
    return told({"items": counted, "next": None})


@pages.get("/campaigns")
@answers(Page[CampaignTold], OfProgrammeAsked, faults=OF_PROGRAMME)
def campaigns() -> Response:
    """Les campagnes d’un programme, des plus anciennes aux plus récentes.

    À une clé de fédération ou de réseau, celles qui écrivent à des membres.
    """
    with reading() as session:
        among = concerned.campaigns(session, now=now()) if holder().sight else None
        listing = campaign_list.listed(session, among=among)
        return _page_of_programme(session, listing, Campaign.strand_id, lambda row: row.campaign.strand.number)


@pages.get("/campaigns/<number:number>")
@answers(CampaignStandingTold, Nothing, faults=OF_ONE)
def campaign(number: int) -> Response:
    """Une campagne : ses vagues, ce que leurs courriels sont devenus, et ses chiffres.

    À une clé de fédération ou de réseau, ses vagues qui écrivent à des membres, et combien de membres.
    """
    with reading() as session:
        said = as_json.concerning if holder().sight else as_json.of
        return told(said(session, lifecycle.campaign_numbered(session, number), now=now()))


@pages.get("/campaigns/<number:number>/waves/<number:wave>/recipients")
@answers(Page[RecipientTold], PageAsked, faults=OF_ONE)
def recipients(number: int, wave: int) -> Response:
    """Les courriels d’une vague : à qui, et ce que chacun est devenu."""
    asked = query_as(PageAsked)
    with reading() as session:
        waves = [one for one in lifecycle.campaign_numbered(session, number).waves if one.number == wave]
        if not waves:
            raise NotFound(f"La campagne {number} n’a pas de vague {wave}.")
        if waves[0].mailing_id is None:
            return told({"items": [], "next": cursors.written(None)})
        return page_of(recipient_list.listed(session, waves[0].mailing_id, None), asked.cursor, asked.limit)


@pages.get("/responses")
@answers(Page[ResponseTold], OfProgrammeAsked, faults=OF_PROGRAMME)
def responses() -> Response:
    """Les réponses des pouvoirs organisateurs sur un programme, et la suite donnée à chacune."""
    with reading() as session:
        return _page_of_programme(session, trays.every(session), GivenResponse.strand_id, lambda row: row.strand.number)


@pages.get("/exclusions")
@answers(Page[ExclusionTold], PageAsked)
def exclusions() -> Response:
    """Les adresses auxquelles le service n’écrit plus."""
    asked = query_as(PageAsked)
    with reading() as session:
        return page_of(suppression_list.listed(session), asked.cursor, asked.limit)


@pages.get("/notes")
@answers(Page[NoteTold], PageAsked)
def notes() -> Response:
    """Les notes publiées."""
    asked = query_as(PageAsked)
    with reading() as session:
        found, last = note_list.listed(session, NoteState.PUBLISHED).following(cursors.read(asked.cursor), asked.limit)
        items = [note_list.published_json(note, settings().address) for note in found]
    return told({"items": items, "next": cursors.written(last)})


@pages.get("/adherence-records")
@answers(Page[RecordTold], OfProgrammeAsked, faults=OF_PROGRAMME)
def adherence_records() -> Response:
    """Les statuts enregistrés des écoles dans un programme, les annulés aussi, dans l’ordre de leur enregistrement."""
    with reading() as session:
        return _page_of_programme(
            session, record_list.listed(session), AdherenceRecord.strand_id, lambda row: row.strand
        )


def _page_of_programme(
    session: Session, listing: Queried[Row], strand_id: Expression, strand: Callable[[Row], int]
) -> Response:
    """A page of those rows of a listing whose strand is of the programme that is asked for; each names both."""
    asked = query_as(OfProgrammeAsked)
    programme = known_programmes.named(session, asked.programme)
    theirs = strand_id.in_([one.id for one in programme.strands])
    found = replace(listing, query=listing.query.where(theirs))
    about = lambda row: {"programme": programme.code, "strand": strand(row)}  # noqa: E731
    return page_of(found, asked.cursor, asked.limit, about)
