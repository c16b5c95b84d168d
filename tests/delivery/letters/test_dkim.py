"""Signatures, verified offline by another implementation; what is no key is refused."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.settings import ROOT
from outreach.core.text.errors import InputError
from outreach.delivery.letters.dkim import SIGNED, Signer
from tests.delivery.letters.test_mime import wire

AT = datetime(2021, 5, 18, 7, 30, tzinfo=UTC)
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def pem(key, **changes):
    chosen = {"format": serialization.PrivateFormat.PKCS8, "encryption_algorithm": serialization.NoEncryption()}
    return key.private_bytes(encoding=serialization.Encoding.PEM, **{**chosen, **changes})


def record(key):
    """What the DNS would say of a key."""
    public = key.public_key()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw, kind = public.public_bytes_raw(), b"ed25519"
    else:
        der = serialization.Encoding.DER
        raw, kind = public.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo), b"rsa"
    return b"v=DKIM1; k=" + kind + b"; p=" + b64encode(raw)


def is_genuine(message, key):
    asked = []

    def answer(name, timeout=5):
        asked.append(name)
        return record(key)

    genuine = dkim.verify(message, dnsfunc=answer)
    assert asked in ([], [b"s1._domainkey.courriel.example."])
    return genuine


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_another_implementation_finds_it_genuine_and_any_change_false(key):
    signed = Signer.of("courriel.example", "s1", pem(key)).sign(wire("Vos écoles – volet 1"), AT)
    assert is_genuine(signed, key)
    assert max(map(len, signed.split(b"\r\n"))) < 998
    for before, after in ((b"Bonjour", b"Bonsoir"), (b"To: po009001", b"To: po009002"), (b"/u/", b"/v/")):
        assert before in signed
        assert not is_genuine(signed.replace(before, after), key)


def test_the_thread_of_a_reply_is_signed():
    names = "<1@courriel.example> <2@courriel.example>"
    signed = Signer.of("courriel.example", "s1", pem(ED25519)).sign(wire(references=names), AT)
    assert is_genuine(signed, ED25519)
    assert b"In-Reply-To: <2@courriel.example>\r\nReferences: <1@courriel.example>\r\n <2@" in signed
    for header in (b"References: <1@", b"In-Reply-To: <2@"):
        assert not is_genuine(signed.replace(header, header[:-2] + b"9@"), ED25519)


@settings(max_examples=settings.default.max_examples * 3 // 10)
@given(st.text("abé :;\t\u2013\u20ac", min_size=1, max_size=120).filter(str.strip), st.text("ab .=\né", max_size=200))
def test_any_letter_is_genuine(subject, text):
    assert is_genuine(
        Signer.of("courriel.example", "s1", pem(ED25519)).sign(wire(" ".join(subject.split()), text), AT), ED25519
    )


def test_a_letter_sent_again_is_the_same_to_the_byte():
    signer = Signer.of("courriel.example", "s1", pem(RSA))
    assert signer.sign(wire(), AT) == signer.sign(wire(), AT) != signer.sign(wire(), AT + timedelta(seconds=1))


def test_what_protects_one_click_unsubscribing_is_signed():
    signed = Signer.of("courriel.example", "s1", pem(RSA)).sign(wire(), AT)
    (named,) = [line for line in signed.split(b"\r\n") if line.startswith(b" h=")]
    assert {b"from", b"list-unsubscribe", b"list-unsubscribe-post"} <= set(named[3:].rstrip(b";").split(b":"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "pas une clé"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "pas une clé"),
        (pem(RSA, encryption_algorithm=serialization.BestAvailableEncryption(b"x")), "sans mot de passe"),
        (pem(rsa.generate_private_key(65537, 1024)), "2048 bits"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "Ed25519"),
    ],
    ids=["empty", "garbage", "with a password", "too short", "another kind"],
)
def test_what_is_no_key_of_ours_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        Signer.of("courriel.example", "s1", content)


def test_what_a_relay_is_told_to_sign_is_what_the_service_signs():
    told = (ROOT / "docs" / "sending.md").read_text().partition("Signed headers: `")[2].partition("`")[0]
    assert tuple(told.lower().split()) == SIGNED
