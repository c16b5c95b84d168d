"""What programs read: the functions that feed pages and commands, as JSON."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from flask import Response, render_template

from outreach.access import accounts
from outreach.adherence import records, situation
from outreach.adherence.models import AdherenceRecord, Programme
from outreach.adherence.programmes import all_programme_files, as_json, get_programme
from outreach.adherence.situation import A_MONTH, By, Compared, Grouping, Reading, programmes_concerning
from outreach.campaigns import correspondence, planning, results
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import known_until, read_past
from outreach.campaigns.results import overall_figures
from outreach.core.db import Session
from outreach.core.tables import Expression, QueryListing, Row
from outreach.core.text.dates import parse_day, today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.outbox import listed_schools
from outreach.directory.authorities import Filters, authority_by_fase, list_authorities, list_networks, list_schools
from outreach.engagement import replies
from outreach.engagement.replies import Response as GivenResponse
from outreach.reports.notes import Note, NoteState, select_notes
from outreach.web.api import resources
from outreach.web.api.blueprint import holder, page_of, pages, told
from outreach.web.api.figures import CampaignStandingOutput, DifferenceOutput, SituationOutput
from outreach.web.api.shapes import (
    AuthoritiesQuery,
    AuthorityOutput,
    CampaignSummaryOutput,
    DifferenceQuery,
    ExclusionOutput,
    NetworkOutput,
    NoteOutput,
    Nothing,
    OfProgrammeQuery,
    Page,
    PageQuery,
    ProgrammeOutput,
    ProgrammeQuery,
    RecipientOutput,
    RecordOutput,
    ReplyOutput,
    ResponseOutput,
    SchoolOutput,
    SegmentOutput,
    SituationQuery,
)
from outreach.web.api.specification import OF_ONE, OF_PROGRAMME, answers, document, query_as
from outreach.web.ui.request import current_day, now, reading, settings, whole


@pages.get("/")
def contents() -> str:
    """The interface on a page, for people."""
    return render_template("public/api.html", document=document(), address=settings().address)


@pages.get("/openapi.json")
def openapi() -> Response:
    """The interface as OpenAPI 3.1 says it."""
    return told(document())


@pages.get("/situation")
@answers("getSituation", SituationOutput, SituationQuery, faults=OF_PROGRAMME)
def current_situation() -> Response:
    """La situation d’un programme : combien d’écoles à chaque statut, par groupe et par volet."""
    asked = query_as(SituationQuery)
    with reading() as session:
        programme = _programme(session, asked.programme)
        day, known_at = _when(session, asked.as_of, asked.known_at, current_day())
        listed = listed_schools(known_until(day, known_at))
        by = Grouping(asked.by)
        found = situation.count_situation(session, programme, day, known_at=known_at, by=by, listed=listed)
        return told({"programme": programme.code, **found.as_json()})


@pages.get("/situation/difference")
@answers("getSituationDifference", DifferenceOutput, DifferenceQuery, faults=OF_PROGRAMME)
def situation_difference() -> Response:
    """Pourquoi un chiffre a changé : deux lectures d’un volet, et les causes de chaque écart, école par école.

    À une clé de fédération ou de réseau, qui était membre le jour de chaque lecture : une école qui ne l’est plus est
    comptée, et n’est pas nommée.
    """
    asked = query_as(DifferenceQuery)
    with reading() as own, whole() as session:
        programme = _programme(own, asked.programme)
        before = Reading(*_when(own, asked.from_, asked.known_from, current_day() - A_MONTH))
        after = Reading(*_when(own, asked.to, asked.known_to, current_day()))
        try:
            strand = programme.strand_shown(asked.strand, after.day)
        except InputError as fault:
            raise NotFound(str(fault)) from None
        asks = Compared(programme, strand, By(asked.by), holder().access_scope)
        return told(situation.difference(session, asks, before, after, own).as_json())


@pages.get("/networks")
@answers("listNetworks", Page[NetworkOutput], Nothing)
def networks() -> Response:
    """Les réseaux, dans leur ordre habituel."""
    with reading() as session:
        return told(resources.every([resources.network(one) for one in list_networks(session)]))


@pages.get("/programmes")
@answers("listProgrammes", Page[ProgrammeOutput], Nothing)
def programmes() -> Response:
    """Les programmes, leurs volets, et ce que chaque volet demande.

    À une clé de fédération ou de réseau, ceux qui concernent ses membres.
    """
    with reading() as session:
        theirs = programmes_concerning(session, current_day())
        found = [as_json(programme, rules) for programme, rules in all_programme_files(session) if programme in theirs]
    return told(resources.every(found))


@pages.get("/authorities")
@answers("listAuthorities", Page[AuthorityOutput], AuthoritiesQuery)
def authorities() -> Response:
    """Les pouvoirs organisateurs du registre d’aujourd’hui, par numéro FASE."""
    asked = query_as(AuthoritiesQuery)
    filters = Filters(networks=(asked.network,) if asked.network else ())
    with reading() as session:
        return page_of(list_authorities(session, filters), asked, resources.authority)


@pages.get("/authorities/<number:authority>/schools")
@answers("listSchools", Page[SchoolOutput], PageQuery, faults=OF_ONE)
def schools(authority: int) -> Response:
    """Les écoles d’un pouvoir organisateur, par numéro FASE."""
    with reading() as session:
        found = authority_by_fase(session, authority)
        listing = list_schools(session, found)
        return page_of(listing, query_as(PageQuery), lambda row: resources.school(row, found))


@pages.get("/segments")
@answers("listSegments", Page[SegmentOutput], ProgrammeQuery, faults=OF_PROGRAMME)
def segments() -> Response:
    """Les segments enregistrés, et combien de pouvoirs organisateurs chacun désigne en ce moment dans un programme."""
    with reading() as session:
        programme = _programme(session, query_as(ProgrammeQuery).programme)
        counted = [
            resources.segment(row, programme.code, planning.count_segment(session, row.segment, programme, now=now()))
            for row in planning.list_segments(session, accounts.colleagues(session)).every()
        ]
    return told(resources.every(counted))


@pages.get("/campaigns")
@answers("listCampaigns", Page[CampaignSummaryOutput], OfProgrammeQuery, faults=OF_PROGRAMME)
def campaigns() -> Response:
    """Les campagnes d’un programme, des plus anciennes aux plus récentes.

    À une clé de fédération ou de réseau, celles qui écrivent à des membres.
    """
    is_whole = holder().access_scope is None
    resource = partial(resources.campaign, is_whole=is_whole)
    with reading() as session:
        among = None if is_whole else planning.campaigns_with_waves(session, now=now())
        listing = planning.list_campaigns(session, among=among, figures=partial(overall_figures, session, now=now()))
        return _page_of_programme(session, _of_strands(listing, Campaign.strand_id), resource)


@pages.get("/campaigns/<number:campaign>")
@answers("getCampaign", CampaignStandingOutput, Nothing, faults=OF_ONE)
def campaign(campaign: int) -> Response:
    """Une campagne : ses vagues, ce que leurs courriels sont devenus, et ses chiffres.

    À une clé de fédération ou de réseau, ses vagues qui écrivent à des membres, et combien de membres.
    """
    with reading() as session:
        say = results.progress_concerning if holder().access_scope else results.campaign_as_json
        said = say(session, planning.campaign_numbered(session, campaign), now=now())
        (row,) = planning.list_campaigns(session, among=[campaign]).every()
        return told(resources.standing(row, said["counts"]["programme"], said))


@pages.get("/campaigns/<number:campaign>/waves/<number:wave>/recipients")
@answers("listRecipients", Page[RecipientOutput], PageQuery, faults=OF_ONE)
def recipients(campaign: int, wave: int) -> Response:
    """Les courriels d’une vague : à qui, et ce que chacun est devenu."""
    with reading() as session:
        waves = [one for one in planning.campaign_numbered(session, campaign).waves if one.number == wave]
        if not waves:
            raise NotFound(f"La campagne {campaign} n’a pas de vague {wave}.")
        if waves[0].mailing_id is None:
            return told(resources.every([]))
        listing = outbox.list_letters(session, waves[0].mailing_id)
        return page_of(listing, query_as(PageQuery), resources.recipient)


@pages.get("/responses")
@answers("listResponses", Page[ResponseOutput], OfProgrammeQuery, faults=OF_PROGRAMME)
def responses() -> Response:
    """Les réponses des pouvoirs organisateurs sur un programme, et la suite donnée à chacune."""
    with reading() as session:
        listed = _of_strands(replies.all_responses(session), GivenResponse.strand_id)
        return _page_of_programme(session, listed, resources.response)


@pages.get("/replies")
@answers("listReplies", Page[ReplyOutput], PageQuery)
def mails_received() -> Response:
    """Les courriels reçus en réponse : de qui, quand, et ce qui en est décidé ; jamais leur texte."""
    with reading() as session:
        return page_of(
            correspondence.all_mails(session),
            query_as(PageQuery),
            lambda row: resources.reply(
                row.ReceivedMail, row.Authority and row.Authority.fase, row.Campaign and row.Campaign.id
            ),
        )


@pages.get("/exclusions")
@answers("listExclusions", Page[ExclusionOutput], PageQuery)
def exclusions() -> Response:
    """Les adresses auxquelles le service n’écrit plus."""
    with reading() as session:
        return page_of(outbox.list_suppressions(session), query_as(PageQuery), resources.exclusion)


@pages.get("/notes")
@answers("listNotes", Page[NoteOutput], OfProgrammeQuery, faults=OF_ONE)
def notes() -> Response:
    """Les notes publiées, dont chacune nomme son programme ; `programme` n’en retient que celles d’un seul."""
    asked, address = query_as(OfProgrammeQuery), settings().address
    with reading() as session:
        theirs = (
            [_programme(session, asked.programme)] if asked.programme else programmes_concerning(session, current_day())
        )
        listing = select_notes(session, NoteState.PUBLISHED)
        among = replace(listing, query=listing.query.where(Note.programme_id.in_([one.id for one in theirs])))
        return page_of(among, asked, lambda one: resources.note(one, one.programme.code, address))


@pages.get("/adherence-records")
@answers("listAdherenceRecords", Page[RecordOutput], OfProgrammeQuery, faults=OF_PROGRAMME)
def adherence_records() -> Response:
    """Les statuts enregistrés des écoles dans un programme, les annulés aussi, dans l’ordre de leur enregistrement."""
    with reading() as session:
        listed = _of_strands(records.all_records(session), AdherenceRecord.strand_id)
        return _page_of_programme(session, listed, resources.record)


def _of_strands(listing: QueryListing[Row], strand_id: Expression) -> Callable[[Programme], QueryListing[Row]]:
    """Those rows of a listing whose strand is of a programme."""

    def theirs(programme: Programme) -> QueryListing[Row]:
        keys = programme.strand_keys
        return replace(listing, query=listing.query.where(strand_id.in_(keys)))

    return theirs


def _page_of_programme(
    session: Session,
    listed: Callable[[Programme], QueryListing[Row]],
    resource: Callable[[Row, str], resources.Resource],
) -> Response:
    """A page of what is listed of the programme that is asked for."""
    asked = query_as(OfProgrammeQuery)
    programme = _programme(session, asked.programme)
    return page_of(listed(programme), asked, lambda row: resource(row, programme.code))


def _programme(session: Session, code: str) -> Programme:
    """The programme with this code, or the only one, of those that concern the members of a scoped key."""
    return get_programme(session, code, programmes_concerning(session, current_day()))


def _when(session: Session, as_of: date | None, moment: date | None, usual: date) -> tuple[date, datetime | None]:
    """The day that is asked for, and the past moment whose knowledge. Raises Refused for what cannot be known."""
    try:
        known_at = read_past(moment.isoformat(), now=now()) if moment else None
        day = parse_day(as_of.isoformat()) if as_of else today(known_at) if known_at else usual
        if day > current_day():
            raise Refused("Cette date est dans l’avenir.")
        situation.refuse_unknowable(session, day, known_at)
    except InputError as fault:  # not of the form, which was read, but of what there is to know
        raise Refused(str(fault)) from None
    return day, known_at
