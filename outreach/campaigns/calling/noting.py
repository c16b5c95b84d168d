"""A call is taken by one person, for half an hour, and noted: what it brought, and the answer that was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from outreach.accounts import colleagues
from outreach.campaigns import audiences
from outreach.campaigns.calling.work_list import asked_of, outcomes_of
from outreach.campaigns.ladder import judging
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.waves import answering
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.delivery.received import holding
from outreach.directory import calls, contacts
from outreach.directory.models import Authority, CallKind
from outreach.errors import InputError, NotFound, Refused
from outreach.mail.addresses import Judgement
from outreach.reach import steps
from outreach.reach.models import OPEN, CallOutcome, ReachCall, ReachChannel, ReachStep, StepReason, StepState
from outreach.reachability import follow_up
from outreach.responses.answers import Given
from outreach.responses.kinds import Answer

TAKEN_FOR = timedelta(minutes=30)
MOST_TRIES = 3  # calls that nobody answered, after which calling has failed


@dataclass(frozen=True, slots=True)
class NotedCall:
    """What a call brought. `person` spoke for the authority; `recall_on` goes with CALL_BACK, `answer` with REACHED.

    The answer is about the schools of the letter that wait for one, or about `schools` of them. `address` is a mailbox
    that they say is read: the colleague's own record of the contact, and no answer.
    """

    outcome: CallOutcome
    words: str = ""
    person: str = ""
    recall_on: date | None = None
    answer: Answer | None = None
    schools: Sequence[int] = ()
    address: Judgement | None = None

    @property
    def request(self) -> Answer | None:
        """What was asked of the service, if the answer asks something of it."""
        return self.answer if self.answer is not None and self.answer.status is None else None


def take(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> ReachStep:
    """Take a call for half an hour; one that is due no longer is stopped instead, and says why.

    Raises NotFound, and Refused when it is over or in somebody else's hands.
    """
    step = _in_turn(session, campaign, number)
    if step.state is not StepState.DUE:
        raise Refused(f"Cet appel n’est plus à faire : il est « {step.state.label} ».")
    if why := judging.stopped(session, campaign, [step], now=now).get(step.id):
        steps.move(session, step, StepState.STOPPED, now=now, actor=actor, reason=why)
        return step
    if holding.held(session, step.mailing_id, [step.authority_id]):
        raise Refused("Ce pouvoir organisateur a écrit : décidez d’abord de son courriel, qui retient cet appel.")
    _refuse_others(session, step, now, actor)
    step.taken_by, step.taken_until = actor, now + TAKEN_FOR
    session.flush()
    return step


def release(session: Session, campaign: Campaign, number: int, *, actor: str) -> None:
    """Leave a call that this person took to others. Raises NotFound."""
    step = _in_turn(session, campaign, number)
    if step.taken_by == actor:
        step.taken_by = step.taken_until = None
        session.flush()


def note(
    session: Session,
    campaign: Campaign,
    number: int,
    noted: NotedCall,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> ReachStep:
    """Note a call. Somebody reached ends the step, a wrong number fails it, and so does the third call in vain.

    An answer is recorded as said by phone to `actor`, and counts wherever an answer to the letter counts. Raises
    NotFound; Refused when the call is over or in somebody else's hands; InputError on what does not fit together.
    """
    step = _in_turn(session, campaign, number)
    if step.state is not StepState.DUE:
        raise Refused(f"Cet appel n’est plus à faire : il est « {step.state.label} ». Notez l’échange sur sa fiche.")
    _refuse_others(session, step, now, actor)
    _judge(noted)
    authority = session.get_one(Authority, step.authority_id)
    words = noted.words.strip() or f"{noted.outcome.label}."
    day, kind = today(now), CallKind.PHONE
    call = calls.note(
        session, authority, words, kind=kind, day=day, person=noted.person, now=now, today=day, actor=actor
    )
    session.add(ReachCall(call_id=call.id, step_id=step.id, outcome=noted.outcome))
    session.flush()
    if noted.outcome is CallOutcome.CALL_BACK:
        follow_up.recall(session, authority, day=noted.recall_on, now=now, actor=actor)
    if noted.answer is not None:
        _answer(session, step, noted, sending, now=now, actor=actor)
    if noted.address is not None:
        written_to = session.get_one(Message, step.message_id).address_key
        said = f"Par téléphone, le {day:%d/%m/%Y}"
        contacts.put_in_place(session, authority, written_to, noted.address, now=now, actor=actor, said=said)
    _end(session, step, noted.outcome, now=now, actor=actor)
    return step


def withdraw(session: Session, authority: Authority, number: int, *, now: datetime, actor: str) -> None:
    """Withdraw the note of a call made by mistake: one that ended a step of a campaign ends it no longer.

    The call is due again, unless a later rung is open. An answer that was noted with it has steps of its own, and an
    address stays. Raises NotFound and Refused, as `calls.withdraw`.
    """
    calls.withdraw(session, authority, number, now=now, actor=actor)
    noted = session.get(ReachCall, number)
    if noted is None:
        return
    step = steps.in_turn(session, noted.step_id)
    if noted.outcome is CallOutcome.CALL_BACK or step.state not in {StepState.TRIED, StepState.FAILED}:
        return
    same = ReachStep.mailing_id == step.mailing_id, ReachStep.authority_id == step.authority_id
    is_open = session.scalar(select(ReachStep.id).where(*same, ReachStep.state.in_(OPEN)).limit(1)) is not None
    if not is_open:
        steps.move(session, step, StepState.DUE, now=now, actor=actor, note="note reprise")
    elif step.state is StepState.TRIED:
        steps.move(session, step, StepState.FAILED, now=now, actor=actor, note="note reprise")


def _end(session: Session, step: ReachStep, outcome: CallOutcome, *, now: datetime, actor: str) -> None:
    """Move the step as its calls say; it waits for another one otherwise, in nobody's hands."""
    in_vain = outcomes_of(session, [step.id]).get(step.id, []).count(CallOutcome.NOT_REACHED)
    state, reason = StepState.FAILED, None
    if outcome is CallOutcome.REACHED:
        state = StepState.TRIED
    elif outcome is CallOutcome.WRONG_NUMBER:
        reason = StepReason.WRONG_NUMBER
    elif outcome is CallOutcome.NOT_REACHED and in_vain >= MOST_TRIES:
        reason = StepReason.NOT_REACHED
    else:
        step.taken_by = step.taken_until = None
        session.flush()
        return
    steps.move(session, step, state, now=now, actor=actor, reason=reason, day=today(now))


def _answer(
    session: Session, step: ReachStep, noted: NotedCall, sending: SenderIdentity, *, now: datetime, actor: str
) -> None:
    message = session.get_one(Message, step.message_id)
    asked, declared = asked_of(session, step, now=now), dict[int, Answer]()
    if noted.answer is not None and noted.answer.status is not None:
        waiting = [school.id for school in asked.open()]
        declared = {key: noted.answer for key in waiting if not noted.schools or key in noted.schools}
        if not declared:
            raise InputError("Plus aucune de ses écoles n’attend de réponse : notez l’appel sans réponse.")
    name, address = noted.person.strip(), noted.address.address if noted.address else ""
    about = frozenset(row.school.id for row in asked.schools)
    given = Given(declared, noted.request, name=name, proposed_address=address, noted_by=actor, about=about)
    answering.receive(session, message, given, sending, now=now, step=step.id)


def _judge(noted: NotedCall) -> None:
    if noted.outcome is CallOutcome.CALL_BACK and noted.recall_on is None:
        raise InputError("Indiquez le jour du rappel.")
    if noted.outcome is not CallOutcome.CALL_BACK and noted.recall_on is not None:
        raise InputError("Un jour de rappel va avec « À rappeler ».")
    if noted.outcome is not CallOutcome.REACHED and (noted.answer is not None or noted.address is not None):
        raise InputError(
            "Choisissez « Joint » pour noter une réponse ou une adresse : personne n’en donne sans être joint."
        )


def _in_turn(session: Session, campaign: Campaign, number: int) -> ReachStep:
    step = steps.in_turn(session, number)
    if step.channel is not ReachChannel.CALL or step.mailing_id not in audiences.launched(campaign):
        raise NotFound("Cet appel n’est pas de cette campagne.")
    return step


def _refuse_others(session: Session, step: ReachStep, now: datetime, actor: str) -> None:
    if step.taken_by in {None, actor} or step.taken_until is None or step.taken_until <= now:
        return
    name, until = colleagues.name_of(session, step.taken_by or ""), step.taken_until.astimezone(BRUSSELS)
    raise Refused(f"{name} s’en occupe jusqu’à {until:%H h %M} : choisissez un autre appel.")
