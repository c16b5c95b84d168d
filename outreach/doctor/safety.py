"""Looks at backups: whether the newest is of these days, and whether one was restored well lately."""

from datetime import timedelta

from outreach import french
from outreach.backups import making, rehearsals
from outreach.backups.models import RehearsalOutcome
from outreach.doctor.findings import Examined, Finding, fault, ok, warning
from outreach.errors import Refused
from outreach.settings import Mode

OLD = timedelta(days=2)  # they are made each night; one may be missed


def backup(examined: Examined) -> Finding:
    """How old the newest backup is."""
    settings = examined.settings
    if settings.backups is None:
        if settings.mode is Mode.DEMO:
            return ok("Sans objet : une démonstration se recharge.")
        return warning("Aucune ici : nommez leur dossier dans OUTREACH_BACKUPS, sur la machine qui sauvegarde.")
    try:
        newest, now = making.newest(settings.backups), settings.instant()
        age = making.age_of_newest(settings.backups, now=now)
    except (Refused, OSError) as error:
        return fault(f"La dernière de {settings.backups} ne vaut rien. {error} Lancez ./run backup.")
    if newest is None or age is None:
        return fault(f"Aucune dans {settings.backups} : lancez ./run backup, puis installez sa minuterie.")
    told = f"{newest.name}, du {french.moment(now - age)}"
    if age > OLD:
        return fault(f"{told} : elle est trop ancienne. Lancez ./run backup, et voyez sa minuterie (systemctl).")
    return ok(f"{told}.")


def restore(examined: Examined) -> Finding:
    """When a backup was last restored well, and how the last rehearsal ended."""
    settings = examined.settings
    with examined.database.reading() as session:
        last, proven = rehearsals.last(session), rehearsals.last_proven(session)
        failed = last.told.partition("\n")[0] if last and last.outcome is RehearsalOutcome.FAILED else ""
        at = proven.at if proven else None
    if failed:
        return fault(f"Le dernier essai a échoué. {failed} Relancez ./run rehearse une fois corrigé.")
    if at is None:
        if settings.mode is Mode.DEMO and settings.backups is None:
            return ok("Sans objet : une démonstration se recharge.")
        return warning("Aucune restauration n’a encore été prouvée : lancez ./run backup, puis ./run rehearse.")
    told = f"Dernière restauration prouvée : {french.moment(at)}"
    if settings.instant() - at > rehearsals.PROOF_LASTS:
        return fault(f"{told}, il y a trop longtemps : lancez ./run rehearse, et voyez sa minuterie (systemctl).")
    return ok(f"{told}.")
