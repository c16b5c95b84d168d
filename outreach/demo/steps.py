"""The first steps of a demonstration: which of them have been taken, according to the database."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, func, select

from outreach.adherence.models import AdherenceRecord, JoiningList, Status, Word
from outreach.campaigns.models import CampaignState, CampaignTransition
from outreach.db import Session
from outreach.delivery.models import Mailing, Purpose
from outreach.tracking.models import Response


class FirstStep(StrEnum):
    """Something to try, in the order of the story."""

    ANSWER = "answer"
    CONFIRM = "confirm"
    SUBMIT = "submit"
    APPROVE = "approve"
    SEND = "send"


def taken(session: Session) -> Mapping[FirstStep, bool]:
    """Whether each step was taken since the sample was loaded, by anybody; empty where nothing was loaded."""
    began = session.scalar(select(func.min(JoiningList.applied_at)))
    if began is None:
        return {}
    steps = _steps(began)
    return dict(zip(steps, session.execute(select(*steps.values())).one(), strict=True))


def _steps(began: datetime) -> dict[FirstStep, ColumnElement[bool]]:
    """Conditions of the steps. The story ends before the joining list is applied, so later rows come from a person."""
    by_hand = AdherenceRecord.list_id.is_(None)
    confirmed = (AdherenceRecord.status == Status.JOINED, AdherenceRecord.word == Word.CONFIRMED, by_hand)
    return {
        FirstStep.ANSWER: exists().where(Response.given_at > began),
        FirstStep.CONFIRM: exists().where(AdherenceRecord.recorded_at > began, *confirmed),
        FirstStep.SUBMIT: _moved(CampaignState.TO_APPROVE, began),
        FirstStep.APPROVE: _moved(CampaignState.APPROVED, began),
        FirstStep.SEND: exists().where(Mailing.created_at > began, Mailing.purpose == Purpose.CAMPAIGN),
    }


def _moved(state: CampaignState, began: datetime) -> ColumnElement[bool]:
    return exists().where(CampaignTransition.state == state, CampaignTransition.at > began)
