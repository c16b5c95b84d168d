"""The lock on an effect: nothing is told by departure before a list covers the compared days, and 14 days more."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, select

from outreach import french
from outreach.adherence.joining_lists import coverage
from outreach.adherence.models import JoiningList, Programme, Strand
from outreach.adherence.situation import Listed
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt, DrawnAuthority, DrawnEffect
from outreach.campaigns.lifecycle import ENDED
from outreach.campaigns.models import Campaign, CampaignState, Wave
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger.recipients import listed_schools
from outreach.delivery.models import Reason
from outreach.directory.models import Authority, Network
from outreach.effect import health, plan
from outreach.effect.health import Block
from outreach.effect.tables import Windows
from outreach.errors import NotFound, Refused

SETTLING = timedelta(days=14)  # after the last compared day: lists tell a joining some days late
UNDRAWN = "Les départs de cette campagne ne sont pas tirés au sort : il n’y a pas d’effet à mesurer."
VEILED = (
    "Les courriels et les adhésions d’un tirage au sort ne se comptent pas avant le jour de son chiffre : ces nombres "
    "diraient combien ont adhéré ou répondu par départ."
)
# They leave out of a reminder those that joined or answered: by wave they tell it by departure.
TELLING = frozenset({Reason.JOINED, Reason.ANSWERED})


class EffectState(StrEnum):
    """Whether the effect of a draw may be told."""

    LOCKED = "locked"
    BLOCKED = "blocked"
    READY = "ready"

    @property
    def label(self) -> str:
        """The French label."""
        return {"locked": "Verrouillé", "blocked": "Bloqué", "ready": "Prêt"}[self.value]


@dataclass(frozen=True, slots=True)
class Lock:
    """Where the effect of a campaign's draw stands, and why, in French.

    `left` are the days on which departures left, in order. `windows`, `until` (the day that lists must cover) and
    `opened_by` are None as long as nothing tells them.
    """

    state: EffectState
    told: str
    attempt: DrawAttempt | None = None
    left: tuple[date, ...] = ()
    windows: Windows | None = None
    until: date | None = None
    opened_by: JoiningList | None = None


def is_drawn(campaign: Campaign) -> bool:
    """Whether a campaign's departures are, or are to be, drawn by lot."""
    return campaign.departure_gap > 0 or any(wave.departure for wave in campaign.waves)


def is_locked(session: Session, campaign: Campaign) -> bool:
    """Whether nothing of a campaign may be told by departure yet, and so by wave."""
    return _closed(session, campaign) is not None


def refuse_split(session: Session, campaign: Campaign) -> None:
    """Raise Refused where what came of a campaign may not be told by wave yet."""
    if words := veil(session, campaign):
        raise Refused(words)


def veil(session: Session, campaign: Campaign) -> str:
    """Why letters and joinings of a campaign are not counted yet, and from when they are, in French; '' where they are.

    Whoever joined or answered gets no further letter, so that a count of letters, taken from the size of its departure,
    says how many did; and those written to are, until the last departure, those of the first ones.
    """
    lock = _closed(session, campaign)
    return french.typeset(f"{VEILED} {lock.told}") if lock else ""


def veil_of_begun(session: Session, condition: ColumnElement[bool]) -> str:
    """The veil of the first draw under a condition that has begun to leave; '' where none is."""
    drawn = select(Campaign).join(Strand, Strand.id == Campaign.strand_id).where(Campaign.departure_gap > 0, condition)
    begun = (campaign for campaign in session.scalars(drawn).all() if departures_left(campaign))
    return next(filter(None, (veil(session, campaign) for campaign in begun)), "")


def hidden(session: Session, waves: Iterable[Wave]) -> frozenset[int]:
    """The keys of those of these waves whose letters may not be counted by themselves now.

    They are all waves of a draw whose effect may not be told yet, without the first letter of departure 1: nothing had
    come when it left.
    """
    of_draws = [wave for wave in waves if is_after_first(wave)]
    return hidden_among(of_draws, locked(session, of_draws))


def hidden_among(waves: Iterable[Wave], locked: Collection[int]) -> frozenset[int]:
    """As `hidden`, for whoever has asked already which campaigns are `locked`."""
    return frozenset(wave.id for wave in waves if wave.campaign_id in locked and is_after_first(wave))


def locked(session: Session, waves: Iterable[Wave]) -> frozenset[int]:
    """The keys of the campaigns of these waves that are locked, each asked once."""
    campaigns = {wave.campaign for wave in waves if wave.departure}
    return frozenset(campaign.id for campaign in campaigns if is_locked(session, campaign))


def is_after_first(wave: Wave) -> bool:
    """Whether a wave is one of a draw, and not the first letter of departure 1: hidden while the draw is locked."""
    return bool(wave.departure) and (wave.departure != 1 or wave.reminder > 0)


def schools_listed(session: Session, programme: Programme, moment: datetime) -> Listed | None:
    """The schools that letters had listed by a moment, for a situation; None while a draw of the programme is locked.

    Until its last departure, its schools without an answer that no letter listed are those of the later departures.
    """
    return None if veil_of_begun(session, Strand.programme_id == programme.id) else listed_schools(moment)


def hidden_mailings(session: Session) -> list[int]:
    """The mailings of all waves that are hidden now; for figures of the whole service."""
    of_draws = select(Wave).where(Wave.departure.is_not(None), Wave.mailing_id.is_not(None))
    waves = session.scalars(of_draws.where(Wave.campaign_id.not_in(select(DrawnEffect.campaign_id)))).all()
    keys = hidden(session, waves)
    return [wave.mailing_id for wave in waves if wave.id in keys and wave.mailing_id is not None]


def _closed(session: Session, campaign: Campaign) -> Lock | None:
    """The lock of a campaign whose effect may not be told yet; to know it costs a replay of the draw."""
    if not is_drawn(campaign) or frozen(session, campaign) is not None:
        return None
    lock = lock_of(session, campaign)
    return None if lock.state is EffectState.READY or _is_given_up(campaign, lock) else lock


def _is_given_up(campaign: Campaign, lock: Lock) -> bool:
    """Whether a campaign was closed, which is for good, after its first departure alone: nothing will be compared."""
    return campaign.state is CampaignState.CLOSED and lock.state is EffectState.BLOCKED and len(lock.left) == 1


def untold(session: Session, campaign: Campaign) -> frozenset[Reason]:
    """The reasons that no list of a campaign's waves may say yet."""
    return TELLING if is_locked(session, campaign) else frozenset()


def frozen(session: Session, campaign: Campaign) -> DrawnEffect | None:
    """The effect of a campaign once it is frozen."""
    return session.get(DrawnEffect, campaign.id)


def lock_of(session: Session, campaign: Campaign) -> Lock:
    """Where the effect of a campaign stands. Raises NotFound for one whose departures are not drawn."""
    if not is_drawn(campaign):
        raise NotFound(UNDRAWN)
    attempt = drawn_list.draw_of(session, campaign.id)
    if attempt is None or attempt.approver_bytes is None:  # which a scope does not see: it cannot repeat the draw
        return Lock(EffectState.LOCKED, "Le tirage se fait à la validation.")
    if not _is_repeated(session, attempt):
        return Lock(EffectState.BLOCKED, Block.NOT_REPLAYED.label, attempt)
    left = departures_left(campaign)
    if len(left) < 2:
        if _is_over(campaign):
            return Lock(EffectState.BLOCKED, Block.STOPPED.label, attempt, left)
        return Lock(
            EffectState.LOCKED, "Le deuxième départ n’est pas parti : rien ne se compare encore.", attempt, left
        )
    windows = plan.windows(left, campaign.departure_gap)
    until = left[0] + timedelta(days=windows.end - 1) + SETTLING
    networks = networks_drawn(session, attempt)
    opened_by = coverage.first_covering(session, campaign.strand.programme_id, [one.id for one in networks], until)
    if opened_by is None:
        return Lock(EffectState.LOCKED, _awaited(until, networks), attempt, left, windows, until)
    is_well = not health.blocks(replays=True, is_covered=True, departures_left=len(left))
    state, told = (
        (EffectState.READY, "Les jours comparés sont couverts.")
        if is_well
        else (EffectState.BLOCKED, Block.STOPPED.label)
    )
    return Lock(state, told, attempt, left, windows, until, opened_by)


def _is_repeated(session: Session, attempt: DrawAttempt) -> bool:
    """Whether a stored draw is what its commitment and its seed give, found once a transaction.

    A page asks for the lock of a draw several times, and to repeat the draw reads all its authorities.
    """
    known: dict[int, bool] = session.info.setdefault("repeated_draws", {})
    if attempt.id not in known:
        known[attempt.id] = not drawn_list.mismatches(session, attempt)
    return known[attempt.id]


def departures_left(campaign: Campaign) -> tuple[date, ...]:
    """The days on which the first letters of departures 1, 2 and 3 left, as far as these have in order."""
    days: dict[int, date] = {}
    for wave in campaign.waves:
        if wave.departure and not wave.reminder and wave.mailing and wave.mailing.filled_at:
            days.setdefault(wave.departure, left_on(wave))
    return tuple(days[place] for place in range(1, 4) if all(before in days for before in range(1, place + 1)))


def left_on(wave: Wave) -> date:
    """The day on which a launched wave left."""
    return today(max(wave.due_at, wave.mailing.created_at) if wave.mailing else wave.due_at)


def networks_drawn(session: Session, attempt: DrawAttempt) -> Sequence[Network]:
    """The networks of the authorities that a draw compares, in their usual order."""
    drawn = select(Authority.network_id).join(DrawnAuthority, DrawnAuthority.authority_id == Authority.id)
    drawn = drawn.where(DrawnAuthority.attempt_id == attempt.id, DrawnAuthority.outside.is_(None))
    return session.scalars(select(Network).where(Network.id.in_(drawn)).order_by(Network.position)).all()


def _is_over(campaign: Campaign) -> bool:
    """Whether no later departure will leave."""
    return campaign.state in ENDED


def _awaited(until: date, networks: Sequence[Network]) -> str:
    named = french.all_of([network.label for network in networks])
    return french.typeset(
        f"Le chiffre attend la première liste d’adhésions complète jusqu’au {french.day(until)} pour {named}."
    )
