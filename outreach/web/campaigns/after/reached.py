"""Whom a campaign reached, with proof: the list with its filters, its file, and a campaign to those listed."""

from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import lifecycle
from outreach.campaigns.calling.asked_calls import MOST
from outreach.campaigns.from_lists import WrittenList
from outreach.campaigns.ladder import reached
from outreach.campaigns.ladder.reached import ReachedRow
from outreach.campaigns.models import Campaign
from outreach.columns import Queried
from outreach.db import Session
from outreach.reach.proof import ProofKind
from outreach.roles import RoleName
from outreach.web.audience.calling import call_those
from outreach.web.audience.writing import write_to
from outreach.web.campaigns.blueprint import pages, show, step_of
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import needs, now, reading

UNPROVED = "none"


@dataclass(frozen=True, slots=True)
class AskedReach:
    """What a query asks for: a proof, those without any, words of a name."""

    campaign: Campaign
    kind: ProofKind | None
    is_unproved: bool
    text: str

    def listed(self, session: Session) -> Queried[ReachedRow]:
        """The list itself."""
        return reached.listed(
            session,
            self.campaign,
            now=now(),
            kind=self.kind,
            unproved=self.is_unproved,
            text=self.text,
            sort=sorting(request),
        )


@pages.get("/<number:number>/reached")
@needs(RoleName.READER)
def list_reached(number: int) -> str:
    with reading() as session:
        asked = _asked(session, number)
        return show(
            "reached",
            step_of(session, "reached", asked.campaign),
            asked=asked,
            found=reached.of(session, asked.campaign, now=now()),
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
        table, title = asked.listed(session).table(), asked.campaign.title
        return exports.download(table, kind, f"atteints-campagne-{number}", campaign=title)


@pages.post("/<number:number>/reached/campaign")
@needs(RoleName.AUTHOR)
def write_to_reached(number: int) -> Redirect:
    with reading() as session:
        asked = _asked(session, number)
        named = asked.kind.label if asked.kind else "Sans preuve" if asked.is_unproved else "Visés"
        written = WrittenList(f"{named} : {asked.campaign.title}", None, asked.listed(session).keys())
        strand = asked.campaign.strand.number
    return write_to(written, strand=strand)


@pages.post("/<number:number>/reached/calls")
@needs(RoleName.AUTHOR)
def call_reached(number: int) -> Redirect:
    with reading() as session:
        keys = _asked(session, number).listed(session).keys()
    return call_those(number, keys)


def _asked(session: Session, number: int) -> AskedReach:
    proof = request.args.get("proof", "")
    kind = member(ProofKind, proof)
    return AskedReach(lifecycle.campaign_numbered(session, number), kind, proof == UNPROVED, sought(request))
