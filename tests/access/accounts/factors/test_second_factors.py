"""Second factors: a code opens once, a recovery code too, and only somebody else takes a lost one away."""

from datetime import timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import select, text

from outreach.access import accounts
from outreach.access.accounts import StaffSession, second_factors
from outreach.access.accounts.second_factors import RECOVERY_USED, RECOVERY_WRONG, UNREADABLE, USED, WRONG, RecoveryCode
from outreach.core import audit
from outreach.core.settings import FactorPolicy
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from tests.conftest import NOW

KEYS = second_factors.factor_cipher(["k" * 32])
EMAIL = "anne@fwb.example"
HALF_MINUTE = timedelta(seconds=30)


@pytest.fixture
def anne(database):
    with database.writing() as session:
        details = {"email": EMAIL, "name": "Anne", "roles": [RoleName.APPROVER], "password_hash": "x"}
        added = accounts.add_user(session, NOW, "installation", **details)
        session.flush()
        return added.id, added.fs_uniquifier


@pytest.fixture
def sealed(anne):
    return second_factors.new_secret(KEYS, anne[0])


def code(user, sealed, now=NOW):
    return TOTP(second_factors.open_secret(KEYS, user, sealed)).at(now)


def set_up(database, user, sealed, replacing=False):
    counter = second_factors.confirmed_code(user, sealed, code(user, sealed), KEYS, now=NOW)
    with database.writing() as session:
        return second_factors.set_up(session, user, EMAIL, sealed, counter, replacing=replacing, now=NOW)


def given(database, user, typed, now=NOW, keys=KEYS):
    """The sentence with which a code is refused, or '' when it opens."""
    try:
        with database.writing() as session:
            proof = second_factors.judge_code(session, user, typed, keys, now=now)
            second_factors.spend_code(session, user, EMAIL, proof, now=now)
    except InputError as fault:
        return str(fault)
    return ""


@pytest.mark.postgresql
def test_a_code_opens_once_whoever_sends_it(database, anne, sealed):
    number, later = anne[0], NOW + HALF_MINUTE
    codes = set_up(database, number, sealed)
    assert given(database, number, code(number, sealed)) == USED, "the code of the set-up"
    right = code(number, sealed, later)
    assert given(database, number, "000000", later) == WRONG
    for typed, sentence in ((right, USED), (codes[0], RECOVERY_USED)):
        with database.reading() as first, database.reading() as second:
            proofs = [second_factors.judge_code(tab, number, typed, KEYS, now=later) for tab in (first, second)]
        refused = []
        for proof in proofs:  # two requests that both compared the code before either took it
            try:
                with database.writing() as session:
                    second_factors.spend_code(session, number, EMAIL, proof, now=later)
            except InputError as fault:
                refused.append(str(fault))
        assert refused == [sentence]
    assert given(database, number, f" {right[:3]} {right[3:]} ", later) == USED


def test_a_recovery_code_opens_once_and_how_many_remain_is_known(database, anne, sealed):
    number = anne[0]
    codes = set_up(database, number, sealed)
    assert given(database, number, codes[3].upper().replace("-", " ")) == ""
    assert given(database, number, codes[3]) == RECOVERY_USED
    assert given(database, number, "abcd-efgh") == RECOVERY_WRONG
    with database.reading() as session:
        assert second_factors.factor_state(session, number).left == len(codes) - 1
        assert audit.entries_about(session, f"user:{EMAIL}")[0].sentence == "Code de secours utilisé, il en reste 9."
        assert not [kept for kept in session.scalars(select(RecoveryCode.digest)) if codes[0].encode() in kept]
    with database.writing() as session:
        fresh = second_factors.renew_codes(session, number, EMAIL, now=NOW)
    assert given(database, number, codes[0]) == RECOVERY_WRONG
    assert given(database, number, fresh[0]) == ""


def test_the_secret_stands_in_no_row_in_clear_and_without_its_key_only_a_recovery_code_opens(database, anne, sealed):
    number = anne[0]
    codes = set_up(database, number, sealed)
    with database.reading() as session:
        row = session.execute(text("SELECT sealed FROM second_factors")).scalar_one()
    assert second_factors.open_secret(KEYS, number, sealed) not in row
    others = second_factors.factor_cipher(["o" * 32])
    assert given(database, number, code(number, sealed, NOW + HALF_MINUTE), NOW + HALF_MINUTE, others) == UNREADABLE
    assert given(database, number, codes[0], keys=others) == ""


def test_a_lost_one_is_taken_away_by_somebody_else_or_by_the_shell(database, anne, sealed):
    number = anne[0]
    for actor, by_shell in (("marc@fwb.example", False), (EMAIL, True)):
        set_up(database, number, sealed)
        with database.writing() as session:
            accounts.begin_session(session, number, "Firefox", has_factor=True, now=NOW)
        with pytest.raises(Refused, match="Votre propre second facteur"), database.writing() as session:
            second_factors.reset(session, number, EMAIL, actor=EMAIL, now=NOW)
        with database.writing() as session:
            second_factors.reset(session, number, EMAIL, actor=actor, by_shell=by_shell, now=NOW)
        with database.reading() as session:
            assert second_factors.factor_state(session, number) is None
            assert session.scalars(select(StaffSession.id)).all() == []
            assert session.scalars(select(RecoveryCode.id)).all() == []
            entry = audit.entries_about(session, f"user:{EMAIL}")[0]
            assert (entry.actor, entry.sentence) == (actor, f"Second facteur de {EMAIL} réinitialisé.")
        assert given(database, number, code(number, sealed)) == WRONG, "by a page that was open meanwhile"
    with pytest.raises(Refused, match="pas de second facteur"), database.writing() as session:
        second_factors.reset(session, number, EMAIL, actor="marc@fwb.example", now=NOW)


def test_a_second_set_up_at_the_same_time_replaces_nothing(database, anne, sealed):
    number = anne[0]
    set_up(database, number, sealed)
    with pytest.raises(Refused, match="déjà en place"):
        set_up(database, number, second_factors.new_secret(KEYS, number))
    set_up(database, number, second_factors.new_secret(KEYS, number), replacing=True)


def test_whoever_has_to_have_one_does_not_remove_it(database, anne, sealed):
    number = anne[0]
    set_up(database, number, sealed)
    with pytest.raises(Refused, match="Vos rôles demandent"), database.writing() as session:
        second_factors.remove_factor(session, number, EMAIL, is_needed=True, now=NOW)
    with database.writing() as session:
        second_factors.remove_factor(session, number, EMAIL, is_needed=False, now=NOW)
        assert second_factors.factor_state(session, number) is None


def test_a_session_without_a_factor_that_is_needed_is_none(database, anne, sealed):
    number, uniquifier = anne
    with database.writing() as session:
        plain = accounts.begin_session(session, number, "Firefox", now=NOW)

    def opens(policy, key):
        with database.reading() as session:
            return accounts.user_of_session(session, uniquifier, key, policy=policy, now=NOW) is not None

    assert [opens(policy, plain) for policy in FactorPolicy] == [False, True, True]
    set_up(database, number, sealed)
    with database.writing() as session:
        plain = accounts.begin_session(session, number, "Firefox", now=NOW)
        full = accounts.begin_session(session, number, "Firefox", has_factor=True, now=NOW)
    assert [opens(policy, plain) for policy in FactorPolicy] == [False, False, True]
    assert [opens(policy, full) for policy in FactorPolicy] == [True, True, True]
