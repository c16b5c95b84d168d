"""A demonstration's campaigns, written at past moments by the product's own functions, without a relay.

The story is written in one transaction, at past moments. The caller puts `Post.posted` into the demonstration's mailbox
once the transaction is committed.

Those whom the first does not reach get it on paper, or are called (`demo.unreached`).

The product's own functions create them, each at its own time, so every page and file shows what it would show for a
real campaign. The result is the same for the same directory and time: answers are assigned in the register's order.

Two authorities have no mailbox, and two have one that refuses. Of the two whose letter came back, one is called and
reached; the other is still to be called.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count

from sqlalchemy import select

from outreach.access import accounts
from outreach.adherence.models import Status
from outreach.campaigns import channels, planning, review, waves
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import CallOutcome, EscalationStep, ReachChannel, Rung, stored_steps
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import AudienceRule, Audiences, Definition, moment_of
from outreach.core.db import Session
from outreach.core.text.addresses import judge
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import bounces, outbox, workers
from outreach.delivery.models import Batch, Mailing, Message, MessageState, SuppressionReason
from outreach.delivery.outbox import Composed, Settled, due_in
from outreach.delivery.sending import clear_batch, due_mailings, pass_through
from outreach.delivery.smtp import Reply, result_of
from outreach.directory import contacts
from outreach.directory.contacts import Particulars
from outreach.directory.models import Authority
from outreach.engagement import replies, tracking
from outreach.engagement.replies import Answer, Given, Response
from outreach.engagement.tracking import OPENING, Agent, ClassifiedHit, Signals, classify_hit
from outreach.operations.demo import people, sample

ROUND = 8
ROUND_LASTS = timedelta(seconds=1)
TAKEN = Reply(250, ("2.0.0 Ok",))


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter the mailbox took, and when."""

    wire: bytes
    at: datetime


class Post:
    """Hands over due letters; `posted` are those accepted. `refusals` are replies that refuse, by authority."""

    def __init__(
        self, session: Session, sending: SenderIdentity, *, now: datetime, refusals: Mapping[int | None, Reply]
    ) -> None:
        self.session, self.sending, self.refusals = session, sending, refusals
        self.worker_id = workers.join_in(session, now=now)
        self.posted: list[Posted] = []

    def carry(self, now: datetime) -> None:
        """Hand over every due letter, in rounds of 8 letters, one round a second."""
        for mailing in due_mailings(self.session, now=now):
            for batch in self.session.scalars(select(Batch.id).where(Batch.mailing_id == mailing)).all():
                self._work_through(batch, mailing, now)
        self.session.expire_all()  # SQL has changed rows that the session holds

    def close(self, now: datetime) -> None:
        """Record that the worker has left in order."""
        workers.leave(self.session, self.worker_id, now=now)

    def _work_through(self, batch: int, mailing: int, now: datetime) -> None:
        clear_batch(self.session, batch, now=now, day=today(now))
        due = due_in(self.session, batch, now=now)
        composed = Composer(self.sending, lambda: now)(self.session, self.session.get_one(Mailing, mailing), due)
        letters = [composed[message.id] for message in due]
        refusals = {
            message.id: self.refusals[message.authority_id] for message in due if message.authority_id in self.refusals
        }
        for place in range(0, len(letters), ROUND):
            self._round(letters[place : place + ROUND], refusals, now + ROUND_LASTS * (place // ROUND))

    def _round(self, letters: Sequence[Composed], refusals: Mapping[int, Reply], now: datetime) -> None:
        refused = [letter.id for letter in letters if letter.id in refusals]
        settled = [Settled(identity, None, result_of(refusals[identity], after_dot=False)) for identity in refused]
        fence_id, left = uuid.uuid4().hex, [letter for letter in letters if letter.id not in refusals]
        passed = pass_through(self.session, left, fence_id=fence_id, worker_id=self.worker_id, now=now, day=today(now))
        taken = result_of(TAKEN, after_dot=True)
        settled += [Settled(identity, fence_id, taken) for identity in sorted(passed)]
        outbox.record_outcomes(self.session, settled, now=now, again_at=now)
        self.posted += [Posted(letter.wire, now) for letter in left if letter.id in passed]


INVITATION, DRAFT = "invitation-volet-1", "merci-et-suite"
AUDIENCE = {"and": [{"network": ["WBE", "Libre confessionnel"]}, {"level": ["secondary"]}]}
PROGRAMME = "https://programme.example/volet-1"
READ_MORE = f"\n\nTout savoir : [la page du programme]({PROGRAMME})."
SECOND_STRAND = (
    "\n\nLe deuxième volet (circulaire 7919) aide chaque élève à disposer de son propre appareil. Votre réponse à ce "
    "courriel porte sur le premier volet."
)
LEAST_DAYS = 6  # since the first wave, on the day the story is created
REMINDER_DAYS, REMINDER_IS_DUE_IN = 14, 7
PAUSE_DAYS = 8  # between the reminder and the campaign to all, so that nobody gets two letters within a week
STARTS = time(9, 30)
MINUTE = timedelta(minutes=1)
EVERY = 4  # one authority in this many answers
UNKNOWN_BOX = Reply(550, ("5.1.1 No such mailbox",))
FULL_BOX = Reply(552, ("5.2.2 Mailbox full",))
EXCLUDED, UNKNOWN, FULL, UNSUBSCRIBED = 5, 17, 29, 41  # places in the order of the register
HOURS = (time(9, 40), time(11, 5), time(13, 50), time(15, 25))


@dataclass(frozen=True, slots=True)
class StoryLine:
    """What one authority answers. Authorities take the lines of `LINES` in turn."""

    answer: Answer
    comment: str = ""


LINES = (
    StoryLine(Answer.JOINED),
    StoryLine(Answer.IN_PREPARATION, "Le conseil d’administration se prononce le mois prochain."),
    StoryLine(Answer.HELP, "Comment compter les élèves inscrits après le 15 janvier ?"),
    StoryLine(Answer.INFORMED),
    StoryLine(Answer.JOINED, "Commande passée par la centrale de marchés."),
    StoryLine(Answer.WRONG_CONTACT),
    StoryLine(Answer.TENDER_LAUNCHED),
    StoryLine(Answer.DECLINED, "Équipement déjà acquis par l’école."),
    StoryLine(Answer.JOINED),
    StoryLine(Answer.IN_PREPARATION),
)
# What is said of the second programme (`demo.finished`).
JOINS = StoryLine(Answer.JOINED)
READING_LINES = (
    StoryLine(Answer.IN_PREPARATION, "Les professeurs de français choisissent avec la bibliothèque communale."),
    StoryLine(Answer.INFORMED, "Nous en parlons au prochain conseil de participation."),
    StoryLine(Answer.HELP, "Les élèves de l’enseignement spécialisé sont-ils concernés ?"),
    StoryLine(Answer.DECLINED, "L’école a déjà une bibliothèque bien garnie."),
    StoryLine(Answer.IN_PREPARATION),
)


def tell(session: Session, sending: SenderIdentity, *, now: datetime) -> list[Posted]:
    """Create the story as of `now`, in a new directory; returns the letters to store in the demonstration's mailbox.

    Raises Refused when there is already a campaign.
    """
    if session.scalar(select(Campaign.id).limit(1)) is not None:
        raise Refused("Il y a déjà une campagne : l’histoire se raconte dans une base vide.")
    first = first_wave(now)
    campaign = _approved(
        session, sending, _invitation(first, now), starts_at=first, approved_at=first - timedelta(hours=20)
    )
    wave = campaign.waves[0]
    _exclude(session, wave.campaign, first - MINUTE)
    take_mailboxes(session, wave.campaign, now=first - MINUTE)
    while waves.advance_wave(session, wave.id, sending, now=first):
        pass
    intended = _letters(session, wave)
    refusals = {intended[UNKNOWN].authority_id: UNKNOWN_BOX, intended[FULL].authority_id: FULL_BOX}
    refused = [key for key in refusals if key]
    give_numbers(session, refused, now=first)
    post = Post(session, sending, now=first, refusals=refusals)
    post.carry(first)
    waves.finish_waves(session, now=first + 5 * MINUTE)
    letters = [letter for letter in _letters(session, wave) if letter.state is MessageState.ACCEPTED]
    given = _answer(session, letters, sending, post, first, now)
    left = letters[UNSUBSCRIBED]
    outbox.unsubscribe_letter(
        session, left, now=first + timedelta(hours=5), detail=f"lien du courriel {left.public_id}"
    )
    _handle(session, given, now)
    _open(session, wave, letters, first)
    reach(session, wave, refused, sending, now=now)
    post.close(now)
    _plan_for_all(session, sending, campaign.waves[-1], now)
    _draft(session, now)
    bounces.note_box_read(session, now=now)
    return post.posted


def first_wave(now: datetime) -> datetime:
    """When the campaign left: at 9.30 on the last day that letters could leave, at least 6 days before `now`."""
    days = (today(now) - timedelta(days=LEAST_DAYS + more) for more in count())
    day = next(day for day in days if not planning.closing_reason(day, {Audiences.SCHOOL_SIDE}, urgent=True))
    return moment_of(datetime.combine(day, STARTS)).at


def _approved(
    session: Session, sending: SenderIdentity, stated: Definition, *, starts_at: datetime, approved_at: datetime
) -> Campaign:
    """Create a campaign in the 26 hours before its approval, approve and schedule it."""
    author = accounts.user_named(session, people.person_for(RoleName.AUTHOR).email)
    approver = people.person_for(RoleName.APPROVER).email
    written = approved_at - timedelta(hours=26)
    campaign = planning.create_campaign(session, stated, now=written, author=author)
    planning.revise_campaign(session, campaign, {"starts_at": starts_at}, now=written + 20 * MINUTE, actor=author.email)
    asked = written + timedelta(hours=2)
    judged = review.review_campaign(session, campaign, sending, now=asked)
    shared = judged.overlap.shared if judged.overlap else 0
    confirmed = judged.counts.written
    review.ask_approval(session, campaign, sending, now=asked, actor=author.email, confirmed=confirmed, judged=judged)
    review.give_approval(session, campaign, sending, now=approved_at, actor=approver, overlap=shared)
    planning.schedule_campaign(session, campaign, None, now=approved_at + 15 * MINUTE, actor=author.email)
    return campaign


def _plan_for_all(session: Session, sending: SenderIdentity, reminder: Wave, now: datetime) -> None:
    """Approve a campaign to the authorities of all networks, which leaves after the reminder of the first."""
    stated = _stated(INVITATION)
    opening = "10 000 € pour une école de 400 élèves."
    to_all = stated.model_copy(
        update={
            "title": "Nouvelle sensibilisation de tous les pouvoirs organisateurs",
            "purpose": "Sensibiliser les pouvoirs organisateurs de tous les réseaux dont des écoles peuvent adhérer.",
            "segment": AudienceRule(),
            "reminders": (REMINDER_DAYS,),
            "letter": stated.letter.replace(opening, opening + SECOND_STRAND),
        }
    )
    earliest = datetime.combine(today(reminder.due_at) + timedelta(days=PAUSE_DAYS), STARTS)
    opens = planning.next_open(earliest, set(Audiences), urgent=False).wall
    approved_at = now - timedelta(hours=20)
    _approved(session, sending, to_all, starts_at=moment_of(opens).at, approved_at=approved_at)


def _invitation(first: datetime, now: datetime) -> Definition:
    """The ready-made invitation, for secondary schools of two networks, with one reminder that is still to come."""
    stated = _stated(INVITATION)
    since = (today(now) - today(first)).days
    closing = "\n\nBien cordialement,"
    return stated.model_copy(
        update={
            "segment": AudienceRule.model_validate({"criteria": AUDIENCE}),
            "reminders": (max(REMINDER_DAYS, since + REMINDER_IS_DUE_IN),),
            "ladder": LADDER,
            "letter": stated.letter.replace(closing, READ_MORE + closing),
        }
    )


def _stated(name: str) -> Definition:
    """A ready-made campaign of the first programme."""
    return planning.get_definition(name, planning.READY_MADE).model_copy(update={"programme": sample.CODE})


def _draft(session: Session, now: datetime) -> None:
    author = accounts.user_named(session, people.person_for(RoleName.AUTHOR).email)
    planning.create_campaign(session, _stated(DRAFT), now=now - 90 * MINUTE, author=author)


def _letters(session: Session, wave: Wave) -> Sequence[Message]:
    """The letters of a wave in the order of the register."""
    query = select(Message).where(Message.mailing_id == wave.mailing_id)
    return session.scalars(query.order_by(Message.authority_id, Message.id)).all()


def _exclude(session: Session, campaign: Campaign, now: datetime) -> None:
    """Suppress the address of a person who asked this by telephone."""
    addressee = planning.list_addressees(session, campaign, now=now)[EXCLUDED - 1]
    actor = people.person_for(RoleName.AUTHOR).email
    reason, said = SuppressionReason.STAFF, "Demande par téléphone."
    outbox.suppress_address(session, addressee.address_key, reason, now=now, actor=actor, detail=said)


def _answer(
    session: Session, letters: Sequence[Message], sending: SenderIdentity, post: Post, first: datetime, now: datetime
) -> list[Response]:
    """Give the answer of one authority in `EVERY`, spread over the days. Each gets its confirmation."""
    asked = [letter for letter in letters[1::EVERY] if letter is not letters[UNSUBSCRIBED]]
    moments = list(_moments(today(first), today(now)))
    responses: list[Response] = []
    for place, letter in enumerate(asked):
        at = moments[place * len(moments) // len(asked)] + MINUTE * (place % 9) * 3
        given = _given(session, letter, LINES[place % len(LINES)], now)
        if given is None:
            continue
        responses += waves.receive_answer(session, letter, given, sending, now=at)
        post.carry(at + MINUTE / 4)
    return responses


def _moments(first: date, last: date) -> Iterator[datetime]:
    """The hours at which offices answer, from the afternoon of the first day to the eve of the last."""
    for day in (first + timedelta(days=number) for number in range((last - first).days)):
        if day.weekday() < 5:
            for hour in HOURS:
                if day > first or hour > time(12):
                    yield datetime.combine(day, hour, BRUSSELS)


def _given(session: Session, letter: Message, line: StoryLine, now: datetime) -> Given | None:
    """An authority's answer, about its schools without a status; None when no such school is left."""
    if line.answer.status is None:
        proposed = f"direction.{letter.address}" if line.answer.is_wrong_mailbox else ""
        return Given({}, line.answer, line.comment, proposed_address=proposed)
    question = replies.question_of(session, letter, now=now)
    silent = [row.school.id for row in question.schools if row.strands[question.strand.number].status is Status.NONE]
    return Given(dict.fromkeys(silent, line.answer), comment=line.comment) if silent else None


def _handle(session: Session, given: Sequence[Response], now: datetime) -> None:
    """Confirm the first half of the joinings and take one request for help, as the service. The rest waits."""
    actor = people.person_for(RoleName.AUTHOR).email
    joined = [response for response in given if response.answer is Answer.JOINED]
    for response in joined[: len(joined) // 2]:
        replies.act_on_response(session, response, now=min(response.given_at + timedelta(hours=3), now), actor=actor)
    helped = next(response for response in given if response.answer is Answer.HELP)
    replies.take_response(session, helped, now=min(helped.given_at + timedelta(hours=2), now), actor=actor)


def _open(session: Session, wave: Wave, letters: Sequence[Message], first: datetime) -> None:
    """Count openings of most letters, by people and machines, and clicks on the programme's page from some."""
    if wave.mailing_id is None:
        return
    identity = next(iter(tracking.of_mailing(session, wave.mailing_id).values()))
    target = tracking.target_of(session, identity)
    if target is None or target.tracker is None:
        return
    seen = [signals for place in range(len(letters)) for signals in _signals(place, first, min(target.links))]
    tracking.count_hits(session, [ClassifiedHit(target.tracker, one, classify_hit(one, ())[0]) for one in seen])


def _signals(place: int, first: datetime, link: int) -> Iterator[Signals]:
    """How one letter is read: by a scanner after a minute, by people in the following hours and days."""
    if place % 7 == 0:
        yield Signals(OPENING, first + MINUTE, Agent.SCANNER, is_head=False)
    if place % 5 > 1:
        at = first + timedelta(hours=place % 3 + place % 4 * 24 + 1)
        yield Signals(OPENING, at, Agent.PROXY if place % 6 == 0 else Agent.BROWSER, is_head=False)
        if place % 3 == 0:
            yield Signals(link, at + MINUTE, Agent.BROWSER, is_head=False)


LADDER = "paper:1:failed call:4:failed"
NO_MAILBOX = 2  # authorities, the last ones of the register
SATURDAY = 5
PRINTED, CAME_BACK, CALLED = (1, time(11)), (3, time(14)), (4, time(10, 30))  # days after the wave, at the earliest
PHONE = "081 00 00 24"
TOLD = "Le secrétariat a la lettre, reçue à une autre adresse, et la transmet au pouvoir organisateur."


def take_mailboxes(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Leave the last authorities of a campaign, `NO_MAILBOX` of them, without any mailbox in use."""
    found = planning.list_addressees(session, campaign, now=now)
    for key in sorted({one.authority_id for one in found if one.authority_id})[-NO_MAILBOX:]:
        authority = session.get_one(Authority, key)
        for held in contacts.contacts_of(session, authority):
            if held.retired_at is None:
                contacts.retire(session, authority, held, now=now, actor=_author())


def give_numbers(session: Session, authorities: Sequence[int], *, now: datetime) -> None:
    """Write down a number for each mailbox of these authorities, to call them by."""
    for authority in session.scalars(select(Authority).where(Authority.id.in_(authorities))):
        for held in contacts.contacts_of(session, authority):
            judged, kind, about = judge(held.address), held.mailbox_kind, Particulars.of(held).but({"phone": PHONE})
            contacts.correct(session, authority, held, judged, now=now, actor=_author(), particulars=about, kind=kind)


def reach(session: Session, wave: Wave, refused: Sequence[int], sending: SenderIdentity, *, now: datetime) -> None:
    """Write to them on paper; the letters to the authorities that `refused` come back, and the first is called."""
    paper, call = stored_steps(wave.campaign.ladder)
    printed, returned, called = (_at(wave, day, at, now) for day, at in (PRINTED, CAME_BACK, CALLED))
    _climb(session, wave, paper, sending, printed)
    made = channels.make_batch(session, wave.campaign, wave, sending, sheet=True, now=printed, actor=_author())
    if made.batch is None:
        raise Refused("L’histoire n’a personne à qui écrire sur papier.")
    channels.note_posted(session, made.batch, on=today(printed), today=today(printed), now=printed, actor=_author())
    back = session.scalars(select(Authority.fase).where(Authority.id.in_(refused))).all()
    channels.came_back(session, made.batch, back, on=today(returned), now=returned, actor=_author())
    _climb(session, wave, call, sending, called)
    of_calls = EscalationStep.mailing_id == wave.mailing_id, EscalationStep.channel == ReachChannel.CALL
    step = session.scalars(select(EscalationStep.id).where(*of_calls).order_by(EscalationStep.id).limit(1)).one()
    channels.take_call(session, wave.campaign, step, now=called, actor=_author())
    noted = NotedCall(CallOutcome.REACHED, TOLD, "le secrétariat")
    channels.note_call(session, wave.campaign, step, noted, sending, now=called, actor=_author())


def _climb(session: Session, wave: Wave, rung: Rung, sending: SenderIdentity, now: datetime) -> None:
    keys, _ = channels.due_candidates(session, wave.id, rung, after=0, now=now)
    channels.open_due_steps(session, wave.id, rung, keys, sending, now=now)


def _at(wave: Wave, least: int, at: time, now: datetime) -> datetime:
    """A moment on the first weekday so many days after a wave, and not after `now`."""
    days = (today(wave.due_at) + timedelta(days=least + more) for more in range(3))
    day = next(day for day in days if day.weekday() < SATURDAY)
    return min(datetime.combine(day, at, BRUSSELS), now)


def _author() -> str:
    return people.person_for(RoleName.AUTHOR).email
