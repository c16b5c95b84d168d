"""Accounts of staff: who may sign in, what each may do, and that one person has one.

`User` conforms to what flask-login asks of a person (`is_authenticated`, `is_active`, `is_anonymous`, `get_id`).
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ColumnElement, ForeignKey, String, Table, and_, select, text, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from outreach.access.accounts import second_factors
from outreach.access.accounts._password_links import read_link, use
from outreach.access.accounts._sessions import StaffSession, end_sessions, is_going_on, is_key
from outreach.access.scopes import AccessScope, ScopeKind
from outreach.core import audit
from outreach.core.audit import MAILBOX, PROGRAM, SENDER
from outreach.core.db import Base, Session, take_lock
from outreach.core.erasure import ErasedAddresses
from outreach.core.settings import FactorPolicy
from outreach.core.text.addresses import judge, key_of
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import SCOPED, RoleName
from outreach.core.text.typed import cleaned, line_of_words, without_accents

LONGEST_NAME = 200
ACT_BY_THEMSELVES = {"facteur": "automatique", "planificateur": "automatique"}  # as records of old name them


role_holders = Table(
    "role_holders",
    Base.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True),
)


class Role(Base):
    """A role: a row with a name."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)


class User(Base):
    """A member of staff. Changing `fs_uniquifier` ends every session of the person, as deleting their rows does.

    `password` is '' while the person has none. `accepted_at` is when the person first had a way in of their own: None
    while an invitation waits. An account that is not `active` is closed. Rows stay, with their last sign-in.
    `scope_code` is that of the federation or network which the account is of, '' for staff.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    accepted_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    scope_code: Mapped[str] = mapped_column(String(60), default="", server_default=text("''"))
    roles: Mapped[list[Role]] = relationship(secondary=role_holders, lazy="selectin")
    is_authenticated, is_anonymous = True, False

    def holds(self, *names: RoleName) -> bool:
        """Whether the person holds any of these roles. Every role of staff may read; one that is scoped holds none."""
        held = {role.name for role in self.roles} - SCOPED
        return bool(held) if RoleName.READER in names else bool(held & set(names))

    @property
    def role_names(self) -> set[str]:
        """The names of the roles that the person holds."""
        return {role.name for role in self.roles}

    @property
    def access_scope(self) -> AccessScope | None:
        """What the account may see, if it is a federation's or a network's; None for staff, who see everything."""
        kind = next((kind for kind in ScopeKind if kind.value in self.role_names), None)
        return AccessScope(kind, self.scope_code) if kind else None

    @property
    def is_active(self) -> bool:
        """Whether the account is open."""
        return self.active

    def get_id(self) -> str:
        """What the cookie says of the person: a sign that changes with the password, and no number."""
        return self.fs_uniquifier

    def has_password(self, password: str) -> bool:
        """Whether this is the password; none is when there is none."""
        from outreach.access.accounts import passwords  # noqa: PLC0415 - who sends mail loads no argon2

        return passwords.is_right(password, self.password)


def is_in_use() -> ColumnElement[bool]:
    """True of an account whose person can sign in: it is open, and its invitation was accepted."""
    return and_(User.active, User.accepted_at.is_not(None))


def ensure_roles(session: Session) -> None:
    """Insert the missing rows of roles."""
    present = set(session.scalars(select(Role.name)))
    session.add_all(Role(name=name) for name in RoleName if name not in present)


def add_user(
    session: Session,
    now: datetime,
    actor: str,
    *,
    email: str,
    name: str,
    roles: Sequence[RoleName],
    password_hash: str,
    must_change_password: bool = False,
    examples: bool = True,
    scope: str = "",
) -> User:
    """Add a member of staff; the audit says who did it.

    `must_change_password` is for a password that somebody else knows: every page leads to the one that changes it.
    Without a password ('') the person is invited, and has yet to accept. `scope` is the code of the federation or
    network whose account it is.

    Raises InputError when the address is not one, is taken or was erased, or no role is given.
    """
    take_lock(session, "accounts")
    address = judge(email, examples=examples).key
    name = line_of_words(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"Indiquez un nom de {LONGEST_NAME} caractères au plus.")
    refuse_mixed(roles, scope)
    refuse_existing(session, address)
    ErasedAddresses.of(session).refuse(address, "Indiquez-en une autre.")
    user = User(
        email=address,
        name=name.strip(),
        password=password_hash,
        fs_uniquifier=secrets.token_hex(32),
        created_at=now,
        accepted_at=now if password_hash else None,
        must_change_password=must_change_password,
        scope_code=scope,
        roles=rows_of(session, roles),
    )
    session.add(user)
    labels = ", ".join(f"{role.label} {scope}".strip() for role in roles)
    audit.record_entry(session, now, actor, f"Compte créé pour {address} ({labels}).", f"user:{address}")
    return user


def refuse_mixed(roles: Sequence[RoleName], scope: str) -> None:
    """Raises InputError without a role, where one that is scoped does not stand alone, or a code stands without it."""
    if not roles:
        raise InputError("Indiquez au moins un rôle.")
    scoped = SCOPED & set(roles)
    if scoped and len(roles) > 1:
        raise InputError("Le rôle d’une fédération ou d’un réseau va seul : invitez la personne sans autre rôle.")
    if scoped and not scope:
        raise InputError("Indiquez le code de la fédération ou du réseau dont la personne voit les membres.")
    if scope and not scoped:
        raise InputError("Un code de fédération ou de réseau ne va qu’avec l’un de ces deux rôles.")


def refuse_existing(session: Session, address: str) -> None:
    """Raises InputError when an account, closed or not, has this address."""
    is_open = session.scalar(select(User.active).where(User.email == address))
    if is_open is not None:
        closed = "" if is_open else " Il est fermé : rouvrez-le."
        raise InputError(f"Un compte existe déjà pour {address}.{closed}")


def rows_of(session: Session, roles: Sequence[RoleName]) -> list[Role]:
    """The rows of these roles, in the order of the roles."""
    return sorted(
        session.scalars(select(Role).where(Role.name.in_(roles))),
        key=lambda role: list(RoleName).index(RoleName(role.name)),
    )


class Colleagues(dict[str, str]):
    """Names of members of staff by their address. Who has no account keeps the word that stands in the records.

    A mailbox is named by its number, except where a page knows its address. A program is named by the number
    of its key.
    """

    def __missing__(self, actor: str) -> str:
        if actor.startswith(MAILBOX):
            return f"boîte n° {actor.removeprefix(MAILBOX)}"
        if actor.startswith(PROGRAM):
            return f"programme, clé n° {actor.removeprefix(PROGRAM)}"
        if actor.startswith(SENDER):
            return f"service n° {actor.removeprefix(SENDER)}, qui envoie des adhésions"
        return ACT_BY_THEMSELVES.get(actor, actor)


def colleagues(session: Session) -> Colleagues:
    """The name of everybody who has or had an account, for pages that say who did what."""
    return Colleagues(session.execute(select(User.email, User.name)).all())


def everybody(session: Session) -> Sequence[User]:
    """Every account, closed ones last, by name."""
    return session.scalars(select(User).order_by(User.active.desc(), User.name, User.id)).all()


def holders_of(session: Session, role: RoleName) -> Sequence[User]:
    """The members of staff who hold a role and can sign in, by name."""
    holds = User.roles.any(Role.name == role)
    return session.scalars(select(User).where(is_in_use(), holds).order_by(User.name, User.id)).all()


def user_named(session: Session, email: str) -> User:
    """The member of staff with this address, who can sign in. Raises NotFound."""
    query = select(User).where(User.email == key_of(email.strip()), is_in_use())
    user = session.scalar(query) if "\0" not in email else None  # which PostgreSQL takes in no text
    if user is None:
        raise NotFound(f"Aucun compte actif pour {cleaned(email)[:LONGEST_NAME]}.")
    return user


def account_of(session: Session, email: str) -> User:
    """The account with this address, closed or not. Raises NotFound."""
    user = session.scalar(select(User).where(User.email == key_of(email.strip())))
    if user is None:
        raise NotFound(f"Aucun compte pour {email}.")
    return user


def account_at(session: Session, address: str) -> User | None:
    """The account with this address, as `judge` writes addresses to compare; closed or not, or None."""
    return session.scalar(select(User).where(User.email == address))


def account_numbered(session: Session, number: int) -> User:
    """The account with this number, closed or not. Raises NotFound."""
    user = session.get(User, number)
    if user is None:
        raise NotFound(f"Aucun compte ne porte le numéro {number}.")
    return user


def note_sign_in(session: Session, user_id: int, *, now: datetime) -> None:
    """Keep when a person last signed in."""
    session.execute(update(User).where(User.id == user_id).values(last_sign_in_at=now))


def user_of_session(
    session: Session, uniquifier: str, key: str, *, policy: FactorPolicy = FactorPolicy.OPTIONAL, now: datetime
) -> User | None:
    """The person whose session has this key, or None: it was ended, is too old, or the account is closed.

    A session that began without a second factor is none, either, once the person has one or the roles require it.
    """
    is_theirs = is_key(key), is_going_on(now), User.fs_uniquifier == uniquifier, User.active
    lacks = ~StaffSession.has_factor
    query = select(User, lacks, and_(lacks, second_factors.stands_for(User.id)))
    query = query.join(StaffSession, StaffSession.user_id == User.id).where(*is_theirs)
    # One statement for each request, roles included.
    found = session.execute(query.options(joinedload(User.roles))).unique().one_or_none()
    if found is None:
        return None
    user, lacks_factor, has_one = found
    is_missing = has_one or (lacks_factor and second_factors.is_required(policy, user.role_names))
    return None if is_missing and policy is not FactorPolicy.OFF else user


def change_password(session: Session, user_id: int, digest: str, *, now: datetime) -> str:
    """Give a person another password, and end every session of the person; the audit says so.

    Also those that begin at the same moment by the old one: the sign of the person's sessions changes, and is returned.
    """
    user = session.get_one(User, user_id)
    user.password, user.must_change_password = digest, False
    user.fs_uniquifier = secrets.token_hex(32)
    end_sessions(session, user_id)
    audit.record_entry(session, now, user.email, "Mot de passe changé.", f"user:{user.email}")
    return user.fs_uniquifier


def choose_password(session: Session, token: str, digest: str, *, now: datetime) -> User:
    """Give the person whose link this is a password, and accept the invitation; every session ends.

    The link is used up, and the person's other ones end. The audit says so. Raises DeadLink.
    """
    take_lock(session, "accounts")
    link = read_link(session, token, now=now)
    user = session.get_one(User, link.user_id)
    user.password, user.must_change_password = digest, False
    user.accepted_at = user.accepted_at or now
    user.fs_uniquifier = secrets.token_hex(32)  # also of those that begin at this moment by the old one
    use(session, link, now=now)
    end_sessions(session, user.id)
    said = f"Mot de passe choisi par un lien ({link.kind.label})."
    audit.record_entry(session, now, user.email, said, f"user:{user.email}")
    return user


def account_exists(session: Session, email: str) -> bool:
    """Whether an account has this address, in any case."""
    return session.scalar(select(User.id).where(User.email == key_of(email))) is not None


def is_active(session: Session, email: str) -> bool:
    """Whether an account in use has this address, in any case; “ß” is not “ss”, as a letter may go there."""
    return session.scalar(select(User.id).where(User.email == email.lower(), is_in_use())) is not None


def has_accounts(session: Session) -> bool:
    """Whether the installation has an account at all."""
    return session.scalar(select(User.id).limit(1)) is not None


def require_role(user: User, *roles: RoleName) -> None:
    """Raises Refused when the person holds none of these roles."""
    if not user.holds(*roles):
        named = " ou ".join(f"« {role.label} »" for role in roles)
        raise Refused(f"{user.name} n’a pas le rôle {named}, nécessaire ici.")


WORD = re.compile(r"\w+")


def refuse_second_account(session: Session, added: User) -> None:
    """Raise InputError when another account leads to the new one's mailbox, or an active one has the same name.

    An address with a `+detail` leads to the mailbox without it. Names are the same whatever the order of their words,
    their accents, capitals and hyphens.
    """
    others = select(User.email, User.name, User.active).where(User.id != added.id).order_by(User.id)
    for email, name, is_active in session.execute(others):
        if _mailbox(email) == _mailbox(added.email):
            raise InputError(
                f"{added.email} mène à la même boîte que le compte {email} : une personne n’a qu’un compte."
            )
        if is_active and _words(name) == _words(added.name):
            raise InputError(
                f"Le compte {email} porte déjà ce nom : une personne n’a qu’un compte. "
                "Si c’est quelqu’un d’autre, ajoutez à son nom ce qui l’en distingue."
            )


def _mailbox(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _words(name: str) -> list[str]:
    return sorted(WORD.findall(without_accents(name).casefold()))
