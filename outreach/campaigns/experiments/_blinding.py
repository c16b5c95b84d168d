"""The lock on an effect: it is told once a list covers the compared days, and 14 days more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from outreach.adherence import imports
from outreach.adherence.models import JoiningList
from outreach.campaigns.experiments._assignment import draw_of, find_mismatches, window_of
from outreach.campaigns.experiments._design import Windows, effect_windows
from outreach.campaigns.experiments._models import DrawAttempt, DrawnAuthority, DrawnEffect
from outreach.campaigns.models import ENDED, Campaign, Wave
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound
from outreach.core.text.labelled import Labelled
from outreach.directory.models import Authority, Network

SETTLING = timedelta(days=14)  # after the last compared day: lists tell a joining some days late
NOT_REPLAYED = "Le tirage refait ne donne pas l’ordre enregistré : le chiffre n’est pas calculé."
STOPPED = "La campagne s’est arrêtée avant le deuxième départ : il n’y a rien à comparer."
UNDRAWN = "Les départs de cette campagne ne sont pas tirés au sort : il n’y a pas d’effet à mesurer."


class EffectState(Labelled):
    """Whether the effect of a draw may be told."""

    LOCKED = "locked", "Verrouillé"
    BLOCKED = "blocked", "Bloqué"
    READY = "ready", "Prêt"


@dataclass(frozen=True, slots=True)
class Lock:
    """Where the effect of a campaign's draw stands, and why, in French.

    `left` are the days on which departures left, in order. `windows`, `until` (the day that lists must cover) and
    `opened_by` are None as long as nothing tells them.
    """

    state: EffectState
    in_words: str
    attempt: DrawAttempt | None = None
    left: tuple[date, ...] = ()
    windows: Windows | None = None
    until: date | None = None
    opened_by: JoiningList | None = None


def is_drawn(campaign: Campaign) -> bool:
    """Whether a campaign's departures are, or are to be, drawn by lot."""
    return campaign.departure_gap > 0 or any(wave.departure for wave in campaign.waves)


def beside_counts(session: Session, campaign: Campaign) -> str:
    """What a page says beside counts by departure, in French: when the effect is told; '' once it may be, or without
    a draw. Whoever compares departures by these counts reads an effect where none was computed.
    """
    if not is_drawn(campaign) or frozen_effect(session, campaign) is not None:
        return ""
    lock = lock_of(session, campaign)
    if lock.state is EffectState.READY:
        return ""
    when = (
        f"dès qu’une liste ira jusqu’au {french.day(lock.until)}"
        if lock.until
        else "une fois le deuxième départ comparé"
    )
    sentence = f". {lock.in_words}" if lock.state is EffectState.BLOCKED else f" : il sera donné {when}."
    return french.typeset(f"Ces nombres ne disent pas l’effet{sentence}")


def frozen_effect(session: Session, campaign: Campaign) -> DrawnEffect | None:
    """The effect of a campaign once it is frozen."""
    return session.get(DrawnEffect, campaign.id)


def lock_of(session: Session, campaign: Campaign) -> Lock:
    """Where the effect of a campaign stands. Raises NotFound for one whose departures are not drawn."""
    if not is_drawn(campaign):
        raise NotFound(UNDRAWN)
    attempt = draw_of(session, campaign.id)
    if attempt is None or attempt.approver_bytes is None:  # which a scope does not see: it cannot repeat the draw
        return Lock(EffectState.LOCKED, "Le tirage se fait à la validation.")
    if not _is_repeated(session, attempt):
        return Lock(EffectState.BLOCKED, french.typeset(NOT_REPLAYED), attempt)
    left = departures_left(campaign)
    if len(left) < 2:
        if campaign.state in ENDED:
            return Lock(EffectState.BLOCKED, french.typeset(STOPPED), attempt, left)
        return Lock(
            EffectState.LOCKED, "Le deuxième départ n’est pas parti : rien ne se compare encore.", attempt, left
        )
    windows = effect_windows(left, window_of(attempt, campaign))
    until = left[0] + timedelta(days=windows.end - 1) + SETTLING
    networks = networks_drawn(session, attempt)
    opened_by = imports.first_covering(session, campaign.strand.programme_id, [one.id for one in networks], until)
    if opened_by is None:
        return Lock(EffectState.LOCKED, _awaited(until, networks), attempt, left, windows, until)
    return Lock(EffectState.READY, "Les jours comparés sont couverts.", attempt, left, windows, until, opened_by)


def _is_repeated(session: Session, attempt: DrawAttempt) -> bool:
    """Whether a stored draw is what its commitment and its seed give, found once a transaction.

    A page asks for the lock of a draw several times, and to repeat the draw reads all its authorities.
    """
    known: dict[int, bool] = session.info.setdefault("repeated_draws", {})
    if attempt.id not in known:
        known[attempt.id] = not find_mismatches(session, attempt)
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


def _awaited(until: date, networks: Sequence[Network]) -> str:
    named = french.all_of([network.label for network in networks])
    return french.typeset(
        f"Le chiffre attend la première liste d’adhésions complète jusqu’au {french.day(until)} pour {named}."
    )
