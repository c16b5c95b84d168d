"""Where a campaign stands as JSON: its waves, their letters, what came of them; for commands and programs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outreach.campaigns import audiences, counts, lifecycle, listing
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.results import actions, figures, progress
from outreach.campaigns.results.openings import are_measured
from outreach.campaigns.schedule import concerned
from outreach.campaigns.waves import auto_pause, retrying
from outreach.campaigns.waves.retrying import Retriable
from outreach.db import Session
from outreach.delivery.ledger import listing as ledger
from outreach.delivery.ledger.outbox import Tally
from outreach.measuring import hits
from outreach.sight import wording


def of(session: Session, campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Where a campaign stands: state, stage, waves and what became of their letters, numbers, what was measured."""
    again, opens = retrying.retriable(session, campaign, now=now), are_measured(campaign)
    found = figures.of(session, campaign, now=now)
    measured = hits.measured(session, audiences.launched(campaign))
    return {
        "campaign": campaign.id,
        **_about(campaign),
        "state": campaign.state.value,
        "stage": listing.standing_of(session, campaign).stage.value,
        "waves": [
            _wave(session, wave, tally, again.get(wave.number, Retriable()))
            for wave, tally in progress.tallies(session, campaign)
        ],
        "counts": found.counts.as_json(),
        "answers": {answer.value: count for answer, count in found.answers.items() if count},
        "measured": [group.as_json(openings=opens) for group in measured],
    }


def concerning(session: Session, campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Where a campaign stands for whom the session sees: its waves that concern them, counted from what it sees alone.

    Nothing is said of openings, of letters or of answers one by one. Raises NotFound where no wave concerns them, as
    for a campaign that does not exist.
    """
    left = [wave for wave in campaign.waves if wave.mailing_id is not None]
    coming = [wave for wave in campaign.waves if wave.mailing_id is None and wave.state is WaveState.PLANNED]
    came, meant = actions.by_network(session, left, now), concerned.meant(session, coming, now)
    told = {wave.id: came[wave.mailing_id or 0] for wave in left}
    told |= {key: {"meant": dict(each)} for key, each in meant.items() if sum(each.values())}
    if not told:
        raise lifecycle.unknown(campaign.id)
    return {
        "campaign": campaign.id,
        **_about(campaign),
        "counted": wording.authorities(wording.of_session(session)),
        "state": campaign.state.value,
        "stage": listing.standing_of(session, campaign).stage.value,
        "waves": [_counted(wave, told[wave.id]) for wave in campaign.waves if wave.id in told],
        "counts": counts.of_campaign(session, campaign, now=now).as_json(),
        "answers": {},
        "measured": [],
    }


def _about(campaign: Campaign) -> dict[str, Any]:
    """The strand that a campaign is about."""
    return {"programme": campaign.strand.programme.code, "strand": campaign.strand.number}


def _counted(wave: Wave, came: Mapping[str, actions.Counts | None]) -> dict[str, Any]:
    about = {"number": wave.number, "state": wave.state.value, "due_at": wave.due_at.isoformat()}
    return {**about, **{name: actions.with_total(each) for name, each in came.items()}}


def _wave(session: Session, wave: Wave, tally: Tally, again: Retriable) -> dict[str, Any]:
    deferred = ledger.tried_again(session, wave.mailing_id) if wave.mailing_id else None
    return {
        "number": wave.number,
        "state": wave.state.value,
        "due_at": wave.due_at.isoformat(),
        **tally.as_json(),
        "next_try_at": deferred[1].isoformat() if deferred else None,
        "retriable": {"failed": again.failed, "in_doubt": again.doubtful},
        "paused_because": auto_pause.said_of_pause(session, wave),
        "warning": auto_pause.warning(session, wave),
    }
