"""Tokens: what is genuine, and nothing else (the K family)."""

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.access import accounts
from outreach.delivery.letters import INERT, Keys, Token, TokenKind, hide_tokens

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
KEYS = Keys((b"k" * 32, b"j" * 32, b"i" * 32))
IDENTITY = bytes(range(8))


@given(st.binary(min_size=8, max_size=8), st.integers(0, 255), st.sampled_from(TokenKind))
def test_a_token_says_what_was_signed_as_its_kind_only(identity, link, kind):
    token = KEYS.make(kind, identity, link)
    assert len(token) == 40
    assert set(token) <= set(ALPHABET)
    assert KEYS.read(token, kind) == Token(identity, link)
    assert [other for other in TokenKind if KEYS.read(token, other)] == [kind]
    assert KEYS.read(token.upper(), kind) == Token(identity, link)


@pytest.mark.parametrize("place", range(40))
def test_any_changed_character_makes_a_token_worthless(place):
    token = KEYS.make(TokenKind.OPEN, IDENTITY)
    for other in set(ALPHABET) - {token[place]}:
        assert KEYS.read(token[:place] + other + token[place + 1 :], TokenKind.OPEN) is None


@pytest.mark.parametrize("junk", [".", ">", "%3E", "&amp;", "="])
def test_what_a_mail_client_adds_is_stripped_once(junk):
    token = KEYS.make(TokenKind.CLICK, IDENTITY, 3)
    assert KEYS.read(token + junk, TokenKind.CLICK) == Token(IDENTITY, 3)
    assert KEYS.read(token + junk + junk, TokenKind.CLICK) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 39,
        "a" * 41,
        "\0" * 40,
        "../" * 14,
        "٣" * 40,
        "é" * 40,
        "a" * 10_000,
        "_" * 40,
        "+" + "a" * 39,
        "a_" * 20,
        " " * 40,
        "1" * 40,
    ],
)
def test_what_is_no_token_is_refused_at_once(text):
    started = time.process_time()
    assert KEYS.read(text, TokenKind.OPEN) is None
    assert time.process_time() - started < 0.05


def test_the_first_key_signs_two_are_live_and_a_retired_one_proves_only_an_unsubscription():
    old = Keys((b"i" * 32,))
    assert KEYS.read(Keys((b"j" * 32,)).make(TokenKind.ANSWER, IDENTITY), TokenKind.ANSWER)
    assert KEYS.read(old.make(TokenKind.ANSWER, IDENTITY), TokenKind.ANSWER) is None
    for kind in (TokenKind.UNSUBSCRIBE, TokenKind.MAILTO):
        assert KEYS.read(old.make(kind, IDENTITY), kind)
    assert old.read(KEYS.make(TokenKind.ANSWER, IDENTITY), TokenKind.ANSWER) is None


def test_only_eight_bytes_can_be_named():
    with pytest.raises(ValueError, match="eight"):
        KEYS.make(TokenKind.OPEN, b"short")


@pytest.mark.parametrize("before", ["", "/a/", "é", "_", "%2F", "?next=%2fa%2f", "&amp;"])
def test_a_text_keeps_no_working_token_also_where_an_address_quotes_another(before):
    token, other = KEYS.make(TokenKind.ANSWER, IDENTITY), "a" * 40
    for written in (token, token.upper()):
        assert KEYS.without(f"<{before}{written}%3E {before}{other}>") == f"<{before}{INERT}%3E {before}{other}>"
    assert hide_tokens(f"{before}{token}.") == f"{before}{INERT}."


@pytest.mark.parametrize("path", [accounts.PATH, quote(accounts.PATH, safe="")])
def test_a_text_from_outside_keeps_no_link_to_choose_a_password(path):
    told = "550 5.7.1 spam: https://sensibilisation.example{}{} (http://uribl.example)".format
    assert hide_tokens(told(path, accounts.new_token())) == told(path, INERT)
