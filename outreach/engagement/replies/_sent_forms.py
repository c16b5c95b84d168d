"""Whether a form of a letter's page came from a person, and what is kept of it.

Scanners follow links, send forms and press buttons, minutes or hours after delivery. A doubtful form costs a person one
tap, never an answer: its page comes again with all that was typed, and is taken once it is sent from there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import contains_eager

from outreach.core.db import Session, take_lock
from outreach.core.tables import DATA, Column, Kind, QueryListing
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind, Seen
from outreach.delivery.models import Message
from outreach.directory.authorities import authority_columns
from outreach.engagement.replies._kinds import Answer
from outreach.engagement.replies._models import Doubt, FormState, QuickForm, Response, SentForm

OLD_ENOUGH = timedelta(seconds=2)  # what a page must be before its form is taken: nobody reads and chooses in less
ONE_MIND = timedelta(seconds=10)  # within which a page that was sent twice, otherwise, was sent by no person
QUICK, TOGETHER, MANY = timedelta(seconds=5), timedelta(seconds=60), 5  # a client's forms of so many authorities
MOST_TO_VERIFY = 20  # kept of a letter
EXCLUSIVE = (FormKind.ANSWER, FormKind.UNSUBSCRIPTION)  # nobody does both from one page
OF_MAIL = (FormKind.UNSUBSCRIPTION, FormKind.SUBSCRIPTION)  # each takes the other back


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form as it came: of which kind, its page's seal (None: none, or of no letter of ours) and link, by whom.

    `has_seal`: something stood in its place. `digest` tells it from another one; `answers` are what it answers.
    `says_little`: it says that the letter was read and no more, as a machine does that ticks the first choice.
    """

    kind: FormKind
    seen: Seen | None
    link: int
    digest: str
    client: bytes
    has_seal: bool = False
    answers: Sequence[Answer] = ()
    says_little: bool = False


@dataclass(frozen=True, slots=True)
class FormVerdict:
    """What becomes of a form: it is taken, it repeats one that was, or a person has to send it again (`doubt`).

    `undoes` is the form before it that has to be undone, as both came from one page.
    """

    doubt: Doubt | None = None
    repeats: bool = False
    undoes: SentForm | None = None

    @property
    def is_taken(self) -> bool:
        """Whether what the form says is to be recorded."""
        return self.doubt is None and not self.repeats


def judge_form(session: Session, message: Message, came: ReceivedForm, *, now: datetime) -> FormVerdict:
    """Judge a form, and keep what came: as recorded, or as to be verified. Nothing is kept of a test letter."""
    take_lock(session, "forms", message.id)
    verdict = _judged(session, message, came, now)
    if outbox.is_test(session, message) or verdict.repeats:
        return verdict
    if verdict.is_taken:
        if not came.says_little:
            _settle(session, message, came.kind, now)
        _keep(session, message, came, FormState.RECORDED, None, now)
    elif _may_keep(session, message, came):
        _keep(session, message, came, FormState.TO_VERIFY, verdict.doubt, now)
    if verdict.undoes is not None:
        verdict.undoes.state, verdict.undoes.doubt, verdict.undoes.changed_at = FormState.TO_VERIFY, Doubt.TWICE, now
    return verdict


def form_at(session: Session, message: Message, at: datetime) -> SentForm | None:
    """The form of a letter's page that was recorded at a moment, or None."""
    theirs = (SentForm.message_id == message.id, SentForm.at == at, SentForm.kind == FormKind.ANSWER)
    return session.scalar(select(SentForm).where(*theirs, SentForm.state == FormState.RECORDED))


def form_of(session: Session, message: Message, number: int | None) -> SentForm | None:
    """The form that was recorded from a letter's page and gave the response with this number, or None."""
    given = session.get(Response, number) if number is not None else None
    return form_at(session, message, given.given_at) if given and given.message_id == message.id else None


def to_verify(mailings: Iterable[int] | Select[int], *kinds: FormKind) -> Select[int | None]:
    """The keys of the authorities of which a form from a letter of these mailings waits to be confirmed.

    Of these kinds alone, where any is given.
    """
    of = mailings if isinstance(mailings, Select) else list(mailings)
    query = select(SentForm.authority_id).join(Message, Message.id == SentForm.message_id)
    query = query.where(Message.mailing_id.in_(of), SentForm.authority_id.is_not(None))
    query = query.where(SentForm.state == FormState.TO_VERIFY)
    return query.where(SentForm.kind.in_(kinds)) if kinds else query


def count_to_verify(session: Session) -> int:
    """How many forms wait to be confirmed."""
    query = select(func.count()).select_from(SentForm).where(SentForm.state == FormState.TO_VERIFY)
    return session.scalar(query) or 0


def _said(row: SentForm) -> str:
    said = ", ".join(Answer(value).label for value in row.answers.split(",") if value)
    return said or ("École qui n’est plus à nous" if row.kind is FormKind.ANSWER else "")


COLUMNS: Sequence[Column[SentForm]] = (
    *authority_columns(lambda row: row.authority),
    Column("kind", "Envoi", lambda row: row.kind.label),
    Column("answers", "Réponse", _said),
    Column("doubt", "Pourquoi", lambda row: row.doubt and row.doubt.label),
    Column("state", "État", lambda row: row.state.label, on=DATA),
    Column(
        "at", "Arrivée", lambda row: row.changed_at, Kind.MOMENT, sort=SentForm.changed_at, unit="heure de Bruxelles"
    ),
)


def list_sent_forms(session: Session, *, sort: str = "") -> QueryListing[SentForm]:
    """The forms that wait to be confirmed, the newest first."""
    return QueryListing(
        title="Réponses à vérifier",
        columns=COLUMNS,
        sort=sort,
        session=session,
        query=select(SentForm).join(SentForm.authority).where(SentForm.state == FormState.TO_VERIFY),
        order=[SentForm.changed_at.desc(), SentForm.id.desc()],
        key=SentForm.authority_id,
        options=(contains_eager(SentForm.authority),),
        numbered=(SentForm.id, lambda row: row.id),
    )


def _judged(session: Session, message: Message, came: ReceivedForm, now: datetime) -> FormVerdict:
    seen = came.seen
    if seen is None:
        return FormVerdict(Doubt.FOREIGN_PAGE if came.has_seal else Doubt.NO_PAGE)
    if before := _before(session, message, came, seen):
        if before.digest == came.digest and before.kind is came.kind and before.state is FormState.RECORDED:
            is_last = not _was_changed_since(session, message, before)
            return FormVerdict(repeats=True) if is_last else FormVerdict(Doubt.FOREIGN_PAGE)
        is_at_once = before.state is FormState.RECORDED and now - before.at <= ONE_MIND
        return FormVerdict(Doubt.TWICE, undoes=before if is_at_once else None)
    if seen.link != came.link or not _serves(seen.kind, came.kind):
        return FormVerdict(Doubt.FOREIGN_PAGE)
    if now - seen.at < OLD_ENOUGH:
        return FormVerdict(Doubt.AT_ONCE)
    return FormVerdict(Doubt.MANY if _is_one_of_many(session, message, came, seen, now) else None)


def _serves(page: FormKind, form: FormKind) -> bool:
    """Whether the page of one kind of form sends another: the box of the measure stands on the page of answers."""
    return page is form or (form, page) == (FormKind.MEASURE, FormKind.ANSWER)


def _before(session: Session, message: Message, came: ReceivedForm, seen: Seen) -> SentForm | None:
    """The form that was sent from the same page and counts for it, or None. One sent too early counts for nothing."""
    kinds = EXCLUSIVE if came.kind in EXCLUSIVE else (came.kind,)
    query = select(SentForm).where(SentForm.message_id == message.id, SentForm.nonce == seen.nonce)
    query = query.where(SentForm.kind.in_(kinds))
    rows = session.scalars(query.order_by(SentForm.id)).all()
    return next((row for row in rows if row.doubt is None or row.doubt is Doubt.TWICE), None)


def _was_changed_since(session: Session, message: Message, before: SentForm) -> bool:
    """Whether another page of the letter said something else after a form: the same again is then no repetition."""
    kinds = OF_MAIL if before.kind in OF_MAIL else (before.kind,)
    query = select(SentForm.id).where(SentForm.message_id == message.id, SentForm.id > before.id)
    query = query.where(SentForm.kind.in_(kinds), SentForm.state == FormState.RECORDED)
    return session.scalar(query.limit(1)) is not None


def _is_one_of_many(session: Session, message: Message, came: ReceivedForm, seen: Seen, now: datetime) -> bool:
    """Whether a client sends forms of many authorities within a minute, each at once: this one is counted."""
    if now - seen.at >= QUICK or message.authority_id is None or came.kind not in (*EXCLUSIVE, FormKind.ADDRESS):
        return False
    take_lock(session, "quick forms")
    session.add(QuickForm(client=came.client, authority_id=message.authority_id, at=now))
    session.flush()
    # Of forms that come at once, one that was asked later may have its turn before: both directions are looked at.
    theirs = (QuickForm.client == came.client, QuickForm.at > now - TOGETHER, QuickForm.at < now + TOGETHER)
    count = select(func.count(QuickForm.authority_id.distinct())).where(*theirs)
    return (session.scalar(count) or 0) >= MANY


def _may_keep(session: Session, message: Message, came: ReceivedForm) -> bool:
    """Whether a doubtful form is kept: not twice the same, and not without end."""
    query = select(SentForm.digest, SentForm.kind).where(
        SentForm.message_id == message.id, SentForm.state == FormState.TO_VERIFY
    )
    kept = session.execute(query.limit(MOST_TO_VERIFY)).all()
    return len(kept) < MOST_TO_VERIFY and (came.digest, came.kind) not in {tuple(row) for row in kept}


def _settle(session: Session, message: Message, kind: FormKind, now: datetime) -> None:
    """What waited of the same letter is settled: a person has sent its page."""
    theirs = (SentForm.message_id == message.id, SentForm.kind == kind, SentForm.state == FormState.TO_VERIFY)
    session.execute(update(SentForm).where(*theirs).values(state=FormState.SETTLED, changed_at=now))


def _keep(
    session: Session, message: Message, came: ReceivedForm, state: FormState, doubt: Doubt | None, now: datetime
) -> None:
    session.add(
        SentForm(
            message_id=message.id,
            authority_id=message.authority_id,
            kind=came.kind,
            state=state,
            doubt=doubt,
            nonce=came.seen.nonce if came.seen else None,
            digest=came.digest,
            answers=",".join(came.answers),
            at=now,
            changed_at=now,
        )
    )
    session.flush()
