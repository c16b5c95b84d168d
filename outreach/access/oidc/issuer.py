"""The issuer that people sign in with: its addresses and keys, and the ID tokens that it signs."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from outreach.access.oidc.claims import Refusal, SignInRefused, held
from outreach.access.oidc.fetching import IssuerReply, fetch

# Signatures by a key pair alone: with a shared secret, whoever checks a token could also have made it.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
KINDS = {"RSA", "EC", "OKP"}
LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255  # OpenID Connect Core, section 2
CAUSES = {
    "iss": Refusal.ISSUER,
    "aud": Refusal.AUDIENCE,
    "azp": Refusal.AUDIENCE,
    "nonce": Refusal.NONCE,
    "exp": Refusal.EXPIRED,
    "nbf": Refusal.EXPIRED,
    "iat": Refusal.EXPIRED,
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
        raise SignInRefused(Refusal.SIGNATURE) from error
    exactly = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}}
    known = {"nonce": nonce, "client_id": client, "access_token": access_token}
    claims = CodeIDToken(signed.claims, signed.header, exactly, known)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except ExpiredTokenError as error:
        raise SignInRefused(Refusal.EXPIRED) from error
    except (InvalidClaimError, MissingClaimError) as error:
        raise SignInRefused(CAUSES.get(error.claim, Refusal.UNREADABLE)) from error
    except (JoseError, ValueError, TypeError) as error:
        raise SignInRefused(Refusal.UNREADABLE) from error
    subject = claims["sub"]
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        raise SignInRefused(Refusal.UNREADABLE)
    return dict(claims)


DISCOVERY = "/.well-known/openid-configuration"
MOST_AT_ONCE = 3  # requests to the issuer: a silent one would otherwise hold every thread that answers pages
WAIT_SECONDS = 1.0  # for one's turn; then the issuer counts as away
BASIC, POSTED, NONE = "client_secret_basic", "client_secret_post", "none"
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What the issuer knows this service by, and what is asked of it.

    `levels` are the values of `acr` of which one is required, or none. `claims` are the names that roles are read from.
    """

    issuer: str
    id: str
    secret: str
    scopes: str
    levels: tuple[str, ...]
    claims: frozenset[str]
    return_address: str


@dataclass(frozen=True, slots=True)
class Identified:
    """Somebody whom the issuer has identified."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]


class IssuerFault(Exception):
    """What the issuer did instead, for the log; never a code, a token or a secret."""

    may_be_logged = True


class KeptSignIn(Generic[Value]):
    """A document of the issuer: kept for an hour. One thread fetches it, the others wait for a second.

    When the issuer does not answer, nobody asks again for ten seconds: a flood of sign-ins holds up no thread.
    """

    hour, rest, pause = 3600.0, 60.0, 10.0  # seconds

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make, self._lock = make, Lock()
        self._value: Value | None = None
        self._fetched = self._failed = float("-inf")

    def get(self) -> Value:
        """The document. Raises SignInRefused."""
        with _turn(self._lock):
            return self._at_most(self.hour)

    def renewed(self) -> Value:
        """The document, fetched again unless it was within the last minute. Raises SignInRefused."""
        with _turn(self._lock):
            return self._at_most(self.rest)

    def _at_most(self, age: float) -> Value:
        at = time.monotonic()
        if self._value is not None and at - self._fetched < age:
            return self._value
        if at - self._failed < self.pause:
            raise SignInRefused(Refusal.AWAY)
        try:
            value = self._make()
        except SignInRefused:
            self._failed = time.monotonic()
            raise
        self._value, self._fetched = value, time.monotonic()
        return value


class Issuer:
    """One issuer, for all threads of a process. What it does asks the network: never call it in a transaction."""

    def __init__(self, client: ClientSettings) -> None:
        self.client = client
        self._room = BoundedSemaphore(MOST_AT_ONCE)
        self._metadata, self._keys = KeptSignIn(self._discover), KeptSignIn(self._fetch_keys)

    def offered_keys(self) -> int:
        """How many keys for signatures the issuer publishes, now. Raises SignInRefused."""
        return len(self._keys.get().keys)

    def authorization_address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to identify its person. Raises SignInRefused when the issuer does not answer."""
        asked = {"acr_values": " ".join(self.client.levels)} if self.client.levels else {}
        address: str = prepare_grant_uri(
            self._metadata.get()["authorization_endpoint"],
            client_id=self.client.id,
            response_type="code",
            redirect_uri=self.client.return_address,
            scope=self.client.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **asked,
        )
        return address

    def refuse_other(self, named: str) -> None:
        """Raise SignInRefused when the answer names another issuer, or none though this one says that it does."""
        if named != self.client.issuer and (named or self._names_itself()):
            raise SignInRefused(Refusal.ISSUER)

    def _names_itself(self) -> bool:
        return self._metadata.get().get("authorization_response_iss_parameter_supported") is True

    def identify(self, code: str, *, nonce: str, verifier: str, now: datetime) -> Identified:
        """Whom a code is about. Raises SignInRefused."""
        answer = self._redeem(code, verifier)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise SignInRefused(Refusal.UNREADABLE)
        access = access if isinstance(access, str) else ""
        try:
            claims = self._read(token, self._keys.get(), nonce=nonce, access=access, now=now)
        except UnknownKey:  # it may have changed its keys
            try:
                claims = self._read(token, self._keys.renewed(), nonce=nonce, access=access, now=now)
            except UnknownKey as error:
                raise SignInRefused(Refusal.SIGNATURE) from error
        if self.client.levels and claims.get("acr") not in self.client.levels:
            raise SignInRefused(Refusal.LEVEL)
        return Identified(self.client.issuer, claims["sub"], self._completed(claims, access))

    def _ask(self, address: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> IssuerReply:
        """What the issuer answers, asked by few threads at once. Raises SignInRefused."""
        with _turn(self._room):
            return fetch(address, headers, body)

    def _read(self, token: str, keys: KeySet, *, nonce: str, access: str, now: datetime) -> dict[str, Any]:
        said = self._metadata.get().get("id_token_signing_alg_values_supported")
        return read(
            token,
            keys,
            issuer=self.client.issuer,
            client=self.client.id,
            nonce=nonce,
            access_token=access,
            algorithms=said if isinstance(said, list) else ["RS256"],
            now=now,
        )

    def _redeem(self, code: str, verifier: str) -> dict[str, Any]:
        metadata = self._metadata.get()
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.client.return_address, code_verifier=verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        auth = ClientAuth(self.client.id, self.client.secret, self._way_to_prove(metadata))
        address, headers, body = auth.prepare("POST", metadata["token_endpoint"], headers, body)
        reply = self._ask(address, headers, body)
        if reply.status == 200:
            return reply.document
        fault = IssuerFault(f"{reply.status} to a code: {reply.document.get('error')!r:.100}")
        raise SignInRefused(Refusal.CODE if reply.document.get("error") == "invalid_grant" else Refusal.AWAY) from fault

    def _way_to_prove(self, metadata: Mapping[str, Any]) -> str:
        if not self.client.secret:
            return NONE
        offered = metadata.get("token_endpoint_auth_methods_supported") or [BASIC]
        return POSTED if BASIC not in offered and POSTED in offered else BASIC

    def _completed(self, claims: dict[str, Any], access: str) -> dict[str, Any]:
        """The claims, with those of the userinfo address when the token has none of the names that roles are read from.

        Some issuers say groups and roles only there (OpenID Connect Core, section 5.4).
        """
        address = self._metadata.get().get("userinfo_endpoint")
        if not (address and access) or all(held(claims, name) is not None for name in self.client.claims):
            return claims
        said = _document(self._ask(address, {"Authorization": f"Bearer {access}"}))
        if said.get("sub") != claims["sub"]:
            raise SignInRefused(Refusal.UNREADABLE)  # of another person (section 5.3.2)
        return {**said, **claims}

    def _discover(self) -> dict[str, Any]:
        metadata = _document(self._ask(self.client.issuer.rstrip("/") + DISCOVERY))
        if metadata.get("issuer") != self.client.issuer:
            fault = IssuerFault(f"its document is of {metadata.get('issuer')!r:.300}, not of {self.client.issuer!r}")
            raise SignInRefused(Refusal.ISSUER) from fault
        asked = [metadata.get(name) for name in ("token_endpoint", "jwks_uri")]
        asked += [metadata["userinfo_endpoint"]] if metadata.get("userinfo_endpoint") else []
        ours = _site(self.client.issuer)
        if not all(_site(address) == ours for address in asked):
            fault = IssuerFault(f"its document leads elsewhere: {asked!r:.500}")
            raise SignInRefused(Refusal.ISSUER) from fault  # we ask nobody else
        if _site(metadata.get("authorization_endpoint"))[0] not in {"https", ours[0]}:
            raise SignInRefused(Refusal.AWAY)
        return metadata

    def _fetch_keys(self) -> KeySet:
        return keys_of(_document(self._ask(self._metadata.get()["jwks_uri"])))


@contextmanager
def _turn(room: Lock | BoundedSemaphore) -> Iterator[None]:
    """A place among the threads that the issuer may hold. Raises SignInRefused when none becomes free in time."""
    if not room.acquire(timeout=WAIT_SECONDS):
        raise SignInRefused(Refusal.AWAY)
    try:
        yield
    finally:
        room.release()


def _document(reply: IssuerReply) -> dict[str, Any]:
    if reply.status != 200:
        raise SignInRefused(Refusal.AWAY) from IssuerFault(f"{reply.status} to a document")
    return reply.document


def _site(address: object) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of an address; empty for what is none."""
    try:
        parts = urlsplit(str(address))
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None
