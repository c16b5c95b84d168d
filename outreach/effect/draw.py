"""The draw: who leaves with which departure, by a seed that follows from a nonce and from what is approved.

The digest of the nonce is sealed in the audit at the submission, with those of plan and list: none of them can be
changed afterwards, and whoever submits again makes another attempt, which everybody sees.

Every step can be repeated by a stranger with the standard library of any language: docs/redraw.py does so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import rfc8785

from outreach.effect.strata import Stratum
from outreach.labelled import Labelled

DEPARTURES = 3
Json = str | int | bool | None | Sequence["Json"] | dict[str, "Json"]
"""What is digested: JSON without fractions, which two languages may write in two ways."""


@dataclass(frozen=True, slots=True)
class DrawnStratum:
    """A stratum whose authorities stand in the order of the draw; a place counts from 0."""

    name: str
    order: tuple[int, ...]

    @property
    def departures(self) -> tuple[tuple[int, ...], ...]:
        """The FASE numbers of each departure, in the order of the draw: a place's departure is place mod 3."""
        return tuple(self.order[first::DEPARTURES] for first in range(DEPARTURES))


class Mismatch(Labelled):
    """What of a stored draw does not follow from what was sealed."""

    NONCE = "nonce", "Le nombre secret n’est pas celui dont le code a été scellé à la soumission."
    CONTENT = "content", "Le plan n’est pas celui qui a été soumis."
    LIST = "list", "La liste des PO n’est pas celle qui a été soumise."
    ORDER = "order", "L’ordre enregistré n’est pas celui que donne le tirage."
    AUDIT = "audit", "Le code du nombre secret ou la graine n’est pas celui que dit le journal."


def canonical(value: Json) -> bytes:
    """The bytes of a JSON value in the one form of RFC 8785 (JCS)."""
    return rfc8785.dumps(value)


def list_of(strata: Iterable[Stratum]) -> list[list[str | int]]:
    """The list of a draw as it is frozen: [stratum, FASE number] of each authority, in ascending order."""
    return sorted([stratum.name, fase] for stratum in strata for fase in stratum.fases)


def digest(value: Json) -> bytes:
    """The SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value)).digest()


def content_digest(content: Json, strata: Iterable[Stratum], attempt: int, approver_bytes: bytes) -> bytes:
    """The SHA-256 of the canonical JSON {approver_bytes, attempt, content, list}, bytes in hexadecimal.

    Under 0.3.0 an approver added bytes; since then they are empty, so that all draws replay by one formula.
    """
    frozen = {"content": content, "list": list_of(strata), "attempt": attempt, "approver_bytes": approver_bytes.hex()}
    return digest(frozen)


def seed_of(nonce: bytes, content: bytes) -> bytes:
    """The seed of a draw: SHA-256(nonce ‖ content digest)."""
    return sha256(nonce + content).digest()


def drawn(seed: bytes, strata: Iterable[Stratum]) -> tuple[DrawnStratum, ...]:
    """Each stratum in the order of the draw: the rank by SHA-256(seed ‖ FASE number in ASCII digits)."""
    return tuple(DrawnStratum(stratum.name, _ranked(seed, stratum.fases)) for stratum in strata)


def _ranked(seed: bytes, fases: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(fases, key=lambda fase: sha256(seed + str(fase).encode("ascii")).digest()))
