"""Whom a reminder would be written to today, beside those who have not reacted: the same count feeds every sentence."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns import audiences
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import reactions as results
from outreach.db import Session
from outreach.delivery.models import Reason
from outreach.measuring import reactions
from outreach.measuring.reactions import Reaction
from outreach.segments import audience_counts


@dataclass(frozen=True, slots=True)
class Reminded:
    """Whom a reminder would be written to: `written` authorities at `addresses`, and who is `left_out`, by reason.

    `unreacted` counts the authorities that have not reacted, as their list does. The reminder goes to `of_unreacted` of
    these, to `partly` that have reacted for some of their schools only, and to `unreached` that no letter has reached.
    `kept_out` are the unreacted to whom it does not go, by reason; their sum with `of_unreacted` is `unreacted`.
    """

    written: int
    addresses: int
    left_out: Mapping[Reason, int]
    unreacted: int
    of_unreacted: int
    partly: int
    unreached: int
    kept_out: Mapping[Reason, int]


def reminded(
    session: Session,
    campaign: Campaign,
    unreacted: int,
    *,
    now: datetime,
    only_unreacted: bool = False,
    leaves_at: datetime | None = None,
) -> Reminded:
    """Whom the next reminder would be written to; with `only_unreacted`, one that is added and `leaves_at` then.

    `unreacted` is what `results.reactions.counts` has for Reaction.NONE.
    """
    reacted = reactions.of_authorities(results.asked_of(campaign, now=now))
    meant = audiences.meant(campaign, now, only_unreacted=only_unreacted)
    scope = audiences.scope_of(session, campaign, now=now, leaves_at=leaves_at)
    rows = audience_counts.by_label(session, meant, scope, reacted.c.authority_id, reacted.c.reaction)
    left_out, kept_out, written = Counter[Reason](), Counter[Reason](), Counter[str | None]()
    for reaction, reason, count, _ in rows:
        if reason is None:
            written[reaction] += count
            continue
        left_out[reason] += count
        if reaction == Reaction.NONE.value:
            kept_out[reason] += count
    of_unreacted, partly = written[Reaction.NONE.value], written[Reaction.REACTED.value]
    outside = unreacted - of_unreacted - kept_out.total()
    if outside:  # the audience does not mean them at all
        kept_out[Reason.NOT_CONCERNED] += outside
    return Reminded(
        written=written.total(),
        addresses=sum(addresses for *_, addresses in rows),
        left_out=left_out,
        unreacted=unreacted,
        of_unreacted=of_unreacted,
        partly=partly,
        unreached=written.total() - of_unreacted - partly,
        kept_out=kept_out,
    )
