"""Forecasts beside what came: of each campaign that was rehearsed, held or not, and how far off; and of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from outreach import french
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.rehearsal import earlier
from outreach.campaigns.rehearsal.models import CampaignRehearsal
from outreach.columns import DATA, Column, Held, Kind
from outreach.db import Session
from outreach.delivery.models import Mailing
from outreach.effect.rehearsal.scores import Span, fair_crps

JUDGED_FROM = 20
"""Campaigns; before, how many forecasts held says nothing of the next one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How many authorities were to join by the deadline, in the last rehearsal before the first letter, and did.

    `error` is the fair CRPS of the plays, in authorities, and `as_last_time` that of "the rate of last time", None
    where no campaign of the class came before. These and `joined` are None until the deadline has passed.
    """

    campaign: Campaign
    deadline: date
    forecast: Span
    joined: int | None = None
    error: float | None = None
    as_last_time: float | None = None

    @property
    def is_held(self) -> bool | None:
        """Whether what came was between the limits; None as long as nobody knows."""
        return None if self.joined is None else self.forecast.holds(self.joined)

    @property
    def state(self) -> str:
        """The same in a French word."""
        return {None: "à venir", True: "tenu", False: "pas tenu"}[self.is_held]

    @property
    def told(self) -> str:
        """The comparison in a French sentence."""
        low, _, high = self.forecast
        planned = f"Adhésions confirmées, prévu : de {french.number(low)} à {french.number(high)} PO"
        came = "" if self.joined is None else f" ; venu : {french.number(self.joined)}"
        return french.typeset(f"{planned} au {french.day(self.deadline)}{came}, {self.state}.")


def of(session: Session, campaign: Campaign, *, now: datetime) -> Compared | None:
    """The comparison of a campaign; None where nobody rehearsed it before its first letter."""
    kept = _before_it_left(session, campaign)
    if kept is None:
        return None
    told, came = kept.told, earlier.came_of(session, campaign, now=now)
    span = Span(*(told["joined"][name] for name in ("low", "middle", "high")))
    if came is None:
        return Compared(campaign, date.fromisoformat(told["deadline"]), span)
    error, expected = fair_crps(told["values"], came.joined), told["as_last_time"]
    as_last_time = None if expected is None else round(abs(expected - came.joined), 1)
    return Compared(campaign, came.deadline, span, came.joined, round(error, 1), as_last_time)


def every(session: Session, *, now: datetime) -> list[Compared]:
    """The comparisons of all campaigns that were rehearsed, the newest first."""
    rehearsed = select(CampaignRehearsal.campaign_id)
    campaigns = session.scalars(select(Campaign).where(Campaign.id.in_(rehearsed)).order_by(Campaign.id.desc()))
    found = (of(session, campaign, now=now) for campaign in campaigns)
    return [one for one in found if one]


def score(compared: Sequence[Compared]) -> str:
    """How many forecasts held, in French: "17 sur 20"; no judgement before 20 campaigns."""
    judged = [one.is_held for one in compared if one.is_held is not None]
    if not judged:
        return "Aucune campagne répétée n’est encore arrivée à son échéance."
    told = f"Prévisions tenues : {french.number(sum(judged))} sur {french.number(len(judged))}."
    if len(judged) >= JUDGED_FROM:
        return french.typeset(f"{told} Une prévision à 80 % doit l’être 4 fois sur 5.")
    return french.typeset(f"{told} On ne juge pas les prévisions avant {JUDGED_FROM} campagnes.")


COLUMNS: Sequence[Column[Compared]] = (
    Column("number", "Numéro", lambda row: row.campaign.id, Kind.NUMBER, on=DATA),
    Column("campaign", "Campagne", lambda row: row.campaign.title, sort=True),
    Column("deadline", "Échéance", lambda row: row.deadline, Kind.DAY, sort=True),
    Column("low", "Prévu, de", lambda row: row.forecast.low, Kind.NUMBER),
    Column("high", "Prévu, à", lambda row: row.forecast.high, Kind.NUMBER),
    Column("joined", "Adhésions confirmées", lambda row: row.joined, Kind.NUMBER, sort=True),
    Column("held", "Prévision", lambda row: row.state, sort=True),
    Column("error", "Écart (CRPS)", lambda row: row.error, Kind.NUMBER, sort=True, unit="PO"),
    Column("as_last_time", "Écart du taux d’avant", lambda row: row.as_last_time, Kind.NUMBER, unit="PO"),
)


def listed(session: Session, *, now: datetime, text: str = "", sort: str = "") -> Held[Compared]:
    """The comparisons as a list, the newest first."""
    rows = every(session, now=now)
    return Held(title="Prévisions et réalité", columns=COLUMNS, rows=rows, text=text, sort=sort)


def _before_it_left(session: Session, campaign: Campaign) -> CampaignRehearsal | None:
    first = select(func.min(Mailing.created_at)).join(Wave, Wave.mailing_id == Mailing.id)
    left = session.scalar(first.where(Wave.campaign_id == campaign.id))
    query = select(CampaignRehearsal).where(CampaignRehearsal.campaign_id == campaign.id)
    query = query if left is None else query.where(CampaignRehearsal.at <= left)
    return session.scalar(query.order_by(CampaignRehearsal.id.desc()).limit(1))
