"""Backups: whether the newest is of these days, and whether one was restored well lately."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.core.db import Session
from outreach.core.settings import Mode, Settings
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.delivery.models import Installation
from outreach.operations import backups
from outreach.operations.alerts import AlertKind
from outreach.operations.backups import RehearsalOutcome
from outreach.operations.health._check import (
    Alarm,
    Examined,
    Finding,
    HealthFigure,
    Seen,
    Watched,
    age,
    fault,
    of_place,
    ok,
    warning,
)

OLD = timedelta(days=2)  # they are made each night; one may be missed


def backup(examined: Examined) -> Finding:
    """How old the newest backup is."""
    settings = examined.settings
    if settings.backups is None:
        if settings.mode is Mode.DEMO:
            return ok("Sans objet : une démonstration se recharge.")
        return warning("Aucune ici : nommez leur dossier dans OUTREACH_BACKUPS, sur la machine qui sauvegarde.")
    try:
        newest, now = backups.newest_backup(settings.backups), settings.instant()
        old = backups.age_of_newest(settings.backups, now=now)
    except (Refused, OSError) as error:
        return fault(f"La dernière de {settings.backups} ne vaut rien. {error} Lancez ./run backup.")
    if newest is None or old is None:
        return fault(f"Aucune dans {settings.backups} : lancez ./run backup, puis installez sa minuterie.")
    words = f"{newest.name}, du {french.moment(now - old)}"
    if old > OLD:
        return fault(f"{words} : elle est trop ancienne. Lancez ./run backup, et voyez sa minuterie (systemctl).")
    return ok(f"{words}.")


def age_of_backup(settings: Settings) -> Iterator[HealthFigure]:
    """The same for a monitor, where there is one that is worth something."""
    with suppress(Refused, OSError):
        old = backups.age_of_newest(settings.backups, now=settings.instant()) if settings.backups else None
        if old is not None:
            said = "Since the newest backup of this machine was made."
            yield HealthFigure("backup_age_seconds", said, old.total_seconds())


def restore(examined: Examined) -> Finding:
    """When a backup was last restored well, and how the last rehearsal ended."""
    settings = examined.settings
    with examined.database.reading() as session:
        last, proven = backups.last_restore_test(session), backups.last_proven(session)
        failed = last.told.partition("\n")[0] if last and last.outcome is RehearsalOutcome.FAILED else ""
        at = proven.at if proven else None
    if failed:
        return fault(f"Le dernier essai a échoué. {failed} Relancez ./run rehearse une fois corrigé.")
    if at is None:
        if settings.mode is Mode.DEMO and settings.backups is None:
            return ok("Sans objet : une démonstration se recharge.")
        return warning("Aucune restauration n’a encore été prouvée : lancez ./run backup, puis ./run rehearse.")
    words = f"Dernière restauration prouvée : {french.moment(at)}"
    if settings.instant() - at > backups.PROOF_LASTS:
        return fault(f"{words}, il y a trop longtemps : lancez ./run rehearse, et voyez sa minuterie (systemctl).")
    return ok(f"{words}.")


def unproven(session: Session, watched: Watched, now: datetime) -> Seen:
    """That the newest backup restored well is too old, or that there is none since the first installation.

    For an installation that names a folder of backups.
    """
    if not watched.settings.backups:
        return {}
    proven = backups.last_proven(session)
    from_then = proven.made_at if proven else session.scalar(select(func.min(Installation.confirmed_at)))
    since = from_then + backups.PROOF_LASTS if from_then else now
    return {watched.place: since} if since < now else {}


UNPROVEN = Alarm(
    AlertKind.RESTORE_UNPROVEN,
    "Aucune sauvegarde de moins de deux jours n’a été restaurée et vérifiée avec succès.",
    "Lancez ./run backup, puis ./run rehearse, qui dit ce qui ne va pas.",
    "Une sauvegarde récente a été restaurée et vérifiée.",
    unproven,
    of_place,
)


def age_of_proof(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """Since when the last proof stands, where there is one."""
    if (proven := backups.last_proven(session)) is not None:
        yield HealthFigure("restore_age_seconds", "Since a backup was last restored well.", age(proven.at, now))
