"""The tables of delivery: mailings, messages, suppressions; workers, relays, clocks, and where they run.

A launch makes one message row per intended recipient and never deletes it: everybody meant to be written to can be
named, with what became of them. Every count is a query over these rows. Each `label` is in French, for the interface.

A `place` is a machine and a data folder.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.adherence.models import Strand
from outreach.core.db import KEY, Base, enum_of
from outreach.core.text import french
from outreach.core.text.labelled import Labelled


class Gate(StrEnum):
    """Whether a mailing's letters may leave: only if OPEN. CLOSED means not launched yet, or closed for ever."""

    OPEN = "open"
    HELD = "held"
    CLOSED = "closed"


class MessageClass(Labelled):
    """The legal class of a message: awareness can be unsubscribed from, a statutory notice cannot."""

    AWARENESS = "awareness", "sensibilisation"
    STATUTORY = "statutory", "communication légale"


class DoubtPolicy(StrEnum):
    """The treatment of a letter in doubt (it may or may not have arrived) that nothing has settled."""

    HOLD = "hold"
    RESEND = "resend"


class Purpose(StrEnum):
    """The purpose of a mailing. Only campaign letters are counted; a test letter goes to the person who asked for it.

    STAFF is what the service writes to its own people, LETTER a letter by hand to an authority that asked for nothing:
    it is awareness, and the calm counts it.
    """

    CAMPAIGN = "campaign"
    TEST = "test"
    CONFIRMATION = "confirmation"
    STAFF = "staff"
    REPLY = "reply"
    LETTER = "letter"


class MessageState(StrEnum):
    """The state of a letter: QUEUED and HANDING are on the way, the others are ends. IN_DOUBT may still be settled."""

    QUEUED = "queued"
    HANDING = "handing"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    IN_DOUBT = "in_doubt"
    WITHDRAWN = "withdrawn"


AWAITED = (MessageState.HANDING, MessageState.IN_DOUBT)  # the dot may have been written, and no answer is known


class Reason(Labelled):
    """Why a letter was withdrawn, at launch or later."""

    LEFT_OUT = "left_out", "exception à cette campagne", "exceptions à cette campagne"
    REPORTED = "reported", "école signalée partie ou fermée", "dont les écoles sont signalées parties ou fermées"
    JOINED = "joined", "déjà adhéré", "ont déjà adhéré"
    NOT_CONCERNED = "not_concerned", "aucune école concernée", "sans école concernée"
    ANSWERED = "answered", "a répondu", "ont répondu"
    WRITTEN = "written", "courriel déjà parti", "courriels déjà partis"
    OUTSIDE = "outside", "sorti du public", "sortis du public"
    NO_ADDRESS = "no_address", "sans adresse"
    BOUNCED = "bounced", "boîte en échec", "boîtes en échec"
    UNREVIEWED = "unreviewed", "adresse à vérifier", "adresses à vérifier"
    SUPPRESSED = "suppressed", "sur la liste d’exclusion"
    DRAWN = "drawn", "tiré au sort ailleurs, attend son départ", "tirés au sort ailleurs, attendent leur départ"
    SOLICITED = "solicited", "déjà sollicité", "déjà sollicités"
    TRIAL = "trial", "hors de la liste de test"
    CANCELLED = "cancelled", "vague annulée", "dont la vague est annulée"

    def counted(self, count: int) -> str:
        """How many are left out for this reason, in French: "1 boîte en échec", "2 boîtes en échec"."""
        return french.plural(count, self.label, self.words or self.label)


class Mailing(Base):
    """Letters that leave together: the frozen letter, and what the commit gate checks (gate, class, stop strand).

    `strand` is the letters' subject. `stop_strand_id` is the same strand, or None when joining does not stop the
    letters.

    `letter` and `headers` are JSON and never change, so that a letter sent again is the same to the byte, until their
    words are emptied at `emptied_at`, as retention says. `filled_at` is when the last recipient's row was written;
    until then the mailing is being launched.
    """

    __tablename__ = "mailings"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(enum_of(Purpose, "purpose"), default=Purpose.CAMPAIGN)
    gate: Mapped[Gate] = mapped_column(enum_of(Gate, "gate"), default=Gate.CLOSED)
    message_class: Mapped[MessageClass] = mapped_column(enum_of(MessageClass, "message_class"))
    doubt_policy: Mapped[DoubtPolicy] = mapped_column(enum_of(DoubtPolicy, "doubt_policy"))
    strand_id: Mapped[int | None] = mapped_column(ForeignKey("strands.id"), index=True)
    stop_strand_id: Mapped[int | None] = mapped_column(ForeignKey("strands.id"), index=True)
    letter: Mapped[str] = mapped_column(Text)
    headers: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    filled_at: Mapped[datetime | None] = mapped_column(index=True)
    emptied_at: Mapped[datetime | None]

    strand: Mapped[Strand | None] = relationship(foreign_keys=[strand_id])


class GateChange(Base):
    """A gate that was opened, held or closed: when, by whom, and why."""

    __tablename__ = "gate_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), index=True)
    gate: Mapped[Gate] = mapped_column(enum_of(Gate, "changed_gate"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")


class Batch(Base):
    """Some hundreds of a mailing's letters; one worker at a time holds them, by a lease that it renews."""

    __tablename__ = "batches"
    __table_args__ = (UniqueConstraint("mailing_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    number: Mapped[int]
    worker_id: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]


def _index_of(state: MessageState, *columns: str) -> Index:
    """A partial index on the letters in one state. Letters in a state without an index cost nothing."""
    condition = text(f"state = '{state.value}'")
    return Index(f"ix_messages_{state.value}", *columns, sqlite_where=condition, postgresql_where=condition)


class Message(Base):
    """One intended recipient of a mailing, and the state of the letter to them.

    The recipient is an authority or a federation: one of `authority_id` and `federation_id` is set. In a mail to the
    service's own people neither is.
    Fixed at launch: `public_id` (16 hexadecimal digits, in the Message-ID and the tokens), `dated_at` (Date),
    `return_path` (envelope sender). `revision` counts the changes to the schools that the letter lists: the commit gate
    denies a letter composed from an older revision. `fence_id` names the commit that allowed its final dot.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("authority_id", "mailing_id", "address_key"),
        Index(
            "uq_messages_federation_id_mailing_id_address_key",
            *("federation_id", "mailing_id", "address_key"),
            unique=True,
            sqlite_where=text("federation_id IS NOT NULL"),
            postgresql_where=text("federation_id IS NOT NULL"),
        ),
        Index("ix_messages_mailing_id_state_reason", "mailing_id", "state", "reason"),
        _index_of(MessageState.QUEUED, "batch_id", "due_at"),
        _index_of(MessageState.HANDING, "worker_id"),
        _index_of(MessageState.IN_DOUBT, "fence_id"),
        _index_of(MessageState.REFUSED, "address_key"),
        CheckConstraint("authority_id IS NULL OR federation_id IS NULL", name="recipient"),
        CheckConstraint("(state = 'withdrawn') = (reason IS NOT NULL)", name="withdrawn"),
        CheckConstraint("state NOT IN ('handing', 'accepted', 'in_doubt') OR fence_id IS NOT NULL", name="fenced"),
    )

    id: Mapped[int] = mapped_column(KEY, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authorities.id"))
    federation_id: Mapped[int | None] = mapped_column(ForeignKey("federations.id"))
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320))
    address_ascii: Mapped[str] = mapped_column(String(320))
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    dated_at: Mapped[datetime]
    return_path: Mapped[str] = mapped_column(String(320))
    state: Mapped[MessageState] = mapped_column(enum_of(MessageState, "message_state"))
    reason: Mapped[Reason | None] = mapped_column(enum_of(Reason, "withdrawal_reason"))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    first_tried_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    fence_id: Mapped[str | None] = mapped_column(String(32))
    worker_id: Mapped[str | None] = mapped_column(String(32))
    fenced_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    resent_at: Mapped[datetime | None]
    reply_code: Mapped[int | None]
    reply_status: Mapped[str] = mapped_column(String(12), default="")
    reply_text: Mapped[str] = mapped_column(Text, default="")


class MessageSubject(Base):
    """A school that a letter lists as open. The commit gate removes it from an unsent letter once it is not open."""

    __tablename__ = "message_subjects"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)


class Composition(Base):
    """A letter's content, stored by its commit gate: `content` is JSON that is enough to make the same bytes."""

    __tablename__ = "compositions"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    revision: Mapped[int]
    content: Mapped[str] = mapped_column(Text)


class SuppressionReason(Labelled):
    """Why an address is on the suppression list."""

    UNSUBSCRIBED = "unsubscribed", "désinscription"
    HARD_BOUNCE = "hard_bounce", "rejet définitif"
    COMPLAINT = "complaint", "plainte"
    STAFF = "staff", "décision du service"


class SuppressionScope(Labelled):
    """Which messages a suppression stops."""

    AWARENESS = "awareness", "la sensibilisation"
    ALL = "all", "tous les courriels"


class Suppression(Base):
    """An address on the suppression list, from `created_at` to `lifted_at`. Lifting keeps the row."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_in_force",
            "address_key",
            "reason",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address_key: Mapped[str] = mapped_column(String(320), index=True)
    reason: Mapped[SuppressionReason] = mapped_column(enum_of(SuppressionReason, "suppression_reason"))
    scope: Mapped[SuppressionScope] = mapped_column(enum_of(SuppressionScope, "suppression_scope"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    detail: Mapped[str] = mapped_column(Text, default="")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(255))
    lifted_because: Mapped[str | None] = mapped_column(Text)


def is_in(state: MessageState) -> ColumnElement[bool]:
    """True for a letter in this state, in a form that its partial index serves.

    The state is a literal, as SQLite uses a partial index only for a literal, not for a parameter.
    """
    return Message.state == literal_column(f"'{state.value}'", Message.state.type)


def is_still(*states: MessageState) -> ColumnElement[bool]:
    """True for a letter in one of these states, for statements that select some dozens of letters by key.

    Written as `state != …` so that PostgreSQL uses the primary key. It would otherwise use the partial index on the
    state and read every letter in that state.
    """
    return and_(*(Message.state != other for other in MessageState if other not in states))


class Worker(Base):
    """A process that sends. `seen_at` is its last sign of life.

    By that sign, the relay `waits_for` owed it long overdue answers, on `waits_on` connections, since `waits_since`.
    """

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    stopped_at: Mapped[datetime | None]
    waits_for: Mapped[str] = mapped_column(String(255), default="")
    waits_on: Mapped[int] = mapped_column(default=0)
    waits_since: Mapped[datetime | None]


class RelayState(Base):
    """The health of a relay as one installation finds it, at `place` (machine, data folder).

    It rests after failures. An alarm (credentials, encryption) waits for a person.
    """

    __tablename__ = "relay_states"

    place: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(Text, default="")


class ClockPass(Base):
    """The last pass of an installation's clock, and what kept letters from leaving there, or ''.

    An installation is named by its `place` (machine, data folder): the copy of a data folder keeps its identity.
    """

    __tablename__ = "clock_passes"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(Text, unique=True)
    at: Mapped[datetime]
    hindrance: Mapped[str] = mapped_column(Text, default="")


class Installation(Base):
    """An installation that may send from this database: its identity, where it runs, who confirmed it.

    `passed_at` is its clock's last unhindered pass; its data folder stores the same time.
    """

    __tablename__ = "installations"

    identity: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(String(255))
    passed_at: Mapped[datetime | None]
