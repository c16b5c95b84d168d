"""The people of a demonstration, and its public pages filled in with examples."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from outreach.core import site
from outreach.core.db import Session
from outreach.core.settings import kept_secret
from outreach.core.site import CONFORMITY, Conformity, StatementKind
from outreach.core.text.roles import RoleName


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


SERVICE = "Service du numérique éducatif (exemple fictif)\nBoulevard Léopold II 44, 1080 Bruxelles"
EXAMPLES = {
    StatementKind.DATA_PROTECTION: {
        "controller": f"Ministère de la Fédération Wallonie-Bruxelles\n{SERVICE}",
        "officer": "Délégué à la protection des données (exemple fictif)\ndpo@fwb.example",
        "contact": f"{SERVICE}\nnumerique@fwb.example",
        "processors": "Centre informatique (exemple fictif), à Bruxelles : il héberge le service et sa base.",
    },
    StatementKind.ACCESSIBILITY: {
        CONFORMITY: Conformity.PARTIAL.value,
        "method": "Contrôle par le service lui-même, avec l’outil axe et au clavier (exemple fictif).",
        "defects": "Les fichiers exportés (XLSX, CSV) n’ont pas été évalués.\n"
        "Aucun essai complet n’a été mené avec un lecteur d’écran.",
        "contact": f"{SERVICE}\nnumerique@fwb.example",
        "complaints": "Service des plaintes du ministère (exemple fictif)\nplaintes@fwb.example",
    },
}


def fill(session: Session, *, now: datetime, today: date, actor: str) -> None:
    """Write both pages, dated `today`, unless they are written."""
    for kind in site.missing_statements(session):
        site.write_statement(session, kind, EXAMPLES[kind], today, now=now, actor=actor)
