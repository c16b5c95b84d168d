"""Finds the roles that claims give by the installation's rules."""

from collections.abc import Iterable, Mapping
from typing import Any

Rule = tuple[str, str, str]  # a claim, a value and the role that it gives


def roles_given(claims: Mapping[str, Any], rules: Iterable[Rule]) -> set[str]:
    """The roles of each rule whose value the claim has: alone, or in its list. Values are compared letter by letter."""
    return {role for claim, value, role in rules if value in _values(held(claims, claim))}


def held(claims: Mapping[str, Any], name: str) -> object:
    """What stands under a name: a claim's, or a path with dots into it (`realm_access.roles`); None for nothing."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _values(claim: object) -> list[str]:
    given = claim if isinstance(claim, list) else [claim]
    return [value for value in given if isinstance(value, str)]
