"""The table of keys of programs, and what a key lets its holder do."""

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.accounts.links import DIGEST_BYTES
from outreach.audit import PROGRAM
from outreach.db import Base, enum_of
from outreach.labelled import Labelled
from outreach.sight.scopes import Sight, SightKind

LONGEST_NAME, LONGEST_SCOPE = 80, 60


class KeyRole(Labelled):
    """What a key lets a program see: all that readers see, or the members of one federation or network."""

    READER = "reader", "lecture"
    FEDERATION = "federation", "fédération"
    NETWORK = "network", "réseau"


class KeyWriting(Labelled):
    """Whether a key writes, and since when: from its making, or because it did when writing became a right."""

    NO = "no", "lit"
    GIVEN = "given", "lit et écrit"
    KEPT = "kept", "lit et écrit, comme avant la mise à jour"


class KeyState(Labelled):
    """Whether a key still serves."""

    SERVES = "serves", "en service"
    EXPIRED = "expired", "expirée"
    ENDED = "ended", "terminée"


class ApiKey(Base):
    """A key of a program. Its row holds the key's digest: whoever reads the table cannot use it.

    `scope` is the code of the federation or network, None where the key sees everything; only such a key may write.
    `told_at` is when administrators were told of the key by mail. `last_used_at` is exact to the minute. Rows
    stay, so that records of what a program sent keep its name.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("(scope IS NULL) = (role = 'reader')", name="scope"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        CheckConstraint("writing = 'no' OR scope IS NULL", name="writes_all"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES), unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    role: Mapped[KeyRole] = mapped_column(enum_of(KeyRole, "key_role"))
    scope: Mapped[str | None] = mapped_column(String(LONGEST_SCOPE))
    writing: Mapped[KeyWriting] = mapped_column(
        enum_of(KeyWriting, "key_writing"), default=KeyWriting.NO, server_default=text("'no'")
    )
    told_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(255))

    def state(self, now: datetime) -> KeyState:
        """Whether the key serves at a moment."""
        if self.ended_at is not None:
            return KeyState.ENDED
        return KeyState.SERVES if now < self.expires_at else KeyState.EXPIRED

    @property
    def writes(self) -> bool:
        """Whether the key writes."""
        return self.writing is not KeyWriting.NO

    @property
    def sees(self) -> str:
        """What the key lets see, in French."""
        return f"{self.role.label} {self.scope or ''}".strip()

    @property
    def sight(self) -> Sight | None:
        """What the key may see, where it is a federation's or a network's; None where it sees everything."""
        return Sight(SightKind(self.role.value), self.scope) if self.scope is not None else None

    @property
    def actor(self) -> str:
        """How records name the program that has the key."""
        return f"{PROGRAM}{self.id}"
