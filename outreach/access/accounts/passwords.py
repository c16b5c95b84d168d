"""Passwords: whether a new one will do, and the form in which they are hashed.

zxcvbn estimates how many guesses an informed attacker needs. Hashes are Argon2id (RFC 9106). A hash made with older
parameters stays valid, and stays as it is, since the pages that ask for a password only read.
"""

import re
import secrets
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from outreach.core.text.errors import InputError
from outreach.core.text.typed import without_accents

SHORTEST, LONGEST = 12, 128
LONGEST_HASHED = 4096  # characters: none that is longer was ever set
JUDGED = 24  # characters that zxcvbn reads: with 40 some take it a second, and 24 are more than enough
LEAST_SCORE = 3  # of 4: more than 10^8 guesses
MIXED = "Choisissez une phrase de plusieurs mots sans lien entre eux."
# What somebody who knows the service would try first, without accents; zxcvbn's own lists are English.
WORDS = """
    outreach sensibilisation federation wallonie bruxelles wallonie-bruxelles walloniebruxelles fwb belgique belge
    ministere campagne courriel annuaire ecole enseignement pouvoir organisateur numerique namur liege charleroi mons
    motdepasse mot passe azerty azertyuiop qsdfgh qsdfghjklm wxcvbn bonjour bienvenue soleil chouchou doudou loulou
    amour famille secret administrateur administration printemps ete automne hiver janvier fevrier mars avril mai
    juin juillet aout septembre octobre novembre decembre lundi mardi mercredi jeudi vendredi samedi dimanche
"""
HASHER = PasswordHasher()
# One hash at a time in a process. Each takes 64 MB and several cores: eight at once made a process of 140 MB one of
# 700, and none faster.
_hashing = threading.Lock()
_turn = threading.Lock()
WORD = re.compile(r"\w+")


def hash_password(password: str) -> str:
    """A new hash of a password. It takes a tenth of a second."""
    with _hashing:
        return HASHER.hash(_normal(password))


def is_right(password: str, digest: str) -> bool:
    """Whether a password has this hash. None has '', and to say so takes as long: no time tells who has an account."""
    with _hashing:
        try:
            return HASHER.verify(digest or _digest_of_nobody(), _normal(password)) and bool(digest)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _digest_of_nobody() -> str:
    return HASHER.hash(secrets.token_hex())


def _normal(password: str) -> str:
    """A password as it is hashed: two keyboards may write one accent in two ways (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKD", password)


def words_of(email: str, name: str, *hosts: str | None) -> list[str]:
    """What an attacker who knows a person and the service would try first: address, name, hosts, and their parts."""
    local, _, domain = email.partition("@")
    found = [email, *WORDS.split()]
    for text in (local, domain, name, *hosts):
        parts = WORD.findall(_plain(text or ""))
        found += [*parts, "".join(parts), "".join(reversed(parts))]
        found += [" ".join(parts), " ".join(reversed(parts)), ".".join(parts)]
    return [word for word in dict.fromkeys(map(_plain, found)) if len(word) > 2]


def password_fault(password: str, words: Iterable[str]) -> str:
    """Why a new password will not do, in a French sentence that says what to choose; '' when it will.

    `words` are easily guessed for this person (`words_of`). Characters are counted as people see them (NFC).
    """
    length = len(unicodedata.normalize("NFC", password))
    if length < SHORTEST:
        return f"Choisissez un mot de passe d’au moins {SHORTEST} caractères : une phrase convient."
    if length > LONGEST:
        return f"Choisissez un mot de passe de {LONGEST} caractères au plus."
    score, is_about = _judged(_plain(password), list(words))
    if score >= LEAST_SCORE:
        return ""
    if is_about:
        return f"Ce mot de passe repose sur votre nom, votre adresse ou un mot courant ici. {MIXED}"
    return f"Ce mot de passe se devine vite. {MIXED}"


def refuse_weak(password: str, words: Iterable[str]) -> None:
    """Raises InputError with the sentence when a new password will not do."""
    if sentence := password_fault(password, words):
        raise InputError(sentence)


def _plain(text: str) -> str:
    """Text in lower case, without accents: they slow no attacker down."""
    return without_accents(text.lower())


def _judged(password: str, words: list[str]) -> tuple[int, bool]:
    """zxcvbn's score of a password, and whether one of the words is in it."""
    from zxcvbn import matching, zxcvbn  # noqa: PLC0415 - 12 MB, needed only when a password is chosen

    with _turn:  # it keeps the words in a variable of the module
        try:
            result = zxcvbn(password[:JUDGED], user_inputs=[word[:JUDGED] for word in words])
        finally:
            matching.RANKED_DICTIONARIES.pop("user_inputs", None)
    return result["score"], any(part.get("dictionary_name") == "user_inputs" for part in result["sequence"])
