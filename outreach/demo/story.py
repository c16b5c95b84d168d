"""A demonstration's campaigns: one sent days ago with its answers, a reminder to come, one planned for all, a draft.

Those whom the first does not reach get it on paper, or are called (`demo.unreached`).

The product's own functions create them, each at its own time, so every page and file shows what it would show for a
real campaign. The result is the same for the same directory and time: answers are assigned in the register's order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count

from sqlalchemy import select

from outreach.accounts import staff
from outreach.adherence.models import Status
from outreach.campaigns import audiences, definitions, lifecycle
from outreach.campaigns.definitions import AudienceRule, Definition
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.review import approval
from outreach.campaigns.schedule import sending_hours
from outreach.campaigns.schedule.moments import moment_of
from outreach.campaigns.schedule.sending_hours import Audiences
from outreach.campaigns.waves import answering, launching
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.delivery.bounces import readings
from outreach.delivery.ledger import suppressions
from outreach.delivery.models import Message, MessageState, SuppressionReason
from outreach.delivery.smtp.replies import Reply
from outreach.demo import people, sample, unreached
from outreach.demo.post import Post, Posted
from outreach.errors import Refused
from outreach.measuring import hits, trackers
from outreach.measuring.hits import Sighting
from outreach.measuring.machines import OPENING, Agent, Signals, classify
from outreach.responses import answers, inbox
from outreach.responses.answers import Given
from outreach.responses.kinds import Answer
from outreach.responses.models import Response
from outreach.roles import RoleName

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
    unreached.take_mailboxes(session, wave.campaign, now=first - MINUTE)
    while launching.advance(session, wave.id, sending, now=first):
        pass
    intended = _letters(session, wave)
    refusals = {intended[UNKNOWN].authority_id: UNKNOWN_BOX, intended[FULL].authority_id: FULL_BOX}
    refused = [key for key in refusals if key]
    unreached.give_numbers(session, refused, now=first)
    post = Post(session, sending, now=first, refusals=refusals)
    post.carry(first)
    launching.finish_waves(session, now=first + 5 * MINUTE)
    letters = [letter for letter in _letters(session, wave) if letter.state is MessageState.ACCEPTED]
    given = _answer(session, letters, sending, post, first, now)
    left = letters[UNSUBSCRIBED]
    suppressions.unsubscribe(session, left, now=first + timedelta(hours=5), detail=f"lien du courriel {left.public_id}")
    _handle(session, given, now)
    _open(session, wave, letters, first)
    unreached.reach(session, wave, refused, sending, now=now)
    post.close(now)
    _plan_for_all(session, sending, campaign.waves[-1], now)
    _draft(session, now)
    readings.note(session, now=now)
    return post.posted


def first_wave(now: datetime) -> datetime:
    """When the campaign left: at 9.30 on the last day that letters could leave, at least 6 days before `now`."""
    days = (today(now) - timedelta(days=LEAST_DAYS + more) for more in count())
    day = next(day for day in days if not sending_hours.closure(day, {Audiences.SCHOOL_SIDE}, urgent=True))
    return moment_of(datetime.combine(day, STARTS)).at


def _approved(
    session: Session, sending: SenderIdentity, stated: Definition, *, starts_at: datetime, approved_at: datetime
) -> Campaign:
    """Create a campaign in the 26 hours before its approval, approve and schedule it."""
    author = staff.user_named(session, people.person_for(RoleName.AUTHOR).email)
    approver = people.person_for(RoleName.APPROVER).email
    written = approved_at - timedelta(hours=26)
    campaign = lifecycle.create(session, stated, now=written, author=author)
    lifecycle.revise(session, campaign, {"starts_at": starts_at}, now=written + 20 * MINUTE, actor=author.email)
    asked = written + timedelta(hours=2)
    judged = approval.judge(session, campaign, sending, now=asked)
    shared = judged.overlap.shared if judged.overlap else 0
    confirmed = judged.counts.written
    approval.ask(session, campaign, sending, now=asked, actor=author.email, confirmed=confirmed, judged=judged)
    approval.give(session, campaign, sending, now=approved_at, actor=approver, overlap=shared)
    lifecycle.schedule(session, campaign, None, now=approved_at + 15 * MINUTE, actor=author.email)
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
    opens = sending_hours.next_open(earliest, set(Audiences), urgent=False).wall
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
            "ladder": unreached.LADDER,
            "letter": stated.letter.replace(closing, READ_MORE + closing),
        }
    )


def _stated(name: str) -> Definition:
    """A ready-made campaign of the first programme."""
    return definitions.named(name, definitions.READY_MADE).model_copy(update={"programme": sample.CODE})


def _draft(session: Session, now: datetime) -> None:
    author = staff.user_named(session, people.person_for(RoleName.AUTHOR).email)
    lifecycle.create(session, _stated(DRAFT), now=now - 90 * MINUTE, author=author)


def _letters(session: Session, wave: Wave) -> Sequence[Message]:
    """The letters of a wave in the order of the register."""
    query = select(Message).where(Message.mailing_id == wave.mailing_id)
    return session.scalars(query.order_by(Message.authority_id, Message.id)).all()


def _exclude(session: Session, campaign: Campaign, now: datetime) -> None:
    """Suppress the address of a person who asked this by telephone."""
    addressee = audiences.addressees(session, campaign, now=now)[EXCLUDED - 1]
    actor = people.person_for(RoleName.AUTHOR).email
    reason, said = SuppressionReason.STAFF, "Demande par téléphone."
    suppressions.suppress(session, addressee.address_key, reason, now=now, actor=actor, detail=said)


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
        responses += answering.receive(session, letter, given, sending, now=at)
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
    asked = answers.question_of(session, letter, now=now)
    silent = [row.school.id for row in asked.schools if row.strands[asked.strand.number].status is Status.NONE]
    return Given(dict.fromkeys(silent, line.answer), comment=line.comment) if silent else None


def _handle(session: Session, given: Sequence[Response], now: datetime) -> None:
    """Confirm the first half of the joinings and take one request for help, as the service. The rest waits."""
    actor = people.person_for(RoleName.AUTHOR).email
    joined = [response for response in given if response.answer is Answer.JOINED]
    for response in joined[: len(joined) // 2]:
        inbox.act(session, response, now=min(response.given_at + timedelta(hours=3), now), actor=actor)
    helped = next(response for response in given if response.answer is Answer.HELP)
    inbox.take(session, helped, now=min(helped.given_at + timedelta(hours=2), now), actor=actor)


def _open(session: Session, wave: Wave, letters: Sequence[Message], first: datetime) -> None:
    """Count openings of most letters, by people and machines, and clicks on the programme's page from some."""
    if wave.mailing_id is None:
        return
    identity = next(iter(trackers.of_mailing(session, wave.mailing_id).values()))
    target = trackers.target_of(session, identity)
    if target is None or target.tracker is None:
        return
    seen = [signals for place in range(len(letters)) for signals in _signals(place, first, min(target.links))]
    hits.count(session, [Sighting(target.tracker, signals, classify(signals, ())[0]) for signals in seen])


def _signals(place: int, first: datetime, link: int) -> Iterator[Signals]:
    """How one letter is read: by a scanner after a minute, by people in the following hours and days."""
    if place % 7 == 0:
        yield Signals(OPENING, first + MINUTE, Agent.SCANNER, is_head=False)
    if place % 5 > 1:
        at = first + timedelta(hours=place % 3 + place % 4 * 24 + 1)
        yield Signals(OPENING, at, Agent.PROXY if place % 6 == 0 else Agent.BROWSER, is_head=False)
        if place % 3 == 0:
            yield Signals(link, at + MINUTE, Agent.BROWSER, is_head=False)
