"""What a campaign's draw would be: whom it draws, when departures leave, what it may find.

It is computed for pages and frozen at the submission (`draws.attempts`).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from sqlalchemy import case, func, select

from outreach.adherence import statuses
from outreach.adherence.situation import standing_on
from outreach.campaigns import experiments, segments
from outreach.campaigns.experiments import DEPARTURES, Candidate, DrawAttempt, Json, Listed, Stratified, stratify
from outreach.campaigns.models import ON_ITS_WAY, UNDER_WAY, Campaign, Wave, WaveState
from outreach.campaigns.planning._audiences import audience_of, context_of, launched_mailings
from outreach.campaigns.planning._schedule import ClosingRule, PlannedWave, move_wave, note_wave, set_due, wall
from outreach.campaigns.planning._sending_hours import spelt_moment
from outreach.campaigns.segments import Concerns
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.delivery.models import MessageClass
from outreach.directory.models import Authority, Network

OUTCOME = (
    "parmi les écoles du PO ouvertes au gel de la liste, au moins une adhésion venue d’une liste ou d’une plateforme"
)
METHOD = "Newcombe 1998, méthode 10, sur deux tableaux par groupe de PO ; conclut si l’intervalle de 95 % exclut 0"
NOT_FIRST_COME = "places ou moyens attribués dans l’ordre des demandes : non"
COVERED = timedelta(days=14)
"""How long after the last compared day a list may still tell of joinings on it."""
UNASKED = (
    "Cette question n’était pas posée à la soumission : renvoyez la campagne à la rédaction, qui y répond et la soumet "
    "de nouveau."
)


@dataclass(frozen=True, slots=True)
class DrawPlan:
    """A draw as it would be submitted now, or, where `attempt` awaits an approval, as it was submitted: then without
    candidates.

    `is_done` says that the draw is made, and final.
    """

    gap: int
    candidates: Sequence[Candidate]
    strata: Stratified
    departures: Sequence[date]
    refusals: Sequence[str]
    is_done: bool = False
    attempt: DrawAttempt | None = None

    @property
    def schools(self) -> tuple[int, int]:
        """How many schools all its authorities run, and those that stay outside; zeros where its plan says nothing."""
        if self.attempt:
            stated = cast("Mapping[str, int]", experiments.plan_of(self.attempt))
            return stated.get("schools", 0), stated.get("schools_outside", 0)
        outside = sum(one.schools for one in self.candidates if one.listed.fase in self.strata.outside)
        return sum(one.schools for one in self.candidates), outside

    @property
    def outside(self) -> Mapping[str, int]:
        """How many stay outside the draw, by the French reason."""
        return Counter(reason.label for reason in self.strata.outside.values())

    @property
    def figure_on(self) -> date | None:
        """The day of the figure: a list has to cover the last compared day plus 14."""
        if len(self.departures) < DEPARTURES:
            return None
        return (
            self.departures[0] + timedelta(days=experiments.effect_windows(self.departures, self.gap).end - 1) + COVERED
        )

    def frozen(self, campaign: Campaign, content: str) -> dict[str, Json]:
        """What a submission freezes, for `draws.attempts`; `content` is the digest of the campaign's content."""
        return {
            "campaign": campaign.id,
            "campaign_digest": content,
            "outcome": OUTCOME,
            "method": METHOD,
            "window_days": self.gap,
            "departures": [day.isoformat() for day in self.departures],
            "reminders": campaign.reminders,
            "first_come": bool(campaign.first_come),
            "figure_on": self.figure_on.isoformat() if self.figure_on else None,
            "strata": [[stratum.name, len(stratum.fases)] for stratum in self.strata.strata],
            "outside": dict(sorted(self.outside.items())),
            "schools": self.schools[0],
            "schools_outside": self.schools[1],
        }


def experiment_plan_of(
    session: Session, campaign: Campaign, *, now: datetime, rule: ClosingRule | None = None
) -> DrawPlan | None:
    """The draw of a campaign as it stands; None where its departures are not drawn, or have no date yet, as those of a
    copy. It reads the whole audience."""
    if not campaign.departure_gap:
        return None
    rule = rule or ClosingRule.of(session, campaign, now=now)
    days = [today(wave.at) for wave in rule.firsts(campaign)]
    if not days:
        return None
    done = experiments.draw_of(session, campaign.id) if campaign.id else None
    attempt = experiments.open_attempt(session, campaign.id) if campaign.id else None
    if attempt:
        return _submitted(session, campaign, attempt, days)
    found = candidates(session, campaign, now=now)
    strata = stratify([one.listed for one in found])
    refusals = [] if done else _refusals(campaign, strata.drawn, days)
    return DrawPlan(campaign.departure_gap, found, strata, days, refusals, done is not None)


def _submitted(session: Session, campaign: Campaign, attempt: DrawAttempt, days: Sequence[date]) -> DrawPlan:
    """The plan that was submitted, whatever the register says since; `days` are those of departures as planned now."""
    frozen = Stratified(experiments.strata_of(session, attempt), experiments.outside_of(session, attempt))
    refusals = _refusals(campaign, frozen.drawn, days)
    if campaign.first_come is None:
        refusals.append(french.typeset(UNASKED))
    departures = experiments.planned_departures(attempt)
    gap = experiments.window_of(attempt, campaign)
    return DrawPlan(gap, (), frozen, departures, refusals, attempt=attempt)


def _refusals(campaign: Campaign, drawn: int, days: Sequence[date]) -> list[str]:
    """Why a campaign's departures cannot be drawn, as French sentences."""
    return experiments.draw_refusals(
        drawn,
        days,
        is_awareness=campaign.message_class is MessageClass.AWARENESS and campaign.concerns is not Concerns.LISTED,
        is_reminder=bool(launched_mailings(campaign)),
        is_first_come=campaign.first_come,
        deadline=campaign.deadline_on,
        stops_on=campaign.stops_on,
    )


def candidates(session: Session, campaign: Campaign, *, now: datetime) -> list[Candidate]:
    """The authorities that a campaign would write to now, with what strata are made of, in the order of keys."""
    context = context_of(session, campaign, now=now, leaves_at=campaign.starts_at)
    rows = segments.audience_rows(audience_of(campaign), context)
    boxes: dict[int, list[str]] = defaultdict(list)
    for authority, key in session.execute(select(rows.c.authority_id, rows.c.address_key).where(rows.c.rank == 0)):
        boxes[authority].append(key)
    shared = {key for key, count in Counter(key for keys in boxes.values() for key in set(keys)).items() if count > 1}
    stands = standing_on(campaign.strand, today(now))
    is_under_way = func.max(case((stands.c.status.in_(statuses.UNDER_WAY), 1), else_=0))
    schools = select(stands.c.authority_id, func.count(), is_under_way).group_by(stands.c.authority_id)
    known = {key: (count, bool(under_way)) for key, count, under_way in session.execute(schools)}
    named = select(Authority.id, Authority.fase, Network.label).join(Network, Network.id == Authority.network_id)
    found = []
    for key, fase, network in session.execute(named.order_by(Authority.id)):
        if key in boxes:
            count, under_way = known.get(key, (0, False))
            listed = Listed(fase, network, count > 1, under_way, any(box in shared for box in boxes[key]))
            found.append(Candidate(key, len(boxes[key]), listed, count))
    return found


def freeze(session: Session, campaign: Campaign, content: str, *, now: datetime) -> DrawAttempt | None:
    """Submit a campaign's draw: freeze its list and its plan.

    None where the draw is made already. Raises Refused, with every reason.
    """
    planned = experiment_plan_of(session, campaign, now=now)
    if planned is None or planned.is_done:
        return None
    if planned.refusals:
        raise Refused(" ".join(planned.refusals))
    return experiments.submit_draw(session, campaign, planned.frozen(campaign, content), planned.candidates, now=now)


def draw(session: Session, campaign: Campaign, *, now: datetime) -> DrawAttempt | None:
    """Make a campaign's draw, which is final; or keep the one that it has.

    None where its departures are not drawn. Raises Refused where no submission bound it.
    """
    if not campaign.departure_gap:
        return None
    done = experiments.draw_of(session, campaign.id)
    if done is not None:
        return done
    attempt = experiments.open_attempt(session, campaign.id)
    if attempt is None:
        raise Refused(
            "Aucun tirage n’a été engagé à la soumission : renvoyez la campagne, puis soumettez-la de nouveau."
        )
    return experiments.reveal_attempt(session, attempt, now=now)


DAY = timedelta(days=1)
GAP_KEPT = "écart des départs"  # the actor of what keeps the gap by itself; the clock's own notes are of drifts
WAITS = "le départ d’avant est en pause"
TOO_LATE = "elle viendrait après le dernier jour d’envoi"
NOT_LEFT = "la vague d’un départ n’est pas partie : l’envoi est à planifier de nouveau"


def is_departure(wave: Wave) -> bool:
    """Whether a wave is the first letter of a departure."""
    return wave.departure is not None and not wave.reminder


def follow_departure(session: Session, wave: Wave, at: datetime, *, now: datetime, actor: str, because: str) -> None:
    """Move what counts from a departure that leaves at an instant: its reminders, and the later departures with theirs.

    Each goes to the first open time from its number of days on; what would leave after the campaign's last day is
    cancelled. Nothing moves for a wave that is no departure.
    """
    if not is_departure(wave) or wave.departure is None:
        return
    rule, campaign = ClosingRule.of(session, wave.campaign, now=now), wave.campaign
    begun = wall(at)
    _move_reminders(session, campaign, wave.departure, begun, rule, now, actor, because)
    coming = {one.departure: one for one in campaign.waves if is_departure(one) and one.state is WaveState.PLANNED}
    for departure in range(wave.departure + 1, DEPARTURES + 1):
        if departure not in coming:
            break
        planned = rule.wave(0, campaign.departure_gap, begun)
        _move(session, coming[departure], planned, now, actor, because)
        begun = wall(planned.at)
        _move_reminders(session, campaign, departure, begun, rule, now, actor, because)


def postpone_departure(session: Session, wave: Wave, *, now: datetime) -> bool:
    """Move a departure that is due by a day while the one before it is paused, or cancel it after the last day.

    Returns whether it waits.
    """
    waits = is_departure(wave) and any(
        is_departure(one) and one.state is WaveState.PAUSED and (one.departure or 0) < (wave.departure or 0)
        for one in wave.campaign.waves
    )
    if not waits:
        return False
    planned = ClosingRule.of(session, wave.campaign, now=now).first(now + DAY)
    _move(session, wave, planned, now, GAP_KEPT, WAITS)
    follow_departure(session, wave, planned.at, now=now, actor=GAP_KEPT, because=WAITS)
    return True


def call_all_off(session: Session, wave: Wave, *, now: datetime) -> None:
    """Cancel the planned waves of a campaign one of whose departures did not leave: it is to be planned again."""
    for one in wave.campaign.waves:
        if is_departure(wave) and one is not wave and one.state is WaveState.PLANNED:
            move_wave(session, one, WaveState.CANCELLED, now=now, actor=GAP_KEPT, note=NOT_LEFT)


def refuse_closer(wave: Wave, at: datetime) -> None:
    """Raises Refused where a departure at this instant would be nearer to the one before it than the gap."""
    gap = timedelta(days=wave.campaign.departure_gap)
    before = [one for one in wave.campaign.waves if is_departure(one) and one.departure == (wave.departure or 0) - 1]
    counted = [one for one in before if one.mailing_id or one.state in ON_ITS_WAY]
    if is_departure(wave) and counted and today(at) < today(counted[-1].due_at) + gap:
        least = f"au moins {gap.days} jours après celui d’avant"
        raise Refused(f"Le départ {wave.departure} part {least} : choisissez un jour plus tardif.")


def follow_resumed(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Move what counts from a departure that was paused until another day than its own."""
    for wave in campaign.waves:
        if is_departure(wave) and wave.state in UNDER_WAY and today(now) > today(wave.due_at):
            follow_departure(session, wave, now, now=now, actor=actor, because="le départ reprend ce jour")


def _move_reminders(
    session: Session,
    campaign: Campaign,
    departure: int,
    begun: datetime,
    rule: ClosingRule,
    now: datetime,
    actor: str,
    because: str,
) -> None:
    planned = rule.reminders(campaign, begun)
    waves = [one for one in campaign.waves if one.departure == departure and one.state is WaveState.PLANNED]
    for wave in waves:
        if 0 < wave.reminder <= len(planned):
            _move(session, wave, planned[wave.reminder - 1], now, actor, because)


def _move(session: Session, wave: Wave, planned: PlannedWave, now: datetime, actor: str, because: str) -> None:
    if planned.at == wave.due_at:
        return
    if wave.campaign.stops_on is not None and today(planned.at) > wave.campaign.stops_on:
        move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor, note=f"{because} : {TOO_LATE}")
        return
    set_due(wave, planned)
    note_wave(session, wave, now, actor, f"planifiée pour le {spelt_moment(planned.at)}, déplacée : {because}")
