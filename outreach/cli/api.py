"""`api`: the keys by which programs read the service."""

import click

from outreach import french
from outreach.accounts import staff
from outreach.api_keys import listing
from outreach.api_keys.models import ApiKey
from outreach.cli.context import Operation, json_option, pass_operation, say_rows


@click.group()
def api() -> None:
    """L’accès des programmes."""


@api.group()
def key() -> None:
    """Les clés des programmes."""


@key.command("list")
@json_option
@pass_operation
def list_keys(operation: Operation) -> None:
    """Énumère les clés, avec leur dernier usage."""
    with operation.database.reading() as session:
        listed = listing.listed(session, staff.colleagues(session), now=operation.now)
        nobody = "Aucune clé : la page « Accès des programmes » crée la première."
        say_rows(listed, lambda row: _line(operation, row), nobody)


def _line(operation: Operation, row: ApiKey) -> str:
    used = f"dernier usage le {french.moment(row.last_used_at)}" if row.last_used_at else "jamais utilisée"
    until = f"expire le {french.moment(row.expires_at)}"
    may = f"{row.role.label}, {row.writing.label}"
    return f"{row.id} : {row.name} ({may}) ; {row.state(operation.now).label} ; {until} ; {used}"
