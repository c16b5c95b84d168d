"""The checks, in the order in which they are told."""

from outreach.doctor import databases, domain, machine, mail, safety, secrets, work
from outreach.doctor.findings import Check

CHECKS = (
    Check("settings", "Réglages", 5, machine.settings),
    Check("folder", "Dossier de données", 5, machine.folder),
    Check("disk", "Disque", 5, machine.disk),
    Check("database", "Base de données", 10, databases.database),
    Check("sight", "Comptes de fédérations et de réseaux", 10, databases.scopes),
    Check("clock", "Heure", 20, databases.clock),
    Check("workers", "Processus d’envoi", 10, work.clocks_and_workers),
    Check("waiting", "Courriels en attente", 20, work.waiting),
    Check("relay", "Serveur d’envoi", 15, mail.relay),
    Check("returns", "Boîte des retours", 15, mail.returns),
    Check("spf", "SPF", 30, domain.spf),
    Check("dkim", "DKIM", 30, domain.dkim),
    Check("dmarc", "DMARC", 30, domain.dmarc),
    Check("mx", "MX", 30, domain.mx),
    Check("ptr", "PTR", 30, domain.ptr),
    Check("issuer", "Émetteur OpenID Connect", 20, secrets.issuer),
    Check("backup", "Sauvegarde", 10, safety.backup),
    Check("restore", "Restauration", 10, safety.restore),
    Check("note_keys", "Clé des notes", 5, secrets.note_keys),
    Check("factor_keys", "Clés des seconds facteurs", 10, secrets.factor_keys),
    Check("erasures", "Adresses effacées", 10, secrets.erasures),
)
