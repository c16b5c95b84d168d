"""What became of letters that were not accepted, told in the audit: a line for each mailing and kind, not each letter.

A storm of deferrals is thousands of letters; a round of them is one line. Letters that are accepted cost nothing here.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from outreach import audit
from outreach.db import Session


class Setback(Enum):
    """What happened to letters: said of one, and of several."""

    DEFERRED = ("reporté", "reportés")
    EXPIRED = ("expiré après 24 heures", "expirés après 24 heures")
    REFUSED = ("refusé par le relais", "refusés par le relais")
    AGAINST_RULES = (
        "refusé par le relais au nom de ses règles (5.7)",
        "refusés par le relais au nom de ses règles (5.7)",
    )
    IN_DOUBT = ("en doute", "en doute")


def subject_of(mailing: int) -> str:
    """How the audit names a mailing, by its key."""
    return f"mailing:{mailing}"


def note(session: Session, happened: Mapping[tuple[int, Setback], int], *, now: datetime, actor: str) -> None:
    """Write down how many letters of which mailing came to what, in the transaction that changes their rows."""
    for (mailing, event), count in happened.items():
        singular, plural = event.value
        sentence = f"{count} courriels {plural}." if count > 1 else f"{count} courriel {singular}."
        audit.record(session, now, actor, sentence, subject_of(mailing))
