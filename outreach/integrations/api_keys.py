"""Keys of programs: made, ended, found by what a program shows, listed; and what each lets its holder do."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, LargeBinary, String, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access.accounts import DIGEST_BYTES, link_digest
from outreach.access.scopes import AccessScope, ScopeKind
from outreach.core import audit
from outreach.core.audit import PROGRAM
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.tables import DATA, Column, InMemoryListing, Kind
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import line_of_words
from outreach.directory.reference import known_code

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
    def access_scope(self) -> AccessScope | None:
        """What the key may see, where it is a federation's or a network's; None where it sees everything."""
        return AccessScope(ScopeKind(self.role.value), self.scope) if self.scope is not None else None

    @property
    def actor(self) -> str:
        """How records name the program that has the key."""
        return f"{PROGRAM}{self.id}"


PREFIX = "outreach_"  # by which programs that look for forgotten secrets recognise one
LONGEST_KEY = 100
MOST_DAYS = 365
ONCE = timedelta(minutes=1)
ONLY_ALL = (
    "Une clé de fédération ou de réseau n’écrit pas : retirez le droit d’écrire, ou faites une clé qui lit tout ce que "
    "lit le rôle « lecture »."
)


def make(
    session: Session, *, name: str, role: str, days: int, writes: bool = False, now: datetime, actor: str
) -> tuple[ApiKey, str]:
    """Make a key for a program, good for so many days; returns its row, and the key itself, which nobody reads again.

    `role` is "reader", "federation:CODE" or "network:CODE"; a key that `writes` is a reader's. Pages have its maker
    proved once more, and so has the command line for a key that writes. Raises InputError on a name that is empty, too
    long or unfit, on an unknown role or code, on a key of a federation or a network that writes, and on a period that
    is not 1 to 365 days; Refused on a name that another key in service has.
    """
    named = _name(name)
    if not 1 <= days <= MOST_DAYS:
        raise InputError(f"Une clé vaut de 1 à {MOST_DAYS} jours : indiquez ce nombre de jours.")
    kind, code = role_of(role)
    if writes and code:
        raise InputError(ONLY_ALL)
    scope = known_code(session, [RoleName(kind)], code) or None  # the key of an unknown one would see nothing
    take_lock(session, "api_keys")
    same = select(ApiKey.id).where(ApiKey.name == named, ApiKey.ended_at.is_(None), ApiKey.expires_at > now)
    if session.scalar(same.limit(1)) is not None:
        raise Refused(f"Une clé en service s’appelle déjà « {named} » : donnez un autre nom, ou terminez-la d’abord.")
    secret = PREFIX + secrets.token_urlsafe(32)
    made = ApiKey(digest=link_digest(secret), name=named, role=kind, scope=scope, made_at=now, made_by=actor)
    made.writing = KeyWriting.GIVEN if writes else KeyWriting.NO
    made.expires_at = now + timedelta(days=days)
    session.add(made)
    session.flush()
    until = french.spelt_day(made.expires_at)
    sees = f"{made.sees}, avec le droit d’écrire" if writes else made.sees
    said = f"Clé {made.id} de logiciel faite pour « {named} » : {sees}, jusqu’au {until}."
    audit.record_entry(session, now, actor, said, made.actor)
    return made, secret


def end(session: Session, number: int, *, now: datetime, actor: str) -> ApiKey:
    """End a key, at once. Raises NotFound, or Refused when it has ended or expired."""
    take_lock(session, "api_keys")
    found = numbered(session, number)
    if (state := found.state(now)) is not KeyState.SERVES:
        raise Refused(f"Cette clé est déjà {state.label}.")
    found.ended_at, found.ended_by = now, actor
    audit.record_entry(session, now, actor, f"Clé {found.id} de logiciel terminée (« {found.name} »).", found.actor)
    return found


def numbered(session: Session, number: int) -> ApiKey:
    """The key with this number. Raises NotFound."""
    found = session.get(ApiKey, number)
    if found is None:
        raise NotFound("Cette clé n’existe pas.")
    return found


def shown(session: Session, secret: str, *, now: datetime) -> ApiKey | None:
    """The key that a program shows, where it serves; None for any other text. One statement."""
    if not secret or len(secret) > LONGEST_KEY:
        return None
    found = session.scalar(select(ApiKey).where(ApiKey.digest == link_digest(secret)))
    return found if found is not None and found.state(now) is KeyState.SERVES else None


def is_use_due(key: ApiKey, *, now: datetime) -> bool:
    """Whether a use of a key at a moment is to be noted: its last one is a minute old, or there is none."""
    return key.last_used_at is None or key.last_used_at <= now - ONCE


def note_use(session: Session, number: int, *, now: datetime) -> None:
    """Note that a key was used, unless another process did within the minute."""
    is_due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - ONCE)
    session.execute(update(ApiKey).where(ApiKey.id == number, is_due).values(last_used_at=now))


def role_of(written: str) -> tuple[KeyRole, str]:
    """The role that a text names, and what it says is the code of its federation or network. Raises InputError."""
    word, _, code = written.partition(":")
    if word not in set(KeyRole) or (word == KeyRole.READER) == bool(code):
        raise InputError("Indiquez un rôle : reader, federation:CODE ou network:CODE.")
    return KeyRole(word), code


def _name(text: str) -> str:
    name = line_of_words(text)
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"Nommez le logiciel qui aura la clé, en {LONGEST_NAME} caractères au plus.")
    return name


def columns(now: datetime) -> Sequence[Column[ApiKey]]:
    """The columns of the list, as of a moment."""
    return (
        Column("number", "Clé", lambda key: key.id, Kind.NUMBER, on=DATA),
        Column("name", "Logiciel", lambda key: key.name, sort=True),
        Column("state", "État", lambda key: key.state(now), sort=True),
        Column("sees", "Ce qu’elle voit", lambda key: key.sees, sort=True),
        Column("writing", "Droits", lambda key: key.writing, sort=True),
        Column("scope", "Limitée à", lambda key: key.scope, on=DATA),
        Column("made_at", "Faite le", lambda key: key.made_at, Kind.MOMENT, sort=True),
        Column("made_by", "Par", lambda key: key.made_by, Kind.PERSON, sort=True),
        Column("expires_at", "Expire le", lambda key: key.expires_at, Kind.MOMENT, sort=True),
        Column("last_used_at", "Dernier usage", lambda key: key.last_used_at, Kind.MOMENT, sort=True),
        Column("ended_at", "Terminée le", lambda key: key.ended_at, Kind.MOMENT, on=DATA),
        Column("ended_by", "Terminée par", lambda key: key.ended_by, Kind.PERSON, on=DATA),
    )


def listed(
    session: Session, names: Mapping[str, str], *, now: datetime, text: str = "", sort: str = ""
) -> InMemoryListing[ApiKey]:
    """Every key, those that serve first, then the newest. `names` are those of persons."""
    order = list(KeyState)
    rows = sorted(session.scalars(select(ApiKey)), key=lambda key: (order.index(key.state(now)), -key.id))
    return InMemoryListing(
        title="Clés de programmes", columns=columns(now), rows=rows, names=names, text=text, sort=sort
    )
