"""Notes that somebody asks for: asked, followed, sent back; told to those concerned.

Each step is a decision about the question, so that mail to staff tells who is concerned: those who write, that one is
asked for; who asked, that it is ready or was sent back.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ForeignKey, Select, String, Text, and_, exists, func, or_, select
from sqlalchemy.orm import Mapped, aliased, joinedload, mapped_column, relationship

from outreach.access import approvals
from outreach.access.approvals import Content, Decision, DecisionKind, Thing
from outreach.core.db import Base, Session, take_lock
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName
from outreach.directory.models import Network
from outreach.directory.reference import fold
from outreach.reports.notes import _listing as listing
from outreach.reports.notes._drafts import LONGEST_QUESTION, NoteRequest, judge, read_request, stated_reason
from outreach.reports.notes._models import Note


class AskedState(Labelled):
    """How far a note that was asked for has come."""

    WAITING = "waiting", "Attend la rédaction"
    FROZEN = "frozen", "Note à valider"
    ANSWERED = "answered", "Note prête"
    SENT_BACK = "sent_back", "Renvoyée"
    WITHDRAWN = "withdrawn", "Retirée"


class AskedNote(Base):
    """A note that a person asked for: the beginning of the question, and all that is asked (`drafts.NoteRequest`).

    `note_id` is the note that an author last froze for it. What was decided about it are decisions. Personal data.
    """

    __tablename__ = "asked_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    request: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(255), index=True)
    asked_at: Mapped[datetime]
    note_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id"), index=True)

    note: Mapped[Note | None] = relationship()


SHOWN = 90  # characters of a question that stand for it in lists and mails
MOST_WAITING = 20  # questions of one person at once
MOST_A_DAY = 20  # each tells those who write by mail, and one that is taken back has told them
HANDLERS = {RoleName.AUTHOR, RoleName.APPROVER}
ENDS = {
    DecisionKind.ANSWERED: AskedState.ANSWERED,
    DecisionKind.SENT_BACK: AskedState.SENT_BACK,
    DecisionKind.WITHDRAWN: AskedState.WITHDRAWN,
}


def ask_for_note(session: Session, asked: NoteRequest, *, now: datetime, actor: str) -> AskedNote:
    """Ask for a note, about the networks that are chosen or else named in the question.

    Raises InputError where there is no question or the note cannot be made so, Refused where the person has too many
    that wait.
    """
    take_lock(session, "asked-notes", actor)
    if not asked.question:
        raise InputError("Écrivez la question, dans vos mots.")
    asked = replace(asked, networks=asked.networks or _named_in(session, asked.question), corrects="", answers=0)
    asked = replace(asked, programme=judge(session, asked, now=now).code)
    if states_of(session, of_person(session, actor)).count(AskedState.WAITING) >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} de vos demandes attendent déjà la rédaction : retirez-en une d’abord.")
    since = AskedNote.asked_at > now - timedelta(days=1)
    if session.scalars(select(func.count()).where(AskedNote.asked_by == actor, since)).one() >= MOST_A_DAY:
        raise Refused(f"Vous avez demandé {MOST_A_DAY} notes en un jour : attendez demain, ou appelez la rédaction.")
    made = AskedNote(title=_title(asked.question), request=asked.as_json(), asked_by=actor, asked_at=now)
    session.add(made)
    session.flush()
    approvals.record_decision(session, content_of(made), DecisionKind.ASKED, now=now, actor=actor)
    return made


def get_request(session: Session, key: int, person: str, roles: Collection[RoleName]) -> AskedNote:
    """A question, for the person who asked it and for those who write or approve notes. Raises NotFound."""
    found = session.get(AskedNote, key)
    if found is None or not (found.asked_by == person or HANDLERS & set(roles)):
        raise NotFound("Cette demande de note n’existe pas.")
    return found


def request_of(asked: AskedNote) -> NoteRequest:
    """What is asked, as a note that would answer it."""
    return replace(read_request(asked.request), answers=asked.id)


def send_back(session: Session, asked: AskedNote, reason: str, *, now: datetime, actor: str) -> None:
    """Send a question back to who asked it, with a reason. Raises InputError without one, Refused when it is over."""
    _refuse_over(session, asked)
    words = stated_reason(reason, f"Dites pourquoi, en {french.number(LONGEST_QUESTION)} caractères au plus.")
    approvals.record_decision(session, content_of(asked), DecisionKind.SENT_BACK, now=now, actor=actor, reason=words)


def withdraw_request(session: Session, asked: AskedNote, *, now: datetime, actor: str) -> None:
    """Take back one's own question. Raises NotFound for another person's, Refused when it is over."""
    if asked.asked_by != actor:
        raise NotFound("Cette demande de note n’existe pas.")
    _refuse_over(session, asked)
    approvals.record_decision(session, content_of(asked), DecisionKind.WITHDRAWN, now=now, actor=actor)


def link(session: Session, key: int, note: Note) -> None:
    """Remember that a frozen note answers a question. Raises NotFound, and Refused where another note does already."""
    asked = session.get(AskedNote, key)
    if asked is None:
        raise NotFound("La demande à laquelle cette note répond n’existe plus.")
    _refuse_over(session, asked)
    asked.note_id = note.id


def answer(session: Session, note: Note, number: str, *, now: datetime, actor: str) -> None:
    """Tell who asked that the note is approved under a number; nothing where nobody asked for it."""
    query = select(AskedNote).where(AskedNote.note_id == note.id)
    for asked in session.scalars(query):
        if _last_kind(session, asked) is DecisionKind.ASKED:
            under = f"sous le numéro {number}"
            approvals.record_decision(
                session, content_of(asked), DecisionKind.ANSWERED, now=now, actor=actor, reason=under
            )


def state_of(session: Session, asked: AskedNote) -> AskedState:
    """How far a question has come."""
    return _state(asked, _last_kind(session, asked))


def states_of(session: Session, asked: Sequence[AskedNote]) -> list[AskedState]:
    """How far each of these has come, by one statement."""
    subjects = [Thing.REQUEST.subject(one.id) for one in asked]
    last = {made.subject: made.kind for made in reversed(approvals.decision_history(session, subjects))}
    return [_state(one, last[subject]) for one, subject in zip(asked, subjects, strict=True)]


def _state(asked: AskedNote, kind: DecisionKind) -> AskedState:
    if kind in ENDS:
        return ENDS[kind]
    return AskedState.FROZEN if asked.note is not None and not asked.note.refusal else AskedState.WAITING


def of_person(session: Session, person: str) -> Sequence[AskedNote]:
    """What a person asked for, the newest first."""
    query = select(AskedNote).where(AskedNote.asked_by == person).order_by(AskedNote.id.desc())
    return session.scalars(query.options(joinedload(AskedNote.note))).all()


def waiting_requests() -> Select[AskedNote]:
    """Select the questions that await an author, the oldest first.

    Nothing was decided after they were asked, and no note for them is alive.
    """
    later = aliased(Decision)
    subject = Thing.REQUEST.subjects(AskedNote.id)
    is_over = exists().where(later.subject == subject, later.kind != DecisionKind.ASKED)
    note_is_over = exists().where(Note.id == AskedNote.note_id, listing.is_over())
    waits = and_(~is_over, or_(AskedNote.note_id.is_(None), note_is_over))
    return select(AskedNote).where(waits).order_by(AskedNote.id)


def content_of(asked: AskedNote) -> Content:
    """A question as decisions are about it."""
    digest = sha256(asked.request.encode()).hexdigest()
    named = f"Demande de note « {french.within_quotes(asked.title)} »"
    return Content(Thing.REQUEST.subject(asked.id), digest, asked.title, named)


def _named_in(session: Session, question: str) -> tuple[str, ...]:
    """The codes of the networks that a question names, by their codes or labels, as whole words."""
    words = f" {fold(question)} "
    networks = session.scalars(select(Network).order_by(Network.position))
    return tuple(one.code for one in networks if any(f" {fold(name)} " in words for name in (one.code, one.label)))


def _title(question: str) -> str:
    words = " ".join(question.split())
    return words if len(words) <= SHOWN else f"{words[:SHOWN].rpartition(' ')[0] or words[:SHOWN]}…"


def _last_kind(session: Session, asked: AskedNote) -> DecisionKind:
    made = approvals.last_decision(session, Thing.REQUEST.subject(asked.id))
    return made.kind if made else DecisionKind.ASKED


def _refuse_over(session: Session, asked: AskedNote) -> None:
    take_lock(session, "asked-note", asked.id)
    session.refresh(asked)
    state = state_of(session, asked)
    if state is not AskedState.WAITING:
        raise Refused(f"Cette demande n’attend plus la rédaction ({state.label.lower()}) : rouvrez sa page.")
