"""What is known of an address as a PDF that people read: a list of the tables, then each with its rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from outreach import french
from outreach.children import pdf
from outreach.children.pdf import settable
from outreach.days import today
from outreach.french import plural, typeset
from outreach.retention.known.tables import KnownTable
from outreach.spreadsheets.written import SERVICE

MOST_ROWS = 1_000  # of a table in a PDF: typst sets some thousands in the time that it has


def pdf_of(address: str, tables: Sequence[KnownTable], service: str, *, now: datetime) -> bytes:
    """The PDF about an address. `service` is the address of this installation, whose public page says the rest.

    Raises Refused when it cannot be made.
    """
    made = today(now)
    document = {
        "name": f"Ce que le service sait de {address}",
        "service": SERVICE,
        "address": settable(address),
        "stated": f"Établi le {french.moment(now)}",
        "date": [made.year, made.month, made.day],
        "introduction": [typeset(settable(sentence)) for sentence in _introduction(address, tables, service)],
        "tables": [_table(table) for table in tables],
    }
    return pdf.set_pdf("person/person.typ", document, int(now.timestamp()), lost_nothing="Rien n’est perdu")


def _introduction(address: str, tables: Sequence[KnownTable], service: str) -> list[str]:
    if not tables:
        return [f"Le service ne sait rien de l’adresse {address}."]
    return [
        f"Ce document réunit ce que le service sait de l’adresse {address} (RGPD, articles 15 et 20).",
        "Ce sont les lignes qui nomment cette adresse, et celles qui leur appartiennent.",
        "Un mot de passe, une clé, un lien qui agirait à la place de quelqu’un n’y sont pas.",
        "Le fichier JSON a les mêmes lignes, avec les colonnes qui ne servent qu’au programme.",
        f"Pourquoi chaque chose est gardée, combien de temps, et à qui écrire : {service}/data-protection",
    ]


def _table(table: KnownTable) -> dict[str, Any]:
    left = f"Les {plural(len(table.rows), 'première ligne', 'premières lignes')} ; le fichier JSON les a toutes."
    return {
        "title": typeset(table.title),
        "count": plural(table.count, "ligne"),
        "more": typeset(left) if table.left_out else "",
        "columns": [typeset(label) for label in table.columns],
        "rows": [[(typeset(label), settable(typeset(words))) for label, words in fields] for fields in table.rows],
    }
