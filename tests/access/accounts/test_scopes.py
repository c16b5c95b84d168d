"""Accounts of federations and networks: one role, one code, a second factor as approvers have."""

import pytest

from outreach.access import accounts
from outreach.access.accounts import second_factors
from outreach.access.scopes import AccessScope, ScopeKind
from outreach.core.settings import FactorPolicy
from outreach.core.text.errors import InputError
from outreach.core.text.roles import SCOPED, RoleName
from outreach.directory import reference
from tests.conftest import NOW
from tests.factories import AUTHOR

FEDERATION, NETWORK, READER = RoleName.FEDERATION, RoleName.NETWORK, RoleName.READER


def added(session, roles, scope):
    said = {"email": "conseil@federation.example", "name": "Conseil", "password_hash": "x"}
    return accounts.add_user(session, NOW, AUTHOR, roles=roles, scope=scope, **said)


def test_an_account_has_the_sight_of_its_role_and_code_and_no_role_of_staff(staffed):
    with staffed.writing() as session:
        user = added(session, [FEDERATION], "SeGEC")
        session.flush()
        assert user.access_scope == AccessScope(ScopeKind.FEDERATION, "SeGEC")
        assert not user.holds(*(role for role in RoleName if role not in SCOPED))
        accounts.set_roles(session, user, [NETWORK], scope="WBE", now=NOW, actor=AUTHOR)
        assert user.access_scope == AccessScope(ScopeKind.NETWORK, "WBE")
        assert accounts.labels_of(user) == "réseau WBE"
        accounts.set_roles(session, user, [READER], now=NOW, actor=AUTHOR)
        assert (user.access_scope, user.scope_code) == (None, "")


def test_a_change_of_scope_ends_the_sessions(staffed):
    with staffed.writing() as session:
        user = added(session, [FEDERATION], "SeGEC")
        session.flush()
        sign = user.fs_uniquifier
        accounts.set_roles(session, user, [FEDERATION], scope="CECP", now=NOW, actor=AUTHOR)
        assert user.fs_uniquifier != sign


@pytest.mark.parametrize(
    ("roles", "scope"),
    [
        ([FEDERATION], ""),
        ([FEDERATION, READER], "CECP"),
        ([FEDERATION, NETWORK], "CECP"),
        ([READER], "CECP"),
        ([], "CECP"),
    ],
)
def test_a_scope_stands_alone_and_with_a_code(staffed, roles, scope):
    with staffed.writing() as session, pytest.raises(InputError):
        added(session, roles, scope)


def test_a_code_is_one_of_the_register_in_any_case(staffed):
    with staffed.reading() as session:
        assert reference.known_code(session, [FEDERATION], " segec ") == "SeGEC"
        assert reference.known_code(session, [READER], "") == ""
        with pytest.raises(InputError, match="CECP, CPEONS, FELSI"):
            reference.known_code(session, [FEDERATION], "WBE")
        assert {code for code, _ in reference.offered(session)} >= {"SeGEC", "WBE"}


@pytest.mark.parametrize("role", [FEDERATION, NETWORK])
def test_a_second_factor_is_required_as_of_approvers(role):
    assert second_factors.is_required(FactorPolicy.REQUIRED, {role})
    assert not second_factors.is_required(FactorPolicy.OPTIONAL, {role})
