"""What one authority received and answered this school year, for colleagues and for its own mailbox.

A wave counts once, however many mailboxes of an authority and of its schools it went to.

Whoever has a letter's link reads it. So it names no person and no address, shows no comment, and a mailbox that answers
for some schools reads of these alone. Some twelve statements, whatever the number of schools.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from outreach.adherence import programmes, records, situation
from outreach.adherence.models import Programme, Status, Strand, Word
from outreach.adherence.programmes import NAME_AMONG_SEVERAL, strand_in_words
from outreach.adherence.records import SchoolStandings
from outreach.adherence.situation import Solicitation
from outreach.campaigns import segments
from outreach.campaigns.correspondence import ServiceReply, mail_outcome
from outreach.campaigns.evidence import ways_of
from outreach.campaigns.letter import subjects_kept
from outreach.campaigns.models import UNDER_WAY, Campaign, CampaignState, Colour, ReceiptCopy, Wave, WaveState
from outreach.campaigns.planning import context_of, planned_of
from outreach.campaigns.results._openings import LetterOpenings, of_letters
from outreach.campaigns.segments import ORDER
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.erasure import CLOSED, is_mark
from outreach.core.text import french
from outreach.core.text.dates import school_year, today
from outreach.core.text.errors import NotFound
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageState, Purpose, Reason, Suppression, SuppressionScope
from outreach.delivery.received import ReceivedMail
from outreach.directory.authorities import PastEvent
from outreach.directory.contacts import school_limits
from outreach.directory.models import Authority, Contact
from outreach.engagement.replies import REPLACED, REQUESTS, Answer, Response, ResponseSchool, mailbox_addresses

LetterCounts = Mapping[Colour, int]


def letters_received_by(session: Session, authorities: Sequence[int], *, now: datetime) -> dict[int, LetterCounts]:
    """The letters that left for each of these authorities (keys) since the school year began, in doubt or not.

    Two statements, whatever the number of authorities. Colours without a letter are left out.
    """
    received = outbox.mailings_received(session, authorities, school_year(now))
    mailings = set[int]().union(*received.values())
    query = select(Wave.mailing_id, Campaign.colour).join(Campaign, Campaign.id == Wave.campaign_id)
    found = session.execute(query.where(Wave.mailing_id.in_(mailings))).all() if mailings else []
    colours = {row.mailing_id: row.colour for row in found}
    return {
        key: {
            colour: total for colour in Colour if (total := sum(colours.get(mailing) is colour for mailing in theirs))
        }
        for key, theirs in received.items()
    }


def letters_in_words(counts: LetterCounts) -> str:
    """The counts in French, by what the colours mean: "4 courriels : 3 « échéance annuelle », 1 « information »",
    "2 courriels « information »" or "aucun".
    """
    if not counts:
        return "aucun"
    letters = french.plural(sum(counts.values()), "courriel")
    if len(counts) == 1:
        return f"{letters} « {next(iter(counts)).meaning} »"
    each = ", ".join(f"{french.number(count)} « {colour.meaning} »" for colour, count in counts.items())
    return f"{letters} : {each}"


MOST = 10  # letters, and answers, the newest first
UNSOLICITED_OVER = "Pas sollicitée"  # in a strand that has closed, in which nobody is still to be
KINDS = {
    Purpose.CAMPAIGN: "courriel",
    Purpose.CONFIRMATION: "accusé d’une réponse",
    Purpose.REPLY: "réponse du service",
    Purpose.LETTER: "courriel du service",
}


@dataclass(frozen=True, slots=True)
class LetterInFile:
    """A letter to the mailbox: when it left, its kind in French, and its subject as it left."""

    at: datetime
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class AnswerInFile:
    """An answer: when, the name of its strand, for how many schools (0 for a request), from this mailbox or another."""

    at: datetime
    strand: str
    answer: Answer
    schools: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class MailboxFile:
    """What a mailbox reads of itself and its schools. `has_more`: there are older ones than those listed.

    `strands` are those that one of the schools may join; a school has a standing in those that it may join itself.
    `openings` has a sentence for each strand that is not open yet, which has no standing. `solicited` has the schools
    that a letter listed, each with its strand, by their keys. It is of a `day`.
    """

    letters: Sequence[LetterInFile]
    has_more_letters: bool
    answers: Sequence[AnswerInFile]
    has_more_answers: bool
    strands: Sequence[Strand]
    openings: Sequence[str]
    schools: Sequence[SchoolStandings]
    solicited: frozenset[tuple[int, int]]
    day: date

    def label(self, row: SchoolStandings, strand: Strand) -> str:
        """What is said of a school's status in a strand; without an answer, whether a letter has listed the school."""
        at = row.strands[strand.number]
        if at.status is not Status.NONE:
            return at.status.label
        if (row.school.id, strand.id) in self.solicited:
            return Solicitation.SOLICITED.label
        return UNSOLICITED_OVER if strand.is_closed(self.day) else Solicitation.UNSOLICITED.label

    def totals(self, strand: Strand) -> list[tuple[str, Word | None, int]]:
        """For how many schools each status stands in a strand, and on whose word, in the order of statuses."""
        rows = [row for row in self.schools if strand.number in row.strands]
        counted = Counter((self.label(row, strand), row.strands[strand.number].word) for row in rows)
        labels = [status.label for status in Status if status is not Status.NONE]
        return [
            (label, word, counted[label, word])
            for label in (*labels, *(part.label for part in Solicitation), UNSOLICITED_OVER)
            for word in (*Word, None)
            if counted[label, word]
        ]


def mailbox_file(session: Session, message: Message, *, now: datetime) -> MailboxFile:
    """The file of a letter's mailbox. Raises NotFound when the letter is about no strand, or not for an authority."""
    mailing = session.get_one(Mailing, message.mailing_id)
    if mailing.strand is None or message.authority_id is None:
        raise NotFound("Ce courriel n’attend pas de réponse.")
    authority = session.get_one(Authority, message.authority_id)
    programme = session.get_one(Programme, mailing.strand.programme_id)
    limit = school_limits(session, [authority.id]).get((authority.id, message.address_key))
    standings = records.list_standings(session, authority, programme, today(now))
    schools = [row for row in standings if limit is None or row.school.id in limit]
    numbers = {number for row in schools for number in row.strands}
    open_to = [strand for strand in programme.strands if strand.number in numbers]
    letters, answers = _letters(session, message, now), _answers(session, message, limit, now)
    return MailboxFile(
        letters=letters[:MOST],
        has_more_letters=len(letters) > MOST,
        answers=answers[:MOST],
        has_more_answers=len(answers) > MOST,
        strands=[strand for strand in open_to if strand.is_open(today(now))],
        openings=[
            situation.opening_in_words(
                strand.number, strand.opened_on, programmes.name_among_several(session, programme)
            )
            for strand in open_to
            if not strand.is_open(today(now))
        ],
        schools=schools,
        solicited=_solicited(session, [row.school.id for row in schools], now),
        day=today(now),
    )


def _solicited(session: Session, schools: Sequence[int], now: datetime) -> frozenset[tuple[int, int]]:
    """Which of these schools letters have listed, and about which strand."""
    query = outbox.listed_schools(now)
    rows = session.execute(query.where(among(query.selected_columns.school_id, schools)).distinct())
    return frozenset((school, strand) for school, strand in rows if strand is not None)


def _letters(session: Session, message: Message, now: datetime) -> list[LetterInFile]:
    """The letters that left for this mailbox of this authority, one more than are listed."""
    query = select(Message.id, Message.fenced_at, Mailing.purpose).join(Mailing, Mailing.id == Message.mailing_id)
    query = query.where(
        Message.authority_id == message.authority_id,
        Message.address_key == message.address_key,
        Mailing.purpose.in_(KINDS),
        Message.state.in_(outbox.LEFT),
        Message.fenced_at >= school_year(now),
    )
    rows = session.execute(query.order_by(Message.fenced_at.desc(), Message.id.desc()).limit(MOST + 1)).all()
    subjects = subjects_kept(session, [row.id for row in rows])
    return [LetterInFile(at, KINDS[purpose], subjects.get(key, "")) for key, at, purpose in rows if at is not None]


def _answers(session: Session, message: Message, limit: frozenset[int] | None, now: datetime) -> list[AnswerInFile]:
    """The answers of the authority that concern this mailbox, one more than are listed."""
    is_own: ColumnElement[bool] = Message.address_key == message.address_key
    is_theirs = true() if limit is None else among(ResponseSchool.school_id, limit)
    schools = func.count(ResponseSchool.school_id)
    query = (
        select(Response.given_at, NAME_AMONG_SEVERAL, Strand.number, Response.answer, schools, is_own)
        .join(Message, Message.id == Response.message_id)
        .join(Strand, Strand.id == Response.strand_id)
        .join(Programme, Programme.id == Strand.programme_id)
        .outerjoin(ResponseSchool, and_(ResponseSchool.response_id == Response.id, is_theirs))
        .where(Response.authority_id == message.authority_id, Response.given_at >= school_year(now), Response.stands())
        .group_by(Response.id, Programme.name, Strand.number, Message.address_key)
        .order_by(Response.given_at.desc(), Response.id.desc())
    )
    if limit is not None:
        query = query.having(or_(schools > 0, and_(is_own, Response.answer.in_(REQUESTS))))
    return [
        AnswerInFile(at, programmes.strand_in_words(name, number), *told)
        for at, name, number, *told in session.execute(query.limit(MOST + 1))
    ]


AUTOMATIC = "automatique"
ON_THE_WAY = (MessageState.QUEUED, MessageState.HANDING)


@dataclass(frozen=True, slots=True)
class Planned:
    """A wave to come for an authority, as of now: the addresses it writes to, or why it leaves the authority out.

    `spared` are the addresses left out when another one is written to. `is_queued`: the letter is in the outbox.
    """

    wave: Wave
    addresses: Sequence[str] = ()
    left_out: Reason | None = None
    spared: Sequence[tuple[str, Reason]] = ()
    is_queued: bool = False


@dataclass(slots=True)
class CampaignEvent(PastEvent):
    """An event between a campaign and an authority.

    `response` is the key of an answer that waits for the service. `letter` has the keys of a campaign and its letter;
    `mail` is the number of a mail received.
    `is_measured`: the details of a letter say whether it was opened.
    """

    response: int | None = None
    letter: tuple[int, int] | None = None
    mail: int | None = None
    is_measured: bool = False


def letter_events(session: Session, authority: Authority, *, now: datetime) -> list[PastEvent]:
    """What became of an authority's letters, opened or not where a mailbox is measured by itself.

    Letters that have not left yet are in `to_come`.
    """
    messages = outbox.to_authority(session, authority)
    mailings = {message.mailing_id for message in messages}
    waves = _waves_of(session, mailings)
    confirming = select(Mailing.id).where(Mailing.id.in_(mailings), Mailing.purpose == Purpose.CONFIRMATION)
    confirmations = dict.fromkeys(session.scalars(confirming), "Confirmation de la réponse")
    copied = select(Message.mailing_id).join(ReceiptCopy, ReceiptCopy.copy_id == Message.id)
    copies = session.scalars(copied.where(Message.authority_id == authority.id))
    confirmations |= dict.fromkeys(copies, "Copie de la confirmation, demandée par la personne qui a répondu,")
    answering = select(ServiceReply).where(ServiceReply.message_id.in_([message.id for message in messages]))
    replies = [_open_reply(reply) for reply in session.scalars(answering.options(joinedload(ServiceReply.message)))]
    seen = of_letters(session, [message.id for message in messages], now=now)
    told = [
        _letter(message, waves.get(message.mailing_id), confirmations, seen.get(message.id)) for message in messages
    ]
    return replies + [event for event in told if event is not None]


def mail_events(session: Session, authority: Authority) -> list[CampaignEvent]:
    """What an authority wrote back by mail: that it did, and about what, never its text."""
    query = select(ReceivedMail).where(ReceivedMail.authority_id == authority.id)
    return [_mail(mail) for mail in session.scalars(query.options(selectinload(ReceivedMail.steps)))]


def correspondence_thread(
    session: Session, authority: Authority, campaign: Campaign | None, *, now: datetime
) -> list[PastEvent]:
    """Letters and mails between the service and an authority, the newest first: of a campaign, where one is known, and
    those that staff wrote by hand."""
    told = letter_events(session, authority, now=now)
    of_campaign = [one for one in told if isinstance(one, CampaignEvent) and one.letter]
    if campaign is not None:
        of_campaign = [one for one in of_campaign if one.letter and one.letter[0] == campaign.id]
    by_hand = [one for one in told if one.actor != AUTOMATIC]
    return sorted([*of_campaign, *by_hand, *mail_events(session, authority)], key=lambda one: one.at, reverse=True)


def _mail(mail: ReceivedMail) -> CampaignEvent:
    """A mail; who wrote it is a detail: as an actor, a forged address of a colleague would show their name."""
    about = f" : « {mail.subject} »" if mail.subject else ""
    sender = " ".join(word for word in (mail.sender_name, mail.sender) if word)
    details = [f"De {sender}", mail_outcome(mail)] if sender else [mail_outcome(mail)]
    by = "automatique " if mail.is_automatic else ""
    return CampaignEvent(mail.received_at, "par courriel", f"Réponse {by}par courriel{about}.", details, mail=mail.id)


def _open_reply(reply: ServiceReply) -> PastEvent:
    """What staff wrote, without its words where the address was erased since: administrators read them elsewhere."""
    event = _reply(reply)
    if is_mark(reply.message.address_key):
        event.details = [CLOSED]
    return event


def answer_events(session: Session, authority: Authority, entries: Iterable[PastEvent]) -> list[PastEvent]:
    """What an authority answered and what the service did with it: one event for each submitted form.

    `entries` are audit entries. Those with the same time and actor as an answer become its details; the others are
    returned unchanged.
    """
    given: dict[tuple[datetime, str], list[Response]] = {}
    address_of = mailbox_addresses(session, authority)  # records named mailboxes so before they named their numbers
    query = select(Response).options(joinedload(Response.message))
    for response in session.scalars(query.where(Response.authority_id == authority.id).order_by(Response.id)):
        given.setdefault((response.given_at, response.message.address), []).append(response)
    values: dict[tuple[datetime, str], list[str]] = {moment: [] for moment in given}
    others = []
    for entry in entries:
        moment = (entry.at, address_of.get(entry.actor, entry.actor))
        if moment in values:
            values[moment].append(entry.sentence)
        else:
            others.append(entry)
    waves = _waves_of(session, [response.message.mailing_id for several in given.values() for response in several])
    letters_of = {key: f" {said}, {wave.name}" for key, (wave, said) in waves.items()}
    ways = ways_of(session, [response.id for several in given.values() for response in several])
    return others + [_answer(moment, several, values[moment], letters_of, ways) for moment, several in given.items()]


def exclusion_events(session: Session, authority: Authority) -> list[PastEvent]:
    """When addresses that an authority has or had were put on the suppression list, and removed from it."""
    theirs = select(Contact.address_key).where(Contact.authority_id == authority.id)
    query = select(Suppression).where(Suppression.address_key.in_(theirs)).order_by(Suppression.id)
    return [event for suppression in session.scalars(query) for event in _exclusion(suppression)]


def to_come(session: Session, authority: Authority, *, now: datetime) -> list[Planned]:
    """The waves to come for an authority, in order, of approved campaigns; a fixed number of statements each."""
    queued = _queued(session, authority)
    query = (
        select(Wave)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .options(joinedload(Wave.campaign).selectinload(Campaign.waves).joinedload(Wave.mailing))
        .where(Campaign.state == CampaignState.APPROVED, _may_write(queued))
        .order_by(Wave.due_at, Wave.id)
    )
    waves = session.scalars(query).all()
    planned = {_kind(wave): wave for wave in waves if wave.state is WaveState.PLANNED}
    prospects = {kind: _prospect(session, wave, authority, now) for kind, wave in planned.items()}
    coming = []
    for wave in waves:
        if wave.state is not WaveState.PLANNED:
            coming.append(Planned(wave, queued[wave.mailing_id or 0], is_queued=True))
        elif (prospect := prospects[_kind(wave)]) is not None:
            coming.append(replace(prospect, wave=wave))
    return coming


def _letter(
    message: Message,
    named: tuple[Wave, str] | None,
    confirmations: Mapping[int, str],
    seen: LetterOpenings | None,
) -> PastEvent | None:
    (wave, title), is_to_come = named or (None, ""), message.state in ON_THE_WAY
    if (wave is None and message.mailing_id not in confirmations) or (wave is not None and is_to_come):
        return None
    outcome = outbox.outcome_of(message)
    said = outcome.singular if message.reason is None else f"{outcome.singular}, {message.reason.label}"
    to = f" à {message.address}" if message.address else ""
    at = message.settled_at or message.dated_at
    if wave is None:
        return PastEvent(at, AUTOMATIC, f"{confirmations[message.mailing_id]}{to} : {said}.")
    sentence = f"Courriel {title}, {wave.name}{to} : {said}."
    has_left = message.state is not MessageState.WITHDRAWN
    event = CampaignEvent(at, AUTOMATIC, sentence, letter=(wave.campaign_id, message.id) if has_left else None)
    if seen is not None:
        event.details, event.is_measured = [f"{french.initial(', '.join(seen.in_words))}."], True
    return event


def _reply(reply: ServiceReply) -> PastEvent:
    """What staff wrote to an authority about its answer, at the moment at which they sent it."""
    message = reply.message
    outcome = outbox.outcome_of(message)
    said = outcome.singular if message.reason is None else f"{outcome.singular}, {message.reason.label}"
    lines = [line for line in reply.text.splitlines() if line.strip()]
    details = [f"Objet : {reply.subject}", *lines]
    kind = "en réponse" if reply.letter_id is None else "du service"
    return PastEvent(reply.sent_at, reply.sent_by, f"Courriel {kind}, à {message.address} : {said}.", details)


def _waves_of(session: Session, mailings: Collection[int]) -> dict[int, tuple[Wave, str]]:
    """The wave of each mailing, and what its campaign is called with its strand where there are several programmes."""
    query = select(Wave, NAME_AMONG_SEVERAL, Strand.number).join(Wave.campaign).join(Campaign.strand)
    query = query.join(Strand.programme).options(contains_eager(Wave.campaign)).where(Wave.mailing_id.in_(mailings))
    return {
        wave.mailing_id or 0: (wave, f"« {wave.campaign.title} »{f', {strand_in_words(name, number)}' if name else ''}")
        for wave, name, number in session.execute(query)
    }


def _answer(
    moment: tuple[datetime, str],
    given: Sequence[Response],
    told: Sequence[str],
    letters_of: Mapping[int, str],
    ways: Mapping[int, str],
) -> CampaignEvent:
    at, actor = moment
    first = given[0]
    way = ways.get(first.id, "au courriel")
    event = CampaignEvent(
        at, actor, f"Réponse {way}{letters_of.get(first.message.mailing_id, '')}.", list(reversed(told))
    )
    if first.comment and not any(first.comment in line for line in told):
        event.details.append(f"Commentaire : {first.comment}")
    event.details += [
        f"Adresse proposée : {response.proposed_address}" for response in given if response.proposed_address
    ]
    event.details += [_handling(response) for response in given if response.answer.awaits_staff]
    event.response = next((response.id for response in given if response.handled_at is None), None)
    return event


def _handling(response: Response) -> str:
    if response.handled_at is None:
        followed = f", suivie par {response.owner}" if response.owner else ""
        return f"« {response.answer.label} » attend le service{followed}."
    on = f"le {today(response.handled_at):%d/%m/%Y}"
    if response.outcome == REPLACED:
        return f"« {response.answer.label} » : {response.outcome}, {on}."
    return f"« {response.answer.label} » : traitée {on} par {response.handled_by} ({response.outcome})."


def _exclusion(suppression: Suppression) -> list[PastEvent]:
    only = ", pour la sensibilisation seulement" if suppression.scope is SuppressionScope.AWARENESS else ""
    sentence = f"Adresse {suppression.address_key} sur la liste d’exclusion ({suppression.reason.label}){only}."
    events = [
        PastEvent(
            suppression.created_at, suppression.created_by, sentence, [suppression.detail] if suppression.detail else []
        )
    ]
    if suppression.lifted_at:
        lifted = f"Adresse {suppression.address_key} retirée de la liste d’exclusion ({suppression.reason.label})."
        events.append(
            PastEvent(
                suppression.lifted_at,
                suppression.lifted_by or "",
                lifted,
                [suppression.lifted_because] if suppression.lifted_because else [],
            )
        )
    return events


def _queued(session: Session, authority: Authority) -> dict[int, list[str]]:
    """The addresses of the authority's letters that are queued or being handed over, by mailing."""
    is_theirs = Message.authority_id == authority.id
    query = select(Message.mailing_id, Message.address).where(is_theirs, Message.state.in_(ON_THE_WAY))
    queued: dict[int, list[str]] = {}
    for mailing, address in session.execute(query.order_by(Message.id)):
        queued.setdefault(mailing, []).append(address)
    return queued


def _may_write(queued: Mapping[int, Sequence[str]]) -> ColumnElement[bool]:
    under_way = and_(Wave.state.in_(UNDER_WAY), Wave.mailing_id.in_(list(queued)))
    return or_(Wave.state == WaveState.PLANNED, under_way)


def _kind(wave: Wave) -> tuple[int, bool, int | None]:
    """What the waves of a campaign with the same audience have in common: added reminders and departures differ."""
    return wave.campaign_id, wave.added_reminder_id is not None, wave.departure


def _prospect(session: Session, wave: Wave, authority: Authority, now: datetime) -> Planned | None:
    """What a wave, and any like it, would do with an authority today; None when it is not for it."""
    asked = planned_of(wave, now=now), context_of(session, wave.campaign, now=now)
    told = segments.explain_authority(session, *asked, authority)
    reasons = [reason for _, reason in told.mailboxes if reason is not None]
    addresses = [address for address, reason in told.mailboxes if reason is None]
    if not told.mailboxes:
        return None
    if not addresses:
        return Planned(wave, left_out=min(reasons, key=ORDER.index))
    spared = [(address, reason) for address, reason in told.mailboxes if reason is not None]
    return Planned(wave, addresses, spared=spared)
