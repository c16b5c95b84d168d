"""Endpoints that events are pushed to: named by administrators, judged by their address, resumed and ended."""

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, CheckConstraint, String, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, take_lock
from outreach.core.tables import DATA, Column, InMemoryListing, Kind
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import line_of_words

LONGEST_NAME, LONGEST_URL, LONGEST_SAID = 80, 500, 200
PATIENCE = timedelta(days=3)


class PushState(Labelled):
    """How a target stands."""

    FOLLOWS = "follows", "suit"
    FAILS = "fails", "ne répond pas"
    GIVEN_UP = "given_up", "abandonné"
    ENDED = "ended", "terminé"


class WebhookEndpoint(Base):
    """A program that is pushed events: `after` is the number of the last one that it took.

    `failures` in a row since `failing_since`; `next_at` is when it is tried again. After three days it is given up,
    until somebody resumes it. `told_at` is when administrators were told by mail of it.
    """

    __tablename__ = "push_targets"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    after: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    told_at: Mapped[datetime | None]
    failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime]
    said: Mapped[str] = mapped_column(String(LONGEST_SAID))
    delivered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(255))

    def state(self, now: datetime) -> PushState:
        """How it stands at a moment."""
        if self.ended_at is not None:
            return PushState.ENDED
        if self.failing_since is None:
            return PushState.FOLLOWS
        return PushState.FAILS if now < self.failing_since + PATIENCE else PushState.GIVEN_UP

    @property
    def host(self) -> str:
        """The machine of its address; the rest may be a secret of its own, and stands in no record."""
        return urlsplit(self.url).hostname or ""

    @property
    def subject(self) -> str:
        """How the audit names it."""
        return f"push_target:{self.id}"


UNFIT = (
    "Donnez une adresse « https:// » entière, d’une machine publique, sans nom d’utilisateur, "
    f"de {LONGEST_URL} signes au plus."
)
UNICAST = ipaddress.IPv6Network("2000::/3")
INSIDE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


def check_address(url: str) -> str:
    """An address to push to, as it was given. Raises InputError on what is no https address of a public machine.

    What its name leads to is judged again at each push.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise InputError(UNFIT) from None
    is_fit = text.isascii() and text.isprintable() and " " not in text and len(text) <= LONGEST_URL
    if not is_fit or parts.scheme != "https" or not host or parts.username is not None or port == 0:
        raise InputError(UNFIT)
    if "." not in host or host.endswith(INSIDE) or (is_address(host) and not is_public(host)):
        raise InputError(UNFIT)
    return text


def is_address(host: str) -> bool:
    """Whether a host is written as an IP address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network: no loopback, private, link-local or reserved one.

    An IPv4 address within an IPv6 one is judged as itself. Any other IPv6 address is public within 2000::/3 alone (RFC
    4291, §2.4): elsewhere are forms that nobody uses any more, and that a machine may still lead to itself.
    """
    found = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            found = inner
        elif found in ipaddress.IPv6Network("64:ff9b::/96"):  # RFC 6052: it leads to an IPv4 address
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        elif found not in UNICAST:
            return False
    return found.is_global and not found.is_multicast


def make_endpoint(session: Session, *, name: str, url: str, now: datetime, actor: str) -> WebhookEndpoint:
    """Push events to a program from now on. Raises InputError on a name or an address that will not do."""
    named = line_of_words(name)
    if not 0 < len(named) <= LONGEST_NAME:
        raise InputError(f"Nommez le logiciel, en {LONGEST_NAME} caractères au plus.")
    made = WebhookEndpoint(
        name=named, url=check_address(url), after=audit.last_event(session), made_at=now, made_by=actor
    )
    made.failures, made.next_at, made.said = 0, now, ""
    session.add(made)
    session.flush()
    audit.record_entry(session, now, actor, f"Évènements poussés à « {named} » ({made.host}).", made.subject)
    return made


def get_endpoint(session: Session, number: int) -> WebhookEndpoint:
    """The target with this number. Raises NotFound."""
    found = session.get(WebhookEndpoint, number)
    if found is None:
        raise NotFound("Cette adresse n’existe pas.")
    return found


def end_endpoint(session: Session, number: int, *, now: datetime, actor: str) -> WebhookEndpoint:
    """Push nothing more to a target. Raises Refused where that is so already."""
    found = _held(session, number)
    found.ended_at, found.ended_by = now, actor
    session.flush()
    audit.record_entry(session, now, actor, f"Plus aucun évènement n’est poussé à « {found.name} ».", found.subject)
    return found


def resume_endpoint(session: Session, number: int, *, now: datetime, actor: str) -> WebhookEndpoint:
    """Try a target again at once, from where it stopped: it has three days again. Raises Refused where it follows."""
    found = _held(session, number)
    if found.failing_since is None:
        raise Refused("Ce logiciel suit : il n’y a rien à reprendre.")
    found.failures, found.failing_since, found.next_at = 0, None, now
    session.flush()
    audit.record_entry(session, now, actor, f"Évènements poussés de nouveau à « {found.name} ».", found.subject)
    return found


def given_up(session: Session, *, now: datetime) -> Sequence[WebhookEndpoint]:
    """The targets that were given up, and that nobody has ended."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.ended_at.is_(None), WebhookEndpoint.failing_since.is_not(None)
    )
    return [one for one in session.scalars(query) if one.state(now) is PushState.GIVEN_UP]


def columns(now: datetime) -> Sequence[Column[WebhookEndpoint]]:
    """The columns of the list, as of a moment."""
    return (
        Column("number", "Numéro", lambda one: one.id, Kind.NUMBER, on=DATA),
        Column("name", "Logiciel", lambda one: one.name, sort=True),
        Column("url", "Adresse", lambda one: one.url, on=DATA),
        Column("state", "État", lambda one: one.state(now), sort=True),
        Column("after", "Dernier évènement pris", lambda one: one.after, Kind.NUMBER, sort=True),
        Column("delivered_at", "Dernier envoi", lambda one: one.delivered_at, Kind.MOMENT, sort=True),
        Column("next_at", "Prochain essai", lambda one: one.next_at if one.failures else None, Kind.MOMENT, on=DATA),
        Column("said", "Ce qui a été répondu", lambda one: one.said, on=DATA),
        Column("made_by", "Par", lambda one: one.made_by, Kind.PERSON, sort=True),
    )


def list_endpoints(
    session: Session, names: Mapping[str, str], *, now: datetime, text: str = "", sort: str = ""
) -> InMemoryListing[WebhookEndpoint]:
    """Every target, those that end last. `names` are those of persons."""
    rows = session.scalars(
        select(WebhookEndpoint).order_by(WebhookEndpoint.ended_at.is_not(None), WebhookEndpoint.id)
    ).all()
    return InMemoryListing(title="Logiciels suivis", columns=columns(now), rows=rows, names=names, text=text, sort=sort)


def _held(session: Session, number: int) -> WebhookEndpoint:
    take_lock(session, "push-targets", number)
    found = get_endpoint(session, number)
    session.refresh(found)
    if found.ended_at is not None:
        raise Refused("Plus rien n’y est poussé.")
    return found
