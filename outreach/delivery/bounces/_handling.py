"""Returns: fetched from their mailbox, each read once, stored, and acted on where it is proved.

A notice is acted on only with a token of ours, or with the Message-ID and the recipient of the same letter: anybody may
write to the return address. The others are stored and change nothing. No notice is ever answered.

A proved notice also shows that the relay accepted its letter, so it settles a doubt. Two kinds do not: UNDETERMINED
notices, and failures reported more than 30 days after the letter.

Such a mailbox works. Notices exclude nothing in this way any more; staff lift what was excluded before.
"""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as TimedOut

from outreach.core import audit, erasure
from outreach.core.db import Database, Session, take_lock
from outreach.core.erasure import ErasedAddresses
from outreach.core.settings import Settings
from outreach.core.text.addresses import key_of
from outreach.core.text.errors import OutreachError, Refused
from outreach.delivery import outbox, workers
from outreach.delivery.bounces._boxes import BounceBox, Folder, open_box
from outreach.delivery.bounces._models import Handling, KeptNotice, KeptReport, note_box_read
from outreach.delivery.bounces._parsing import MOST_BYTES, Notice, NoticeVerdict, Report, read_notice
from outreach.delivery.letters import Keys
from outreach.delivery.models import Message, Suppression, SuppressionReason
from outreach.delivery.outbox import Proof
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority

LOG = logging.getLogger(__name__)
RETURNS = "courriels revenus"
TOO_OLD = timedelta(days=30)
PROOFS = {
    NoticeVerdict.DELAYED: Proof.DELAYED,
    NoticeVerdict.INFORMATION: Proof.INFORMATION,
    NoticeVerdict.COMPLAINT: Proof.COMPLAINT,
    NoticeVerdict.AUTO_REPLY: Proof.AUTO_REPLY,
    NoticeVerdict.HUMAN: Proof.HUMAN,
}


def take_notice(session: Session, notice: Notice, *, now: datetime) -> KeptNotice | None:
    """Store a notice and apply it; None for a copy of a stored one, which changes nothing."""
    take_lock(session, "notice", notice.digest)
    if session.scalar(select(KeptNotice.id).where(KeptNotice.digest == notice.digest)) is not None:
        return None
    letter, erased = _letter(session, notice), ErasedAddresses.of(session)
    kept = KeptNotice(
        digest=notice.digest,
        read_at=now,
        verdict=notice.verdict,
        handling=_handle(session, notice, letter, now),
        message_id=letter.id if letter else None,
        reports=[_kept(number, report, letter, erased) for number, report in enumerate(notice.reports, 1)],
    )
    session.add(kept)
    session.flush()
    return kept


def count_complaints(session: Session, mailing: int, *, since: datetime) -> int:
    """How many letters of a mailing drew a complaint after `since`."""
    query = (
        select(func.count(Message.id.distinct()))
        .join(KeptNotice, KeptNotice.message_id == Message.id)
        .where(Message.mailing_id == mailing, KeptNotice.handling == Handling.COMPLAINED, KeptNotice.read_at > since)
    )
    return session.scalar(query) or 0


def _letter(session: Session, notice: Notice) -> Message | None:
    """The letter that a notice is proved to be about, locked until the end of the transaction; or None."""
    identity = notice.proved.hex() if notice.proved else notice.named
    query = select(Message).where(Message.public_id == identity).with_for_update()
    letter = session.scalar(query) if identity else None
    if letter is None or notice.proved or erasure.is_mark(letter.address_key):
        return letter
    return letter if any(_is_address_of(letter, name) for report in notice.reports for name in report.names) else None


def _handle(session: Session, notice: Notice, letter: Message | None, now: datetime) -> Handling:
    if letter is not None and erasure.is_mark(letter.address_key):
        return Handling.NOTHING  # nobody writes there again
    if letter is not None and notice.verdict in PROOFS:
        outbox.count_as_accepted(session, letter, PROOFS[notice.verdict], now=now)
    match notice.verdict:
        case NoticeVerdict.FAILED:
            return _fail(session, notice, letter, now) if letter else Handling.UNVERIFIED
        case NoticeVerdict.COMPLAINT:
            return _complain(session, letter, now) if letter else Handling.UNVERIFIED
        case NoticeVerdict.UNSUBSCRIPTION:
            return _unsubscribe(session, letter, now) if letter else Handling.UNVERIFIED
        case _:
            return Handling.NOTHING


def _fail(session: Session, notice: Notice, letter: Message, now: datetime) -> Handling:
    if (letter.fenced_at or letter.dated_at) < now - TOO_OLD:
        return Handling.TOO_OLD
    failed = [report for report in notice.reports if report.verdict is NoticeVerdict.FAILED]
    own = next((report for report in failed if _is_address_of(letter, report.failing)), None)
    if own is None:
        outbox.count_as_accepted(session, letter, Proof.ELSEWHERE, now=now)
        _tell_of(session, letter, failed[0], now)
        return Handling.ELSEWHERE
    if not outbox.is_out(letter):
        return Handling.NOTHING
    is_gone = outbox.come_back(session, letter, status=own.status, said=own.said, now=now, actor=RETURNS)
    return Handling.EXCLUDED if is_gone else Handling.REFUSED


def _complain(session: Session, letter: Message, now: datetime) -> Handling:
    """Suppress the address of a letter that drew a complaint. A complaint about a test letter changes nothing."""
    if outbox.is_test(session, letter):
        return Handling.NOTHING
    reason, detail = SuppressionReason.COMPLAINT, _how(letter)
    outbox.suppress_address(session, letter.address_key, reason, now=now, actor=RETURNS, detail=detail)
    return Handling.COMPLAINED


def _unsubscribe(session: Session, letter: Message, now: datetime) -> Handling:
    meant = outbox.unsubscribe_letter(session, letter, now=now, detail=_how(letter))
    return Handling.UNSUBSCRIBED if meant else Handling.NOTHING


def _how(letter: Message) -> str:
    return f"reçu par courriel au sujet du courriel {letter.public_id}"


def _tell_of(session: Session, letter: Message, failed: Report, now: datetime) -> None:
    """Record in the audit that an address to which the recipient's mail is forwarded rejects it.

    The recipient may have the letter all the same, but staff should know. One line a letter, however many notices come.
    """
    told = exists().where(KeptNotice.message_id == letter.id, KeptNotice.handling == Handling.ELSEWHERE)
    if letter.authority_id is None or session.scalar(select(told)):
        return
    authority = session.get_one(Authority, letter.authority_id)
    where = f" par {failed.failing}" if failed.failing else ""
    said = f"Courriel à {letter.address} rejeté plus loin{where} : {failed.status} {failed.said}".strip()
    audit.record_entry(session, now, RETURNS, said, subject_of(authority))


def _is_address_of(letter: Message, name: str) -> bool:
    """Whether a letter went to this address."""
    return bool(name) and key_of(name) in {letter.address_key, letter.address_ascii.casefold()}


def _kept(number: int, report: Report, letter: Message | None, erased: ErasedAddresses) -> KeptReport:
    """What is kept of a report. One about an erased address says neither the address nor any words."""
    ours = letter.address_key if letter else ""
    mark = ours if erasure.is_mark(ours) else erased.mark(key_of(report.failing))
    recipient, said = (mark, "") if mark else (report.failing, report.said)
    return KeptReport(number=number, recipient=recipient, verdict=report.verdict, status=report.status, said=said)


AT_ONCE = 20
MOST_IN_A_PASS = 2000


@dataclass
class Collected:
    """The counts of a pass: notices by verdict and by what they changed; `known` counts copies of stored ones."""

    verdicts: Counter[NoticeVerdict] = field(default_factory=Counter)
    handled: Counter[Handling] = field(default_factory=Counter)
    known: int = 0

    def as_json(self) -> dict[str, Any]:
        """The counts by their fixed names."""
        verdicts = {verdict.value: self.verdicts[verdict] for verdict in NoticeVerdict}
        handled = {kind.value: self.handled[kind] for kind in Handling}
        return {"read": self.verdicts.total(), "known": self.known, "verdicts": verdicts, "handled": handled}


def collect_notices(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
    also: Callable[[bytes], object] | None = None,
    whole: int = MOST_BYTES,
) -> Collected:
    """Handle at most `most` notices of the mailbox; ends early, in order, when `stop` is set.

    `also` is given what no mail system wrote, up to `whole` bytes of it. Raises BoxError when the mailbox cannot be
    read, and Refused on a copy.
    """
    collected, keys = Collected(), Keys(settings.signing_keys)

    def take_one(content: bytes) -> Folder:
        notice = read_notice(content, keys)
        with database.writing() as session:
            kept = take_notice(session, notice, now=clock())
            handled = kept.handling if kept else None
        if also and notice.verdict in {NoticeVerdict.HUMAN, NoticeVerdict.AUTO_REPLY}:
            also(content)
        collected.verdicts[notice.verdict] += 1
        if handled is None:
            collected.known += 1
        else:
            collected.handled[handled] += 1
        return Folder.FOR_PEOPLE if notice.verdict.is_for_people else Folder.HANDLED

    refuse_a_copy(database, settings)
    with open_box(settings.returns_url) as box:
        if handle_each(box, take_one, stop or threading.Event(), most, whole):
            with database.writing() as session:
                note_box_read(session, now=clock())
    return collected


def handle_each(
    box: BounceBox, take: Callable[[bytes], Folder], stop: threading.Event, most: int, whole: int = MOST_BYTES
) -> bool:
    """Give each of at most `most` mails of a mailbox to `take_notice`, and move it to the folder that this says.

    Of a mail so many bytes are read as `whole` says; several at once are read only to the first megabyte.

    `take_notice` has committed by then: a mail that is not moved comes again. One at which it fails is set aside for
    people, so that nobody's mail stops the others. It is False where `stop` ended it. Raises BoxError when the mailbox
    cannot be read, and what it raises where the database does not answer.
    """
    waiting = box.keys(most)
    for start in range(0, len(waiting), AT_ONCE):
        if stop.is_set():
            return False
        _some(box, waiting[start : start + AT_ONCE], take, stop, whole)
    return True


def _some(
    box: BounceBox, waiting: Sequence[str], take: Callable[[bytes], Folder], stop: threading.Event, whole: int
) -> None:
    """Handle these mails, with a pause after each that lasts as long as the mail took.

    SQLite has one writer at a time, and letters go first.
    """
    done: dict[Folder, list[str]] = {}
    for key, first in box.read(waiting).items():
        content = box.read([key], whole).get(key, first) if len(first) == MOST_BYTES < whole else first
        began = time.monotonic()
        try:
            folder = take(content)
        except (OutreachError, OperationalError, InterfaceError, TimedOut):  # it is not the mail
            raise
        except Exception:
            LOG.exception("a mail that could not be read is set aside for people", extra={"event": "mail_failed"})
            folder = Folder.FOR_PEOPLE
        stop.wait(time.monotonic() - began)
        done.setdefault(folder, []).append(key)
    for folder, moved in done.items():
        box.put_away(moved, folder)


def refuse_a_copy(database: Database, settings: Settings) -> None:
    """Raises Refused when this installation may not send: a copy would take away the mails of the installation that it
    was copied from."""
    if settings.stays_here:
        return
    with database.reading() as session:
        hindrance = workers.hindrance(session, workers.read(settings.data))
    if hindrance:
        raise Refused(hindrance)


def excluded_for_another(session: Session) -> dict[int, str]:
    """The exclusions in force of which no notice names the excluded address: the address named instead, by their key.

    Only the failing address of a report is kept. Where a Sendmail server named the alias in its place, nothing tells.
    """
    query = (
        select(Suppression.id, Message.address_key, Message.address_ascii, KeptReport.recipient)
        .join(Message, Message.address_key == Suppression.address_key)
        .join(KeptNotice, KeptNotice.message_id == Message.id)
        .join(KeptReport, KeptReport.notice_id == KeptNotice.id)
        .where(
            Suppression.reason == SuppressionReason.HARD_BOUNCE,
            Suppression.lifted_at.is_(None),
            KeptNotice.handling == Handling.EXCLUDED,
            KeptNotice.read_at >= Suppression.created_at,
            KeptReport.verdict == NoticeVerdict.FAILED,
            KeptReport.recipient.contains("@"),  # a local name is the mailbox itself
        )
        .order_by(KeptNotice.id, KeptReport.number)
    )
    named: dict[int, dict[str, bool]] = defaultdict(dict)
    for key, address, ascii_address, recipient in session.execute(query):
        own = {address, ascii_address.casefold()}
        named[key][recipient] = key_of(recipient) in own
    return {key: next(iter(recipients)) for key, recipients in named.items() if not any(recipients.values())}
