"""The checks, in the order in which the doctor tells them."""

from outreach.operations.alerts import AlertKind
from outreach.operations.health._backups import UNPROVEN, age_of_backup, age_of_proof, backup, restore
from outreach.operations.health._check import Alarm, Check, late, of_place
from outreach.operations.health._machine import FULL, disk, figures, folder, settings
from outreach.operations.health._others import GIVEN_UP, GUESSED, of_alerts, of_answers, of_audit, of_hits
from outreach.operations.health._work import (
    GONE,
    IN_DOUBT,
    PAUSED,
    RELAY_LOST,
    SILENT,
    UNCONFIRMED,
    clocks_and_workers,
    of_letters,
    of_places,
    of_relays,
    waiting,
)

UNREADABLE = Alarm(  # whoever reads both mailboxes notes it
    AlertKind.RETURNS_UNREADABLE,
    "Une boîte où des courriels reviennent ne se lit pas : rejets, désinscriptions ou réponses attendent.",
    "Vérifiez son serveur, OUTREACH_BOUNCES_URL et OUTREACH_REPLIES_URL.",
    "Les boîtes où des courriels reviennent se lisent de nouveau.",
    names=of_place,
)
CLOCKS = (GONE, SILENT, UNCONFIRMED)
CHECKS = (
    Check("settings", "Réglages", 5, settings),
    Check("folder", "Dossier de données", 5, folder),
    Check("disk", "Disque", 5, disk, (FULL,), here=figures),
    Check("database", "Base de données", 10, late("databases", "database")),
    Check("sight", "Comptes de fédérations et de réseaux", 10, late("databases", "scopes")),
    Check("clock", "Heure", 20, late("databases", "clock")),
    Check("workers", "Processus d’envoi", 10, clocks_and_workers, CLOCKS, of_places),
    Check("waiting", "Courriels en attente", 20, waiting, (IN_DOUBT,), of_letters),
    Check("relay", "Serveur d’envoi", 15, late("mail", "relay"), (RELAY_LOST,), of_relays),
    Check("returns", "Boîte des retours", 15, late("mail", "returns"), (UNREADABLE,)),
    Check("replies", "Boîte des réponses", 15, late("mail", "replies")),
    Check("spf", "SPF", 30, late("domain", "spf")),
    Check("dkim", "DKIM", 30, late("domain", "dkim")),
    Check("dmarc", "DMARC", 30, late("domain", "dmarc")),
    Check("mx", "MX", 30, late("domain", "mx")),
    Check("ptr", "PTR", 30, late("domain", "ptr")),
    Check("issuer", "Émetteur OpenID Connect", 20, late("secrets", "issuer")),
    Check("backup", "Sauvegarde", 10, backup, here=age_of_backup),
    Check("restore", "Restauration", 10, restore, (UNPROVEN,), age_of_proof),
    Check("note_keys", "Clé des notes", 5, late("secrets", "note_keys")),
    Check("factor_keys", "Clés des seconds facteurs", 10, late("secrets", "factor_keys")),
    Check("erasures", "Adresses effacées", 10, late("secrets", "erasures")),
    Check("waves", "Vagues", alarms=(PAUSED,)),
    Check("programs", "Évènements poussés", alarms=(GIVEN_UP,)),
    Check("codes", "Codes des lettres sur papier", alarms=(GUESSED,)),
    Check("answers", "Réponses", figures=of_answers),
    Check("hits", "Ouvertures et clics", figures=of_hits),
    Check("alerts", "Alertes", figures=of_alerts),
    Check("audit", "Journal", figures=of_audit),
)
_ALARMS = {alarm.kind: alarm for check in CHECKS for alarm in check.alarms}
ALARMS = {kind: _ALARMS[kind] for kind in AlertKind}  # what is seen at once is told in this order
