"""Roles come from the values of claims, compared letter by letter."""

import pytest

from outreach.access.oidc.claims import roles_given

RULES = (
    ("groups", "outreach-authors", "author"),
    ("groups", "outreach-approvers", "approver"),
    ("realm_access.roles", "administrator", "administrator"),
)


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"groups": ["outreach-authors", "staff"]}, {"author"}),
        ({"groups": "outreach-approvers"}, {"approver"}),
        ({"groups": ["outreach-authors"], "realm_access": {"roles": ["administrator"]}}, {"author", "administrator"}),
        ({"realm_access.roles": "administrator"}, {"administrator"}),
        ({"groups": ["Outreach-Authors", "outreach-authors-2", 7, None, {"a": 1}]}, set()),
        ({"groups": "outreach-authors,outreach-approvers"}, set()),
        ({"realm_access": "administrator"}, set()),
        ({"email": "administrator@fwb.example", "roles": ["administrator"]}, set()),
        ({}, set()),
    ],
)
def test_a_claim_gives_the_roles_of_its_values_and_no_others(claims, roles):
    assert roles_given(claims, RULES) == roles
