"""The work list of a campaign's calls: whom to call, by which numbers, why, and what earlier calls brought."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.ladder import judging
from outreach.campaigns.letter import composing
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.columns import DATA, Column, Held, Kind, On
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.models import Message
from outreach.directory.calls import Call
from outreach.directory.models import Authority, Contact
from outreach.reach.models import OPEN, CallOutcome, ReachCall, ReachChannel, ReachStep, StepState
from outreach.reachability import follow_up
from outreach.responses import answers
from outreach.responses.answers import Question


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call to make, or one that is over: the step, whom it is for, the mailboxes that name a number, and the calls.

    `recall_on` is the day on which somebody promised to call again.
    """

    step: ReachStep
    authority: Authority
    phones: Sequence[Contact]
    outcomes: Sequence[CallOutcome]
    recall_on: date | None

    @property
    def numbers(self) -> str:
        """The numbers, once each, or ''."""
        return ", ".join(dict.fromkeys(held.phone for held in self.phones))

    @property
    def told(self) -> str:
        """What earlier calls brought, in French, or ''."""
        counted = Counter(self.outcomes)
        return ", ".join(f"{outcome.label.lower()} ({count})" for outcome, count in counted.items())

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
    Column("calls", "Appels déjà faits", lambda row: row.told),
    Column("state", "État", lambda row: row.step.state, sort=True, on=DATA),
    Column("action", "Action", lambda _row: "", on=On.PAGE),
)


def listed(
    session: Session, campaign: Campaign, *, waiting: bool = True, text: str = "", sort: str = ""
) -> Held[CallRow]:
    """The calls of a campaign that wait, or all of them, those that wait longest first. Five statements."""
    query = _calls(campaign)
    rows = _rows(session, query.where(ReachStep.state.in_(OPEN)) if waiting else query)
    return Held(title="Appels", columns=COLUMNS, rows=rows, key=lambda row: row.authority.id, text=text, sort=sort)


def row_of(session: Session, campaign: Campaign, number: int) -> CallRow | None:
    """The call with this number, of this campaign; None without one."""
    return next(iter(_rows(session, _calls(campaign).where(ReachStep.id == number))), None)


def counted(session: Session, campaign: Campaign) -> int:
    """How many calls of a campaign wait."""
    waiting = _calls(campaign).where(ReachStep.state.in_(OPEN)).with_only_columns(func.count())
    return session.scalars(waiting).one()


def has_any(session: Session, campaign: Campaign) -> bool:
    """Whether somebody is to be called for a campaign, or was."""
    if not any(wave.mailing_id for wave in campaign.waves):
        return False
    return session.scalar(_calls(campaign).with_only_columns(ReachStep.id).limit(1)) is not None


def outcomes_of(session: Session, steps: Sequence[int]) -> Mapping[int, list[CallOutcome]]:
    """What calls that stand brought, by the key of their step, in order."""
    query = select(ReachCall.step_id, ReachCall.outcome).join(Call, Call.id == ReachCall.call_id)
    query = query.where(ReachCall.step_id.in_(steps), Call.withdrawn_at.is_(None)).order_by(ReachCall.call_id)
    found: dict[int, list[CallOutcome]] = {}
    for step, outcome in session.execute(query):
        found.setdefault(step, []).append(outcome)
    return found


def letter_in_three_lines(session: Session, step: ReachStep, sending: SenderIdentity, *, now: datetime) -> list[str]:
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
        return f"Objet : « {composing.subject_read(session, message, sending, now=now)} »"
    except composing.WordsGone as gone:
        return str(gone)


def _what_became(step: ReachStep) -> str:
    if step.reason is not None and has_failed(step):
        return f"Le courriel n’est pas arrivé : {step.reason.label}."
    return "Le courriel est resté sans suite."


def has_failed(step: ReachStep) -> bool:
    """Whether the call is about mail that did not arrive; else it arrived, and nothing came back."""
    return step.reason is not None and step.reason not in judging.ABOUT_ALL


def asked_of(session: Session, step: ReachStep, *, now: datetime) -> Question:
    """The question that a call asks: about the schools that no letter reached, or all that the letters listed."""
    about = frozenset(judging.schools_about(session, [step])[step.authority_id])
    return answers.question_of(session, session.get_one(Message, step.message_id), now=now, about=about)


def _calls(campaign: Campaign) -> Select[ReachStep, Authority]:
    query = select(ReachStep, Authority).join(Authority, Authority.id == ReachStep.authority_id)
    return query.where(ReachStep.channel == ReachChannel.CALL, ReachStep.mailing_id.in_(audiences.launched(campaign)))


def _rows(session: Session, query: Select[ReachStep, Authority]) -> list[CallRow]:
    found = session.execute(query.order_by(ReachStep.due_at, ReachStep.id)).all()
    keys = [authority.id for _, authority in found]
    phones, followed = _phones(session, keys), follow_up.current(session, keys) if keys else {}
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
