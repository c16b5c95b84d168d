"""Judges what a demonstration may not do, and what any other installation must have."""

from urllib.parse import urlsplit

from outreach.settings.model import Settings
from outreach.settings.places import is_loopback


def faults_of_demo(settings: Settings) -> list[str]:
    """A demonstration, whose passwords anybody may read, stays on its machine."""
    if is_loopback(settings.host):
        return []
    sentence = (
        f"En mode démonstration, OUTREACH_BIND doit rester sur la machine (127.0.0.1), pas « {settings.host} » : "
        "nommez OUTREACH_MODE=trial ou production pour ouvrir le service."
    )
    return [sentence]


def faults_outside_demo(settings: Settings) -> list[str]:
    """Nothing that matters has a default, and no key may be guessed."""
    required = {
        "OUTREACH_SECRET_KEY": (settings.secret_key.get_secret_value(), "la clé qui signe les sessions"),
        "OUTREACH_SMTP_URL": (settings.smtp_url, "le relais de courriel, par exemple smtp://relais:587"),
        "OUTREACH_PUBLIC_URL": (settings.public_url, "l’adresse publique du service, en https"),
        "OUTREACH_MAIL_DOMAIN": (settings.mail_domain, "le domaine qui signe les courriels"),
        "OUTREACH_MAILBOX_DOMAIN": (_stated(settings, "mailbox_domain"), "le domaine des boîtes administratives"),
        "OUTREACH_TOKEN_KEYS": (settings.token_keys.get_secret_value(), "les clés des liens des courriels"),
    }
    faults = [
        f"En mode {settings.mode}, {name} est obligatoire : {meaning}."
        for name, (value, meaning) in required.items()
        if not value
    ]
    faults += _faults_of_keys(settings)
    if settings.public_url and urlsplit(settings.public_url).scheme != "https":
        faults.append(f"OUTREACH_PUBLIC_URL vaut « {settings.public_url} » : indiquez une adresse en https.")
    return faults


def _stated(settings: Settings, field: str) -> str:
    """The value that the environment sets, or '' when the field still has its demonstration default."""
    return str(getattr(settings, field)) if field in settings.model_fields_set else ""


def _faults_of_keys(settings: Settings) -> list[str]:
    faults = []
    if any(len(key) < 32 for key in settings.signing_keys):
        faults.append("OUTREACH_TOKEN_KEYS : chaque clé doit compter au moins 32 caractères tirés au hasard.")
    key = settings.secret_key.get_secret_value()
    if key and len(key) < 32:
        faults.append("OUTREACH_SECRET_KEY est trop courte : il faut au moins 32 caractères tirés au hasard.")
    if key and key.encode() in settings.signing_keys:
        faults.append("OUTREACH_TOKEN_KEYS doit différer de OUTREACH_SECRET_KEY : les deux vivent séparément.")
    if settings.clock_offset:
        faults.append("OUTREACH_CLOCK_OFFSET ne sert qu’en démonstration.")
    return faults
