"""Names the keys that a database needs beside it, by fingerprints that tell nothing of them."""

import hashlib
from collections.abc import Mapping, Sequence

from outreach.settings import Settings

NOTE_KEY = "OUTREACH_NOTE_KEY_FILE"
FACTOR_KEYS = "OUTREACH_FACTOR_KEYS"  # how a backup of 0.3 names the secret keys, and any backup since
SETTING = {FACTOR_KEYS: "OUTREACH_SECRET_KEY"}
# What is lost without a key, for the end of a sentence.
COSTS = {
    "OUTREACH_TOKEN_KEYS": "les liens des courriels partis ne marchent plus",
    "OUTREACH_SECRET_KEY": "les seconds facteurs ne se lisent plus",
    NOTE_KEY: "les notes validées désormais sont signées par une autre clé",
    "OUTREACH_ERASURE_KEY": "les adresses effacées ne sont plus reconnues",
}


def fingerprints(settings: Settings, note_key: str) -> dict[str, list[str]]:
    """The fingerprints of an installation's keys, by setting. `note_key` is the one of the public half, or ''.

    Keys that may be guessed are refused outside a demonstration, so nobody finds one by trying.
    """
    erasure = settings.erasure_key.get_secret_value()
    secrets = {
        "OUTREACH_TOKEN_KEYS": [key.decode() for key in settings.signing_keys],
        FACTOR_KEYS: list(settings.secret_keys),
        "OUTREACH_ERASURE_KEY": [erasure],
    }
    named = {name: [_fingerprint(name, key) for key in keys if key] for name, keys in secrets.items()}
    return {name: found for name, found in (named | {NOTE_KEY: [note_key] if note_key else []}).items() if found}


def lacking(wanted: Mapping[str, Sequence[str]], here: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The settings that lack a key of a backup, each with a French sentence that says what it costs."""
    lost = {name: [one for one in keys if one not in here.get(name, ())] for name, keys in wanted.items()}
    told = {SETTING.get(name, name): keys for name, keys in lost.items()}
    return {
        name: f"{name} n’a pas la clé au code de contrôle {', '.join(keys)} : "
        f"{COSTS.get(name, 'elle servait à cette base')}."
        for name, keys in told.items()
        if keys
    }


def _fingerprint(name: str, key: str) -> str:
    return hashlib.sha256(f"{name}:{key}".encode()).hexdigest()[:16]
