"""Reads an ID token: who signed it, for whom, until when, and for which request."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from outreach.oidc.refusals import Cause, SignInRefused

# Signatures by a key pair alone: with a shared secret, whoever checks a token could also have made it.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
KINDS = {"RSA", "EC", "OKP"}
LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255  # OpenID Connect Core, section 2
CAUSES = {
    "iss": Cause.ISSUER,
    "aud": Cause.AUDIENCE,
    "azp": Cause.AUDIENCE,
    "nonce": Cause.NONCE,
    "exp": Cause.EXPIRED,
    "nbf": Cause.EXPIRED,
    "iat": Cause.EXPIRED,
}


class UnknownKey(Exception):
    """The token is signed with a key that the issuer had not published when it was asked last."""


def keys_of(document: Mapping[str, Any]) -> KeySet:
    """The public keys of a key document, without those of a kind that is not known here."""
    given, keys = document.get("keys"), []
    for key in given if isinstance(given, list) else []:
        if isinstance(key, dict) and key.get("kty") in KINDS and key.get("use", "sig") == "sig":
            try:
                keys.append(import_key(key))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return KeySet(keys)


def read(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client: str,
    nonce: str,
    access_token: str,
    algorithms: Collection[str],
    now: datetime,
) -> dict[str, Any]:
    """The claims of a token that this issuer made for this client and this request; a minute of clock is forgiven.

    `algorithms` are those that the issuer says it signs with. Raises SignInRefused with the first fault, or UnknownKey.
    """
    accepted = [name for name in ALGORITHMS if name in algorithms]
    if not keys.keys:
        raise UnknownKey
    try:
        signed = jwt.decode(token, keys, registry=JWSRegistry(algorithms=accepted, strict_check_header=False))
    except InvalidKeyIdError as error:
        raise UnknownKey from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignInRefused(Cause.SIGNATURE) from error
    exactly = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}}
    known = {"nonce": nonce, "client_id": client, "access_token": access_token}
    claims = CodeIDToken(signed.claims, signed.header, exactly, known)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except ExpiredTokenError as error:
        raise SignInRefused(Cause.EXPIRED) from error
    except (InvalidClaimError, MissingClaimError) as error:
        raise SignInRefused(CAUSES.get(error.claim, Cause.UNREADABLE)) from error
    except (JoseError, ValueError, TypeError) as error:
        raise SignInRefused(Cause.UNREADABLE) from error
    subject = claims["sub"]
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        raise SignInRefused(Cause.UNREADABLE)
    return dict(claims)
