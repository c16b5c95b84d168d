"""Steps of staff about responses, and their replacement by later ones. Rows are added and never changed."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from outreach.db import Session
from outreach.responses.models import Response, ResponseStep, StepKind


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
    session.flush()
    session.refresh(response, ["owner", "handled_at", "handled_by", "outcome", "recall_on"])


def steps_of(session: Session, response: Response) -> Sequence[ResponseStep]:
    """The steps about a response, in order: those before a moment say how it stood then."""
    query = select(ResponseStep).where(ResponseStep.response_id == response.id).order_by(ResponseStep.id)
    return session.scalars(query).all()
