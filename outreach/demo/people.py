"""The staff of a demonstration: one person for each role, one password for each installation."""

from dataclasses import dataclass
from pathlib import Path

from outreach.roles import RoleName
from outreach.settings import kept_secret


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the demonstration's staff."""

    name: str
    email: str
    roles: tuple[RoleName, ...]


PEOPLE = (
    Person("Nadia Lambert", "nadia.lambert@fwb.example", (RoleName.AUTHOR,)),
    Person("Marc Dethier", "marc.dethier@fwb.example", (RoleName.APPROVER,)),
    Person("Claire Simon", "claire.simon@fwb.example", (RoleName.READER,)),
    Person("Hugo Willems", "hugo.willems@fwb.example", (RoleName.ADMINISTRATOR,)),
)


def password(data: Path) -> str:
    """The password of the demonstration's people, made once per installation and kept in its data folder."""
    return kept_secret(data / "demo-password", size=9)


def person_for(role: RoleName) -> Person:
    """The demonstration's person who holds a role."""
    return next(person for person in PEOPLE if role in person.roles)
