"""Makes keys of programs, ends them, finds the key that a program shows, and notes its use once a minute."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from outreach import audit, french
from outreach.accounts.links import digest
from outreach.api_keys.models import LONGEST_NAME, ApiKey, KeyRole, KeyState, KeyWriting
from outreach.db import Session, take_turns
from outreach.directory.scoping import known_code
from outreach.errors import InputError, NotFound, Refused
from outreach.roles import RoleName
from outreach.text import line_of_words

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
    take_turns(session, "api_keys")
    same = select(ApiKey.id).where(ApiKey.name == named, ApiKey.ended_at.is_(None), ApiKey.expires_at > now)
    if session.scalar(same.limit(1)) is not None:
        raise Refused(f"Une clé en service s’appelle déjà « {named} » : donnez un autre nom, ou terminez-la d’abord.")
    secret = PREFIX + secrets.token_urlsafe(32)
    made = ApiKey(digest=digest(secret), name=named, role=kind, scope=scope, made_at=now, made_by=actor)
    made.writing = KeyWriting.GIVEN if writes else KeyWriting.NO
    made.expires_at = now + timedelta(days=days)
    session.add(made)
    session.flush()
    until = french.spelt_day(made.expires_at)
    sees = f"{made.sees}, avec le droit d’écrire" if writes else made.sees
    said = f"Clé {made.id} de programme faite pour « {named} » : {sees}, jusqu’au {until}."
    audit.record(session, now, actor, said, made.actor)
    return made, secret


def end(session: Session, number: int, *, now: datetime, actor: str) -> ApiKey:
    """End a key, at once. Raises NotFound, or Refused when it has ended or expired."""
    take_turns(session, "api_keys")
    found = numbered(session, number)
    if (state := found.state(now)) is not KeyState.SERVES:
        raise Refused(f"Cette clé est déjà {state.label}.")
    found.ended_at, found.ended_by = now, actor
    audit.record(session, now, actor, f"Clé {found.id} de programme terminée (« {found.name} »).", found.actor)
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
    found = session.scalar(select(ApiKey).where(ApiKey.digest == digest(secret)))
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
        raise InputError(f"Nommez le programme qui aura la clé, en {LONGEST_NAME} caractères au plus.")
    return name
