"""Why a figure changed: two readings of a strand, the causes of each difference, and the schools behind each cause."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, render_template, request, url_for

from outreach.access import accounts, scopes
from outreach.adherence import situation
from outreach.adherence.models import Programme, Strand
from outreach.adherence.situation import (
    A_MONTH,
    By,
    Cause,
    ChangedSchool,
    ChosenList,
    Compared,
    Reading,
    SituationDifference,
)
from outreach.campaigns import planning, results
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import known_until
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.outbox import schools_named_in
from outreach.reports import notes
from outreach.web.pages.adherence.asked import AskedSituation, pages, reading_asked, shown_strand
from outreach.web.shared import programmes
from outreach.web.ui import exports
from outreach.web.ui import programme as of_request
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import counted, current_day, needs, reading, whole

SIDES = {"came": 1, "left": -1}
ASKED = ("campaign", "strand", "from", "known_from", "to", "known_to", "by")  # what an address says of the two readings


@pages.get("/situation/difference")
@needs(RoleName.READER)
def why() -> str:
    with reading() as session:
        programme, campaign = programmes.shown(session), _campaign(session)
        found, strand, refusal = None, campaign.strand if campaign else shown_strand(programme, current_day()), ""
        try:
            found = _found(session, programme, campaign)
            strand = found.compared.strand
        except (InputError, Refused) as error:
            refusal = str(error)
        return render_template(
            "pages/situation/why.html",
            programme=programme,
            strand=strand,
            found=found,
            refusal=refusal,
            typed=_typed(found),
            since=_since(session, programme, campaign),
            campaign=campaign,
            waves=results.changes_of_waves(session, campaign, _moments(found)) if campaign and found else [],
            groupings=list(By),
            by=member(By, request.args.get("by")) or By.NETWORK,
            sentences=situation.difference_sentences(found, of_request.name()) if found else [],
            label=situation.figure_label,
            signed=situation.signed_count,
            CONCERNED=situation.CONCERNED,
            asked=_asked(found) if found else {},
            counted=scopes.authorities_in_words(counted()),
            today=current_day(),
        )


@pages.get("/situation/difference/schools")
@needs(RoleName.READER)
def changed() -> str:
    with reading() as session:
        programme = programmes.shown(session)
        campaign = _campaign(session)
        found, chosen = _found(session, programme, campaign), _chosen()
        return render_template(
            "pages/situation/changed.html",
            programme=programme,
            found=found,
            campaign=campaign,
            chosen=chosen,
            figure=situation.figure_label(chosen.figure) if chosen.figure else "",
            text=sought(request),
            asked=_asked(found),
            shown=Shown.of(request, _listed(session, found), export=".export_changed"),
        )


@pages.get("/situation/difference/schools.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_changed(kind: str) -> Response:
    with reading() as session:
        found = _found(session, programmes.named(session), _campaign(session))
        listed = _listed(session, found)
        name = f"difference-{found.before.day}-{found.after.day}-volet-{found.compared.strand.number}"
        return exports.download(listed.table(listed.names), kind, name)


def _found(session: Session, programme: Programme, campaign: Campaign | None) -> SituationDifference:
    """The difference that is asked for, of all schools or of those that the letters of a campaign name.

    Raises InputError and Refused for readings that nobody can have, and for a campaign of another programme.
    """
    after = reading_asked("to", current_day())
    before = reading_asked("from", _before_leaving(campaign) if campaign else current_day() - A_MONTH)
    by = member(By, request.args.get("by")) or By.NETWORK
    if campaign is None:
        asks = Compared(programme, shown_strand(programme, after.day), by, counted())
    elif campaign.strand.programme_id != programme.id:
        raise InputError("Cette campagne est d’un autre programme : ouvrez cette page depuis son suivi.")
    else:
        named = schools_named_in(campaign.mailing_keys), f"écoles que cite « {campaign.title} »"
        asks = Compared(programme, campaign.strand, by, counted(), *named)
    with whole() as every:
        return situation.difference(every, asks, before, after, session)


def _campaign(session: Session) -> Campaign | None:
    """The campaign whose schools alone are compared, if the address names one. Raises NotFound."""
    number = request.args.get("campaign", "")
    return planning.campaign_numbered(session, whole_number(number) or 0) if number else None


def _before_leaving(campaign: Campaign) -> date:
    """The day before the first wave of a campaign was due."""
    return min((today(wave.due_at) for wave in campaign.waves), default=current_day()) - timedelta(days=1)


def _moments(found: SituationDifference) -> tuple[datetime, datetime]:
    """Until when what came of letters counts, in each reading."""
    before, after = (known_until(one.day, one.known_at) for one in (found.before, found.after))
    return before, after


def account(session: Session, programme: Programme, strand: Strand, about: AskedSituation) -> dict[str, Any]:
    """What a page of the situation says of how a month changed it; nothing where one of the two days is not known."""
    before, after = (Reading(day, about.known_at) for day in (about.day - A_MONTH, about.day))
    try:
        with whole() as every:
            asks = Compared(programme, strand, By.NETWORK, counted())
            found = situation.difference(every, asks, before, after, session)
    except (InputError, Refused):
        return {"account": None}
    known = {"known_from": about.typed, "known_to": about.typed} if about.known_at else {}
    came = [
        schools
        for cell in found.populations.values()
        for (cause, sign), schools in cell.causes.items()
        if cause is Cause.MOVED and sign > 0
    ]
    return {
        "account": found if strand.is_open(about.day) else None,
        "moved": sum(map(len, came)),
        "moved_cause": Cause.MOVED.value,
        "asked_account": {"strand": strand.number, "from": str(before.day), "to": str(after.day), **known},
        "signed": situation.signed_count,
        "CONCERNED": situation.CONCERNED,
    }


def _listed(session: Session, found: SituationDifference) -> InMemoryListing[ChangedSchool]:
    text, sort, names = sought(request), sorting(request), accounts.colleagues(session)
    return situation.list_changed_schools(session, found, _chosen(), text=text, sort=sort, names=names)


def _chosen() -> ChosenList:
    """The cells that the address opens. Raises InputError for a figure that there is not."""
    figure = request.args.get("figure", "")
    if figure:
        try:
            situation.figure_label(figure)
        except ValueError:
            raise InputError("Ce chiffre n’existe pas : revenez à la page « Pourquoi ce chiffre a changé ».") from None
    cause = member(Cause, request.args.get("cause"))
    return ChosenList(request.args.get("group", ""), figure, cause, SIDES.get(request.args.get("side", ""), 0))


def _asked(found: SituationDifference) -> dict[str, str]:
    """What leads to the same two readings, also on another day."""
    days = {"from": found.before.day.isoformat(), "to": found.after.day.isoformat()}
    asked = {name: request.args.get(name, "") for name in ASKED} | days | {"strand": str(found.compared.strand.number)}
    return {name: value for name, value in asked.items() if value}


def _typed(found: SituationDifference | None) -> dict[str, str]:
    """What the form has in its fields: what is shown, or else what was asked and cannot be."""
    if found is None:
        return {name: request.args.get(name, "") for name in ASKED}
    values = {}
    for name, one in (("from", found.before), ("to", found.after)):
        values[name] = one.day.isoformat()
        values[f"known_{name}"] = f"{one.known_at.astimezone(BRUSSELS):%Y-%m-%dT%H:%M}" if one.known_at else ""
    return values


def _since(session: Session, programme: Programme, campaign: Campaign | None) -> list[tuple[str, str]]:
    """Readings that are often asked for, in words, each with its address."""
    if campaign:
        return [("Depuis son départ", url_for(".why", campaign=campaign.id))]
    strand = request.args.get("strand")
    found = [("Depuis un mois", url_for(".why", strand=strand))]
    if note := notes.last_numbered(session, programme):
        # The whole instant: what was recorded in the same minute came after it, or before.
        fields: dict[str, Any] = {"from": note.as_of.isoformat(), "known_from": note.known_at.isoformat()}
        number = note.approval.number if note.approval else ""
        found.append((f"Depuis la note {number}", url_for(".why", strand=strand, **fields)))
    return found
