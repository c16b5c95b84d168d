"""What people ask about an address from a letter's page or by its code: recorded for a colleague, told to the address.

Whoever has a letter may ask, and nothing changes by itself. A mailbox that says that it is the right one is confirmed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from outreach.access import accounts
from outreach.campaigns import waves
from outreach.campaigns.letter import ANSWER, SenderIdentity
from outreach.campaigns.planning import spelt_moment
from outreach.core import audit
from outreach.core.db import Database, Session, take_lock
from outreach.core.erasure import ErasedAddresses, is_mark
from outreach.core.text.addresses import Judgement, key_of, masked
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.labelled import Labelled
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Message
from outreach.delivery.received import Absence, ReceivedMail, read_absence
from outreach.directory import confirmations, contacts
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Contact
from outreach.engagement.replies import actor_of
from outreach.staff.proposals import BY_ABSENCE, Proposal, ProposalKind, ProposalState

LONGEST_ACTOR = 255  # of who proposes
MOST_A_DAY = 5  # of a mailbox: a letter that is forwarded is in many hands
BY_LINK, BY_CODE = "par le lien d’un courriel", "par le code d’une lettre"
SAME = "C’est l’adresse à laquelle ce courriel est parti : si elle est la bonne, choisissez « Oui »."
FLOOD = (
    "Beaucoup de demandes sont venues de cette boîte en un jour : réessayez demain, ou appelez la personne de contact."
)
SUBJECT = "Une demande au sujet de votre adresse – FASE ((fase_po))"
LETTER = """Madame, Monsieur,

Le {moment}, {how}, quelqu’un nous a fait une demande au sujet de l’adresse de votre pouvoir organisateur,
**((nom_po))** (FASE ((fase_po))) : {asked}.

**Rien n’a changé.** Un collègue décidera, et cette boîte reçoit nos courriels comme avant. Si cette demande ne vient
pas de chez vous, dites-le à votre personne de contact, ou confirmez votre adresse :

[C’est toujours la bonne adresse ?]({page})

Bien cordialement,
((contact))
"""


class AskedAddress(Labelled):
    """What a letter's page says of the mailbox that the letter went to; by a code only MORE, as it shows no mailbox."""

    RIGHT = "right", "Oui, c’est la bonne adresse"
    OTHER = "other", "Plutôt celle-ci"
    MORE = "more", "Celle-ci aussi"
    GONE = "gone", "Je ne suis plus la bonne personne"


def record(
    session: Session,
    message: Message,
    asked: AskedAddress,
    address: Judgement | None,
    sending: SenderIdentity,
    *,
    by_code: bool,
    now: datetime,
) -> None:
    """Confirm the mailbox of a campaign's letter, or keep what is asked for a colleague, and tell the mailbox so.

    What waits already is not asked twice. Raises InputError on the letter's own address or one that was erased, and
    Refused after too many in a day.
    """
    authority, key = session.get_one(Authority, message.authority_id), message.address_key
    take_lock(session, "proposals", authority.id)
    held = contacts.held_at(session, authority, key)
    if asked is AskedAddress.RIGHT:
        confirmations.confirm(session, authority.id, key, ConfirmationWay.PAGE, at=now, about=_about(message, now))
        said = "Adresse confirmée, depuis la page d’un courriel."
        audit.record_entry(session, now, actor_of(session, message), said, subject_of(authority))
        return
    if address is not None and address.key == key:
        raise InputError(SAME)
    if address is not None:
        ErasedAddresses.of(session).refuse(address.key)
    kind = ProposalKind.GONE if asked is AskedAddress.GONE else ProposalKind.ADDRESS
    place = held if asked is not AskedAddress.MORE else None
    how = BY_CODE if by_code else BY_LINK
    made = _proposal(message, kind, address.address if address else "", place, how, actor_of(session, message), now)
    if (kind is ProposalKind.GONE and held is None) or _waits(session, made):
        return
    _refuse_floods(session, message, now)
    _keep(session, made)
    if held is not None and held.bounced_at is None:
        waves.tell(session, message, SUBJECT, _letter(message, made, sending, now), sending, now=now)


def undo(session: Session, message: Message, at: datetime, *, now: datetime) -> None:
    """Take back what a form from a letter's page asked or confirmed at a moment, unless a colleague has decided."""
    actor = actor_of(session, message)
    confirmations.withdraw(session, [_about(message, at)], now=now, actor=actor)
    theirs = (Proposal.message_id == message.id, Proposal.proposed_at == at, Proposal.school_id.is_(None))
    for made in session.scalars(select(Proposal).where(*theirs, Proposal.state == ProposalState.WAITING)).all():
        made.state, made.decided_at, made.decided_by = ProposalState.WITHDRAWN, now, actor


def propose_absences(database: Database, *, now: datetime, days: int = 2) -> None:
    """Keep for a colleague what the automatic answers of the last days say of the mailbox of a letter: who is to be
    written to in its place or as well, that it is nobody's, until when its reader is away.

    A transaction for each. Nobody is told: no automatic mail is answered.
    """
    with database.reading() as session:
        numbers = _new_absences(session, now - timedelta(days=days), now=now)
    for number in numbers:
        with database.writing() as session:
            mail = session.get_one(ReceivedMail, number)
            take_lock(session, "proposals", session.get_one(Authority, mail.authority_id).id)
            if (made := _of_absence(session, mail, now)) is not None:
                _keep(session, made)


def mail_of(session: Session, made: Proposal) -> int | None:
    """The number of the automatic answer by which an absence was proposed; None of any other, or once it is gone."""
    theirs = ReceivedMail.authority_id == made.authority_id, ReceivedMail.sender.startswith(made.proposed_by)
    if not made.said.startswith(BY_ABSENCE):
        return None
    query = select(ReceivedMail.id).where(*theirs, ReceivedMail.received_at <= made.proposed_at)
    return session.scalar(query.order_by(ReceivedMail.received_at.desc(), ReceivedMail.id.desc()).limit(1))


def _new_absences(session: Session, since: datetime, *, now: datetime) -> Sequence[int]:
    made = select(Proposal.id).where(
        Proposal.authority_id == ReceivedMail.authority_id,
        *(Proposal.proposed_at >= ReceivedMail.received_at, Proposal.said.startswith(BY_ABSENCE)),
        Proposal.proposed_by == func.substr(ReceivedMail.sender, 1, LONGEST_ACTOR),
    )
    recent = ReceivedMail.is_automatic, ReceivedMail.received_at > since, ~made.exists()
    mails = session.scalars(select(ReceivedMail).where(ReceivedMail.authority_id.is_not(None), *recent)).all()
    return [mail.id for mail in mails if _of_absence(session, mail, now) is not None]


def _of_absence(session: Session, mail: ReceivedMail, now: datetime) -> Proposal | None:
    """What an automatic answer to a letter proposes; None where it says nothing that is new or may be kept."""
    if not mail.sender or is_mark(mail.sender):
        return None
    absence, message = read_absence(mail.text, mail.sender_key), _letter_of(session, mail)
    found = _of_whom(session, absence, mail, message) if message else None
    if message is None or found is None:
        return None
    kind, held = found
    back, relief = absence.back and f"retour annoncé : « {absence.back} »", absence.relief and f"« {absence.relief} »"
    how = ", ".join(filter(None, (BY_ABSENCE, back, relief)))
    address = absence.address if kind is ProposalKind.ADDRESS else ""
    made = _proposal(message, kind, address, held, how, mail.sender[:LONGEST_ACTOR], now)
    if _waits(session, made) or _was_decided(session, made):
        return None
    try:
        ErasedAddresses.of(session).refuse(key_of(absence.address))
        _refuse_floods(session, message, now, of_absences=True)
    except (InputError, Refused):
        return None
    return made


def _of_whom(
    session: Session, absence: Absence, mail: ReceivedMail, message: Message
) -> tuple[ProposalKind, Contact | None] | None:
    """What a note of absence asks, and of which contact (None: of one more); None where it asks nothing."""
    authority = session.get_one(Authority, mail.authority_id)
    held = contacts.held_at(session, authority, mail.sender_key)
    if absence.is_for_good and held is not None:
        return (ProposalKind.ADDRESS if absence.address else ProposalKind.GONE), held
    is_ours = accounts.account_exists(session, absence.address)  # the contact of the letter that it quotes
    if absence.address and not is_ours and contacts.held_at(session, authority, key_of(absence.address)) is None:
        return ProposalKind.ADDRESS, None
    behind = held or contacts.held_at(session, authority, message.address_key)  # it may come from behind that mailbox
    is_away = bool(absence.back or absence.relief) and not absence.is_for_good
    return (ProposalKind.AWAY, behind) if is_away and behind is not None else None


def _letter_of(session: Session, mail: ReceivedMail) -> Message | None:
    """The letter that a mail answers, or else the last one that left to the mailbox that wrote it."""
    if mail.message_id is not None:
        return session.get_one(Message, mail.message_id)
    theirs = Message.authority_id == mail.authority_id, Message.address_key == mail.sender_key
    left = select(Message).where(*theirs, Message.fenced_at.is_not(None))
    return session.scalars(left.order_by(Message.fenced_at.desc(), Message.id.desc()).limit(1)).first()


def _proposal(
    message: Message, kind: ProposalKind, address: str, held: Contact | None, how: str, whose: str, now: datetime
) -> Proposal:
    """What is asked of the mailbox of a letter: in the place of `held`, or beside the mailboxes that there are."""
    made = Proposal(kind=kind, state=ProposalState.WAITING, authority_id=message.authority_id, message_id=message.id)
    made.contact_id, made.address, made.said, made.scope_code = held.id if held else None, address, how, ""
    made.proposed_at, made.proposed_by = now, whose
    return made


def _keep(session: Session, made: Proposal) -> None:
    session.add(made)
    session.flush()
    said, about = f"Demande, {made.said} : {made.subject}.", subject_of(made.authority)
    audit.record_entry(session, made.proposed_at, made.proposed_by, said, about)


def _about(message: Message, at: datetime) -> str:
    return f"page:{message.id}:{at.timestamp():.3f}"


def _waits(session: Session, made: Proposal) -> bool:
    return _is_known(session, made, Proposal.state == ProposalState.WAITING, Proposal.scope_kind.is_(None))


def _was_decided(session: Session, made: Proposal) -> bool:
    """Whether what a note of absence says was decided: each letter brings the same note anew."""
    is_away = made.kind is ProposalKind.AWAY
    return _is_known(session, made, Proposal.said == made.said if is_away else Proposal.said.startswith(BY_ABSENCE))


def _is_known(session: Session, made: Proposal, *which: ColumnElement[bool]) -> bool:
    """Whether the same is proposed of the same authority and contact, by such a proposal."""
    same = (
        *(Proposal.authority_id == made.authority_id, Proposal.kind == made.kind, Proposal.address == made.address),
        Proposal.contact_id.is_not_distinct_from(made.contact_id),
    )
    return session.scalar(select(Proposal.id).where(*same, *which).limit(1)) is not None


def _refuse_floods(session: Session, message: Message, now: datetime, *, of_absences: bool = False) -> None:
    by_absence = Proposal.said.startswith(BY_ABSENCE)
    same_box = (Message.authority_id == message.authority_id, Message.address_key == message.address_key)
    recent = select(func.count(Proposal.id)).join(Message, Message.id == Proposal.message_id).where(*same_box)
    recent = recent.where(by_absence if of_absences else ~by_absence)  # a program takes no turn of a person
    recent = recent.where(Proposal.school_id.is_(None), Proposal.proposed_at > now - timedelta(days=1))
    if (session.scalar(recent) or 0) >= MOST_A_DAY:
        raise Refused(FLOOD)


def _letter(message: Message, made: Proposal, sending: SenderIdentity, now: datetime) -> str:
    """What the mailbox is told. An address that somebody typed is masked: a letter carries no text of a stranger."""
    token = sending.keys.make(TokenKind.ANSWER, bytes.fromhex(message.public_id))
    words = "cette boîte n’est plus celle de la bonne personne"
    if made.kind is ProposalKind.ADDRESS:
        place = "à la place de celle-ci" if made.contact_id else "en plus de celle-ci"
        words = f"écrire à {masked(made.address)} {place}"
    page = f"{sending.address}/{ANSWER}/address/{token}"
    return LETTER.format(moment=spelt_moment(now), how=made.said, asked=words, page=page)
