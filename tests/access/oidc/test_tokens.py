"""Of an ID token only what the issuer signed for this client and this request is believed."""

import base64
import hmac
import json
from datetime import UTC, datetime

import pytest
from joserfc.jwk import KeySet

from outreach.access.oidc import issuer
from outreach.access.oidc.claims import Refusal, SignInRefused
from tests.servers.issuer import CLIENT, good, new_key, signed

NOW = datetime(2021, 5, 15, 9, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://idp.example/realms/fwb"
KEY, OTHER = new_key(), new_key()
RIGHT = {**good(ISSUER, NOW), "nonce": "n-1"}


def read(token, keys=(KEY,), algorithms=("ES256", "RS256", "HS256", "none")):
    known = {"issuer": ISSUER, "client": CLIENT, "nonce": "n-1", "access_token": "a"}
    return issuer.read(token, KeySet(list(keys)), **known, algorithms=algorithms, now=NOW)


def without(name):
    return {key: value for key, value in RIGHT.items() if key != name}


def test_a_token_in_order_gives_its_claims():
    assert read(signed({**RIGHT, "groups": ["a"]}, KEY))["groups"] == ["a"]


@pytest.mark.parametrize("claims", [{"exp": AT - 50}, {"iat": AT + 50}, {"aud": [CLIENT]}, {"azp": CLIENT}])
def test_a_minute_of_clock_is_forgiven_and_one_audience_may_stand_in_a_list(claims):
    assert read(signed({**RIGHT, **claims}, KEY))["sub"] == "s-1"


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({**RIGHT, "nonce": "n-2"}, Refusal.NONCE),
        (without("nonce"), Refusal.NONCE),
        ({**RIGHT, "iss": "https://idp.example/realms/other"}, Refusal.ISSUER),
        ({**RIGHT, "aud": "another-service"}, Refusal.AUDIENCE),
        ({**RIGHT, "aud": [CLIENT, "another-service"]}, Refusal.AUDIENCE),
        ({**RIGHT, "azp": "another-service"}, Refusal.AUDIENCE),
        ({**RIGHT, "exp": AT - 61}, Refusal.EXPIRED),
        ({**RIGHT, "iat": AT + 61}, Refusal.EXPIRED),
        ({**RIGHT, "nbf": AT + 61}, Refusal.EXPIRED),
        ({**RIGHT, "exp": "tomorrow"}, Refusal.EXPIRED),
        (without("exp"), Refusal.EXPIRED),
        (without("sub"), Refusal.UNREADABLE),
        ({**RIGHT, "sub": ""}, Refusal.UNREADABLE),
        ({**RIGHT, "sub": "s" * 256}, Refusal.UNREADABLE),
        ({**RIGHT, "sub": 7}, Refusal.UNREADABLE),
        ({**RIGHT, "at_hash": "another"}, Refusal.UNREADABLE),
    ],
)
def test_each_wrong_claim_is_refused_with_its_cause(claims, cause):
    with pytest.raises(SignInRefused) as refusal:
        read(signed(claims, KEY))
    assert refusal.value.cause is cause


def by_hand(algorithm, secret):
    """A token signed with a shared secret, or not at all, as no library would make it of a public key."""
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": KEY.kid}, RIGHT)]
    said = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    seal = hmac.digest(secret, said, "sha256") if secret else b""
    return (said + b"." + base64.urlsafe_b64encode(seal).rstrip(b"=")).decode()


def unsigned():
    return by_hand("none", b"")


def by_public_key():
    return by_hand("HS256", KEY.as_pem(private=False))


def tampered():
    head, claims, signature = signed(RIGHT, KEY).split(".")
    return f"{head}.{claims[:-4]}AAAA.{signature}"


@pytest.mark.parametrize("make", [unsigned, by_public_key, tampered, lambda: "", lambda: "a.b", lambda: "é.é.é"])
def test_what_the_issuer_has_not_signed_is_refused(make):
    with pytest.raises(SignInRefused) as refusal:
        read(make())
    assert refusal.value.cause is Refusal.SIGNATURE


def test_a_token_by_a_key_that_is_not_published_is_told_apart():
    with pytest.raises(issuer.UnknownKey):
        read(signed(RIGHT, OTHER))
    with pytest.raises(issuer.UnknownKey):
        read(signed(RIGHT, KEY), keys=())


def test_an_algorithm_that_the_issuer_does_not_name_is_refused():
    with pytest.raises(SignInRefused):
        read(signed(RIGHT, KEY), algorithms=["RS256"])


def test_a_key_that_is_unknown_or_broken_spoils_no_other():
    published = [KEY.as_dict(private=False), {"kty": "new"}, {"kty": "RSA"}, {"kty": "oct", "k": "AAAA"}, 7]
    assert [key.kid for key in issuer.keys_of({"keys": published}).keys] == [KEY.kid]
    assert not issuer.keys_of({"keys": "none"}).keys
