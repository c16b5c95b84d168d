"""Decisions of a second person: recorded, read, and who may take them.

A subject is named by a text, as in the audit, so that this room knows nothing of the rooms above. A row names persons
by the addresses of their accounts. It stays as long as its subject, which nothing deletes.

Whoever calls it has taken the subject's turn (`db.take_lock`), so two persons at once decide one after the other.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple, NotRequired, TypedDict, Unpack

from sqlalchemy import ColumnElement, Index, Select, String, Text, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlalchemy.sql.roles import ExpressionElementRole

from outreach.access import colleagues
from outreach.core import audit
from outreach.core.db import Base, Session, enum_of
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName


class Thing(Labelled):
    """What a second person approves, the question that an author answers by a note, and exceptions, which are told."""

    CAMPAIGN = "campaign", "la campagne"
    REMINDER = "reminder", "la relance"
    NOTE = "note", "la note"
    TEXT = "text", "la version du texte"
    REQUEST = "request", "la demande de note"
    LETTER = "letter", "le courriel"
    EXCEPTION = "exception", "l’exception"

    @classmethod
    def of(cls, subject: str) -> "Thing":
        """The kind of thing that a subject names."""
        return cls(subject.partition(":")[0])

    def subject(self, key: int) -> str:
        """How decisions name the thing with this key: « campaign:7 »."""
        return f"{self}:{key}"

    def subjects(self, keys: ExpressionElementRole[int]) -> ColumnElement[str]:
        """The same in a query, of a column of keys."""
        return literal(f"{self}:").concat(cast(keys, String))


class DecisionKind(Labelled):
    """What a row says of its subject. WRITTEN ends whatever held before; CONFIRMED is of its audience as it became.

    ASKED and ANSWERED are of questions: an author answers, and no second person decides.
    """

    WRITTEN = "written", "écrite"
    SUBMITTED = "submitted", "soumise à validation"
    APPROVED = "approved", "validée"
    CONFIRMED = "confirmed", "validée pour le public tel qu’il est devenu"
    SENT_BACK = "sent_back", "renvoyée à la rédaction"
    REFUSED = "refused", "refusée"
    WITHDRAWN = "withdrawn", "retirée"
    ASKED = "asked", "envoyée à la rédaction"
    ANSWERED = "answered", "répondue par une note validée"

    @property
    def leads_to(self) -> str:
        """The state that it brings a thing to, where the thing has one; '' where each kind of thing ends otherwise."""
        return _STATES.get(self, "")


_STATES = {
    DecisionKind.WRITTEN: "draft",
    DecisionKind.SUBMITTED: "to_approve",
    DecisionKind.APPROVED: "approved",
    DecisionKind.CONFIRMED: "approved",
    DecisionKind.SENT_BACK: "draft",
}


def agreed_words(participle: str, thing: Thing) -> str:
    """Words that begin with a participle, agreed with the thing: a letter, « le courriel », alone is masculine."""
    first, space, rest = participle.partition(" ")
    return f"{first.removesuffix('e')}{space}{rest}" if thing is Thing.LETTER else participle


APPROVING = (DecisionKind.APPROVED, DecisionKind.CONFIRMED)
AUTHORING = (DecisionKind.WRITTEN, DecisionKind.SUBMITTED, DecisionKind.ASKED)
BY_ANOTHER = (*APPROVING, DecisionKind.REFUSED)  # never by whoever has a hand in it
# What the last decision has to be for one of these; any other may follow anything.
AFTER = {
    DecisionKind.APPROVED: (DecisionKind.SUBMITTED,),
    DecisionKind.CONFIRMED: APPROVING,
    DecisionKind.SENT_BACK: (DecisionKind.SUBMITTED, DecisionKind.ASKED),
    DecisionKind.REFUSED: (DecisionKind.SUBMITTED,),
    DecisionKind.ANSWERED: (DecisionKind.ASKED,),
}


class Extent(NamedTuple):
    """How many authorities a thing would write to, and how many letters; None: not counted."""

    authorities: int = 0
    letters: int | None = None


NOWHERE = Extent()


class Content(NamedTuple):
    """A thing exactly as it stands: how decisions name it, the digest of what they are about, and its title.

    `named` begins the audit's sentences about it, which are kept under `filed`, or its own subject.
    """

    subject: str
    digest: str
    title: str
    named: str
    filed: str = ""

    @property
    def in_words(self) -> str:
        """The thing in a French sentence, with its article."""
        return Thing.of(self.subject).label


class Decision(Base):
    """What somebody wrote, submitted or decided: the title and the digest of the content then, and whom it would reach.

    `letters` is None where nothing is counted, and in approvals from before letters were counted. `reason` is shown,
    and nothing is decided by its words.
    """

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_subject_id", "subject", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[DecisionKind] = mapped_column(enum_of(DecisionKind, "decision_kind"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    authorities: Mapped[int] = mapped_column(default=0)
    letters: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text, default="")

    @property
    def thing(self) -> Thing:
        """The kind of thing that it is about."""
        return Thing.of(self.subject)

    @property
    def key(self) -> int:
        """The key of the thing that it is about."""
        return int(self.subject.partition(":")[2])

    @property
    def extent(self) -> Extent:
        """How many it was to reach."""
        return Extent(self.authorities, self.letters)

    @property
    def in_words(self) -> str:
        """What was done, in French, with the reason."""
        if self.reason and self.kind in (DecisionKind.WRITTEN, DecisionKind.WITHDRAWN):
            return self.reason
        between = " : " if self.kind in (DecisionKind.SENT_BACK, DecisionKind.REFUSED) else " "
        label = agreed_words(self.kind.label, self.thing)
        return f"{label}{between}{self.reason}" if self.reason else label

    @property
    def counted(self) -> str:
        """How many it would write to, in French, or ''."""
        differs = self.letters is not None and self.letters != self.authorities
        boxes = f", {french.plural(self.letters or 0, 'boîte')}" if differs else ""
        return f"{french.number(self.authorities)} PO{boxes}" if self.authorities else ""


class Delegate(Base):
    """An approver who is told in the place of another one, who is away on these days: addresses of two accounts.

    The days are those of Brussels, the last one included; `ended_at` when it ended earlier. No role is lent. A row
    stays: it explains who was told what.
    """

    __tablename__ = "deputies"

    id: Mapped[int] = mapped_column(primary_key=True)
    absent: Mapped[str] = mapped_column(String(255), index=True)
    deputy: Mapped[str] = mapped_column(String(255), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    named_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


_DONE = {
    DecisionKind.WRITTEN: "a changé",
    DecisionKind.APPROVED: "a validé",
    DecisionKind.CONFIRMED: "a validé",
    DecisionKind.SENT_BACK: "a renvoyé",
    DecisionKind.REFUSED: "a refusé",
    DecisionKind.WITHDRAWN: "a retiré",
}


def may_decide(session: Session, person: str, *subjects: str) -> bool:
    """Whether a person may decide about subjects: an approver who neither wrote, changed nor submitted any of them.

    Sending one back is not a change.
    """
    hands = [has_a_hand(subject, person) for subject in subjects]
    return colleagues.holds(session, person, RoleName.APPROVER) and not session.scalar(select(or_(*hands)))


def require_second_person(session: Session, person: str, *subjects: str, what: str = "La validation") -> None:
    """Raises Refused, with the reason, where `may_decide` says no; `what` is asked for."""
    if not may_decide(session, person, *subjects):
        things = " ou ".join(Thing.of(subject).label for subject in subjects)
        raise Refused(
            f"{what} revient à une autre personne que celle qui a écrit ou soumis {things}, "
            f"et qui a le rôle « {RoleName.APPROVER.label} »."
        )


def refuse_another(content: Content, version: str | None) -> None:
    """Raises Refused where a thing differs from the version (a digest) that a person read. None skips the check."""
    if version not in {None, content.digest}:
        told = french.initial(content.in_words)
        raise Refused(f"{told} a changé depuis l’ouverture de la page : relisez, puis recommencez.")


def refuse_unawaited(session: Session, content: Content, kind: DecisionKind, actor: str) -> None:
    """Raises Refused where a decision of this kind is not awaited: the sentence names who decided before.

    So it does where an approval or a refusal is of another content than the submission, or the actor may not decide.
    """
    held = last_decision(session, content.subject)
    if kind in AFTER and (held is None or held.kind not in AFTER[kind]):
        raise Refused(_before(session, content, held))
    if kind in BY_ANOTHER:
        require_second_person(session, actor, content.subject)
        if held is not None and held.digest != content.digest:
            raise Refused(f"{french.initial(content.in_words)} a changé depuis sa soumission : à soumettre de nouveau.")


class DecisionWords(TypedDict):
    """What a person says of a decision: when, who, why, and how many the thing would reach."""

    now: datetime
    actor: str
    reason: NotRequired[str]
    extent: NotRequired[Extent]


def record_decision(
    session: Session, content: Content, kind: DecisionKind, sentence: str | None = None, **told: Unpack[DecisionWords]
) -> Decision:
    """Keep what a person did about a thing, exactly as it stands, and what the audit says of it.

    That is `sentence`, nothing where it is '', or the usual one. Raises Refused as `refuse_unawaited` does.
    """
    now, actor, extent = told["now"], told["actor"], told.get("extent", NOWHERE)
    refuse_unawaited(session, content, kind, actor)
    made = Decision(
        subject=content.subject,
        title=content.title,
        kind=kind,
        digest=content.digest,
        authorities=extent.authorities,
        letters=extent.letters,
        at=now,
        actor=actor,
        reason=told.get("reason", ""),
    )
    session.add(made)
    session.flush()
    if sentence is None:
        sentence = f"{content.named} {made.in_words}."
    if sentence:
        audit.record_entry(session, now, actor, sentence, content.filed or content.subject)
    return made


def _before(session: Session, content: Content, held: Decision | None) -> str:
    """Why no decision is awaited: nobody has submitted the thing, or somebody was first."""
    thing = french.initial(content.in_words)
    if held is None or held.kind not in _DONE:
        return f"{thing} n’attend pas de validation."
    first = (
        f"{colleagues.name_of(session, held.actor)} {_DONE[held.kind]} {content.in_words} le {french.moment(held.at)}"
    )
    why = f" ({held.reason})" if held.reason else ""
    return f"{thing} n’attend pas de validation : {first}{why}. Rechargez la page."


def last_decision(session: Session, subject: str) -> Decision | None:
    """The last decision about a subject: it alone says what holds."""
    query = select(Decision).where(Decision.subject == subject).order_by(Decision.id.desc())
    return session.scalars(query.limit(1)).first()


def decision_history(session: Session, subjects: Collection[str]) -> Sequence[Decision]:
    """All decisions about these subjects, the newest first."""
    query = select(Decision).where(Decision.subject.in_(subjects)).order_by(Decision.id.desc())
    return session.scalars(query).all()


def standing_approval(session: Session, content: Content) -> Decision | None:
    """The approval of a thing exactly as it stands; None where none holds."""
    held = last_decision(session, content.subject)
    return held if held and held.kind in APPROVING and held.digest == content.digest else None


def writers_of(session: Session, subject: str, before: int | None = None) -> set[str]:
    """Who wrote a subject first, and who submitted it last; with `before`, before the decision with this key."""
    hands = select(Decision.actor).where(Decision.subject == subject, Decision.kind.in_(AUTHORING))
    if before is not None:
        hands = hands.where(Decision.id < before)
    submitted = hands.where(Decision.kind == DecisionKind.SUBMITTED)
    ends = hands.order_by(Decision.id), submitted.order_by(Decision.id.desc())
    return {actor for end in ends for actor in session.scalars(end.limit(1))}


def last_approver(session: Session, subject: str) -> str:
    """Who last approved a subject, or ''."""
    given = select(Decision.actor).where(Decision.subject == subject, Decision.kind.in_(APPROVING))
    return session.scalar(given.order_by(Decision.id.desc()).limit(1)) or ""


def has_a_hand(subject: SQLCoreOperations[str] | str, person: str) -> ColumnElement[bool]:
    """Whether a person wrote, changed or submitted a subject: such a person never decides about it."""
    hand = aliased(Decision)
    return exists().where(hand.subject == subject, hand.actor == person, hand.kind.in_(AUTHORING))


def awaiting_approval(person: str) -> Select[Decision]:
    """Select the submissions that await the decision of a person who may approve, the oldest first."""
    later = aliased(Decision)
    is_last = ~exists().where(later.subject == Decision.subject, later.id > Decision.id)
    waits = and_(Decision.kind == DecisionKind.SUBMITTED, is_last, ~has_a_hand(Decision.subject, person))
    return select(Decision).where(waits).order_by(Decision.id)


def is_returned(subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a subject was sent back after it was last submitted. Correcting it does not change that."""
    later = aliased(Decision)
    submitted = exists().where(
        later.subject == Decision.subject, later.id > Decision.id, later.kind == DecisionKind.SUBMITTED
    )
    return exists().where(Decision.subject == subject, Decision.kind == DecisionKind.SENT_BACK, ~submitted)
