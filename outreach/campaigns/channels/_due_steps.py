"""Steps of escalation: judged, opened when their day comes, stopped when they are due no longer, foreseen.

What stops a reminder stops a rung: the audience of a reminder says so, with the same reasons. An exclusion after a
bounce leads on; one that somebody asked for ends the ladder, unless the letter is statutory.

What is due is looked for where nobody waits, and judged again in the short transaction that writes it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from outreach.campaigns import evidence, planning, segments
from outreach.campaigns.channels._other_mailbox import write_elsewhere
from outreach.campaigns.evidence import (
    AUTHORITY,
    OPEN,
    EscalationStep,
    ReachChannel,
    Rung,
    RungWhen,
    StepReason,
    StepState,
    stored_steps,
)
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import CLOCK, ENDED, Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.segments import Audience, Boxes, CriteriaContext
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.delivery import received
from outreach.delivery.models import (
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Reason,
    Suppression,
    SuppressionReason,
)
from outreach.directory.models import Authority, Contact, Network
from outreach.engagement import replies
from outreach.engagement.replies import Response, ResponseSchool

LEADS_ON = {
    Reason.NO_ADDRESS: StepReason.NO_ADDRESS,
    Reason.UNREVIEWED: StepReason.UNREVIEWED,
    Reason.BOUNCED: StepReason.BOUNCED,
    Reason.SUPPRESSED: StepReason.BOUNCED,  # whoever asked for an exclusion is stopped before
}
TOLD_FIRST = (StepReason.REFUSED, StepReason.EXPIRED, *dict.fromkeys(LEADS_ON.values()))  # where letters differ
STOPS = {
    Reason.JOINED: StepReason.JOINED,
    Reason.ANSWERED: StepReason.ANSWERED,
    Reason.LEFT_OUT: StepReason.LEFT_OUT,
    **dict.fromkeys((Reason.NOT_CONCERNED, Reason.REPORTED, Reason.OUTSIDE, Reason.TRIAL), StepReason.NOT_CONCERNED),
}
ASKED_FOR = {
    SuppressionReason.UNSUBSCRIBED: StepReason.UNSUBSCRIBED,
    SuppressionReason.COMPLAINT: StepReason.COMPLAINT,
    SuppressionReason.STAFF: StepReason.EXCLUDED,
}
ABOUT_ALL = (StepReason.SILENT, StepReason.FOLLOWS)  # the mail arrived: the step is about all the schools it listed
UNDER_WAY = (MessageState.QUEUED, MessageState.HANDING)
HAS_FAILED = or_(Message.state.in_((MessageState.REFUSED, MessageState.EXPIRED)), Message.reason.in_(LEADS_ON))


@dataclass(frozen=True, slots=True)
class Mail:
    """What came of a wave's letters to an authority: the first letter that failed, or the first, and why it failed.

    It failed for the authority where a school was listed by letters that all failed: those of a school's own mailbox
    may fail alone. `failed` is None where no school was, or where each of them was answered for: `is_answered`.
    """

    message_id: int
    is_accepted: bool
    is_on_the_way: bool
    failed: StepReason | None
    is_answered: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether a letter was accepted for each school that one listed."""
        return self.is_accepted and self.failed is None


@dataclass(frozen=True, slots=True)
class DueSteps:
    """What is known of some authorities of a wave: their mail, what stops a rung, the steps of the whole campaign, what
    came back, and who wrote back what nobody has decided about."""

    mail: Mapping[int, Mail]
    stops: Mapping[int, StepReason]
    steps: Mapping[int, Sequence[EscalationStep]] = field(default_factory=dict)
    reacted: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()

    def due(self, rung: Rung, authority: int) -> StepReason | None:
        """Why a rung is due for an authority whom no step of its channel was for; None where it is not."""
        letter, steps = self.mail.get(authority), self.steps.get(authority, ())
        if (
            letter is None
            or authority in self.stops
            or authority in self.held
            or any(step.channel is rung.channel for step in steps)
        ):
            return None
        return self._why(rung, letter, authority, [step for step in steps if step.channel in _before(rung)])

    def still(self, rung: Rung, step: EscalationStep) -> StepReason | None:
        """What stops a step that is open; None where it is still due."""
        if step.authority_id in self.stops:
            return self.stops[step.authority_id]
        letter = self.mail.get(step.authority_id)
        if letter is not None and letter.is_answered:
            return StepReason.ANSWERED
        if rung.when is RungWhen.FAILED and letter is not None and letter.is_reached:
            return StepReason.ARRIVED
        return StepReason.ANSWERED if rung.when is RungWhen.SILENT and step.authority_id in self.reacted else None

    def _why(self, rung: Rung, letter: Mail, authority: int, before: Sequence[EscalationStep]) -> StepReason | None:
        if rung.when is RungWhen.ALWAYS:
            return StepReason.FOLLOWS
        if letter.is_on_the_way or any(step.state in {StepState.DUE, StepState.PRINTED} for step in before):
            return None
        # A letter to another mailbox is mail: what came of it is in `letter`.
        others = [step for step in before if not step.channel.facts.is_mail]
        if letter.failed and all(step.state is StepState.FAILED for step in others):
            return letter.failed
        return StepReason.SILENT if rung.when is RungWhen.SILENT and authority not in self.reacted else None


def judge(
    session: Session, campaign: Campaign, mailing: int, authorities: Collection[int], *, now: datetime
) -> DueSteps:
    """Judge some authorities of a wave as of now."""
    keys = sorted(set(authorities))
    return DueSteps(
        mail_of(session, mailing, keys),
        stops(session, campaign, keys, now=now),
        _steps(session, campaign, keys),
        _reacted(session, campaign, keys, now),
        received.held_authorities(session, mailing, keys),
    )


def stops_for(
    session: Session, campaign: Campaign, steps: Sequence[EscalationStep], *, now: datetime
) -> dict[int, StepReason]:
    """Why some of these open steps of one wave are due no longer, by the key of the step; asked again at each moment at
    which something is done: as a letter is printed, as a call is taken."""
    if not steps:
        return {}
    judged = judge(session, campaign, steps[0].mailing_id, [step.authority_id for step in steps], now=now)
    known = {rung.channel: rung for rung in stored_steps(campaign.ladder)}
    found: dict[int, StepReason] = {}
    for step in steps:
        rung = known.get(step.channel, Rung(step.rung, step.channel, 1, RungWhen.FAILED))
        if step.reason is StepReason.SILENT:  # also of a call that somebody asked for
            rung = replace(rung, when=RungWhen.SILENT)
        if why := judged.still(rung, step):
            found[step.id] = why
    return found


def mail_of(session: Session, mailing: int, authorities: Sequence[int]) -> dict[int, Mail]:
    """What came of a mailing's letters to these authorities."""
    if not authorities:
        return {}
    failing, said = unreached_schools(session, mailing, authorities), _answered_for(session, mailing, authorities)
    failed_first = func.min(case((HAS_FAILED, Message.id)))
    query = (
        select(
            AUTHORITY,
            func.coalesce(failed_first, func.min(Message.id)),
            _has(Message.state == MessageState.ACCEPTED),
            _has(Message.state.in_(UNDER_WAY)),
            func.count(MessageSubject.message_id),
            *_ENDS,
        )
        .outerjoin(MessageSubject, MessageSubject.message_id == Message.id)
        .where(Message.mailing_id == mailing, among(AUTHORITY, authorities))
        .group_by(Message.authority_id)
    )
    found: dict[int, Mail] = {}
    for authority, first, accepted, on_the_way, listed, *ends in session.execute(query):
        theirs = failing.get(authority, {})
        whys = {why for school, why in theirs.items() if school not in said.get(authority, ())}
        # Letters that list no school fail together.
        why = next((why for why in TOLD_FIRST if why in whys), None) if listed else _why_failed(*ends)
        found[authority] = Mail(first, bool(accepted), bool(on_the_way), why, is_answered=bool(theirs and not whys))
    return found


def unreached_schools(session: Session, mailing: int, authorities: Sequence[int]) -> dict[int, dict[int, StepReason]]:
    """By authority, the schools that only letters of a mailing listed that failed, each with why they did."""
    query = (
        select(AUTHORITY, MessageSubject.school_id, *_ENDS)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .where(Message.mailing_id == mailing, among(AUTHORITY, authorities))
        .group_by(Message.authority_id, MessageSubject.school_id)
    )
    found: dict[int, dict[int, StepReason]] = {}
    for authority, school, *ends in session.execute(query):
        if why := _why_failed(*ends):
            found.setdefault(authority, {})[school] = why
    return found


def _answered_for(session: Session, mailing: int, authorities: Sequence[int]) -> dict[int, set[int]]:
    """By authority, the schools that answers to the campaign of this mailing were about."""
    campaign = select(Wave.campaign_id).where(Wave.mailing_id == mailing).scalar_subquery()
    theirs = select(Wave.mailing_id).where(Wave.campaign_id == campaign)
    query = select(Response.authority_id, ResponseSchool.school_id).join(ResponseSchool)
    query = query.join(Message, Message.id == Response.message_id)
    found: dict[int, set[int]] = {}
    for key, school in session.execute(
        query.where(among(Response.authority_id, authorities), Message.mailing_id.in_(theirs), Response.is_a_reaction())
    ):
        found.setdefault(key, set()).add(school)
    return found


def schools_about(session: Session, steps: Sequence[EscalationStep]) -> dict[int, Collection[int]]:
    """By authority, the schools that these steps of one wave are about: those that no letter reached and no answer is
    about, or all that the letters listed, where the mail arrived. Empty where they listed none."""
    if not steps:
        return {}
    mailing = steps[0].mailing_id
    arrived = [step.authority_id for step in steps if step.reason in ABOUT_ALL]
    failed = sorted({step.authority_id for step in steps} - {*arrived})
    found: dict[int, Collection[int]] = {step.authority_id: set[int]() for step in steps}
    said = _answered_for(session, mailing, failed)
    for key, schools in unreached_schools(session, mailing, failed).items():
        found[key] = schools.keys() - said.get(key, set()) or schools.keys()
    query = select(AUTHORITY, MessageSubject.school_id).join(Message, Message.id == MessageSubject.message_id)
    listed: dict[int, set[int]] = {}
    for key, school in session.execute(query.where(Message.mailing_id == mailing, among(AUTHORITY, arrived))):
        listed.setdefault(key, set()).add(school)
    return found | listed


def _has(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))


# What letters that are grouped came to, as `_why_failed` takes it.
_ENDS = (
    _has(Message.state.in_((MessageState.ACCEPTED, MessageState.IN_DOUBT, *UNDER_WAY))),
    _has(Message.state == MessageState.REFUSED),
    _has(Message.state == MessageState.EXPIRED),
    func.min(case((Message.reason.in_(LEADS_ON), Message.reason))),
)


def _why_failed(is_open: int, refused: int, expired: int, reason: Reason | None) -> StepReason | None:
    """Why letters failed of which none was accepted, is under way or in doubt; None for any other."""
    if is_open:
        return None
    return (
        StepReason.REFUSED if refused else StepReason.EXPIRED if expired else LEADS_ON.get(reason) if reason else None
    )


def stops(session: Session, campaign: Campaign, authorities: Sequence[int], *, now: datetime) -> dict[int, StepReason]:
    """Why no rung is for some of these authorities any more.

    What stops the mailbox of one school (it answered, or the school has joined) leaves the others'.
    """
    if campaign.state in ENDED:
        return dict.fromkeys(authorities, StepReason.ENDED)
    found = _asked_for(session, campaign, authorities)
    addressees = planning.addressees_among(session, campaign, authorities, now=now)
    go_on = {one.authority_id for one in addressees if one.reason is None or one.reason in LEADS_ON}
    for addressee in addressees:
        if addressee.reason in STOPS and addressee.authority_id is not None and addressee.authority_id not in go_on:
            found.setdefault(addressee.authority_id, STOPS[addressee.reason])
    return found


def is_open(session: Session, campaign: Campaign) -> bool:
    """Whether rungs of a campaign become due: it is approved exactly as it stands."""
    return campaign.state is CampaignState.APPROVED and planning.is_approved(session, campaign)


def _before(rung: Rung) -> Collection[ReachChannel]:
    """Any other channel: rungs are in the order of their days, and an earlier ladder may have had another order."""
    return set(ReachChannel) - {rung.channel}


def _asked_for(session: Session, campaign: Campaign, authorities: Sequence[int]) -> dict[int, StepReason]:
    """Which of these authorities asked for no more, by any mailbox that is theirs or that was written to."""
    if campaign.message_class is MessageClass.STATUTORY or not authorities:
        return {}
    mailings = campaign.mailing_keys
    in_force = Suppression.lifted_at.is_(None), Suppression.reason.in_(ASKED_FOR)
    own = (
        select(Contact.authority_id, Suppression.reason)
        .join(Suppression, Suppression.address_key == Contact.address_key)
        .where(among(Contact.authority_id, authorities), Contact.retired_at.is_(None), *in_force)
    )
    written = (
        select(AUTHORITY, Suppression.reason)
        .join(Suppression, Suppression.address_key == Message.address_key)
        .where(Message.mailing_id.in_(mailings), among(AUTHORITY, authorities), *in_force)
    )
    rows = [*session.execute(own), *session.execute(written)]
    return {authority: ASKED_FOR[reason] for authority, reason in rows}


def _steps(session: Session, campaign: Campaign, authorities: Sequence[int]) -> dict[int, list[EscalationStep]]:
    mailings = campaign.mailing_keys
    query = select(EscalationStep).where(
        EscalationStep.mailing_id.in_(mailings), among(EscalationStep.authority_id, authorities)
    )
    found: dict[int, list[EscalationStep]] = {}
    for step in session.scalars(query.order_by(EscalationStep.id)):
        found.setdefault(step.authority_id, []).append(step)
    return found


def _reacted(session: Session, campaign: Campaign, authorities: Sequence[int], now: datetime) -> frozenset[int]:
    """Those from whom anything came back to a letter of the campaign."""
    mailings = campaign.mailing_keys
    came_back = evidence.proved_authorities(mailings, today(now), calls=False).subquery("came_back")
    return frozenset(
        session.scalars(select(came_back.c.authority_id).where(among(came_back.c.authority_id, authorities)))
    )


SLICE = 100  # authorities of a transaction
# From the day of a rung on. What a letter brought is deleted with time: a year later whoever opened it would be silent.
CLIMBS_FOR = timedelta(days=90)
CLIMBS = (WaveState.RUNNING, WaveState.FINISHED)


def due_rungs(session: Session, *, now: datetime) -> list[tuple[int, Rung]]:
    """The rungs whose day has come within 90 days, each with its wave's key: of approved campaigns, the first rung
    first."""
    query = (
        select(Wave)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .join(Mailing, Mailing.id == Wave.mailing_id)
        .where(Campaign.ladder != "", Campaign.state == CampaignState.APPROVED)
        .where(Wave.state.in_(CLIMBS), Mailing.filled_at.is_not(None))
    )
    waves = session.scalars(query.order_by(Wave.id)).all()
    dated = [
        (wave, rung) for wave in waves for rung in stored_steps(wave.campaign.ladder) if _has_come(wave, rung, now)
    ]
    return [(wave.id, rung) for wave, rung in dated if is_open(session, wave.campaign)]


def due_candidates(session: Session, wave_id: int, rung: Rung, *, after: int, now: datetime) -> tuple[list[int], int]:
    """The authorities of the next slice for whom a rung is due, and the key to go on after, 0 at the end."""
    wave = session.get_one(Wave, wave_id)
    keys = session.scalars(_unclimbed(wave, rung, after)).all()
    if not keys or wave.mailing_id is None:
        return [], 0
    judged = judge(session, wave.campaign, wave.mailing_id, keys, now=now)
    return [key for key in keys if judged.due(rung, key)], keys[-1] if len(keys) == SLICE else 0


def open_due_steps(
    session: Session, wave_id: int, rung: Rung, authorities: Sequence[int], sending: SenderIdentity, *, now: datetime
) -> int:
    """Open the step of a rung for those of these authorities for whom it is due; returns how many were.

    Safe to repeat and to interrupt: a step that is there is not opened again.
    """
    wave = _in_turn(session, wave_id)
    campaign, mailing = wave.campaign, wave.mailing
    if mailing is None or wave.state not in CLIMBS or rung not in stored_steps(campaign.ladder):
        return 0
    if not is_open(session, campaign):
        return 0
    if rung.channel.facts.is_mail:
        segments.take_turn(session)
    take_lock(session, replies.TURN, campaign.id)
    judged = judge(session, campaign, mailing.id, authorities, now=now)
    opened = {
        key: evidence.open_step(
            session,
            mailing_id=mailing.id,
            authority_id=key,
            message_id=judged.mail[key].message_id,
            rung=rung.number,
            channel=rung.channel,
            reason=reason,
            now=now,
            actor=CLOCK,
        )
        for key in authorities
        if (reason := judged.due(rung, key))
    }
    if rung.channel.facts.is_mail and opened:
        write_elsewhere(session, wave, mailing, opened, sending, now)
    return len(opened)


def open_steps(session: Session, *, now: datetime) -> dict[int, list[int]]:
    """The steps that are open and in nobody's hands, by the key of their wave."""
    is_free = EscalationStep.taken_until.is_(None) | (EscalationStep.taken_until <= now)
    query = select(Wave.id, EscalationStep.id).join(EscalationStep, EscalationStep.mailing_id == Wave.mailing_id)
    found: dict[int, list[int]] = {}
    for wave, step in session.execute(query.where(EscalationStep.state.in_(OPEN), is_free).order_by(EscalationStep.id)):
        found.setdefault(wave, []).append(step)
    return found


def stopped_steps(session: Session, wave_id: int, numbers: Sequence[int], *, now: datetime) -> list[int]:
    """Which of these steps of a wave are due no longer."""
    found = session.scalars(select(EscalationStep).where(EscalationStep.id.in_(numbers))).all()
    return sorted(stops_for(session, session.get_one(Wave, wave_id).campaign, found, now=now))


def stop_steps(session: Session, wave_id: int, numbers: Sequence[int], *, now: datetime, actor: str = CLOCK) -> int:
    """Stop those of these steps that are open and due no longer; returns how many were."""
    wave = _in_turn(session, wave_id)
    found = [step for number in numbers if (step := evidence.in_turn(session, number)).state in OPEN]
    ended = stops_for(session, wave.campaign, found, now=now)
    for step in found:
        if step.id in ended:
            evidence.move_step(session, step, StepState.STOPPED, now=now, actor=actor, reason=ended[step.id])
    return len(ended)


def _has_come(wave: Wave, rung: Rung, now: datetime) -> bool:
    filled_at = wave.mailing.filled_at if wave.mailing else None
    if filled_at is None:
        return False
    begins = today(filled_at) + timedelta(days=rung.days)
    return begins <= today(now) < begins + CLIMBS_FOR


def _unclimbed(wave: Wave, rung: Rung, after: int) -> Select[int]:
    """The next authorities of a wave for whom no step of a rung's channel was opened in the whole campaign."""
    mailings = [one.mailing_id for one in wave.campaign.waves if one.mailing_id]
    tried = select(EscalationStep.authority_id).where(
        EscalationStep.mailing_id.in_(mailings), EscalationStep.channel == rung.channel
    )
    query = select(AUTHORITY).where(
        Message.mailing_id == wave.mailing_id, Message.authority_id > after, Message.authority_id.not_in(tried)
    )
    if rung.when is RungWhen.FAILED:
        query = query.where(HAS_FAILED)
    return query.distinct().order_by(Message.authority_id).limit(SLICE)


def _in_turn(session: Session, wave_id: int) -> Wave:
    """The wave, read anew, once no other transaction changes its campaign."""
    wave = session.get_one(Wave, wave_id)
    take_lock(session, "campaign", wave.campaign_id)
    session.refresh(wave)
    session.refresh(wave.campaign)
    return wave


@dataclass(frozen=True, slots=True)
class RungForecast:
    """A rung, and the authorities by network (its label) that it would be for if the wave left and failed today."""

    rung: Rung
    networks: Mapping[str, int]

    @property
    def in_words(self) -> str:
        """The rung and its counts in French."""
        total = sum(self.networks.values())
        each = ", ".join(f"{name} {french.number(count)}" for name, count in self.networks.items())
        whom = f"{french.plural(total, 'PO', 'PO')} aujourd’hui ({each})" if total else "aucun PO aujourd’hui"
        return french.typeset(f"{self.rung.in_words} : {whom}")


def forecast_steps(session: Session, campaign: Campaign, *, now: datetime) -> Sequence[RungForecast]:
    """The rungs of a campaign. Whom silence will add is not known yet: they are counted as their mailboxes stand."""
    ladder = stored_steps(campaign.ladder)
    if not ladder:
        return []
    without, elsewhere, meant = _boxes(session, campaign, now)
    left, told = set(without), []
    for rung in ladder:
        if rung.channel.facts.is_mail:
            whom = left & elsewhere
        else:
            whom = set(meant) if rung.when is RungWhen.ALWAYS else set(left)
        told.append(RungForecast(rung, _by_network(whom, meant)))
        # A posted letter is taken to arrive where the address has a street and a code.
        left -= {key for key in whom if not rung.channel.facts.is_posted or meant[key][1]}
    return told


def _boxes(
    session: Session, campaign: Campaign, now: datetime
) -> tuple[set[int], set[int], dict[int, tuple[str, bool]]]:
    """The authorities that no letter can leave for, those with a mailbox of another kind, and all that the campaign
    means and nothing stops: the label of their network, and whether their address is complete."""
    own, context = planning.audience_of(campaign), planning.context_of(session, campaign, now=now)
    ranks = _ranks(session, own, context)
    leads = {rank for rank in range(1, len(segments.ORDER) + 1) if segments.reason_of(rank) in LEADS_ON}
    without = {key for key, theirs in ranks.items() if theirs <= leads}
    elsewhere = {key for key, theirs in _ranks(session, replace(own, boxes=Boxes.BOTH), context).items() if 0 in theirs}
    goes_on = {key for key, theirs in ranks.items() if theirs <= leads | {0}}
    query = select(Authority.id, Network.label, Authority.address, Authority.postcode).join(Network)
    known = {key: (label, bool(street and code)) for key, label, street, code in session.execute(query)}
    return without, elsewhere, {key: known[key] for key in goes_on}


def _ranks(session: Session, chosen: Audience, context: CriteriaContext) -> dict[int, set[int]]:
    """The ranks of each authority's mailboxes in an audience."""
    each = segments.audience_rows(chosen, context)
    ranks: dict[int, set[int]] = {}
    for authority, rank in session.execute(select(each.c.authority_id, each.c.rank)):
        ranks.setdefault(authority, set()).add(rank)
    return ranks


def _by_network(whom: set[int], meant: Mapping[int, tuple[str, bool]]) -> dict[str, int]:
    return dict(sorted(Counter(meant[key][0] for key in whom if key in meant).items()))
