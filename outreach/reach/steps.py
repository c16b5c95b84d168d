"""Steps of the ladder: opened, and moved from state to state, each move a dated row."""

from datetime import date, datetime

from outreach.db import Session, take_turns
from outreach.errors import NotFound, Refused
from outreach.reach.models import STEP_MOVES, ReachChannel, ReachStep, ReachTransition, StepReason, StepState


def open_step(
    session: Session,
    *,
    mailing_id: int,
    authority_id: int,
    message_id: int,
    rung: int,
    channel: ReachChannel,
    reason: StepReason,
    now: datetime,
    actor: str,
) -> ReachStep:
    """Open a step that is due now. The database refuses a second one of the rung, and a second one that is open."""
    step = ReachStep(
        mailing_id=mailing_id,
        authority_id=authority_id,
        message_id=message_id,
        rung=rung,
        channel=channel,
        state=StepState.DUE,
        reason=reason,
        due_at=now,
    )
    session.add(step)
    session.flush()
    _note(session, step, now, actor, reason, None, "")
    return step


def in_turn(session: Session, number: int) -> ReachStep:
    """The step with this number, for a change: no other process may change it meanwhile. Raises NotFound."""
    take_turns(session, "reach", number)
    step = session.get(ReachStep, number, populate_existing=True)
    if step is None:
        raise NotFound("Cette étape n’existe pas.")
    return step


def move(
    session: Session,
    step: ReachStep,
    state: StepState,
    *,
    now: datetime,
    actor: str,
    reason: StepReason | None = None,
    day: date | None = None,
    note: str = "",
) -> None:
    """Move a step of `in_turn`; whoever held it holds it no longer. Raises Refused when there is no such move."""
    if state not in STEP_MOVES[step.state]:
        raise Refused(f"Cette étape est « {step.state.label} » : elle ne peut pas devenir « {state.label} ».")
    step.state, step.reason = state, reason
    step.taken_by = step.taken_until = None
    session.flush()
    _note(session, step, now, actor, reason, day, note)


def _note(
    session: Session,
    step: ReachStep,
    now: datetime,
    actor: str,
    reason: StepReason | None,
    day: date | None,
    note: str,
) -> None:
    session.add(
        ReachTransition(step_id=step.id, state=step.state, at=now, actor=actor, reason=reason, day=day, note=note)
    )
    session.flush()
