"""The tables of rungs: what is tried for an authority that a wave's letters do not reach, and what became of it.

A wave is known here by its mailing, as segments and answers know it. `campaigns.ladder` says which rungs a campaign has
and when each is due; `campaigns/ladder/` makes the steps. The other channels hang on a step, and only there:

- **Paper** (channel PAPER). Its own tables refer to `reach_steps.id`: a letter on paper is one row a step, with its
  batch and the digest of its code. It reads the steps that are DUE, asks `campaigns.ladder.judging.stopped` again at
  the moment of printing, and moves them with `reach.steps.move`: DUE → PRINTED (in a batch) → TRIED (posted, on a day,
  by a person) → FAILED (returned, reason RETURNED). An address that is not fit: DUE → FAILED, reason UNFIT_ADDRESS,
  and the next rung follows.
- **Calls** (channel CALL). A call is a row of `calls` (directory), as every note of what was said; `reach_calls` names
  the step it was for and its outcome. Reached: DUE → TRIED.
- **Answers.** An answer by code or by phone is a `Response` whose `message_id` is the step's `message_id`, so that it
  counts wherever an answer counts; `reach_answers` names the step, and says thereby by which channel it came.

Nothing of paper or calls stands in `messages`: its commit gate, its leases and its counts are for mail.

Rungs of a campaign's ladder, as it is written down: "other_mailbox:2:failed paper:5:failed call:12:silent".

Steps of the ladder: opened, and moved from state to state, each move a dated row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.directory.authorities import Call


class ReachChannel(Labelled):
    """By what a rung reaches an authority. MAILBOX is the wave itself, which is rung 0 and has no step."""

    MAILBOX = "mailbox", "Courriel"
    OTHER_MAILBOX = "other_mailbox", "Autre boîte"
    PAPER = "paper", "Lettre sur papier"
    CALL = "call", "Appel"


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


MOST_DAYS = 120


class RungWhen(Labelled):
    """For whom a rung is, among those whom the wave was for and whom nothing stops."""

    FAILED = "failed", "ce qui précède a échoué"
    SILENT = "silent", "ce qui précède a échoué, ou rien n’est revenu"
    ALWAYS = "always", "toujours : la lettre sur papier suit le courriel"


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung: its number from 1, its channel, how many days after its wave it is due, and for whom it is."""

    number: int
    channel: ReachChannel
    days: int
    when: RungWhen

    @property
    def told(self) -> str:
        """The rung in French: "Lettre sur papier, 5 jours après la vague, si ce qui précède a échoué"."""
        days = "1 jour" if self.days == 1 else f"{self.days} jours"
        condition = self.when.label if self.when is RungWhen.ALWAYS else f"si {self.when.label}"
        return f"{self.channel.label}, {days} après la vague, {condition}"


def stored_steps(written: str) -> Sequence[Rung]:
    """The rungs of a ladder as a campaign keeps it; none of ''."""
    parts = [part.split(":") for part in written.split()]
    return [
        Rung(number, ReachChannel(channel), int(days), RungWhen(when))
        for number, (channel, days, when) in enumerate(parts, 1)
    ]


def check_steps(stated: str) -> str:
    """The same ladder, as a file states it, in the order of its days. Raises InputError."""
    try:
        return write_steps([(rung.channel, rung.days, rung.when) for rung in stored_steps(stated)])
    except ValueError:
        raise InputError("Un échelon s’écrit « paper:5:failed » : son nom, ses jours, sa condition.") from None


def write_steps(chosen: Sequence[tuple[ReachChannel, int, RungWhen]]) -> str:
    """These rungs as a campaign keeps them, in the order of their days.

    Raises InputError for a channel twice, two rungs on one day, a day out of range, or a call that does not wait for
    a failure or silence.
    """
    ordered = sorted(chosen, key=lambda rung: rung[1])
    if len({channel for channel, _, _ in ordered}) < len(ordered):
        raise InputError("Chaque échelon sert une fois au plus : retirez celui qui est là deux fois.")
    if len({days for _, days, _ in ordered}) < len(ordered):
        raise InputError("Donnez à chaque échelon son propre délai : un PO n’est pas contacté deux fois le même jour.")
    if any(not 1 <= days <= MOST_DAYS for _, days, _ in ordered):
        raise InputError(f"Un délai compte de 1 à {MOST_DAYS} jours après la vague.")
    if any(when is RungWhen.ALWAYS and channel is not ReachChannel.PAPER for channel, _, when in ordered):
        raise InputError(
            "Seule la lettre sur papier peut toujours suivre le courriel : les autres échelons attendent un échec ou "
            "un silence."
        )
    return " ".join(f"{channel}:{days}:{when}" for channel, days, when in ordered)


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
