"""Looks at what proves who is who: the issuer of OpenID Connect, the key of notes, the keys of second factors."""

import stat

from sqlalchemy import select

from outreach.access.accounts import second_factors
from outreach.access.accounts.second_factors import SecondFactor
from outreach.access.oidc.claims import SignInRefused
from outreach.access.oidc.issuer import ClientSettings, Issuer
from outreach.core.erasure import ErasedAddresses
from outreach.core.settings import Mode
from outreach.core.settings.reading import OTHERS
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.french import plural
from outreach.operations import retention
from outreach.operations.health._check import Examined, Finding, fault, ok, warning
from outreach.reports import notes


def issuer(examined: Examined) -> Finding:
    """Whether the issuer answers, says what we expect, and publishes keys."""
    settings = examined.settings
    if not settings.oidc_issuer:
        return ok("Aucun : on se connecte par mot de passe.")
    client = ClientSettings(settings.oidc_issuer, settings.oidc_client_id, "", "", (), frozenset(), "")
    try:
        keys = Issuer(client).offered_keys()
    except SignInRefused as refusal:
        why = f"{settings.issuer_name} : {refusal.cause}"
        return fault(f"{why}. Vérifiez OUTREACH_OIDC_ISSUER, le réseau et le certificat (SSL_CERT_FILE).")
    if not keys:
        return fault(f"{settings.issuer_name} ne publie aucune clé que le service connaisse : voyez qui le tient.")
    return ok(f"{settings.issuer_name} répond, avec {plural(keys, 'clé')}.")


def note_keys(examined: Examined) -> Finding:
    """Whether a key signs notes, and nobody else may read it."""
    settings = examined.settings
    path = settings.note_key_file
    if path is None and settings.mode is Mode.DEMO:
        return ok("La démonstration fait la sienne à la première note validée.")
    if path is None:
        return warning("Aucune clé : aucune note ne peut être validée tant que OUTREACH_NOTE_KEY_FILE n’en nomme pas.")
    try:
        key = notes.public_key_of(notes.signing_key(settings))
    except Refused as refusal:
        return fault(str(refusal))
    if path.stat().st_mode & OTHERS & ~stat.S_IXGRP & ~stat.S_IXOTH:
        return warning(f"{path} est ouvert à d’autres comptes : chmod 400 {path}.")
    return ok(f"Empreinte {notes.key_fingerprint(key)}.")


def factor_keys(examined: Examined) -> Finding:
    """Whether every second factor can still be read, by any of the keys."""
    settings = examined.settings
    wallet = second_factors.factor_cipher(settings.secret_keys)
    with examined.database.reading() as session:
        rows = session.execute(select(SecondFactor.user_id, SecondFactor.sealed)).all()
    lost = [user for user, sealed in rows if second_factors.open_secret(wallet, user, sealed) is None]
    if lost:
        words = f"{plural(len(lost), 'second facteur illisible', 'seconds facteurs illisibles')} sur {len(rows)}"
        return fault(f"{words} : remettez l’ancienne clé à la fin de OUTREACH_SECRET_KEY, ou réinitialisez-les.")
    if not rows:
        return ok("Personne n’a de second facteur.")
    return ok(f"{plural(len(rows), 'second facteur, lisible', 'seconds facteurs, tous lisibles')}.")


def erasures(examined: Examined) -> Finding:
    """Whether an erased address is known when it comes back, and none is missing after a restore."""
    settings = examined.settings
    has_key = bool(settings.erasure_key.get_secret_value())
    with examined.database.reading() as session:
        try:
            known = len(ErasedAddresses.of(session).at)
            missing = retention.count_waiting(session, settings.data) if has_key else 0
        except (Refused, InputError) as error:
            return fault(str(error))
    if missing:
        words = plural(missing, "effacement n’est pas dans la base", "effacements ne sont pas dans la base")
        return fault(f"{words}, restaurée d’avant : lancez ./run person replay.")
    if not has_key:
        return warning("Aucune clé : personne ne peut être effacé tant que OUTREACH_ERASURE_KEY manque.")
    return ok(f"{plural(known, 'adresse effacée, reconnue', 'adresses effacées, reconnues')}.")
