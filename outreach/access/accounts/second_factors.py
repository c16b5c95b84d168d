"""Second factors: one-time codes (TOTP, RFC 6238) and recovery codes, who has them, and what proves one.

pyotp makes the codes. A secret is encrypted for one account: copied to another's row, it opens nothing.

A secret stays encrypted, a recovery code is kept as its digest. Both go when the factor is reset or removed. A code
opens once, whichever process it comes to: taking it is one conditional change of its row.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pyotp import TOTP
from pyotp.utils import strings_equal
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from outreach.access.accounts._sessions import end_sessions
from outreach.core import audit
from outreach.core.db import Base, Session, take_lock
from outreach.core.settings import FactorPolicy
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.french import plural
from outreach.core.text.roles import SCOPED, RoleName

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SECRET_BYTES = 20  # as authenticator applications expect (RFC 4226 §4)
PERIOD = 30  # seconds
DRIFT = 1  # periods that a telephone's clock may be wrong, either way
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another
GROUPS, GROUP = 4, 4  # 79 bits: nobody finds a code from its digest by trying
ONE_TIME = re.compile(r"\d{6}", re.ASCII)
BETWEEN = re.compile(r"[\s\-\u2010-\u2015]+")


class CodeUsed(Exception):
    """The code is right, and was taken before."""


def factor_cipher(keys: Sequence[str]) -> "MultiFernet":
    """What encrypts with the first of these keys and reads what any of them encrypted."""
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - who sends mail loads no cryptography

    digests = (hmac.digest(key.encode(), b"second factors", hashlib.sha256) for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def new_secret(keys: "MultiFernet", user_id: int) -> str:
    """A new secret for this account, encrypted."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return keys.encrypt(f"{user_id}:{secret}".encode()).decode()


def open_secret(keys: "MultiFernet", user_id: int, sealed: str) -> str | None:
    """The secret in base 32, or None: it is another account's, or was encrypted with a key that is gone."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - idem

    try:
        owner, _, secret = keys.decrypt(sealed).decode().partition(":")
    except InvalidToken:
        return None
    return secret if owner == str(user_id) else None


def provisioning_address(secret: str, email: str, host: str) -> str:
    """The address that an authenticator application reads from the picture; it shows the host and the account."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=f"Sensibilisation ({host.replace(':', '.')})")


def grouped_key(text: str) -> str:
    """A key in groups of four, as one reads it aloud."""
    return " ".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def without_gaps(typed: str) -> str:
    """A code as typed, without the spaces and dashes that people put between its groups."""
    return BETWEEN.sub("", typed).lower()


def matching(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """The number of the half-minute that a code is of, or None when it is wrong or too old.

    `after` is that of the last code that was taken, or -1. Raises CodeUsed for that one. `now` is the true time: a
    telephone knows no other.
    """
    codes, current = TOTP(secret, interval=PERIOD), int(now.timestamp()) // PERIOD
    for counter in range(max(after, current - DRIFT), current + DRIFT + 1):
        if strings_equal(codes.generate_otp(counter), code):
            if counter == after:
                raise CodeUsed
            return counter
    return None


def recovery_codes() -> list[str]:
    """New recovery codes, in groups."""
    return [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def digest_of(user_id: int, code: str) -> bytes:
    """What is kept of a recovery code; `code` as typed."""
    return hashlib.sha256(f"{user_id}:{without_gaps(code)}".encode("utf-8", "surrogatepass")).digest()


THEIRS = SCOPED | {RoleName.APPROVER, RoleName.ADMINISTRATOR}  # the roles that require it
DIGEST_BYTES = 32
LONGEST_SEALED = 255
WRONG = "Ce code ne convient pas. Tapez celui que l’application montre en ce moment."
USED = "Ce code a déjà servi. Attendez que l’application montre le suivant, une demi-minute au plus."
RECOVERY_WRONG = "Ce code ne convient pas : six chiffres de l’application, ou un code de secours en entier."
RECOVERY_USED = "Ce code de secours a déjà servi. Prenez-en un autre."
UNREADABLE = (
    "Le service ne peut plus lire votre second facteur. Prenez un code de secours, ou demandez à l’administration "
    "de le réinitialiser."
)
SET_UP_MEANWHILE = "Un second facteur est déjà en place pour ce compte. Reconnectez-vous, et donnez son code."


class SecondFactor(Base):
    """An account's second factor: its encrypted secret, and the number of the last code that was taken."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(LONGEST_SEALED))
    set_up_at: Mapped[datetime]
    counter: Mapped[int]


class RecoveryCode(Base):
    """A code that stands for the second factor once. A new set replaces the old one."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES))
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class FactorProof:
    """What was typed and is right: the number of a one-time code, or the digest of a recovery code."""

    counter: int = 0
    recovery: bytes = b""


@dataclass(frozen=True, slots=True)
class FactorState:
    """What an account's page says of its second factor: since when it stands, and how many recovery codes are left."""

    set_up_at: datetime
    left: int


def is_required(policy: FactorPolicy, roles: Collection[str]) -> bool:
    """Whether whoever holds these roles may not be without a second factor."""
    return policy is FactorPolicy.REQUIRED and not THEIRS.isdisjoint(roles)


def stands_for(user_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The condition that an account has a second factor."""
    return exists(select(SecondFactor.user_id).where(SecondFactor.user_id == user_id))


def factor_state(session: Session, user_id: int) -> FactorState | None:
    """What there is to say of an account's second factor, or None without one."""
    factor = session.get(SecondFactor, user_id)
    return FactorState(factor.set_up_at, recovery_codes_left(session, user_id)) if factor else None


def recovery_codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes of an account have not served."""
    unused = RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def judge_code(session: Session, user_id: int, typed: str, keys: "MultiFernet", *, now: datetime) -> FactorProof:
    """What a code proves. It reads only: `spend_code` takes it. Raises InputError with the reason when it proves
    nothing.

    `now` is the true time, and so it is in `set_up`.
    """
    code = without_gaps(typed)
    if not ONE_TIME.fullmatch(code):
        digest = digest_of(user_id, code)
        mine = RecoveryCode.user_id == user_id, RecoveryCode.digest == digest
        known = session.execute(select(RecoveryCode.used_at).where(*mine)).one_or_none()
        if known is None or known.used_at:
            raise InputError(RECOVERY_USED if known else RECOVERY_WRONG)
        return FactorProof(recovery=digest)
    factor = session.get(SecondFactor, user_id)
    if factor is None:  # it was reset while the page was open
        raise InputError(WRONG)
    secret = open_secret(keys, user_id, factor.sealed)
    if secret is None:
        raise InputError(UNREADABLE)
    return FactorProof(_counter_of(secret, code, after=factor.counter, now=now))


def spend_code(session: Session, user_id: int, email: str, proof: FactorProof, *, now: datetime) -> None:
    """Take a code, so that it never opens again. Raises InputError when another request has taken it meanwhile."""
    if not proof.recovery:
        mine = SecondFactor.user_id == user_id, SecondFactor.counter < proof.counter
        taken = update(SecondFactor).where(*mine).values(counter=proof.counter).returning(SecondFactor.user_id)
        if session.scalar(taken) is None:
            raise InputError(USED)
        return
    unused = RecoveryCode.user_id == user_id, RecoveryCode.digest == proof.recovery, RecoveryCode.used_at.is_(None)
    if session.scalar(update(RecoveryCode).where(*unused).values(used_at=now).returning(RecoveryCode.id)) is None:
        raise InputError(RECOVERY_USED)
    remaining = recovery_codes_left(session, user_id)
    sentence = f"Code de secours utilisé, il en reste {remaining}." if remaining else "Dernier code de secours utilisé."
    audit.record_entry(session, now, email, sentence, _subject(email))


def confirmed_code(user_id: int, sealed: str, typed: str, keys: "MultiFernet", *, now: datetime) -> int:
    """The number of the code by which a person shows that the application knows a new secret. Raises InputError."""
    secret = open_secret(keys, user_id, sealed)
    if secret is None:
        raise InputError(SET_UP_MEANWHILE)
    code = without_gaps(typed)
    return _counter_of(secret, code, after=-1, now=now)


def set_up(
    session: Session, user_id: int, email: str, sealed: str, counter: int, *, replacing: bool, now: datetime
) -> list[str]:
    """Give an account a second factor, end its sessions, and return its recovery codes: they cannot be read again.

    `replacing` one is for whoever has proved the present one. Raises Refused when there is one already otherwise.
    """
    take_lock(session, "accounts")
    factor = session.get(SecondFactor, user_id)
    if factor and not replacing:
        raise Refused(SET_UP_MEANWHILE)
    if factor:
        factor.sealed, factor.counter, factor.set_up_at = sealed, counter, now
    else:
        session.add(SecondFactor(user_id=user_id, sealed=sealed, counter=counter, set_up_at=now))
    end_sessions(session, user_id)
    audit.record_entry(
        session, now, email, f"Second facteur {'remplacé' if factor else 'mis en place'}.", _subject(email)
    )
    return _new_codes(session, user_id, now=now)


def renew_codes(session: Session, user_id: int, email: str, *, now: datetime) -> list[str]:
    """Replace an account's recovery codes, and return the new ones: they cannot be read again."""
    take_lock(session, "accounts")
    if session.get(SecondFactor, user_id) is None:
        raise Refused("Ce compte n’a plus de second facteur.")
    audit.record_entry(session, now, email, "Codes de secours renouvelés.", _subject(email))
    return _new_codes(session, user_id, now=now)


def remove_factor(session: Session, user_id: int, email: str, *, is_needed: bool, now: datetime) -> None:
    """Take one's own second factor away, for whoever has proved it. Raises Refused when the person's roles need it."""
    if is_needed:
        raise Refused("Vos rôles demandent un second facteur : remplacez-le au lieu de le retirer.")
    if _forget(session, user_id):
        audit.record_entry(session, now, email, "Second facteur retiré.", _subject(email))


def reset(session: Session, user_id: int, email: str, *, actor: str, by_shell: bool = False, now: datetime) -> None:
    """Take away the second factor that somebody has lost, and end that person's sessions; the audit says who did it.

    Raises Refused without a factor, and for one's own on a page: there one proves it. `by_shell` is for whoever works
    on the machine, and may be the only administrator.
    """
    if actor == email and not by_shell:
        raise Refused("Votre propre second facteur se remplace sur « Mon compte », avec votre mot de passe et un code.")
    if not _forget(session, user_id):
        raise Refused(f"Le compte {email} n’a pas de second facteur.")
    end_sessions(session, user_id)
    audit.record_entry(session, now, actor, f"Second facteur de {email} réinitialisé.", _subject(email))


def codes_left(count: int) -> str:
    """A sentence on the recovery codes that are left."""
    if not count:
        return "Il ne vous reste aucun code de secours : faites-en d’autres dans « Mon compte »."
    return f"Il vous reste {plural(count, 'code')} de secours."


def _forget(session: Session, user_id: int) -> bool:
    """Delete an account's second factor and its codes; whether there was one."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    gone = delete(SecondFactor).where(SecondFactor.user_id == user_id).returning(SecondFactor.user_id)
    return session.scalar(gone) is not None


def _new_codes(session: Session, user_id: int, *, now: datetime) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = recovery_codes()
    session.add_all(RecoveryCode(user_id=user_id, digest=digest_of(user_id, code), made_at=now) for code in codes)
    return codes


def _counter_of(secret: str, code: str, *, after: int, now: datetime) -> int:
    """The number of a one-time code. Raises InputError when it is wrong, or was taken."""
    try:
        counter = matching(secret, code, after=after, now=now)
    except CodeUsed:
        raise InputError(USED) from None
    if counter is None:
        raise InputError(WRONG)
    return counter


def _subject(email: str) -> str:
    return f"user:{email}"
