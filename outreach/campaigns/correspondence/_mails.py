"""The tray « Courriels reçus »: mails that wait or are decided about, whom they await, the answers they say."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, not_, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from outreach.adherence.models import Programme, Strand
from outreach.campaigns import waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.waves import working_day
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, Expression, Kind, On, QueryListing, Rows
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName
from outreach.delivery import received
from outreach.delivery.models import Mailing, Message
from outreach.delivery.received import DECIDING, MailStepKind, ReceivedMail
from outreach.directory.authorities import is_named
from outreach.directory.models import Authority
from outreach.engagement import replies
from outreach.engagement.replies import (
    LONGEST_NAME,
    Answer,
    Given,
    MailedResponse,
    Question,
    Response,
    WithdrawalReason,
)

LOCAL = "heure de Bruxelles"
RISES_AFTER = 10  # working days, after which a mail awaits administrators, too
DECIDERS = frozenset({RoleName.AUTHOR, RoleName.APPROVER})


class MailState(Labelled):
    """Where a mail received stands."""

    TO_DECIDE = "to_decide", "À décider"
    TO_ATTACH = "to_attach", "À rattacher"
    DECIDED = "decided", "Traités"

    @property
    def holds(self) -> ColumnElement[bool]:
        """True for a mail that stands there."""
        match self:
            case MailState.TO_DECIDE:
                return received.holds_letters()
            case MailState.TO_ATTACH:
                return and_(ReceivedMail.authority_id.is_(None), received.awaits_decision())
        return not_(received.awaits_decision())


@dataclass(frozen=True, slots=True)
class Mails:
    """Which mails are asked for: of a state, or all that wait; of a programme or of none that is known; those that are
    about letters of these waves; those that await a person (`whom`); those whose authority, sender or words have a
    text."""

    state: MailState | None = None
    programme: Programme | None = None
    mailings: Collection[int] | None = None
    whom: ColumnElement[bool] | None = None
    text: str = ""


def is_of(person: str) -> ColumnElement[bool]:
    """True for a mail that this person (an address) looks after."""
    return ReceivedMail.owner == person


def awaits_whom(person: str, roles: Collection[RoleName], day: date) -> ColumnElement[bool]:
    """True for a mail that awaits a person (an address) with these roles on a day.

    Who decides about mails has their own and nobody's; who administers has all that wait for long.
    """
    theirs: list[ColumnElement[bool]] = []
    if not DECIDERS.isdisjoint(roles):
        theirs.append(or_(ReceivedMail.owner.is_(None), ReceivedMail.owner == person))
    if RoleName.ADMINISTRATOR in roles:
        theirs.append(ReceivedMail.received_at < _rises_before(day))
    return and_(received.awaits_decision(), or_(false(), *theirs))


def awaiting_mails(person: str, roles: Collection[RoleName], day: date) -> Select[ReceivedMail]:
    """Select the mails that await a person, the oldest first."""
    query = select(ReceivedMail).where(awaits_whom(person, roles, day))
    return query.order_by(ReceivedMail.received_at, ReceivedMail.id)


def mail_numbered(session: Session, number: int) -> ReceivedMail:
    """The mail with this number. Raises NotFound."""
    mail = session.get(ReceivedMail, number)
    if mail is None:
        raise NotFound(f"Aucun courriel reçu ne porte le numéro {number}.")
    return mail


def campaign_of(session: Session, mail: ReceivedMail) -> Campaign | None:
    """The campaign whose letter a mail answers, if one is named."""
    query = select(Campaign).join(Wave, Wave.campaign_id == Campaign.id)
    query = query.join(Message, Message.mailing_id == Wave.mailing_id)
    return session.scalar(query.where(Message.id == mail.message_id))


def mail_outcome(mail: ReceivedMail) -> str:
    """Where a mail stands, or what was decided about it, in French."""
    if mail.is_automatic:
        return "Réponse automatique"
    if mail.settled_at is None:
        return "À décider" if mail.authority_id else "À rattacher"
    return (last_decision(mail) or MailStepKind.NOTHING).label


def noted_responses(session: Session, mail: ReceivedMail) -> Sequence[Response]:
    """The responses that colleagues noted from a mail and that stand, in order."""
    query = select(Response).join(MailedResponse, MailedResponse.response_id == Response.id)
    return session.scalars(
        query.where(MailedResponse.mail_id == mail.id, Response.stands()).order_by(Response.id)
    ).all()


def question_of(session: Session, mail: ReceivedMail, *, now: datetime) -> tuple[Message, Question] | None:
    """What a mail may answer: the question of the letter that it names, else of the campaign's letter to its authority
    that left last. None where there is none."""
    if mail.authority_id is None:
        return None
    asks = select(Message).join(Mailing, Mailing.id == Message.mailing_id).join(Wave, Wave.mailing_id == Mailing.id)
    asks = asks.where(Message.authority_id == mail.authority_id, Mailing.strand_id.is_not(None))
    asks = asks.where(or_(Message.id == mail.message_id, Message.fenced_at.is_not(None)))
    letter = session.scalars(
        asks.order_by(case((Message.id == mail.message_id, 0), else_=1), Message.id.desc())
    ).first()
    return None if letter is None else (letter, replies.question_of(session, letter, now=now))


def record_from_mail(
    session: Session,
    number: int,
    answer: Answer,
    schools: Collection[str],
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> Sequence[Response]:
    """Record what a mail says, as told by mail to `actor`, for these schools (FASE) or for all that wait; that decides.

    The answer counts wherever an answer to the letter counts. Raises NotFound; Refused where the mail answers no letter
    that asks something, or after too many in an hour; InputError where no school, or one of these, waits any more.
    """
    mail = received.in_turn(session, number)
    found = question_of(session, mail, now=now)
    if found is None:
        raise Refused(
            "Aucun courriel de campagne n’attend la réponse de ce courriel : enregistrez le statut sur la fiche."
        )
    letter, asked = found
    request = answer if answer.status is None else None
    given = Given(
        asked.declared(answer, asked.keys_of(schools)),
        request,
        name=mail.sender_name[:LONGEST_NAME],
        noted_by=actor,
        mail=mail.id,
    )
    made = waves.receive_answer(session, letter, given, sending, now=now)
    if mail.settled_at is None and not mail.is_automatic:
        received.settle_mail(session, number, MailStepKind.RECORDED, now=now, actor=actor)
    return made


def withdraw(session: Session, number: int, response: int, *, now: datetime, actor: str) -> None:
    """Withdraw an answer that was noted from a mail, with all that it did. Without another one the mail waits again.

    Raises NotFound where none of these was noted from it.
    """
    mail = received.in_turn(session, number)
    given = next((one for one in noted_responses(session, mail) if one.id == response), None)
    if given is None:
        raise NotFound("Cette réponse n’est pas notée de ce courriel, ou elle est déjà annulée.")
    letter, because = session.get_one(Message, given.message_id), WithdrawalReason.MISREAD
    waves.undo_answer(session, letter, given.given_at, now=now, because=because, actor=actor)
    if mail.settled_at is not None and not noted_responses(session, mail):
        received.reopen_mail(session, number, now=now, actor=actor)


COLUMNS: Sequence[Column[Any]] = (
    Column("fase", "FASE", lambda row: row.Authority and row.Authority.fase, on=DATA),
    Column(
        *("name", "Pouvoir organisateur"),
        lambda row: row.Authority and row.Authority.display_name,
        sort=Authority.folded,
    ),
    Column("sender_name", "De", lambda row: row.ReceivedMail.sender_name or None, on=DATA),
    Column("sender", "Expéditeur", lambda row: row.ReceivedMail.sender or None, on=DATA),
    Column("subject", "Objet", lambda row: row.ReceivedMail.subject or None, sort=ReceivedMail.subject),
    Column("text", "Ce qui est écrit", lambda row: row.ReceivedMail.text or None, on=DATA),
    Column("files", "Pièces jointes", lambda row: ", ".join(one.name for one in row.ReceivedMail.files), on=DATA),
    Column("campaign", "Campagne", lambda row: row.Campaign and row.Campaign.title, sort=Campaign.title),
    Column(
        *("received_at", "Reçu"),
        lambda row: row.ReceivedMail.received_at,
        Kind.MOMENT,
        sort=ReceivedMail.received_at,
        unit=LOCAL,
    ),
    Column("owner", "Suivi par", lambda row: row.ReceivedMail.owner, Kind.PERSON, sort=ReceivedMail.owner),
    Column("outcome", "Suite", lambda row: mail_outcome(row.ReceivedMail), sort=ReceivedMail.settled_at),
    Column("settled_by", "Traité par", lambda row: row.ReceivedMail.settled_by, Kind.PERSON, on=DATA),
    Column("programme_name", "Programme", lambda row: row.Campaign and row.Campaign.strand.programme.name, on=On.FILE),
    Column(
        *("programme", "Code du programme"),
        lambda row: row.Campaign and row.Campaign.strand.programme.code,
        on=On.FILE,
    ),
)


def list_mails(session: Session, asked: Mails, sort: str = "") -> QueryListing[Any]:
    """The mails that are asked for, the oldest first; those decided about have the newest first."""
    is_decided = asked.state is MailState.DECIDED
    order: list[Expression] = [ReceivedMail.received_at.desc() if is_decided else ReceivedMail.received_at]
    return QueryListing(
        title="Courriels reçus",
        columns=COLUMNS,
        sort=sort,
        session=session,
        query=_all(asked).where(asked.state.holds if asked.state else received.awaits_decision()),
        order=[*order, ReceivedMail.id],
        key=ReceivedMail.authority_id,
        options=(
            # A mail of nobody, or of no campaign that is known, stands in the list, too.
            contains_eager(ReceivedMail.authority).joinedload(Authority.network, innerjoin=False),
            joinedload(Authority.network, innerjoin=False),
            selectinload(ReceivedMail.files),
            selectinload(ReceivedMail.steps),
            joinedload(Campaign.strand, innerjoin=False).joinedload(Strand.programme, innerjoin=False),
        ),
    )


def all_mails(session: Session) -> QueryListing[Any]:
    """Every mail, with its authority and its campaign if these are known, the oldest first."""
    return QueryListing(
        title="Courriels reçus",
        columns=COLUMNS,
        session=session,
        query=_all(Mails()),
        order=[ReceivedMail.id],
        options=(selectinload(ReceivedMail.steps),),
        numbered=(ReceivedMail.id, lambda row: row.ReceivedMail.id),
    )


def last_decision(mail: ReceivedMail) -> MailStepKind | None:
    """What was decided about a mail; None where it waits, or a program wrote it."""
    decided = [step.step for step in mail.steps if step.step in DECIDING]
    return decided[-1] if decided and mail.settled_at is not None else None


def count_mails(session: Session, asked: Mails) -> dict[MailState, int]:
    """How many mails stand in each state, whatever the state that is asked for; one statement."""
    tallies = [func.count().filter(state.holds) for state in MailState]
    found = session.execute(_all(asked).with_only_columns(*tallies, maintain_column_froms=True)).one()
    return dict(zip(MailState, map(int, found), strict=True))


def count_waiting(session: Session) -> int:
    """How many mails somebody has to decide about or to attach."""
    return session.scalar(select(func.count()).select_from(ReceivedMail).where(received.awaits_decision())) or 0


def last_written(session: Session, authority: Authority) -> datetime | None:
    """When a person last wrote back for an authority, as far as the mail is kept."""
    theirs = ReceivedMail.authority_id == authority.id, ~ReceivedMail.is_automatic
    return session.scalar(select(func.max(ReceivedMail.received_at)).where(*theirs))


def _all(asked: Mails) -> Rows:
    query: Rows = select(ReceivedMail, Authority, Campaign).outerjoin(ReceivedMail.authority)
    query = query.outerjoin(Message, Message.id == ReceivedMail.message_id)
    query = query.outerjoin(Wave, Wave.mailing_id == Message.mailing_id)
    query = query.outerjoin(Campaign, Campaign.id == Wave.campaign_id)
    if asked.text:
        said = ReceivedMail.sender, ReceivedMail.sender_name, ReceivedMail.subject, ReceivedMail.text
        query = query.where(or_(is_named(asked.text), *(one.icontains(asked.text, autoescape=True) for one in said)))
    if asked.programme is not None:
        query = query.where(or_(Campaign.id.is_(None), Campaign.strand_id.in_(asked.programme.strand_keys)))
    if asked.mailings is not None:
        query = query.where(received.is_about(asked.mailings))
    return query if asked.whom is None else query.where(asked.whom)


def _rises_before(day: date) -> datetime:
    """The moment before which a mail came that waits for long on a day: by the service's own calendar, whatever days
    people closed besides."""
    last = day - timedelta(days=1)
    while working_day(last, RISES_AFTER) >= day:
        last -= timedelta(days=1)
    return datetime.combine(last + timedelta(days=1), time(), BRUSSELS)
