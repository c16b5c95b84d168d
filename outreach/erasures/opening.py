"""Who still opens what a letter said, once the address that it went to is erased: administrators alone."""

from collections.abc import Collection

from outreach.erasures.digests import is_mark
from outreach.errors import Refused
from outreach.roles import RoleName

CLOSED = (
    "L’adresse de ce courriel a été effacée, comme la personne l’a demandé. Seule l’administration ouvre encore ce "
    "qu’il disait, et le journal des accès le note : demandez-lui."
)


def is_open(address_key: str, roles: Collection[RoleName]) -> bool:
    """Whether somebody with these roles opens a letter to this address, or to the mark in its place."""
    return not is_mark(address_key) or RoleName.ADMINISTRATOR in roles


def refuse_closed(address_key: str, roles: Collection[RoleName]) -> None:
    """Raise Refused, with whose task it is, unless somebody with these roles opens the letter."""
    if not is_open(address_key, roles):
        raise Refused(CLOSED)
