"""Steps of staff about responses, and their replacement by later ones. Rows are added and never changed.

Of what waits now alone rows come and go: it repeats the last step.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select

from outreach.adherence.models import Programme, Strand
from outreach.db import Session
from outreach.events.models import EventKind
from outreach.events.telling import tell
from outreach.responses.models import Response, ResponseStep, StepKind, WaitingResponse

_TOLD = {StepKind.HANDLED: EventKind.RESPONSE_HANDLED, StepKind.REOPENED: EventKind.RESPONSE_REOPENED}


def tell_received(
    session: Session, response: Response, authority: int, strand: Strand, schools: Sequence[int], *, now: datetime
) -> None:
    """Tell programs that a response came: of an authority, about a strand and some schools, by their FASE numbers."""
    told = {
        "response": response.id,
        "authority": authority,
        "programme": session.get_one(Programme, strand.programme_id).code,
        "strand": strand.number,
        "answer": response.answer.value,
        "schools": sorted(schools),
    }
    tell(session, EventKind.RESPONSE_RECEIVED, f"authority:{authority}", told, at=now)


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
        tell(session, kind, f"response:{response.id}", {"response": response.id}, at=at)
    session.flush()
    session.refresh(response, ["owner", "handled_at", "handled_by", "outcome", "recall_on"])


def wait(session: Session, response: Response) -> None:
    """Let a response wait: one given now, or one that was handled."""
    session.add(WaitingResponse(response_id=response.id))


def steps_of(session: Session, response: Response) -> Sequence[ResponseStep]:
    """The steps about a response, in order: those before a moment say how it stood then."""
    query = select(ResponseStep).where(ResponseStep.response_id == response.id).order_by(ResponseStep.id)
    return session.scalars(query).all()
