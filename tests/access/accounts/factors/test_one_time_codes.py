"""One-time codes are those of RFC 6238, a secret opens for one account and with its key, a recovery code is no word."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from outreach.access.accounts import second_factors
from outreach.access.accounts.second_factors import CodeUsed, matching

SECRET = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238, appendix B
AT = datetime.fromtimestamp(1111111109, UTC)
CODE, COUNTER = "081804", 37037036


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_the_codes_are_those_of_the_standard(seconds, code):
    assert matching(SECRET, code, after=-1, now=datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(("seconds", "is_taken"), [(-60, False), (-29, True), (0, True), (30, True), (60, False)])
def test_a_telephone_may_be_half_a_minute_wrong(seconds, is_taken):
    found = matching(SECRET, CODE, after=-1, now=AT + timedelta(seconds=seconds))
    assert (found == COUNTER) is is_taken


def test_a_code_opens_once_and_none_from_before_it_opens_after():
    with pytest.raises(CodeUsed):
        matching(SECRET, CODE, after=COUNTER, now=AT)
    assert matching(SECRET, CODE, after=COUNTER + 1, now=AT) is None
    assert matching(SECRET, CODE, after=COUNTER - 1, now=AT) == COUNTER


def test_a_secret_opens_for_its_account_and_with_the_keys_that_are_left():
    old, new = second_factors.factor_cipher(["a" * 32]), second_factors.factor_cipher(["b" * 32, "a" * 32])
    sealed = second_factors.new_secret(old, 7)
    secret = second_factors.open_secret(old, 7, sealed)
    assert len(base64.b32decode(secret)) == second_factors.SECRET_BYTES
    assert secret not in sealed
    assert second_factors.open_secret(new, 7, sealed) == secret
    assert second_factors.open_secret(old, 8, sealed) is None
    assert second_factors.open_secret(second_factors.factor_cipher(["b" * 32]), 7, sealed) is None
    assert second_factors.open_secret(old, 7, sealed[:-4] + "AAA=") is None


def test_recovery_codes_differ_and_are_read_however_they_are_typed():
    codes = second_factors.recovery_codes()
    assert len(set(codes)) == second_factors.RECOVERY_CODES
    typed = codes[0].upper().replace("-", " – ")
    assert second_factors.digest_of(7, typed) == second_factors.digest_of(7, codes[0])
    assert second_factors.digest_of(8, codes[0]) != second_factors.digest_of(7, codes[0])
