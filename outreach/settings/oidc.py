"""Judges the settings of signing in with an issuer of OpenID Connect, and of switching passwords off."""

from urllib.parse import SplitResult, urlsplit

from outreach.settings.model import PasswordSwitch, Settings, listed, rule_of
from outreach.settings.places import is_local_name

ROLES = ("reader", "author", "approver", "administrator")


def faults_of_oidc(settings: Settings) -> list[str]:
    """Every fault of these settings. No sentence repeats the issuer's address, as it may hold a password."""
    faults = []
    if settings.oidc_issuer and not _is_issuer(settings.oidc_issuer):
        what = "https://hôte ou https://hôte/chemin, sans « ? » ni « # » ni mot de passe"
        faults.append(f"OUTREACH_OIDC_ISSUER doit être l’adresse de l’émetteur, telle qu’il l’écrit ({what}).")
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id):
        faults.append("OUTREACH_OIDC_ISSUER et OUTREACH_OIDC_CLIENT_ID vont ensemble : indiquez les deux, ou aucun.")
    if "openid" not in settings.oidc_scopes.split():
        faults.append("OUTREACH_OIDC_SCOPES doit contenir openid, par exemple « openid profile ».")
    return [*faults, *_faults_of_rules(settings), *_faults_of_passwords(settings)]


def _is_issuer(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0 and parts == SplitResult(*parts[:3], "", "")
    except ValueError:
        return False
    is_private = parts.scheme == "https" or (parts.scheme == "http" and is_local_name(parts.hostname or ""))
    return is_plain and is_private and not set(url) & set("@?# ")


def _faults_of_rules(settings: Settings) -> list[str]:
    faults = []
    for entry in listed(settings.oidc_roles):
        claim, value, role = rule_of(entry)
        if not (claim and value and role in ROLES):
            faults.append(
                f"OUTREACH_OIDC_ROLES : « {entry} » ne se comprend pas ; écrivez claim:valeur=rôle, "
                f"où le rôle est {', '.join(ROLES[:-1])} ou {ROLES[-1]}."
            )
    if settings.oidc_roles and not settings.oidc_issuer:
        faults.append("OUTREACH_OIDC_ROLES ne sert que si OUTREACH_OIDC_ISSUER est indiqué.")
    return faults


def _faults_of_passwords(settings: Settings) -> list[str]:
    if settings.passwords is PasswordSwitch.ON:
        return []
    faults = []
    if not settings.oidc_issuer:
        faults.append("OUTREACH_PASSWORDS=off : indiquez OUTREACH_OIDC_ISSUER, sans quoi personne ne se connecte.")
    if "@" not in settings.emergency_account:
        what = "l’adresse du compte qui garde un mot de passe quand l’émetteur ne répond pas"
        faults.append(f"OUTREACH_PASSWORDS=off : indiquez OUTREACH_EMERGENCY_ACCOUNT, {what}.")
    return faults
