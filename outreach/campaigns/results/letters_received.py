"""How many letters authorities received this school year, over all campaigns, by colour.

A wave counts once, however many mailboxes of an authority and of its schools it went to.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from outreach import french
from outreach.campaigns.models import Campaign, Colour, Wave
from outreach.campaigns.schedule.moments import school_year
from outreach.db import Session
from outreach.delivery.ledger import outbox

LetterCounts = Mapping[Colour, int]


def of(session: Session, authorities: Sequence[int], *, now: datetime) -> dict[int, LetterCounts]:
    """The letters that left for each of these authorities (keys) since the school year began, in doubt or not.

    Two statements, whatever the number of authorities. Colours without a letter are left out.
    """
    received = outbox.mailings_received(session, authorities, school_year(now))
    mailings = set[int]().union(*received.values())
    query = select(Wave.mailing_id, Campaign.colour).join(Campaign, Campaign.id == Wave.campaign_id)
    found = session.execute(query.where(Wave.mailing_id.in_(mailings))).all() if mailings else []
    colours = {row.mailing_id: row.colour for row in found}
    return {
        key: {
            colour: total for colour in Colour if (total := sum(colours.get(mailing) is colour for mailing in theirs))
        }
        for key, theirs in received.items()
    }


def told(counts: LetterCounts) -> str:
    """The counts in French, by what the colours mean: "4 courriels : 3 « échéance annuelle », 1 « information »",
    "2 courriels « information »" or "aucun".
    """
    if not counts:
        return "aucun"
    letters = french.plural(sum(counts.values()), "courriel")
    if len(counts) == 1:
        return f"{letters} « {next(iter(counts)).meaning} »"
    each = ", ".join(f"{french.number(count)} « {colour.meaning} »" for colour, count in counts.items())
    return f"{letters} : {each}"
