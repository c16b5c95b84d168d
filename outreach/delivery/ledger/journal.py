"""Audit lines on letters that were not accepted: one per mailing and kind, not one per letter.

A storm of deferrals concerns thousands of letters; a round of them is one line. Accepted letters cost nothing here.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from outreach import audit
from outreach.db import Session


class Setback(Enum):
    """A fate of letters that were not accepted; the value is in French, for one letter and for several."""

    DEFERRED = ("reporté", "reportés")
    EXPIRED = ("expiré après 24 heures", "expirés après 24 heures")
    REFUSED = ("refusé par le serveur d’envoi", "refusés par le serveur d’envoi")
    AGAINST_RULES = (
        "refusé par le serveur d’envoi au nom de ses règles (5.7)",
        "refusés par le serveur d’envoi au nom de ses règles (5.7)",
    )
    IN_DOUBT = ("en doute", "en doute")


def subject_of(mailing: int) -> str:
    """The name of a mailing in the audit, from its key."""
    return f"mailing:{mailing}"


def note(session: Session, happened: Mapping[tuple[int, Setback], int], *, now: datetime, actor: str) -> None:
    """Record in the audit how many letters of each mailing had each setback.

    To be called in the transaction that changes their rows.
    """
    for (mailing, event), count in happened.items():
        singular, plural = event.value
        sentence = f"{count} courriels {plural}." if count > 1 else f"{count} courriel {singular}."
        audit.record(session, now, actor, sentence, subject_of(mailing))
