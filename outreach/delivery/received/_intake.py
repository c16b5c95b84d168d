"""Takes in what people write back: read from the mailboxes, attached to an authority or to nobody, kept once.

Anything that leads to two authorities leads to none: a mail that nobody can attach waits for a person, one that is
attached to the wrong authority does harm. What proves nothing is suggested to that person.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Select, select

from outreach.core.audit import EventKind
from outreach.core.db import Database, Session, take_lock
from outreach.core.erasure import ErasedAddresses, is_mark
from outreach.core.settings import Mode, Settings
from outreach.core.text.addresses import key_of
from outreach.delivery import bounces
from outreach.delivery.bounces import MOST_IN_A_PASS, BoxError, Collected, Folder, NoticeVerdict
from outreach.delivery.letters import Keys
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.delivery.received import _reading as reading
from outreach.delivery.received._files import kept_files
from outreach.delivery.received._holding import confirm_sender, tell_of
from outreach.delivery.received._models import AttachedBy, MailVerdict, ReceivedMail
from outreach.delivery.received._reading import MailKind, Read, UnreadableMailError
from outreach.delivery.received._readings import note, replies_address
from outreach.directory.contacts import WELL_KNOWN
from outreach.directory.models import Authority, Contact, Ownership, School

MOST_SUGGESTED = 8
MOST_NUMBERS = 20
OWNERS = select(Authority).join(Contact, Contact.authority_id == Authority.id).order_by(Authority.folded)
FASE = re.compile(r"\bfase\b\D{0,20}(\d{1,6})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An authority to which a mail may belong, and why, in French."""

    authority: Authority
    why: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed of a sender: what the server of this name says, or anything, where nothing is sent for real."""

    server: str = ""
    anybody: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What an installation believes: anything in a demonstration, whose mails come from nowhere."""
        return cls(settings.proving_server, anybody=settings.mode is Mode.DEMO)

    def believes(self, mail: Read) -> bool:
        """Whether a mail is from the address that it says."""
        return self.anybody or reading.is_proved(mail.results, self.server, mail.sender)


@dataclass(frozen=True, slots=True)
class Attachment:
    """The authority to which a mail belongs, the letter that it answers if one is named, and how that is known."""

    authority: int | None = None
    letter: int | None = None
    by: AttachedBy | None = None


def attachment(session: Session, mail: Read, trust: Trust) -> Attachment:
    """To which authority a mail belongs; to none where nothing proves it."""
    marked = [identity.hex() for identity in mail.marks]
    said = ((marked, AttachedBy.MARK), (mail.answers, AttachedBy.REFERENCE), (mail.follows, AttachedBy.REFERENCE))
    for names, by in said:
        if found := _of_letters(session, names, by):
            return found
    return _of_sender(session, mail, trust)


def _of_letters(session: Session, names: Iterable[str], by: AttachedBy) -> Attachment | None:
    """The one authority to which all these letters went that are ours. A test letter is nobody's."""
    wanted = list(names)
    query = (
        select(Message.public_id, Message.id, Message.authority_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Message.public_id.in_(wanted), Message.authority_id.is_not(None), Mailing.purpose != Purpose.TEST)
    )
    found = {name: (letter, authority) for name, letter, authority in session.execute(query)} if wanted else {}
    if len({authority for _, authority in found.values()}) != 1:
        return None
    letter, authority = next(found[name] for name in wanted if name in found)
    return Attachment(authority, letter, by)


def _of_sender(session: Session, mail: Read, trust: Trust) -> Attachment:
    """The one authority that has the sender's address in use."""
    if not mail.sender or not trust.believes(mail):
        return Attachment()
    held = select(Contact.authority_id).where(Contact.address_key == key_of(mail.sender), Contact.retired_at.is_(None))
    authorities = set(session.scalars(held))
    return Attachment(authorities.pop(), None, AttachedBy.SENDER) if len(authorities) == 1 else Attachment()


def suggest_authorities(session: Session, mail: ReceivedMail) -> list[Suggestion]:
    """To which authorities a mail may belong that nobody attached: those that have its address, those that it names by
    their FASE number or that of a school, those that have addresses of its domain. None of it is a proof."""
    found: dict[int, Suggestion] = {}
    address = "" if is_mark(mail.sender_key) else mail.sender_key
    domain = address.rpartition("@")[2]
    if address:
        _suggest(session, found, OWNERS.where(Contact.address_key == address), "a, ou a eu, cette adresse")
    said = f"{mail.subject}\n{mail.text}\n{mail.folded}"
    if numbers := [int(number) for number in FASE.findall(said)[:MOST_NUMBERS]]:
        _suggest(session, found, select(Authority).where(Authority.fase.in_(numbers)), "son numéro FASE y est")
        running = select(Authority).join(Ownership, Ownership.authority_id == Authority.id)
        running = running.join(School, School.id == Ownership.school_id).where(Ownership.current())
        _suggest(session, found, running.where(School.fase.in_(numbers)), "le numéro FASE d’une de ses écoles y est")
    if domain and domain not in WELL_KNOWN:
        same = Contact.address_key.endswith(f"@{domain}", autoescape=True), Contact.retired_at.is_(None)
        _suggest(session, found, OWNERS.where(*same), f"a une adresse à {domain}")
    return list(found.values())[:MOST_SUGGESTED]


def owners_elsewhere(session: Session, mail: ReceivedMail) -> Sequence[Authority]:
    """The authorities that have the address of a mail attached to one that never had it: a letter may be passed on."""
    if not mail.sender_key or is_mark(mail.sender_key):
        return ()
    has_it = Contact.address_key == mail.sender_key
    owners = session.scalars(OWNERS.where(has_it).limit(MOST_SUGGESTED)).unique().all()
    return () if mail.authority in owners else owners


def _suggest(session: Session, found: dict[int, Suggestion], query: Select[Authority], why: str) -> None:
    for authority in session.scalars(query.limit(MOST_SUGGESTED)).unique():
        found.setdefault(authority.id, Suggestion(authority, why))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a mail is, the number of its authority, how that is known, and what its writer wrote. `is_unsure`: it may be
    a return, or a person's mail.
    """

    verdict: MailVerdict
    fase: int | None = None
    by: AttachedBy | None = None
    text: str = ""
    is_unsure: bool = False


REFUSED = Taken(MailVerdict.REFUSED)


def take_in(
    database: Database, content: bytes, keys: Keys, trust: Trust, kinds: Collection[str] = (), *, now: datetime
) -> Taken:
    """Take in the bytes of a mail, with its files of these kinds. Taking in a copy changes nothing, and tells of the
    mail that is kept."""
    try:
        mail = reading.read(content, keys)
    except UnreadableMailError:
        return REFUSED
    with database.writing() as session:
        if mail.kind is MailKind.RETURN or mail.notice.verdict is NoticeVerdict.UNSUBSCRIPTION:
            bounces.take_notice(session, mail.notice, now=now)
        if mail.kind is MailKind.RETURN:
            about = attachment(session, mail, Trust())
            is_unsure = mail.notice.verdict is NoticeVerdict.UNDETERMINED
            return Taken(MailVerdict.RETURN, _fase(session, about.authority), about.by, is_unsure=is_unsure)
        kept = _kept(session, mail, trust, kinds if len(content) < reading.MOST_BYTES else (), now)
        return Taken(kept.verdict, _fase(session, kept.authority_id), kept.attached_by, kept.text)


def _kept(session: Session, mail: Read, trust: Trust, kinds: Collection[str], now: datetime) -> ReceivedMail:
    take_lock(session, "received-mail", mail.digest)
    known = session.scalar(select(ReceivedMail).where(ReceivedMail.digest == mail.digest))
    if known is not None:
        return known
    kept = _new(mail, attachment(session, mail, trust), ErasedAddresses.of(session), kinds, now)
    session.add(kept)
    session.flush()
    confirm_sender(session, kept)
    tell_of(session, EventKind.REPLY_RECEIVED, kept, now=now)
    return kept


def _new(mail: Read, about: Attachment, erased: ErasedAddresses, kinds: Collection[str], now: datetime) -> ReceivedMail:
    """A mail as it is kept. Of an erased address neither the address nor the name is."""
    key = key_of(mail.sender)
    mark = erased.mark(key) if key else ""
    return ReceivedMail(
        digest=mail.digest,
        received_at=now,
        written_at=mail.written_at,
        is_automatic=mail.kind is MailKind.AUTOMATIC,
        authority_id=about.authority,
        message_id=about.letter,
        attached_by=about.by,
        ident="" if mark else mail.ident,
        sender=mark or mail.sender,
        sender_key=mark or key,
        sender_name="" if mark else mail.sender_name,
        subject=mail.subject,
        text=mail.text,
        folded=mail.folded,
        files=kept_files(mail, kinds),
    )


def _fase(session: Session, authority: int | None) -> int | None:
    return session.get_one(Authority, authority).fase if authority else None


REPLIES = "des réponses"


def collect_mails(
    database: Database, settings: Settings, clock: Callable[[], datetime], stop: threading.Event | None = None
) -> None:
    """Read each mailbox that is named. One that cannot be read keeps nobody from the other. Letters that are submitted
    from then on name that of replies.

    Raises BoxError for the first that cannot be read, and Refused on a copy.
    """
    faults, address = [], settings.replies_to
    reads = ((collect_returns, settings.returns_url), (collect_replies, settings.replies_url))
    for read in [read for read, url in reads if url and not (read is collect_replies and settings.is_one_mailbox)]:
        try:
            read(database, settings, clock, stop=stop)
        except BoxError as error:
            faults.append(error)
    if faults:
        raise faults[0]
    with database.reading() as session:
        is_news = replies_address(session) != address
    if is_news:
        with database.writing() as session:
            note(session, address)


def collect_returns(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
) -> Collected:
    """Handle the mailbox of returns. Where replies are read, what a person wrote there is kept as one, too."""
    also = _taking(database, settings, clock) if settings.replies_url else None
    whole = {"whole": reading.MOST_BYTES} if also else {}
    return bounces.collect_notices(database, settings, clock, stop=stop, most=most, also=also, **whole)


def collect_replies(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
) -> Counter[MailVerdict]:
    """Keep what came to the mailbox of replies. What is over a bound or unreadable is put aside for people, and so is
    what may be a return or a person's."""
    found, keep = Counter[MailVerdict](), _taking(database, settings, clock)

    def take(content: bytes) -> Folder:
        taken = keep(content)
        found[taken.verdict] += 1
        return Folder.FOR_PEOPLE if taken is REFUSED or taken.is_unsure else Folder.HANDLED

    bounces.refuse_a_copy(database, settings)
    with bounces.open_box(settings.replies_url.partition("?")[0], REPLIES) as box:
        bounces.handle_each(box, take, stop or threading.Event(), most, reading.MOST_BYTES)
    return found


def _taking(database: Database, settings: Settings, clock: Callable[[], datetime]) -> Callable[[bytes], Taken]:
    keys, trust, kinds = Keys(settings.signing_keys), Trust.of(settings), settings.kept_kinds
    return lambda content: take_in(database, content, keys, trust, kinds, now=clock())
