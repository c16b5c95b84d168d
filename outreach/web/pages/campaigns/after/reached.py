"""Whom a campaign reached: the list with its filters, its file, and a campaign to those listed."""

from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.channels.calls import MOST
from outreach.campaigns.counting import counts
from outreach.campaigns.counting.classes import Reach
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import lifecycle
from outreach.campaigns.results import reached
from outreach.campaigns.results.figures import Figure
from outreach.campaigns.results.from_lists import WrittenList
from outreach.campaigns.results.reached import ReachedRow
from outreach.core.db import Session
from outreach.core.tables.columns import QueryListing
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages, show, step_of, title_in_file
from outreach.web.shared.write_to_list import call_those, write_to
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import needs, now, reading

OFFERED = (Figure.TO_REACH, *map(Figure, Reach))


@dataclass(frozen=True, slots=True)
class AskedReach:
    """What a query asks for: a figure, of all to be reached by default; words of a name."""

    campaign: Campaign
    figure: Figure
    text: str

    def listed(self, session: Session) -> QueryListing[ReachedRow]:
        """The list itself."""
        return reached.listed(session, self.campaign, self.figure, now=now(), text=self.text, sort=sorting(request))


@pages.get("/<number:number>/reached")
@needs(RoleName.READER)
def list_reached(number: int) -> str:
    with reading() as session:
        asked = _asked(session, number)
        return show(
            "reached",
            step_of(session, "reached", asked.campaign),
            asked=asked,
            counted=(counted := counts.of_authorities(session, asked.campaign, now=now()).authorities),
            sentence=reached.sentence(counted, reached.waiting(session, asked.campaign)),
            offered=OFFERED,
            shown=Shown.of(
                request,
                asked.listed(session),
                few=True,
                export=".export_reached",
                write=".write_to_reached",
                call=".call_reached",
                most_called=MOST,
            ),
        )


@pages.get("/<number:number>/reached/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_reached(number: int, kind: str) -> Response:
    with reading() as session:
        asked = _asked(session, number)
        table, title = asked.listed(session).table(), title_in_file(session, asked.campaign)
        return exports.download(table, kind, f"atteints-campagne-{number}", campaign=title)


@pages.route("/<number:number>/reached/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_reached(number: int) -> Redirect | str | tuple[str, int]:
    with reading() as session:
        asked = _asked(session, number)
        written = WrittenList(f"{asked.figure.label} : {asked.campaign.title}", None, asked.listed(session).keys())
        strand = asked.campaign.strand_id
    return write_to(written, strand=strand)


@pages.post("/<number:number>/reached/calls")
@needs(RoleName.AUTHOR)
def call_reached(number: int) -> Redirect:
    with reading() as session:
        keys = _asked(session, number).listed(session).keys()
    return call_those(number, keys)


def _asked(session: Session, number: int) -> AskedReach:
    figure = member(Figure, request.args.get("figure")) or Figure.TO_REACH
    return AskedReach(lifecycle.campaign_numbered(session, number), figure, sought(request))
