"""The tables of rungs: what is tried for an authority that a wave's letters do not reach, and what became of it.

A wave is known here by its mailing, as segments and answers know it. `campaigns/channels/` opens the steps, and asks
again at each moment at which something is done whether they are due still. A letter on paper is a row of
`paper_letters`, a call one of `calls` that `reach_calls` ties to its step; an answer by either is a `Response` through
the step's message, so that it counts wherever an answer counts, and `reach_answers` names the step. Nothing of them
stands in `messages`: its commit gate, its leases and its counts are for mail.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.evidence._channels import ReachChannel
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.directory.authorities import Call


class StepState(Labelled):
    """The state of a step. DUE and PRINTED are open; a step that was TRIED may still fail."""

    DUE = "due", "À faire"
    PRINTED = "printed", "Imprimé"
    TRIED = "tried", "Fait"
    FAILED = "failed", "En échec"
    STOPPED = "stopped", "Arrêté"


STEP_MOVES = {
    StepState.DUE: {StepState.PRINTED, StepState.TRIED, StepState.FAILED, StepState.STOPPED},
    StepState.PRINTED: {StepState.DUE, StepState.TRIED, StepState.FAILED, StepState.STOPPED},
    StepState.TRIED: {StepState.FAILED, StepState.DUE},
    StepState.FAILED: {StepState.DUE},
    StepState.STOPPED: set(),
}
OPEN = (StepState.DUE, StepState.PRINTED)


class StepReason(Labelled):
    """Why a step became due, failed or stopped."""

    NO_ADDRESS = "no_address", "aucune adresse"
    UNREVIEWED = "unreviewed", "adresse à vérifier"
    BOUNCED = "bounced", "boîte en échec"
    REFUSED = "refused", "courriel refusé"
    EXPIRED = "expired", "courriel expiré"
    SILENT = "silent", "rien n’est revenu"
    FOLLOWS = "follows", "la lettre sur papier suit le courriel"
    RETURNED = "returned", "lettre revenue"
    UNFIT_ADDRESS = "unfit_address", "adresse postale incomplète"
    NO_OTHER_MAILBOX = "no_other_mailbox", "aucune autre boîte"
    WRONG_NUMBER = "wrong_number", "mauvais numéro"
    NOT_REACHED = "not_reached", "personne au téléphone"
    JOINED = "joined", "a adhéré"
    ANSWERED = "answered", "a répondu"
    ARRIVED = "arrived", "le courriel est arrivé"
    UNSUBSCRIBED = "unsubscribed", "désinscription"
    COMPLAINT = "complaint", "plainte"
    EXCLUDED = "excluded", "exclusion par le service"
    LEFT_OUT = "left_out", "exception à cette campagne"
    NOT_CONCERNED = "not_concerned", "plus concerné par la campagne"
    ENDED = "ended", "campagne terminée"


class CallOutcome(Labelled):
    """What a call for a campaign brought."""

    REACHED = "reached", "Joint"
    NOT_REACHED = "not_reached", "Pas joint"
    CALL_BACK = "call_back", "À rappeler"
    WRONG_NUMBER = "wrong_number", "Mauvais numéro"


_IS_OPEN = text("state IN ('due', 'printed')")


class EscalationStep(Base):
    """A rung tried for an authority that a wave's letters did not reach. Its rows are kept as long as the campaign's.

    `rung` counts from 1 in the campaign's ladder. `message_id` is the wave's first letter to the authority, which may
    never have left: answers by this channel count through it. `reason` is that of the last transition.
    `taken_by` holds the step until `taken_until`, so that nobody is called by two people at once. The database refuses
    a second step of the same rung, and a second one that is open: never two channels for one authority at a time.
    """

    __tablename__ = "reach_steps"
    __table_args__ = (
        UniqueConstraint("mailing_id", "authority_id", "rung"),
        Index(
            "uq_reach_steps_open",
            *("mailing_id", "authority_id"),
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        CheckConstraint("rung > 0", name="rung"),
        CheckConstraint("channel <> 'mailbox'", name="not_the_wave"),
        CheckConstraint("(taken_by IS NULL) = (taken_until IS NULL)", name="taken"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    rung: Mapped[int]
    channel: Mapped[ReachChannel] = mapped_column(enum_of(ReachChannel, "reach_channel"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    state: Mapped[StepState] = mapped_column(enum_of(StepState, "step_state"))
    reason: Mapped[StepReason | None] = mapped_column(enum_of(StepReason, "step_reason"))
    due_at: Mapped[datetime]
    taken_by: Mapped[str | None] = mapped_column(String(255))
    taken_until: Mapped[datetime | None]


class ReachTransition(Base):
    """A state that a step reached: when, by whom, why. `day` is the day on which it was done: of a letter, its posting.

    Rows are only added.
    """

    __tablename__ = "reach_transitions"

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("reach_steps.id"), index=True)
    state: Mapped[StepState] = mapped_column(enum_of(StepState, "reached_step_state"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[StepReason | None] = mapped_column(enum_of(StepReason, "reached_step_reason"))
    day: Mapped[date | None]
    note: Mapped[str] = mapped_column(Text, default="")


class ReachCall(Base):
    """A noted call was for this step, and what it brought."""

    __tablename__ = "reach_calls"

    call_id: Mapped[int] = mapped_column(ForeignKey(Call.id), primary_key=True, autoincrement=False)
    step_id: Mapped[int] = mapped_column(ForeignKey("reach_steps.id"), index=True)
    outcome: Mapped[CallOutcome] = mapped_column(enum_of(CallOutcome, "call_outcome"))


class ReachAnswer(Base):
    """A response came by this step: by the code of a letter on paper, or said by phone."""

    __tablename__ = "reach_answers"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True, autoincrement=False)
    step_id: Mapped[int] = mapped_column(ForeignKey("reach_steps.id"), index=True)


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
) -> EscalationStep:
    """Open a step that is due now. The database refuses a second one of the rung, and a second one that is open."""
    step = EscalationStep(
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


def in_turn(session: Session, number: int) -> EscalationStep:
    """The step with this number, for a change: no other process may change it meanwhile. Raises NotFound."""
    take_lock(session, "reach", number)
    step = session.get(EscalationStep, number, populate_existing=True)
    if step is None:
        raise NotFound("Cette étape n’existe pas.")
    return step


def move_step(
    session: Session,
    step: EscalationStep,
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
    step: EscalationStep,
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
