"""The issuer is asked briefly, seldom, and nobody in its place; whoever it names is the person."""

import threading
from datetime import UTC, datetime

import pytest

from outreach.access.oidc import fetching, issuer
from outreach.access.oidc.claims import Refusal, SignInRefused
from outreach.access.oidc.issuer import ClientSettings, Issuer
from tests.servers.issuer import CLIENT, SECRET, new_key, running

NOW = datetime(2021, 5, 15, 9, 0, tzinfo=UTC)
DISCOVERY = "/.well-known/openid-configuration"
HERE = "https://outreach.example/sign-in/oidc/return"


@pytest.fixture
def provider():
    with running(lambda: NOW) as started:
        yield started


def of(provider, levels=(), claims=frozenset(), url=""):
    return Issuer(ClientSettings(url or provider.url, CLIENT, SECRET, "openid", levels, claims, HERE))


def identified(asked, provider, subject="s-1", **claims):
    """Whom the issuer names, after the whole way there and back."""
    address = asked.authorization_address(state="s", nonce="n", verifier="v" * 43)
    given = provider.authorize(address, subject, **claims)
    return asked.identify(given["code"], nonce="n", verifier="v" * 43, now=NOW)


def cause(asked, provider, **claims):
    with pytest.raises(SignInRefused) as refusal:
        identified(asked, provider, **claims)
    return refusal.value.cause


def test_addresses_and_keys_are_fetched_once_and_new_keys_are_found(provider, monkeypatch):
    asked = of(provider)
    assert [identified(asked, provider).subject for _ in range(2)] == ["s-1", "s-1"]
    assert (provider.asked[DISCOVERY], provider.asked["/keys"]) == (1, 1)
    provider.key = new_key()
    assert cause(asked, provider) is Refusal.SIGNATURE  # nobody makes us fetch keys more than once a minute
    monkeypatch.setattr(issuer.KeptSignIn, "rest", 0.0)
    assert identified(asked, provider).subject == "s-1"
    assert provider.asked["/keys"] == 2


def test_a_code_serves_once_and_only_with_its_verifier(provider):
    asked = of(provider)
    given = provider.authorize(asked.authorization_address(state="s", nonce="n", verifier="v" * 43), "s-1")
    for verifier in ("w" * 43, "v" * 43):
        with pytest.raises(SignInRefused) as refusal:
            asked.identify(given["code"], nonce="n", verifier=verifier, now=NOW)
        assert refusal.value.cause is Refusal.CODE


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"issuer": "https://idp.evil.test"}, Refusal.ISSUER),
        ({"token_endpoint": "https://idp.evil.test/token"}, Refusal.ISSUER),
        ({"jwks_uri": "http://127.0.0.1:9/keys"}, Refusal.ISSUER),
        ({"userinfo_endpoint": "http://[broken"}, Refusal.ISSUER),
        ({"authorization_endpoint": "javascript:alert(1)"}, Refusal.AWAY),
    ],
)
def test_a_document_that_leads_elsewhere_is_refused(provider, metadata, expected):
    provider.metadata = metadata
    assert cause(of(provider), provider) is expected


@pytest.mark.parametrize(
    "answer",
    [
        (302, {"Location": "http://127.0.0.1:9/"}, ""),
        (500, {}, "{}"),
        (200, {}, "<html>"),
        (200, {}, "[1]"),
        (200, {}, "[" * 100_000),
        (200, {}, "{}" + " " * fetching.MOST_BYTES),
    ],
)
def test_an_issuer_that_answers_otherwise_is_away_and_is_left_alone_for_a_while(provider, answer):
    provider.answer[DISCOVERY] = answer
    asked = of(provider)
    assert {cause(asked, provider) for _ in range(3)} == {Refusal.AWAY}
    assert provider.asked[DISCOVERY] == 1


def test_an_issuer_that_is_not_there_or_silent_is_away_in_time(provider, monkeypatch):
    assert cause(of(provider, url="http://127.0.0.1:9"), provider) is Refusal.AWAY
    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.1)
    monkeypatch.setattr(fetching, "STEP_SECONDS", 60.0)  # a byte now and then is no end
    goes_on = threading.Event()
    provider.before = lambda: goes_on.wait(10)
    assert cause(of(provider), provider) is Refusal.AWAY
    goes_on.set()


def test_a_silent_issuer_holds_few_threads(provider, monkeypatch):
    monkeypatch.setattr(issuer, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(issuer, "WAIT_SECONDS", 0.01)
    asked, held, goes_on = of(provider), threading.Event(), threading.Event()
    address = asked.authorization_address(state="s", nonce="n", verifier="v" * 43)
    provider.before = lambda: held.set() or goes_on.wait(10)
    code = provider.authorize(address, "s-1")["code"]
    holder = threading.Thread(
        target=asked.identify, args=[code], kwargs={"nonce": "n", "verifier": "v" * 43, "now": NOW}
    )
    holder.start()
    assert held.wait(10)
    assert cause(asked, provider) is Refusal.AWAY, "told at once"
    goes_on.set()
    holder.join()
    assert identified(asked, provider).subject == "s-1"


def test_a_level_is_asked_for_and_required(provider):
    asked = of(provider, levels=("high", "higher"))
    assert "acr_values=high+higher" in asked.authorization_address(state="s", nonce="n", verifier="v" * 43)
    assert identified(asked, provider, acr="higher").subject == "s-1"
    assert cause(asked, provider, acr="low") is Refusal.LEVEL
    assert cause(asked, provider) is Refusal.LEVEL


def test_what_the_token_does_not_say_is_asked_for_and_is_of_the_same_person(provider):
    asked = of(provider, claims=frozenset({"roles"}))
    provider.userinfo = {"sub": "s-1", "roles": ["a"], "iss": "x"}
    who = identified(asked, provider)
    assert (who.claims["roles"], who.claims["iss"]) == (["a"], provider.url)
    assert identified(asked, provider, roles=["b"]).claims["roles"] == ["b"]
    assert provider.asked["/userinfo"] == 1
    provider.userinfo = {"sub": "s-2", "roles": ["a"]}
    assert cause(asked, provider) is Refusal.UNREADABLE


def test_an_answer_that_names_another_issuer_is_refused(provider):
    asked = of(provider)
    asked.refuse_other("")
    asked.refuse_other(provider.url)
    with pytest.raises(SignInRefused):
        asked.refuse_other("https://idp.evil.test")
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(SignInRefused):
        of(provider).refuse_other("")
