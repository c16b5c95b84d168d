"""Judges settings together: what is wrong between them, a French sentence for each fault."""

from outreach.settings.model import Mode, Settings
from outreach.settings.modes import faults_of_demo, faults_outside_demo
from outreach.settings.values import listed

# The mailboxes of authorities: outside production nothing leaves for them, whatever a list says.
PROTECTED = ("adm.cfwb.be",)


def faults_of(settings: Settings) -> list[str]:
    """Every fault between these settings."""
    return [
        *_faults_of_broker(settings),
        *_faults_of_alerts(settings),
        *_faults_of_signing_in(settings),
        *(faults_of_demo(settings) if settings.mode is Mode.DEMO else faults_outside_demo(settings)),
    ]


def _faults_of_broker(settings: Settings) -> list[str]:
    if not (settings.broker_url and settings.database.startswith("sqlite")):
        return []
    why = "partage l’envoi entre plusieurs processus, ce que SQLite ne permet pas"
    return [f"OUTREACH_BROKER_URL {why} : indiquez OUTREACH_DATABASE_URL=postgresql://…, ou retirez ce réglage."]


def _faults_of_alerts(settings: Settings) -> list[str]:
    """Outside production nothing leaves for an address that is not on the list, or is protected."""
    if settings.mode is Mode.PRODUCTION or settings.stays_here:
        return []
    allowed = {entry.casefold() for entry in listed(settings.allowed_recipients)}
    domains = {entry: entry.casefold().rpartition("@")[2] for entry in listed(settings.alerts_to)}
    faults = [
        f"OUTREACH_ALERTS_TO : hors production, « {entry} » doit aussi être dans OUTREACH_ALLOWED_RECIPIENTS."
        for entry, domain in domains.items()
        if not allowed & {entry.casefold(), "@" + domain}
    ]
    return faults + [
        f"OUTREACH_ALERTS_TO : hors production rien ne part vers « {entry} », une boîte de PO."
        for entry, domain in domains.items()
        if f".{domain}".endswith(tuple(f".{protected}" for protected in PROTECTED))
    ]


def _faults_of_signing_in(settings: Settings) -> list[str]:
    faults = []
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id):
        faults.append("OUTREACH_OIDC_ISSUER et OUTREACH_OIDC_CLIENT_ID vont ensemble : indiquez les deux, ou aucun.")
    if settings.oidc_roles and not settings.oidc_issuer:
        faults.append("OUTREACH_OIDC_ROLES ne sert que si OUTREACH_OIDC_ISSUER est indiqué.")
    if settings.emergency_account and not settings.oidc_issuer:
        what = "seul ce compte garderait un mot de passe, et personne d’autre ne se connecterait"
        faults.append(f"OUTREACH_EMERGENCY_ACCOUNT : indiquez aussi OUTREACH_OIDC_ISSUER ; sans lui, {what}.")
    return faults
