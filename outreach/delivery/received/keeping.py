"""Takes a mail in, once: attaches it and keeps it; a return goes to the returns, one over a bound to nobody."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from outreach.db import Database, Session, take_turns
from outreach.delivery.bounces import handling
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.delivery.received import reading
from outreach.delivery.received.attaching import Attachment, Trust, attachment
from outreach.delivery.received.models import AttachedBy, MailVerdict, ReceivedFile, ReceivedMail
from outreach.delivery.received.reading import MailKind, Read, UnreadableMailError
from outreach.directory.models import Authority
from outreach.erasures.digests import ErasedAddresses
from outreach.mail.addresses import key_of
from outreach.mail.tokens import Keys


@dataclass(frozen=True, slots=True)
class Taken:
    """What a mail is, the number of its authority, how that is known, and what its writer wrote."""

    verdict: MailVerdict
    fase: int | None = None
    by: AttachedBy | None = None
    text: str = ""


REFUSED = Taken(MailVerdict.REFUSED)


def take(database: Database, content: bytes, keys: Keys, trust: Trust, *, now: datetime) -> Taken:
    """Take in the bytes of a mail. Taking in a copy changes nothing, and tells of the mail that is kept."""
    try:
        mail = reading.read(content, keys)
    except UnreadableMailError:
        return REFUSED
    with database.writing() as session:
        if mail.kind is MailKind.RETURN or mail.notice.verdict is NoticeVerdict.UNSUBSCRIPTION:
            handling.take(session, mail.notice, now=now)
        if mail.kind is MailKind.RETURN:
            about = attachment(session, mail, Trust())
            return Taken(MailVerdict.RETURN, _fase(session, about.authority), about.by)
        kept = _kept(session, mail, trust, now)
        return Taken(kept.verdict, _fase(session, kept.authority_id), kept.attached_by, kept.text)


def _kept(session: Session, mail: Read, trust: Trust, now: datetime) -> ReceivedMail:
    take_turns(session, "received-mail", mail.digest)
    known = session.scalar(select(ReceivedMail).where(ReceivedMail.digest == mail.digest))
    if known is not None:
        return known
    kept = _new(mail, attachment(session, mail, trust), ErasedAddresses.of(session), now)
    session.add(kept)
    session.flush()
    return kept


def _new(mail: Read, about: Attachment, erased: ErasedAddresses, now: datetime) -> ReceivedMail:
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
        sender=mark or mail.sender,
        sender_key=mark or key,
        sender_name="" if mark else mail.sender_name,
        subject=mail.subject,
        text=mail.text,
        folded=mail.folded,
        files=[
            ReceivedFile(number=number, name=file.name, kind=file.kind, size=file.size)
            for number, file in enumerate(mail.files, 1)
        ],
    )


def _fase(session: Session, authority: int | None) -> int | None:
    return session.get_one(Authority, authority).fase if authority else None
