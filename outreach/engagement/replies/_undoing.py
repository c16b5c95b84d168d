"""Withdraws the answers that one form gave, with all that they did: who got the letter says that it was not them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.adherence import records
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Word
from outreach.adherence.programmes import strand_name, tell_withdrawn
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.directory import confirmations
from outreach.directory.contacts import subject_of
from outreach.engagement.replies._models import (
    REPLACED,
    REPLACING,
    WITHDRAWN,
    Response,
    ResponseStep,
    ResponseWithdrawal,
    StepKind,
    WithdrawalReason,
    add_step,
)
from outreach.engagement.replies._recording import confirmation_of


def undo_form(
    session: Session, responses: Sequence[Response], *, now: datetime, actor: str, because: WithdrawalReason
) -> None:
    """Take back all that one form did, and no more: the responses, what they declared, what they replaced.

    What a colleague has done since is the colleague's: a status that was confirmed stays.
    """
    authority = responses[0].authority
    take_lock(session, "responses", authority.fase)
    take_lock(session, "statuses", authority.fase)
    confirmations.withdraw(session, map(confirmation_of, responses), now=now, actor=actor)
    for response in responses:
        session.add(ResponseWithdrawal(response_id=response.id, withdrawn_at=now, because=because))
        _withdraw_declared(session, response, now, actor)
        _reopen_replaced(session, response, now, actor)
        add_step(session, response, StepKind.HANDLED, at=now, actor=actor, note=WITHDRAWN[because])
        about = strand_name(session, response.strand)
        said = f"Réponse annulée, {about} : « {response.answer.label} » ({because.label})."
        audit.record_entry(session, now, actor, said, subject_of(authority))


def _withdraw_declared(session: Session, response: Response, now: datetime, actor: str) -> None:
    declared = select(AdherenceRecord.id).where(
        AdherenceRecord.school_id.in_([school.id for school in response.schools]),
        AdherenceRecord.strand_id == response.strand_id,
        AdherenceRecord.recorded_at == response.given_at,
        AdherenceRecord.word == Word.DECLARED,
        AdherenceRecord.source == records.FROM_A_LETTER,
        AdherenceRecord.stands(),
    )
    keys = session.scalars(declared).all()
    session.add_all(RecordWithdrawal(record_id=key, withdrawn_at=now, withdrawn_by=actor) for key in keys)
    session.flush()
    tell_withdrawn(session, AdherenceRecord.id.in_(keys), now=now)


def _reopen_replaced(session: Session, response: Response, now: datetime, actor: str) -> None:
    """Let the earlier responses wait again that this one had closed."""
    closed = select(ResponseStep.response_id).where(
        ResponseStep.at == response.given_at,
        ResponseStep.step == StepKind.HANDLED,
        ResponseStep.actor == REPLACING,
        ResponseStep.note == REPLACED,
    )
    same = (Response.authority_id == response.authority_id, Response.strand_id == response.strand_id)
    for earlier in session.scalars(select(Response).where(Response.id.in_(closed), *same, Response.stands())).all():
        if earlier.handled_at == response.given_at:
            add_step(session, earlier, StepKind.REOPENED, at=now, actor=actor, note="la réponse suivante est annulée")
