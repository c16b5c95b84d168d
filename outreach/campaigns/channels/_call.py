"""Calls of a campaign: asked for from a list, taken by one person, noted with what they brought."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select

from outreach.access import colleagues
from outreach.campaigns import evidence, letter, planning, waves
from outreach.campaigns.channels._due_steps import ABOUT_ALL, judge, schools_about, stops_for
from outreach.campaigns.evidence import (
    BY_HAND,
    OPEN,
    CallOutcome,
    EscalationStep,
    ReachCall,
    ReachChannel,
    StepReason,
    StepState,
    stored_steps,
)
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import ENDED, Campaign, CampaignState, Wave
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.tables import DATA, Column, InMemoryListing, Kind, On
from outreach.core.text import french
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import deliverability, received
from outreach.delivery.models import Mailing, Message
from outreach.directory import confirmations, contacts
from outreach.directory.authorities import Call, record_call, withdraw_recorded_call
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.models import Authority, CallKind, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, Question


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call to make, or one that is over: the step, whom it is for, the mailboxes that name a number, and the calls.

    `recall_on` is the day on which somebody promised to call again.
    """

    step: EscalationStep
    authority: Authority
    phones: Sequence[Contact]
    outcomes: Sequence[CallOutcome]
    recall_on: date | None

    @property
    def numbers(self) -> str:
        """The numbers, once each, or ''."""
        return ", ".join(dict.fromkeys(held.phone for held in self.phones))

    @property
    def earlier_calls(self) -> str:
        """What earlier calls brought, in French, or ''."""
        counted = Counter(self.outcomes)
        return ", ".join(f"{outcome.label.lower()} ({count})" for outcome, count in counted.items())

    @property
    def has_failed(self) -> bool:
        """Whether the call is about mail that did not arrive; else it arrived, and nothing came back."""
        return self.step.reason is not None and self.step.reason not in ABOUT_ALL

    @property
    def is_done(self) -> bool:
        """Whether the call waits no longer."""
        return self.step.state is not StepState.DUE

    def is_held(self, now: datetime) -> bool:
        """Whether somebody has taken the call, and still holds it."""
        return self.step.taken_until is not None and self.step.taken_until > now


COLUMNS: Sequence[Column[CallRow]] = (
    Column("fase", "FASE", lambda row: row.authority.fase, Kind.NUMBER, sort=True, on=DATA),
    Column("name", "Pouvoir organisateur", lambda row: row.authority.display_name, sort=True),
    Column("why", "Pourquoi", lambda row: row.step.reason, sort=True),
    Column("numbers", "Numéros", lambda row: row.numbers),
    Column("recall_on", "À rappeler le", lambda row: row.recall_on, Kind.DAY, sort=True),
    Column("calls", "Appels déjà faits", lambda row: row.earlier_calls),
    Column("state", "État", lambda row: row.step.state, sort=True, on=DATA),
    Column("action", "Action", lambda _row: "", on=On.PAGE),
)


def list_calls(
    session: Session, campaign: Campaign, *, waiting: bool = True, text: str = "", sort: str = ""
) -> InMemoryListing[CallRow]:
    """The calls of a campaign that wait, or all of them, those that wait longest first. Five statements."""
    query = _calls(campaign)
    rows = _rows(session, query.where(EscalationStep.state.in_(OPEN)) if waiting else query)
    return InMemoryListing(
        title="Appels", columns=COLUMNS, rows=rows, key=lambda row: row.authority.id, text=text, sort=sort
    )


def row_of(session: Session, campaign: Campaign, number: int) -> CallRow | None:
    """The call with this number, of this campaign; None without one."""
    return next(iter(_rows(session, _calls(campaign).where(EscalationStep.id == number))), None)


def count_calls(session: Session, campaign: Campaign) -> int:
    """How many calls of a campaign wait."""
    waiting = _calls(campaign).where(EscalationStep.state.in_(OPEN)).with_only_columns(func.count())
    return session.scalars(waiting).one()


def channels_of(session: Session, campaign: Campaign) -> list[ReachChannel]:
    """The channels that have a page of a campaign: those of its ladder, and calls where somebody asked for some."""
    own = {rung.channel for rung in stored_steps(campaign.ladder)}
    if ReachChannel.CALL not in own and any(wave.mailing_id for wave in campaign.waves):
        asked = session.scalar(_calls(campaign).with_only_columns(EscalationStep.id).limit(1))
        own |= {ReachChannel.CALL} if asked else set()
    return [channel for channel in BY_HAND if channel in own]


def outcomes_of(session: Session, steps: Sequence[int]) -> Mapping[int, list[CallOutcome]]:
    """What calls that stand brought, by the key of their step, in order."""
    query = select(ReachCall.step_id, ReachCall.outcome).join(Call, Call.id == ReachCall.call_id)
    query = query.where(ReachCall.step_id.in_(steps), Call.withdrawn_at.is_(None)).order_by(ReachCall.call_id)
    found: dict[int, list[CallOutcome]] = {}
    for step, outcome in session.execute(query):
        found.setdefault(step, []).append(outcome)
    return found


def letter_in_three_lines(
    session: Session, step: EscalationStep, sending: SenderIdentity, *, now: datetime
) -> list[str]:
    """What the letter said: its subject as read, the schools it is about, and what came of it, in French."""
    asked = asked_of(session, step, now=now)
    waiting = [school.display_name for school in asked.open()]
    named = f" : {french.all_of(waiting[:3])}{'…' if len(waiting) > 3 else ''}" if waiting else ""
    return [
        _subject(session, session.get_one(Message, step.message_id), sending, now),
        f"{french.plural(len(waiting), 'école attend', 'écoles attendent')} une réponse{named}.",
        _what_became(step),
    ]


def _subject(session: Session, message: Message, sending: SenderIdentity, now: datetime) -> str:
    try:
        return f"Objet : « {letter.subject_read(session, message, sending, now=now)} »"
    except letter.WordsGone as gone:
        return str(gone)


def _what_became(step: EscalationStep) -> str:
    if step.reason is not None and step.reason not in ABOUT_ALL:
        return f"Le courriel n’est pas arrivé : {step.reason.label}."
    return "Le courriel est resté sans suite."


def asked_of(session: Session, step: EscalationStep, *, now: datetime) -> Question:
    """The question that a call asks: about the schools that no letter reached, or all that the letters listed."""
    about = frozenset(schools_about(session, [step])[step.authority_id])
    return replies.question_of(session, session.get_one(Message, step.message_id), now=now, about=about)


def _calls(campaign: Campaign) -> Select[EscalationStep, Authority]:
    query = select(EscalationStep, Authority).join(Authority, Authority.id == EscalationStep.authority_id)
    return query.where(
        EscalationStep.channel == ReachChannel.CALL,
        EscalationStep.mailing_id.in_(planning.launched_mailings(campaign)),
    )


def _rows(session: Session, query: Select[EscalationStep, Authority]) -> list[CallRow]:
    found = session.execute(query.order_by(EscalationStep.due_at, EscalationStep.id)).all()
    keys = [authority.id for _, authority in found]
    phones, followed = _phones(session, keys), deliverability.current_follow_up(session, keys) if keys else {}
    outcomes = outcomes_of(session, [step.id for step, _ in found])
    return [
        CallRow(
            step,
            authority,
            phones.get(authority.id, ()),
            outcomes.get(step.id, ()),
            followed[authority.id].recall_on if authority.id in followed and step.state in OPEN else None,
        )
        for step, authority in found
    ]


def _phones(session: Session, authorities: Sequence[int]) -> Mapping[int, list[Contact]]:
    if not authorities:
        return {}
    query = select(Contact).where(among(Contact.authority_id, authorities), Contact.phone != "")
    found: dict[int, list[Contact]] = {}
    for held in session.scalars(query.where(Contact.retired_at.is_(None)).order_by(Contact.id)):
        found.setdefault(held.authority_id, []).append(held)
    return found


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


def take_call(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> EscalationStep:
    """Take a call for half an hour; one that is due no longer is stopped instead, and says why.

    Raises NotFound, and Refused when it is over or in somebody else's hands.
    """
    step = _in_turn(session, campaign, number)
    if step.state is not StepState.DUE:
        raise Refused(f"Cet appel n’est plus à faire : il est « {step.state.label} ».")
    if why := stops_for(session, campaign, [step], now=now).get(step.id):
        evidence.move_step(session, step, StepState.STOPPED, now=now, actor=actor, reason=why)
        return step
    if received.held_authorities(session, step.mailing_id, [step.authority_id]):
        raise Refused("Ce pouvoir organisateur a écrit : décidez d’abord de son courriel, qui retient cet appel.")
    _refuse_others(session, step, now, actor)
    step.taken_by, step.taken_until = actor, now + TAKEN_FOR
    session.flush()
    return step


def release_call(session: Session, campaign: Campaign, number: int, *, actor: str) -> None:
    """Leave a call that this person took to others. Raises NotFound."""
    step = _in_turn(session, campaign, number)
    if step.taken_by == actor:
        step.taken_by = step.taken_until = None
        session.flush()


def note_call(
    session: Session,
    campaign: Campaign,
    number: int,
    noted: NotedCall,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> EscalationStep:
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
    call = record_call(
        session, authority, words, kind=kind, day=day, person=noted.person, now=now, today=day, actor=actor
    )
    session.add(ReachCall(call_id=call.id, step_id=step.id, outcome=noted.outcome))
    session.flush()
    if noted.outcome is CallOutcome.CALL_BACK:
        deliverability.set_recall(session, authority, day=noted.recall_on, now=now, actor=actor)
    if noted.answer is not None:
        _answer(session, step, noted, sending, now=now, actor=actor)
    if noted.address is not None:
        written_to = session.get_one(Message, step.message_id).address_key
        said = f"Par téléphone, le {day:%d/%m/%Y}"
        contacts.put_in_place(session, authority, written_to, noted.address, now=now, actor=actor, said=said)
    if noted.outcome is CallOutcome.REACHED and not (noted.answer and noted.answer.is_wrong_mailbox):
        key = noted.address.key if noted.address else session.get_one(Message, step.message_id).address_key
        by, about = ConfirmationWay.CALL, f"call:{call.id}"
        confirmations.confirm(session, authority.id, key, by, at=now, actor=actor, about=about)
    _end(session, step, noted.outcome, now=now, actor=actor)
    return step


def withdraw_call(session: Session, authority: Authority, number: int, *, now: datetime, actor: str) -> None:
    """Withdraw the note of a call made by mistake: one that ended a step of a campaign ends it no longer.

    The call is due again, unless a later rung is open. An answer that was noted with it has steps of its own, and an
    address stays. Raises NotFound and Refused, as `calls.withdraw_call`.
    """
    withdraw_recorded_call(session, authority, number, now=now, actor=actor)
    confirmations.withdraw(session, [f"call:{number}"], now=now, actor=actor)
    noted = session.get(ReachCall, number)
    if noted is None:
        return
    step = evidence.in_turn(session, noted.step_id)
    if noted.outcome is CallOutcome.CALL_BACK or step.state not in {StepState.TRIED, StepState.FAILED}:
        return
    same = EscalationStep.mailing_id == step.mailing_id, EscalationStep.authority_id == step.authority_id
    is_open = (
        session.scalar(select(EscalationStep.id).where(*same, EscalationStep.state.in_(OPEN)).limit(1)) is not None
    )
    if not is_open:
        evidence.move_step(session, step, StepState.DUE, now=now, actor=actor, note="note reprise")
    elif step.state is StepState.TRIED:
        evidence.move_step(session, step, StepState.FAILED, now=now, actor=actor, note="note reprise")


def _end(session: Session, step: EscalationStep, outcome: CallOutcome, *, now: datetime, actor: str) -> None:
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
    evidence.move_step(session, step, state, now=now, actor=actor, reason=reason, day=today(now))


def _answer(
    session: Session, step: EscalationStep, noted: NotedCall, sending: SenderIdentity, *, now: datetime, actor: str
) -> None:
    message = session.get_one(Message, step.message_id)
    asked = asked_of(session, step, now=now)
    declared = asked.declared(noted.answer, noted.schools)
    name, address = noted.person.strip(), noted.address.address if noted.address else ""
    about = frozenset(row.school.id for row in asked.schools)
    given = Given(declared, noted.request, name=name, proposed_address=address, noted_by=actor, about=about)
    waves.receive_answer(session, message, given, sending, now=now, step=step.id)


def _judge(noted: NotedCall) -> None:
    if noted.outcome is CallOutcome.CALL_BACK and noted.recall_on is None:
        raise InputError("Indiquez le jour du rappel.")
    if noted.outcome is not CallOutcome.CALL_BACK and noted.recall_on is not None:
        raise InputError("Un jour de rappel va avec « À rappeler ».")
    if noted.outcome is not CallOutcome.REACHED and (noted.answer is not None or noted.address is not None):
        raise InputError(
            "Choisissez « Joint » pour noter une réponse ou une adresse : personne n’en donne sans être joint."
        )


def _in_turn(session: Session, campaign: Campaign, number: int) -> EscalationStep:
    step = evidence.in_turn(session, number)
    if step.channel is not ReachChannel.CALL or step.mailing_id not in planning.launched_mailings(campaign):
        raise NotFound("Cet appel n’est pas de cette campagne.")
    return step


def _refuse_others(session: Session, step: EscalationStep, now: datetime, actor: str) -> None:
    if step.taken_by in {None, actor} or step.taken_until is None or step.taken_until <= now:
        return
    name, until = colleagues.name_of(session, step.taken_by or ""), step.taken_until.astimezone(BRUSSELS)
    raise Refused(f"{name} s’en occupe jusqu’à {until:%H h %M} : choisissez un autre appel.")


MOST = 300  # calls asked for at once: a team makes some dozens a day
MOST_CAMPAIGNS = 20


@dataclass(frozen=True, slots=True)
class AskedCalls:
    """What asking for calls did: how many are new, how many wait already (a letter on paper as well), and how many of
    the list are not to be called: nothing was written to them, or they answered, joined or asked for no more."""

    added: int
    waiting: int
    left_out: int

    @property
    def in_words(self) -> str:
        """The counts in French."""
        more = [
            f"{french.number(count)} {words}"
            for count, words in (
                (self.waiting, "en cours déjà"),
                (self.left_out, "pas à appeler (rien ne leur a été écrit, ou c’est réglé)"),
            )
            if count
        ]
        return (
            f"{french.plural(self.added, 'PO ajouté', 'PO ajoutés')} aux appels{''.join(f', {one}' for one in more)}."
        )


def campaigns_to_call_for(session: Session) -> dict[int, str]:
    """The titles of the campaigns for which somebody may be called, by number: approved ones whose letters left, the
    newest first.
    """
    begun = select(Wave.campaign_id).join(Mailing, Mailing.id == Wave.mailing_id).where(Mailing.filled_at.is_not(None))
    query = select(Campaign.id, Campaign.title).where(Campaign.state == CampaignState.APPROVED, Campaign.id.in_(begun))
    return dict(session.execute(query.order_by(Campaign.id.desc()).limit(MOST_CAMPAIGNS)).all())


def ask_for_calls(
    session: Session, campaign: Campaign, authorities: Collection[int], *, now: datetime, actor: str
) -> AskedCalls:
    """Have these authorities be called for a campaign of `lifecycle.in_turn`, each about the last letter to it.

    Raises Refused where the campaign has ended or no letter of it left, InputError for nobody or for more than `MOST`.
    """
    if not authorities or len(authorities) > MOST:
        raise InputError(f"Choisissez de 1 à {MOST} PO à appeler : filtrez la liste.")
    mailings = planning.launched_mailings(campaign)
    if campaign.state in ENDED or not mailings:
        raise Refused("On appelle pour une campagne dont des courriels sont partis et qui n’est pas terminée.")
    take_lock(session, "calls", campaign.id)
    waiting = _waiting(session, mailings, authorities)
    left, added = set(authorities) - waiting, 0
    for mailing in reversed(mailings):
        judged = judge(session, campaign, mailing, left, now=now)
        for key in sorted(judged.mail.keys() & left):
            left.discard(key)
            mail = judged.mail[key]
            if key in judged.stops or key in judged.reacted or mail.is_on_the_way:
                continue
            of = {"mailing_id": mailing, "authority_id": key, "message_id": mail.message_id}
            rung = _next_rung(session, campaign, mailing, key)
            why = mail.failed or StepReason.SILENT
            evidence.open_step(session, **of, rung=rung, channel=ReachChannel.CALL, reason=why, now=now, actor=actor)
            added += 1
    if added:
        said = f"Appels demandés à partir d’une liste : {french.plural(added, 'PO', 'PO')}."
        audit.record_entry(session, now, actor, said, f"campaign:{campaign.id}")
    return AskedCalls(added, len(waiting), len(set(authorities)) - len(waiting) - added)


def _waiting(session: Session, mailings: Sequence[int], authorities: Collection[int]) -> set[int]:
    """Those of these authorities for whom a step of the campaign is open."""
    query = select(EscalationStep.authority_id).where(
        EscalationStep.mailing_id.in_(mailings), EscalationStep.state.in_(OPEN)
    )
    return set(session.scalars(query.where(among(EscalationStep.authority_id, authorities))))


def _next_rung(session: Session, campaign: Campaign, mailing: int, authority: int) -> int:
    """A number that no step of this wave and authority has: after the ladder's own."""
    of = EscalationStep.mailing_id == mailing, EscalationStep.authority_id == authority
    last = session.scalar(select(func.max(EscalationStep.rung)).where(*of))
    return max(last or 0, len(stored_steps(campaign.ladder))) + 1
