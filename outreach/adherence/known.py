"""What was known at a moment of the past: whether a situation can be shown as it was known then, and by which register.

Undoing an edition of the register deletes the periods it brought, so what was known while it was in force is lost.
"""

from datetime import date, datetime

from sqlalchemy import select

from outreach import french
from outreach.days import today
from outreach.db import Session
from outreach.directory.models import RegisterImport
from outreach.errors import InputError, Refused
from outreach.sent_lists.models import ListState


def refuse_unknowable(session: Session, day: date, known_at: datetime | None) -> None:
    """Refuse a situation that nobody can have known, or that can no longer be shown as it was known.

    Raises InputError when the day lies after the moment, Refused when an edition in force at the moment was undone.
    """
    if known_at is None:
        return
    if day > today(known_at):
        raise InputError(
            f"Le {french.moment(known_at)}, personne ne connaissait la situation du {french.day(day)} : choisissez un "
            "jour qui précède ce moment."
        )
    undone = undone_since(session, known_at)
    if undone is not None and undone.applied_at is not None and undone.undone_at is not None:
        raise Refused(
            f"La situation d’après ce qui était enregistré le {french.moment(known_at)} ne peut plus être recalculée : "
            f"l’édition du registre du {french.day(undone.edition_on)}, appliquée alors, a été annulée le "
            f"{french.moment(undone.undone_at)}. Choisissez un moment avant le {french.moment(undone.applied_at)}, ou "
            "après cette annulation."
        )


def undone_since(session: Session, known_at: datetime) -> RegisterImport | None:
    """The edition that was in force at a moment and was undone since, so that the moment cannot be replayed."""
    in_force = RegisterImport.applied_at <= known_at, RegisterImport.undone_at > known_at
    return session.scalar(
        select(RegisterImport).where(*in_force).order_by(RegisterImport.applied_at, RegisterImport.id).limit(1)
    )


def oldest_register(session: Session, day: date, known_at: datetime | None = None) -> date | None:
    """The day of the first edition, where the day or the moment lies before it; else None.

    Its schools then stand for those of the time before.
    """
    query = select(RegisterImport).where(RegisterImport.state == ListState.APPLIED)
    first = session.scalar(query.order_by(RegisterImport.applied_at, RegisterImport.id).limit(1))
    if first is None or first.applied_at is None:
        return None
    is_before = day < first.edition_on or (known_at is not None and known_at < first.applied_at)
    return first.edition_on if is_before else None
