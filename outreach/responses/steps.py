"""Steps of staff about responses, and their replacement by later ones. Rows are added and never changed.

Of what waits now alone rows come and go: it repeats the last step.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select

from outreach.adherence.models import Programme, Strand
from outreach.db import Session
from outreach.events.models import EventKind
from outreach.events.telling import tell
from outreach.responses.kinds import Answer, FollowUp
from outreach.responses.models import Response, ResponseStep, StepKind, WaitingResponse, WithdrawalReason

REPLACED, REPLACING = "remplacée par une réponse plus récente", "réponse suivante"
SET_ASIDE = "classée sans suite"
WITHDRAWN = {because: f"annulée : {because.label}" for because in WithdrawalReason}
_TOLD = {StepKind.HANDLED: EventKind.RESPONSE_HANDLED, StepKind.REOPENED: EventKind.RESPONSE_REOPENED}


def tell_received(
    session: Session, response: Response, authority: int, strand: Strand, schools: Sequence[int], *, now: datetime
) -> None:
    """Tell programs that a response came: of an authority, about a strand and some schools, by their FASE numbers."""
    told = {**_told(session, response, authority, strand), "schools": sorted(schools)}
    tell(session, EventKind.RESPONSE_RECEIVED, f"authority:{authority}", told, at=now)


def _told(session: Session, response: Response, authority: int, strand: Strand) -> dict[str, Any]:
    """Whose response it is, about what, and the status that it declares: null where it asks for something."""
    return {
        "response": response.id,
        "authority": authority,
        "programme": session.get_one(Programme, strand.programme_id).code,
        "strand": strand.number,
        "answer": response.answer.value,
        "status": response.answer.status,
    }


def follow_up(answer: Answer, actor: str | None, note: str | None) -> FollowUp | None:
    """What came of a response, by who handled it and the note of that step; None while it waits."""
    if note is None:
        return None
    if actor == REPLACING:
        return FollowUp.REPLACED
    if note in WITHDRAWN.values():
        return FollowUp.WITHDRAWN
    if not answer.awaits_staff:
        return FollowUp.RECORDED
    return FollowUp.SET_ASIDE if note.startswith(SET_ASIDE) else FollowUp.ACTED


def add(
    session: Session,
    response: Response,
    step: StepKind,
    *,
    at: datetime,
    actor: str,
    note: str = "",
    day: date | None = None,
) -> None:
    """Record a step about a response, and read again what the response says of its steps."""
    session.add(ResponseStep(response_id=response.id, step=step, at=at, actor=actor, note=note, day=day))
    if step is StepKind.HANDLED:
        session.execute(delete(WaitingResponse).where(WaitingResponse.response_id == response.id))
    elif step is StepKind.REOPENED:
        wait(session, response)
    if kind := _TOLD.get(step):
        told = _told(session, response, response.authority.fase, response.strand)
        if step is StepKind.HANDLED:
            told["follow_up"] = follow_up(response.answer, actor, note)
        tell(session, kind, f"response:{response.id}", told, at=at)
    session.flush()
    session.refresh(response, ["owner", "handled_at", "handled_by", "outcome", "recall_on"])


def wait(session: Session, response: Response) -> None:
    """Let a response wait: one given now, or one that was handled."""
    session.add(WaitingResponse(response_id=response.id))


def steps_of(session: Session, response: Response) -> Sequence[ResponseStep]:
    """The steps about a response, in order: those before a moment say how it stood then."""
    query = select(ResponseStep).where(ResponseStep.response_id == response.id).order_by(ResponseStep.id)
    return session.scalars(query).all()
