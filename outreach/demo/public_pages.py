"""The public pages of a demonstration, filled in with examples that say what they are."""

from datetime import date, datetime

from outreach.about import statements
from outreach.about.statements import CONFORMITY, Conformity, StatementKind
from outreach.db import Session

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
    for kind in statements.missing(session):
        statements.write(session, kind, EXAMPLES[kind], today, now=now, actor=actor)
