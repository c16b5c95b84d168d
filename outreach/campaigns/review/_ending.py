"""What ending a campaign loses (letters that wait, waves to come, letters to send again), and what stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns import planning
from outreach.campaigns.models import UNDER_WAY, Campaign, Wave, WaveState
from outreach.core.db import Session
from outreach.delivery import outbox


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of letters: those that wait in a wave under way, those that failed, those in doubt, and those that left.

    `planned` are the waves to come, and `written` how many authorities one of them would write to now. Letters in
    doubt are among those that left.
    """

    waiting: int
    failed: int
    doubtful: int
    sent: int
    planned: Sequence[Wave]
    written: int


def losses_of(session: Session, campaign: Campaign, *, now: datetime, number: int | None = None) -> Losses:
    """What is lost by ending a campaign now, and what stays. With planned waves it counts the audience: that of the
    first of these, or of the one with this number."""
    counted = outbox.tally_mailings(session, campaign.mailing_keys)
    under_way = [counted[wave.mailing_id] for wave in campaign.waves if wave.mailing_id and wave.state in UNDER_WAY]
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED]
    asked = next((wave for wave in planned if number in (None, wave.number)), None)
    is_added = asked is not None and asked.added_reminder_id is not None
    return Losses(
        waiting=sum(tally.pending + tally.deferred for tally in under_way),
        failed=sum(tally.refused + tally.expired for tally in counted.values()),
        doubtful=sum(tally.in_doubt for tally in counted.values()),
        sent=sum(tally.accepted + tally.in_doubt for tally in counted.values()),
        planned=planned,
        written=planning.count_campaign_audience(
            session, campaign, now=now, only_unreacted=is_added, departure=asked.departure
        ).written
        if asked
        else 0,
    )


def left_before(session: Session, campaign: Campaign) -> int:
    """How many letters had left when the wave that the next one completes was broken off; 0 when there is none."""
    counted = outbox.tally_mailings(session, planning.broken_off(campaign))
    return sum(tally.accepted + tally.in_doubt for tally in counted.values())
