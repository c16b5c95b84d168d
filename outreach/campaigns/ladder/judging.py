"""Judges whom a rung is for: whose mail has failed, what stops it, and whether it is still due.

What stops a reminder stops a rung: the audience of a reminder says so, with the same reasons. An exclusion after a
bounce leads on; one that somebody asked for ends the ladder, unless the letter is statutory.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select

from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.models import ENDED, Campaign, CampaignState, Wave
from outreach.days import today
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.models import (
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Reason,
    Suppression,
    SuppressionReason,
)
from outreach.delivery.received import holding
from outreach.directory.models import Contact
from outreach.reach import proof
from outreach.reach.ladder import Rung, RungWhen, rungs
from outreach.reach.models import ReachChannel, ReachStep, StepReason, StepState
from outreach.reach.proof import AUTHORITY
from outreach.responses.models import Response, ResponseSchool

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
class Judgement:
    """What is known of some authorities of a wave: their mail, what stops a rung, the steps of the whole campaign, what
    came back, and who wrote back what nobody has decided about."""

    mail: Mapping[int, Mail]
    stops: Mapping[int, StepReason]
    steps: Mapping[int, Sequence[ReachStep]] = field(default_factory=dict)
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

    def still(self, rung: Rung, step: ReachStep) -> StepReason | None:
        """What stops a step that is open; None where it is still due."""
        if step.authority_id in self.stops:
            return self.stops[step.authority_id]
        letter = self.mail.get(step.authority_id)
        if letter is not None and letter.is_answered:
            return StepReason.ANSWERED
        if rung.when is RungWhen.FAILED and letter is not None and letter.is_reached:
            return StepReason.ARRIVED
        return StepReason.ANSWERED if rung.when is RungWhen.SILENT and step.authority_id in self.reacted else None

    def _why(self, rung: Rung, letter: Mail, authority: int, before: Sequence[ReachStep]) -> StepReason | None:
        if rung.when is RungWhen.ALWAYS:
            return StepReason.FOLLOWS
        if letter.is_on_the_way or any(step.state in {StepState.DUE, StepState.PRINTED} for step in before):
            return None
        # A letter to another mailbox is mail: what came of it is in `letter`.
        others = [step for step in before if step.channel is not ReachChannel.OTHER_MAILBOX]
        if letter.failed and all(step.state is StepState.FAILED for step in others):
            return letter.failed
        return StepReason.SILENT if rung.when is RungWhen.SILENT and authority not in self.reacted else None


def judge(
    session: Session, campaign: Campaign, mailing: int, authorities: Collection[int], *, now: datetime
) -> Judgement:
    """Judge some authorities of a wave as of now."""
    keys = sorted(set(authorities))
    return Judgement(
        mail_of(session, mailing, keys),
        stops(session, campaign, keys, now=now),
        _steps(session, campaign, keys),
        _reacted(session, campaign, keys, now),
        holding.held(session, mailing, keys),
    )


def stopped(
    session: Session, campaign: Campaign, steps: Sequence[ReachStep], *, now: datetime
) -> dict[int, StepReason]:
    """Why some of these open steps of one wave are due no longer, by the key of the step; asked again at each moment at
    which something is done: as a letter is printed, as a call is taken."""
    if not steps:
        return {}
    judged = judge(session, campaign, steps[0].mailing_id, [step.authority_id for step in steps], now=now)
    known = {rung.channel: rung for rung in rungs(campaign.ladder)}
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


def schools_about(session: Session, steps: Sequence[ReachStep]) -> dict[int, Collection[int]]:
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
    addressees = audiences.addressees_among(session, campaign, authorities, now=now)
    go_on = {one.authority_id for one in addressees if one.reason is None or one.reason in LEADS_ON}
    for addressee in addressees:
        if addressee.reason in STOPS and addressee.authority_id is not None and addressee.authority_id not in go_on:
            found.setdefault(addressee.authority_id, STOPS[addressee.reason])
    return found


def is_open(session: Session, campaign: Campaign) -> bool:
    """Whether rungs of a campaign become due: it is approved exactly as it stands."""
    return campaign.state is CampaignState.APPROVED and lifecycle.is_approved(session, campaign)


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


def _steps(session: Session, campaign: Campaign, authorities: Sequence[int]) -> dict[int, list[ReachStep]]:
    mailings = campaign.mailing_keys
    query = select(ReachStep).where(ReachStep.mailing_id.in_(mailings), among(ReachStep.authority_id, authorities))
    found: dict[int, list[ReachStep]] = {}
    for step in session.scalars(query.order_by(ReachStep.id)):
        found.setdefault(step.authority_id, []).append(step)
    return found


def _reacted(session: Session, campaign: Campaign, authorities: Sequence[int], now: datetime) -> frozenset[int]:
    """Those from whom anything came back to a letter of the campaign."""
    mailings = campaign.mailing_keys
    came_back = proof.proved(mailings, today(now), calls=False).subquery("came_back")
    return frozenset(
        session.scalars(select(came_back.c.authority_id).where(among(came_back.c.authority_id, authorities)))
    )
