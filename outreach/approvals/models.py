"""The table of decisions, and what its rows say.

A subject is named by a text, as in the audit, so that this room knows nothing of the rooms above. A row names persons
by the addresses of their accounts. It stays as long as its subject, which nothing deletes.
"""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Index, String, Text, cast, literal
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.roles import ExpressionElementRole

from outreach import french
from outreach.db import Base, enum_of
from outreach.labelled import Labelled


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


def agreed(participle: str, thing: Thing) -> str:
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
    def told(self) -> str:
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
    def told(self) -> str:
        """What was done, in French, with the reason."""
        if self.reason and self.kind in (DecisionKind.WRITTEN, DecisionKind.WITHDRAWN):
            return self.reason
        between = " : " if self.kind in (DecisionKind.SENT_BACK, DecisionKind.REFUSED) else " "
        label = agreed(self.kind.label, self.thing)
        return f"{label}{between}{self.reason}" if self.reason else label

    @property
    def counted(self) -> str:
        """How many it would write to, in French, or ''."""
        differs = self.letters is not None and self.letters != self.authorities
        boxes = f", {french.plural(self.letters or 0, 'boîte')}" if differs else ""
        return f"{french.number(self.authorities)} PO{boxes}" if self.authorities else ""


class Deputy(Base):
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
