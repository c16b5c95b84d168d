"""The people of a demonstration: one for each role of staff, one of a federation, one password for them all."""

from dataclasses import dataclass
from pathlib import Path

from outreach.roles import RoleName
from outreach.settings import kept_secret


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in to a demonstration. `scope` is the code of the person's federation, '' for staff."""

    name: str
    email: str
    roles: tuple[RoleName, ...]
    scope: str = ""

    @property
    def does(self) -> str:
        """What the person is, in French: the roles, and the federation of an adviser."""
        return ", ".join(role.label for role in self.roles) + (f" {self.scope}" if self.scope else "")


PEOPLE = (
    Person("Nadia Lambert", "nadia.lambert@fwb.example", (RoleName.AUTHOR,)),
    Person("Marc Dethier", "marc.dethier@fwb.example", (RoleName.APPROVER,)),
    Person("Claire Simon", "claire.simon@fwb.example", (RoleName.READER,)),
    Person("Hugo Willems", "hugo.willems@fwb.example", (RoleName.ADMINISTRATOR,)),
    Person("Sophie Maes", "sophie.maes@segec.example", (RoleName.FEDERATION,), "SeGEC"),
)


def password(data: Path) -> str:
    """The password of the demonstration's people, made once per installation and kept in its data folder."""
    return kept_secret(data / "demo-password", size=9)


def person_for(role: RoleName) -> Person:
    """The demonstration's person who holds a role."""
    return next(person for person in PEOPLE if role in person.roles)
