"""Plays a campaign 199 times on its ground, keeps what came out, and says when that no longer holds."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import select

from outreach import audit, french
from outreach.campaigns import lifecycle
from outreach.campaigns.models import Campaign
from outreach.campaigns.rehearsal import ground
from outreach.campaigns.rehearsal.ground import Ground
from outreach.campaigns.rehearsal.models import CampaignRehearsal
from outreach.db import Session
from outreach.effect.rehearsal.plays import forecast
from outreach.effect.rehearsal.scores import PLAYS, Span


class SpanTold(TypedDict):
    """Between `low` and `high` are 80 % of the plays; `middle` is the middle one."""

    low: int
    middle: int
    high: int


class WaveTold(TypedDict):
    """A wave: when it leaves, whom it is written to (authorities), and on which of its days the last letter leaves."""

    number: int
    name: str
    at: str
    written: SpanTold
    ends: str
    ends_at_latest: str


class DayTold(SpanTold):
    """A span of a day, in ISO 8601."""

    day: str


class Rehearsed(TypedDict):
    """What came out of a rehearsal. `joined` counts authorities by the last deadline; `values` are its plays, sorted.

    `letters` leave a day and `answers` come a day. `earlier` campaigns tell how it may go; none: `is_guess`.
    `as_last_time` would join at the rate of the last one. `could` says what a draw of departures could see.
    """

    plays: int
    is_guess: bool
    earlier: int
    authorities: int
    letters_of_first: int
    waves: list[WaveTold]
    letters: list[DayTold]
    answers: list[DayTold]
    deadline: str
    joined: SpanTold
    as_last_time: float | None
    could: str
    values: list[int]


def play(found: Ground, tell: Callable[[int, int], None] | None = None) -> Rehearsed:
    """Play a campaign on its ground, the same for the same ground. `tell` hears how many plays of how many are done."""
    seed = hashlib.sha256(f"{found.read.digest} {[wave.at.isoformat() for wave in found.waves]}".encode()).digest()
    told = forecast(found.plan, found.behaviour, seed, tell=tell)

    def day(count: int) -> str:
        return (found.first + timedelta(days=count)).isoformat()

    waves = [
        WaveTold(
            number=wave.number,
            name=wave.name,
            at=wave.at.isoformat(),
            written=_span(written),
            ends=day(ends.middle),
            ends_at_latest=day(ends.high),
        )
        for wave, written, ends in zip(found.waves, told.written, told.ends, strict=True)
    ]
    return Rehearsed(
        plays=PLAYS,
        is_guess=told.is_guess,
        earlier=found.earlier,
        authorities=len(found.read.letters),
        letters_of_first=sum(found.read.letters.values()),
        waves=waves,
        letters=[DayTold(day=day(count), **_span(one)) for count, one in told.letters.items()],
        answers=[DayTold(day=day(count), **_span(one)) for count, one in told.answers.items()],
        deadline=day(found.plan.deadline),
        joined=_span(told.joined),
        as_last_time=None if found.last_share is None else found.last_share * len(found.read.letters),
        could=found.could,
        values=told.plays,
    )


def _span(one: Span) -> SpanTold:
    return SpanTold(low=one.low, middle=one.middle, high=one.high)


def keep(
    session: Session, campaign: Campaign, found: Ground, told: Rehearsed, *, now: datetime, actor: str
) -> CampaignRehearsal:
    """Keep what came out of a rehearsal of a campaign as it stands."""
    kept = CampaignRehearsal(
        campaign_id=campaign.id,
        content_digest=lifecycle.content_hash(campaign),
        audience_digest=found.read.digest,
        outcome=json.dumps(told, ensure_ascii=False),
        at=now,
        played_by=actor,
    )
    session.add(kept)
    session.flush()
    title = f"Campagne « {campaign.title} » répétée, pour {french.plural(told['authorities'], 'PO', 'PO')}."
    audit.record(session, now, actor, title, lifecycle.subject_of(campaign))
    return kept


def latest(session: Session, campaign: Campaign) -> CampaignRehearsal | None:
    """The last rehearsal of a campaign; None where there is none, or it is no longer kept."""
    query = select(CampaignRehearsal).where(CampaignRehearsal.campaign_id == campaign.id)
    return session.scalar(query.order_by(CampaignRehearsal.id.desc()).limit(1))


def stale(session: Session, campaign: Campaign, kept: CampaignRehearsal, *, now: datetime) -> list[str]:
    """What has changed since a rehearsal, in French; nothing where it holds, or the campaign has begun."""
    if any(wave.mailing_id for wave in campaign.waves):
        return []
    planned = [wave.at.isoformat() for wave in ground.dates(session, campaign, now=now)]
    changed: Mapping[str, bool] = {
        "le contenu a changé": kept.content_digest != lifecycle.content_hash(campaign),
        "les dates ont changé": planned != [wave["at"] for wave in kept.told["waves"]],
        "le public a changé": kept.audience_digest != ground.read(session, campaign, now=now).digest,
    }
    return [what for what, has_changed in changed.items() if has_changed]


def sentences(told: Rehearsed) -> list[str]:
    """What came out, in French: each wave, then how many join by the deadline, and on what that stands."""
    waves = [
        f"{french.initial(wave['name'])}, {french.weekday(datetime.fromisoformat(wave['at']))} : "
        f"{between(wave['written'])} PO."
        for wave in told["waves"]
    ]
    deadline = french.day(date.fromisoformat(told["deadline"]))
    joined = f"Adhésions confirmées au {deadline} : {between(told['joined'])} PO, 4 fois sur 5."
    return [french.typeset(sentence) for sentence in (*waves, joined, basis(told["earlier"]))]


def basis(earlier: int) -> str:
    """On what a rehearsal stands, in French."""
    if not earlier:
        return "Aucune campagne de ce genre n’est finie : la part qui adhère est une supposition."
    return f"D’après {french.plural(earlier, 'campagne finie', 'campagnes finies')} de ce genre."


def between(one: SpanTold) -> str:
    """A span in French: "de 12 à 40", or "12" where both are the same."""
    low, high = french.number(one["low"]), french.number(one["high"])
    return low if low == high else f"de {low} à {high}"


def shown(kept: CampaignRehearsal) -> dict[str, Any]:
    """A rehearsal as pages show it: its days are dates, its moments instants. A day on which nine plays in ten have
    nothing is left out."""
    told = kept.told
    days = {
        name: [{**one, "day": date.fromisoformat(one["day"])} for one in told[name] if one["high"]]
        for name in ("letters", "answers")
    }
    ends = ("ends", "ends_at_latest")
    waves = [
        {**wave, "at": datetime.fromisoformat(wave["at"]), **{name: date.fromisoformat(wave[name]) for name in ends}}
        for wave in told["waves"]
    ]
    deadline = date.fromisoformat(told["deadline"])
    return {**told, **days, "waves": waves, "deadline": deadline, "basis": basis(told["earlier"])}


def as_json(campaign: Campaign, kept: CampaignRehearsal) -> dict[str, Any]:
    """A rehearsal as the command prints it."""
    return {"campaign": campaign.id, "at": kept.at.isoformat(), **kept.told}
