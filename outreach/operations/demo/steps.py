"""The first steps of a demonstration: which of them have been taken, according to the database."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased

from outreach.access.accounts import User
from outreach.access.approvals import Decision, DecisionKind, Thing
from outreach.adherence.models import AdherenceRecord, JoiningList, Status, Word
from outreach.campaigns.models import Wave
from outreach.core.db import Session
from outreach.delivery.models import Message, MessageState
from outreach.engagement.replies import Response


class FirstStep(StrEnum):
    """Something to try, in the order of the story."""

    ANSWER = "answer"
    CONFIRM = "confirm"
    SUBMIT = "submit"
    APPROVE = "approve"
    SEND = "send"


def taken(session: Session) -> Mapping[FirstStep, bool]:
    """Whether each step was taken since the sample was loaded, by anybody; empty where nothing was loaded."""
    began = session.scalar(select(func.min(User.created_at)).where(select(JoiningList.id).exists()))
    if began is None:
        return {}
    steps = _steps(began)
    return dict(zip(steps, session.execute(select(*steps.values())).one(), strict=True))


def _steps(began: datetime) -> dict[FirstStep, ColumnElement[bool]]:
    """Conditions of the steps. The people are added as the sample is loaded, and the story ends before: what is from
    that moment on comes from a person.

    Approval and sending are those of a campaign that was submitted since: the story's own reminder, which leaves by
    itself, is nobody's step.
    """
    submitted = _decided(DecisionKind.SUBMITTED, began)
    approved = _decided(DecisionKind.APPROVED, began).where(Decision.subject.in_(submitted))
    left = select(Message.id).join(Wave, Wave.mailing_id == Message.mailing_id)
    return {
        FirstStep.ANSWER: exists().where(Response.given_at >= began),
        FirstStep.CONFIRM: _declared_and_confirmed(began),
        FirstStep.SUBMIT: submitted.exists(),
        FirstStep.APPROVE: approved.exists(),
        FirstStep.SEND: left.where(
            Thing.CAMPAIGN.subjects(Wave.campaign_id).in_(approved), Message.state == MessageState.ACCEPTED
        ).exists(),
    }


def _declared_and_confirmed(began: datetime) -> ColumnElement[bool]:
    """True when somebody confirmed a joining that was declared before. A status of an undeclared school is no such."""
    declared = aliased(AdherenceRecord)
    stands = AdherenceRecord.list_id.is_(None), AdherenceRecord.stands()
    confirmed = (AdherenceRecord.status == Status.JOINED, AdherenceRecord.word == Word.CONFIRMED, *stands)
    same = (declared.school_id == AdherenceRecord.school_id, declared.strand_id == AdherenceRecord.strand_id)
    before = (declared.status == Status.JOINED, declared.word == Word.DECLARED, declared.id < AdherenceRecord.id)
    return exists().where(AdherenceRecord.recorded_at >= began, *confirmed, *same, *before)


def _decided(kind: DecisionKind, began: datetime) -> Select[str]:
    """Select the campaigns about which a decision of a kind was made since, as decisions name them."""
    of_campaigns = Decision.subject.startswith(f"{Thing.CAMPAIGN}:")
    return select(Decision.subject).where(Decision.kind == kind, Decision.at >= began, of_campaigns)
