"""The codes by which accounts of federations and networks say whose members they see."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from outreach import french
from outreach.db import Session
from outreach.directory.models import Federation, Network
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.sight.scopes import Sight, SightKind

_OF = {RoleName.FEDERATION: Federation.code, RoleName.NETWORK: Network.code}


def known_code(session: Session, roles: Collection[RoleName], typed: str) -> str:
    """The code that was typed, in any case, of the federation or network that these roles are about.

    What was typed, where they are about neither. Raises InputError, with the codes there are, for any other code.
    """
    kind = next((_OF[role] for role in roles if role in _OF), None)
    if kind is None or not typed.strip():
        return typed.strip()
    every = session.scalars(select(kind).order_by(kind)).all()
    found = next((code for code in every if code.casefold() == typed.strip().casefold()), None)
    if found is None:
        raise InputError(f"« {typed.strip()[:60]} » n’est pas un code connu : indiquez {', '.join(every)}.")
    return found


def offered(session: Session) -> list[tuple[str, str]]:
    """The codes that a form offers, with their names: federations, then networks."""
    federations = session.execute(select(Federation.code, Federation.name).order_by(func.lower(Federation.code)))
    networks = session.execute(select(Network.code, Network.label).order_by(Network.position))
    named = [(code, f"fédération {code} : {name}") for code, name in federations]
    return [*named, *((code, f"réseau {label}") for code, label in networks)]


def reason(session: Session, sight: Sight, levels: Sequence[str]) -> str:
    """Why an authority is in this scope, as one French sentence; `levels` are those of its membership, in words."""
    if sight.kind is SightKind.NETWORK:
        label = session.scalar(select(Network.label).where(Network.code == sight.code)) or sight.code
        return f"Vous voyez ce PO parce qu’il est du réseau {label}."
    represented = f" pour ses écoles de niveau {french.all_of(levels)}" if levels else ""
    return f"Vous voyez ce PO parce que {sight.code} le représente aujourd’hui{represented}."
