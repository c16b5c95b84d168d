"""Commitments: what is said at a submission, before the approver adds a word, so that nobody chooses the draw.

The digest of a nonce binds the service before the approver's bytes exist; the approver's bytes are stored before the
nonce is revealed. Whoever wants to choose the seed must hold both (Blum 1983, coin flipping by telephone).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from outreach.effect.draw import DrawnStratum, Json, content_digest, digest, drawn, list_of, seed_of
from outreach.effect.strata import Stratum
from outreach.errors import InputError

NONCE_BYTES, APPROVER_BYTES = 32, 16


@dataclass(frozen=True, slots=True)
class Commitment:
    """What one attempt to submit a draw is bound to: three SHA-256 digests. The first attempt is 1."""

    attempt: int
    nonce: bytes
    content: bytes
    listed: bytes


@dataclass(frozen=True, slots=True)
class Revealed:
    """A draw once it is approved: all that its seed follows from, and the order that was stored."""

    nonce: bytes
    content: Json
    strata: Sequence[Stratum]
    attempt: int
    approver_bytes: bytes
    order: Sequence[DrawnStratum]


class Mismatch(StrEnum):
    """What of a stored draw does not follow from its commitment."""

    NONCE = "nonce"
    CONTENT = "content"
    LIST = "list"
    ATTEMPT = "attempt"
    ORDER = "order"
    AUDIT = "audit"

    @property
    def label(self) -> str:
        """The French sentence."""
        return _MISMATCHES[self]


_MISMATCHES = {
    Mismatch.NONCE: "Le nombre secret n’est pas celui qui a été engagé à la soumission.",
    Mismatch.CONTENT: "Le contenu n’est pas celui qui a été soumis.",
    Mismatch.LIST: "La liste des PO n’est pas celle qui a été soumise.",
    Mismatch.ATTEMPT: "Le numéro de la tentative n’est pas celui qui a été engagé.",
    Mismatch.ORDER: "L’ordre enregistré n’est pas celui que donne le tirage.",
    Mismatch.AUDIT: "L’engagement ou le tirage n’est pas celui que dit le journal.",
}


def new_nonce() -> bytes:
    """32 bytes that nobody foresees."""
    return secrets.token_bytes(NONCE_BYTES)


def new_approver_bytes() -> bytes:
    """16 bytes that an approver may take as they are, or write over."""
    return secrets.token_bytes(APPROVER_BYTES)


def committed(attempt: int, nonce: bytes, content: Json, strata: Sequence[Stratum]) -> Commitment:
    """The commitment of a submission; it reveals nothing of the nonce."""
    return Commitment(attempt, sha256(nonce).digest(), digest(content), digest(list_of(strata)))


def approver_bytes(text: str) -> bytes:
    """The 16 bytes that an approver adds, typed as 32 hexadecimal digits; blanks between them do not count.

    Raises InputError, with a sentence, on anything else.
    """
    digits = "".join(text.split())
    if len(digits) != 2 * APPROVER_BYTES or not set(digits.casefold()) <= set("0123456789abcdef"):
        raise InputError("Écrivez 32 chiffres hexadécimaux : de 0 à 9 et de a à f.")
    return bytes.fromhex(digits)


def seed(revealed: Revealed) -> bytes:
    """The seed that follows from what was revealed."""
    content = content_digest(revealed.content, revealed.strata, revealed.attempt, revealed.approver_bytes)
    return seed_of(revealed.nonce, content)


def mismatches(commitment: Commitment, revealed: Revealed) -> list[Mismatch]:
    """What does not follow: nothing, for a draw that was neither chosen nor changed."""
    again = committed(revealed.attempt, revealed.nonce, revealed.content, revealed.strata)
    is_same = {
        Mismatch.NONCE: again.nonce == commitment.nonce,
        Mismatch.CONTENT: again.content == commitment.content,
        Mismatch.LIST: again.listed == commitment.listed,
        Mismatch.ATTEMPT: again.attempt == commitment.attempt,
        Mismatch.ORDER: tuple(revealed.order) == drawn(seed(revealed), revealed.strata),
    }
    return [mismatch for mismatch, holds in is_same.items() if not holds]
