"""Erases a person who asks for it (GDPR, article 17): the address, names, numbers and words, in every table.

Signed notes stay as they are. What letters said goes where the ministry has stated its sorting list; until then only
administrators open it. The mailbox of a function keeps its address, as statutory letters need it. Nobody writes to an
erased address again: its digest stays, and so does an exclusion of its mark.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Select, delete, exists, select, union

from outreach.access.accounts import StaffIdentity, User
from outreach.access.accounts.second_factors import RecoveryCode, SecondFactor
from outreach.adherence.models import Programme, Strand
from outreach.campaigns.correspondence import ServiceLetter, ServiceReply
from outreach.core import audit, erasure, jobs
from outreach.core.audit import AuditEntry
from outreach.core.db import Base, Database, Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.erasure import Erasure, Key, Redaction
from outreach.core.text.addresses import judge
from outreach.core.text.errors import Refused
from outreach.core.text.french import plural
from outreach.delivery import outbox
from outreach.delivery.models import Composition, Message, MessageState, Reason, Suppression, SuppressionReason
from outreach.delivery.received import ReceivedMail
from outreach.directory.models import Authority, Contact, Federation, MailboxKind, Network, School
from outreach.engagement import tracking
from outreach.engagement.replies import Respondent, Response
from outreach.engagement.tracking import Hit
from outreach.operations.retention._bindings import (
    empty_letters,
    empty_mails,
    empty_notes,
    empty_replies,
    empty_reports,
    empty_responses,
    empty_service_letters,
)
from outreach.operations.retention._policy import IMPERSONAL

ERASED = "effacé"
BECAUSE = "Effacement demandé par la personne."
ENTRIES = "audit_entries"
LEAST_NUMBER = 6  # digits of a telephone number
MOST_PASSES = 3  # what others write meanwhile is found by the next one
MOST_ENTRIES = 500
REGISTER = (
    *(Authority.name, Authority.corrected_name, School.name, School.corrected_name),
    *(Network.label, Federation.name, Programme.name, Strand.name),
)
# Columns that stay as they are: signed notes, seals, and what knows an erased address again.
SIGNED = {"notes": ("title", "figures", "text", "frozen_by"), "note_approvals": ("approved_as",)}
STAYS: Sequence[Mapping[str, Sequence[str]]] = (
    IMPERSONAL,
    SIGNED,
    {"sealed_entries": ("salt", "words"), "erasures": ("digest",)},
)
# What letters said, which may be a public archive.
BODIES: Mapping[str, Sequence[str]] = {
    "compositions": ("content",),
    "mailings": ("letter", "headers"),
    "service_letters": ("text",),
    "service_replies": ("subject", "text"),
}


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What erasing an address would do: the words that go, and in how many rows of which tables they stand.

    `mark` stands in the place of the address afterwards. `keeps_address` says that the address is that of a function.
    `has_bodies` says that its letters keep what they said. `named` are names and numbers that go beside the address,
    `kept` those that somebody decided to leave where others bear them, `of_register` those that an authority, a school
    or a programme bears.
    """

    address: str
    key: str
    mark: str
    keeps_address: bool
    has_bodies: bool
    words: Sequence[Redaction]
    rows: Mapping[str, Sequence[Key]]
    named: Sequence[str] = ()
    kept: Sequence[str] = ()
    of_register: Sequence[str] = ()

    def without(self, text: str) -> str:
        """A text without these words."""
        return erasure.taken_from(text, self.words)

    @property
    def stays(self) -> Mapping[str, Sequence[str]]:
        """The columns that stay as they are, by table."""
        stated = (*STAYS, BODIES) if self.has_bodies else STAYS
        tables = {table for columns in stated for table in columns}
        return {table: [name for columns in stated for name in columns.get(table, ())] for table in tables}


def plan_erasure(
    session: Session,
    address: str,
    *,
    has_sorting_list: bool,
    kept: Collection[str] = (),
    keeps_address: bool | None = None,
    with_rows: bool = True,
) -> ErasurePlan:
    """What erasing an address would do now. Names in `kept` go from the person's own rows alone.

    Finding the rows reads every table; without `with_rows` there are none in it, and it is soon known.

    The address of a function stays, unless `keeps_address` says how it was before.

    Whoever answered typed a name: it may be one that others bear, so it never takes theirs from the register's.

    Raises InputError where it is none, and Refused without a key, for an open account, and while a letter to the
    address is being handed over.
    """
    judged, key = judge(address, examples=True), erasure.erasure_key(session)
    _refuse_if_not_now(session, judged.key)
    keeps = _is_of_function(session, judged.key) if keeps_address is None else keeps_address
    mark = erasure.mark_of(erasure.digest_of(key, judged.key))
    forms = () if keeps else {judged.address, judged.key, judged.ascii} - {""}
    named = [Redaction(form, mark, is_address=True) for form in sorted(forms, key=len, reverse=True)]
    names = _names(session, judged.key)
    public = _of_register(session, names)
    left = [name for name in names if name in kept and name not in public]
    going = [name for name in names if name not in public and name not in kept]
    gone = [*named, *(Redaction(name, ERASED) for name in going)]
    planned = ErasurePlan(judged.address, judged.key, mark, keeps, not has_sorting_list, gone, {}, going, left, public)
    return _with_rows(session, planned) if with_rows else planned


def erasure_in_words(planned: ErasurePlan) -> list[str]:
    """What a planned erasure does and what stays, in French sentences, for whoever confirms it."""
    lines, tables = plural(sum(map(len, planned.rows.values())), "ligne"), plural(len(planned.rows), "table")
    where = f" ({lines} de {tables})" if planned.rows else ""
    sentences = [f"{planned.address} : ce qui la nomme est effacé{where}."]
    if planned.keeps_address:
        sentences = [f"{planned.address} est la boîte d’une fonction : l’adresse reste, les noms et les mots partent."]
    if planned.named:
        sentences.append(f"Partent aussi, partout où ils se lisent : {', '.join(planned.named)}.")
    if planned.of_register:
        bears = "un pouvoir organisateur, une école ou un programme s’appelle ainsi"
        sentences.append(f"Reste ailleurs, car {bears} : {', '.join(planned.of_register)}.")
    if planned.kept:
        sentences.append(f"Reste ailleurs, comme vous le demandez : {', '.join(planned.kept)}.")
    if planned.has_bodies and not planned.keeps_address:
        why = "faute de tableau de tri (OUTREACH_SORTING_LIST)"
        sentences.append(f"Restent, {why} : les textes de ses courriels, que seule l’administration ouvre.")
    sentences.append("Restent les notes signées, et un code tiré de l’adresse, que personne ne peut relire.")
    return sentences


def carry_out(
    database: Database, planned: ErasurePlan, folder: Path, *, now: datetime, actor: str, job: int | None = None
) -> int:
    """Erase a person as planned; returns how many rows lost something. Call it outside any transaction.

    What names the person is found while reading; each pass is one transaction. The digest goes to the file in `folder`
    before anything is committed. The files of jobs go: those under way begin again, except for `job`, which erases.
    Raises Refused as `plan_erasure` does, OSError.
    """
    count = 0
    for _ in range(MOST_PASSES):
        with database.writing() as session:
            count += erase(session, planned, folder, now=now, actor=actor)
        with database.reading() as session:
            planned = _with_rows(session, planned)
        if not planned.rows:
            break
    with database.writing() as session:  # a job that began before the last pass was over has read what is gone
        jobs.lose_files(session, but=job)
    return count


def erase(session: Session, planned: ErasurePlan, folder: Path, *, now: datetime, actor: str) -> int:
    """Take a planned erasure's words out of its rows; returns how many rows lost something."""
    take_lock(session, "erasures")
    _refuse_if_not_now(session, planned.key)
    digest = erasure.digest_of(erasure.erasure_key(session), planned.key)
    is_new = not planned.keeps_address and _keep_digest(session, digest, now, actor)
    _empty_what_is_theirs(session, planned, now, actor)
    for name, keys in planned.rows.items():
        if name != ENTRIES:
            erasure.replace_words(session, Base.metadata.tables[name], keys, planned.words, planned.stays.get(name, ()))
    session.expire_all()
    _empty_entries(session, planned, now, actor)
    if not planned.keeps_address:
        because = "adresse effacée, comme la personne l’a demandé"
        outbox.suppress_address(session, planned.mark, SuppressionReason.STAFF, now=now, actor=actor, detail=because)
    count = sum(map(len, planned.rows.values()))
    what = "L’adresse d’une fonction reste ; les noms, numéros et mots" if planned.keeps_address else "Une personne"
    verb = "sont effacés" if planned.keeps_address else "est effacée"
    audit.record_entry(session, now, actor, f"{what} {verb} : {plural(count, 'ligne')}.", f"erasure:{digest[:16]}")
    if is_new or planned.keeps_address:
        sign = erasure.sign_of(erasure.erasure_key(session))
        erasure.add_erasure(folder, erasure.DigestLine(digest, sign, now, planned.keeps_address))
    return count


def replay_erasures(database: Database, folder: Path, *, has_sorting_list: bool, now: datetime, actor: str) -> int:
    """Do again, in a database that was restored, the erasures of the file; returns how many addresses were erased.

    An address that is no longer anywhere keeps its digest all the same. Raises Refused, InputError, OSError.
    """
    lines = _lines(folder)
    if not lines:
        return 0
    with database.reading() as session:
        key = erasure.erasure_key(session)
        if any(line.key != erasure.sign_of(key) for line in lines.values()):
            raise Refused(erasure.OTHER_KEY)
        named = {address: _line_of(lines, key, address) for address in _addresses(session)}
    again = {address: line for address, line in named.items() if line is not None}
    count = 0
    for address, line in sorted(again.items()):
        keeps = line.keeps_address or None  # older lines do not say it
        with database.reading() as session:
            planned = plan_erasure(session, address, has_sorting_list=has_sorting_list, keeps_address=keeps)
        if planned.rows or not planned.keeps_address:
            carry_out(database, planned, folder, now=now, actor=actor)
            count += 1
    gone = {digest for digest, line in lines.items() if not line.keeps_address} - {
        erasure.digest_of(key, address) for address in named
    }
    with database.writing() as session:
        for digest in sorted(gone):
            _keep_digest(session, digest, lines[digest].at, actor)
    return count


def count_waiting(session: Session, folder: Path) -> int:
    """How many erasures of the file this database does not know, as it was restored from before them."""
    known = set(session.scalars(select(Erasure.digest)))
    found = {digest for digest, line in _lines(folder).items() if not line.keeps_address} - known
    if not found:
        return 0
    key = erasure.erasure_key(session)
    functions = session.scalars(_addresses_of_functions())
    of_functions = {digest for address in functions for digest in erasure.digests_of(key, address)}
    return len(found - of_functions)


def _line_of(lines: Mapping[str, erasure.DigestLine], key: str, address: str) -> erasure.DigestLine | None:
    """The line about an address, if there is one."""
    return next((lines[digest] for digest in erasure.digests_of(key, address) if digest in lines), None)


def _lines(folder: Path) -> dict[str, erasure.DigestLine]:
    """The erasures of the file by digest; an address that went, after it had been a function's, is one that went."""
    lines: dict[str, erasure.DigestLine] = {}
    for line in erasure.read_erasures(folder):
        if line.digest not in lines or lines[line.digest].keeps_address:
            lines[line.digest] = line
    return lines


def _with_rows(session: Session, planned: ErasurePlan) -> ErasurePlan:
    found = erasure.find_words(session, planned.words, planned.stays)
    return replace(planned, rows=found)


def _refuse_if_not_now(session: Session, key: str) -> None:
    account = session.scalar(select(User).where(User.email == key))
    if account is not None and account.active:
        raise Refused("Cette adresse est celle d’un compte ouvert : fermez-le d’abord.")
    handing = exists().where(Message.address_key == key, Message.state == MessageState.HANDING)
    if session.scalar(select(handing)):
        raise Refused("Un courriel est en train de partir à cette adresse : recommencez dans une minute.")


def _is_of_function(session: Session, key: str) -> bool:
    """Whether it is the mailbox of a function wherever it stands, and of no account."""
    kinds = set(session.scalars(select(Contact.mailbox_kind).where(Contact.address_key == key)))
    return kinds == {MailboxKind.IMPERSONAL}


def _names(session: Session, key: str) -> list[str]:
    """Names and numbers by which a person may be found elsewhere: a name of one word would be found in other words."""
    contacts = session.execute(select(Contact.name, Contact.phone).where(Contact.address_key == key)).all()
    theirs = select(Respondent.name).join(Response, Response.id == Respondent.response_id)
    answered = theirs.join(Message, Message.id == Response.message_id).where(Message.address_key == key)
    found = {name for name, _ in contacts} | set(session.scalars(answered))
    found |= set(session.scalars(select(User.name).where(User.email == key)))
    names = {name for name in found if _is_name(name)}
    numbers = {number for _, number in contacts if sum(map(str.isdigit, number)) >= LEAST_NUMBER}
    return sorted(names | numbers, key=len, reverse=True)


def _of_register(session: Session, names: Collection[str]) -> list[str]:
    """Those of these names that stand for more than a person: an authority, a school, a network, a programme."""
    if not names:
        return []
    borne = {
        erasure.fold_words(name) for column in REGISTER for name in session.scalars(select(column).distinct()) if name
    }
    return sorted({name for name in names if erasure.fold_words(name) in borne})


def _is_name(text: str) -> bool:
    return len([word for word in text.split() if word[0].isupper()]) > 1


def _keep_digest(session: Session, digest: str, at: datetime, actor: str) -> bool:
    """Keep the digest of an erased address; False when it is known already."""
    if session.scalar(select(Erasure.id).where(Erasure.digest == digest)) is not None:
        return False
    sign = erasure.sign_of(erasure.erasure_key(session))
    session.add(Erasure(digest=digest, key=sign, erased_at=at, erased_by=actor))
    session.flush()
    return True


def _empty_what_is_theirs(session: Session, planned: ErasurePlan, now: datetime, actor: str) -> None:
    """Empty what belongs to the address by its rows' keys, before the address is taken out of them."""
    letters = select(Message.id).where(Message.address_key.in_((planned.key, planned.mark)))
    empty_responses(session, Response.message_id.in_(letters))
    empty_reports(session, letters)
    wrote = ReceivedMail.sender_key.in_((planned.key, planned.mark))
    empty_mails(session, wrote | ReceivedMail.message_id.in_(letters))
    contacts = session.scalars(select(Contact).where(Contact.address_key == planned.key)).all()
    if not planned.keeps_address:
        queued = session.scalars(letters.where(Message.state == MessageState.QUEUED)).all()
        outbox.withdraw_letters(session, queued, Reason.SUPPRESSED, now=now)
        for contact in contacts:
            contact.changed_at, contact.changed_by = now, actor
            for basis in tracking.standing_bases(session, contact):
                tracking.withdraw_basis(session, basis, now=now, actor=actor)
            if contact.retired_at is None:
                contact.retired_at, contact.retired_by = now, actor
        tracking.drop_new(session, Message.id.in_(letters))
        tracking.fold_events(session, Hit.message_id.in_(letters))
        _empty_account(session, planned.key)
        if not planned.has_bodies:
            _empty_bodies(session, letters)
    empty_notes(session, [contact.id for contact in contacts])
    for contact in contacts:
        contact.name = contact.function = contact.phone = contact.usage = contact.source_note = ""
    session.flush()


def _empty_bodies(session: Session, letters: Select[int]) -> None:
    empty_letters(session, Composition.message_id.in_(letters) & (Composition.content != ""))
    by_hand = select(ServiceReply.letter_id).where(ServiceReply.message_id.in_(letters))
    empty_service_letters(session, ServiceLetter.id.in_(by_hand))
    empty_replies(session, ServiceReply.message_id.in_(letters))


def _empty_account(session: Session, key: str) -> None:
    """Empty the closed account with this address; its row stays, as others name it."""
    account = session.scalar(select(User).where(User.email == key))
    if account is None:
        return
    account.name, account.password = ERASED, ""
    for model in (SecondFactor, RecoveryCode, StaffIdentity):
        session.execute(delete(model).where(model.user_id == account.id))


def _empty_entries(session: Session, planned: ErasurePlan, now: datetime, actor: str) -> None:
    """Empty the words of entries of the audit that name the person, and take the person out of who acted and on whom.

    They are sealed first: only what is sealed can lose its words and be proved to have had some.
    """
    while (batch := audit.next_batch(session, now=now)) is not None:
        audit.add_seal(session, batch)
    keys = [number for (number,) in planned.rows.get(ENTRIES, ())]

    for first in range(0, len(keys), MOST_ENTRIES):
        some = keys[first : first + MOST_ENTRIES]
        of_audit = session.scalars(select(AuditEntry).where(among(AuditEntry.id, some))).all()
        told = [entry.id for entry in of_audit if planned.without(entry.sentence) != entry.sentence]
        audit.erase_words(session, told, BECAUSE, now=now, actor=actor)
        audit.take_out(session, some, planned.without, BECAUSE, now=now, actor=actor)


def _addresses(session: Session) -> set[str]:
    """Every address that the database writes to, refuses to write to, or names in a text."""
    held = (Message.address_key, Contact.address_key, Suppression.address_key, User.email)
    found = set(session.scalars(union(*map(select, held))))
    for table in Base.metadata.sorted_tables:
        stays = {name for columns in (*STAYS, BODIES) for name in columns.get(table.name, ())}
        found |= erasure.addresses_in(session, erasure.texts_of(table, stays))
    return found


def _addresses_of_functions() -> Select[str]:
    return select(Contact.address_key).where(Contact.mailbox_kind == MailboxKind.IMPERSONAL).distinct()
