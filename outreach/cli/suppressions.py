"""`suppressions`: the list of exclusion, for a terminal or a machine."""

import click
from rich.table import Table

from outreach.cli.context import Operation, console, json_option, pass_operation, say, say_json
from outreach.delivery import exclusions
from outreach.delivery.exclusions import Excluded
from outreach.delivery.models import SuppressionReason
from outreach.web import french


@click.command()
@click.option(
    "--reason",
    type=click.Choice([one.value for one in SuppressionReason]),
    help="Seulement celles exclues pour ce motif.",
)
@json_option
@pass_operation
def suppressions(operation: Operation, reason: str | None, as_json: bool) -> None:
    """La liste d’exclusion : à qui l’on n’écrit plus, pourquoi, depuis quand."""
    with operation.database.reading() as session:
        counts = exclusions.counts(session)
        found = exclusions.every(session, SuppressionReason(reason) if reason else None)
        if as_json:
            say_json({"counts": counts, "addresses": list(map(_object, found))})
            return
        table = Table("Adresse", "Motif", "Depuis", "Par", "FASE")
        for one in found:
            entry, fases = one.entry, ", ".join(str(contact.authority.fase) for contact in one.contacts)
            table.add_row(one.address, entry.reason.label, french.day(entry.created_at), entry.created_by, fases)
    if found:
        console.print(table)
    counted = (f"{french.initial(one.label)} : {french.number(count)}" for one, count in counts.items())
    say(f"{', '.join(counted)}.")


def _object(one: Excluded) -> dict[str, object]:
    entry = one.entry
    return {
        "address": one.address,
        "reason": entry.reason,
        "scope": entry.scope,
        "since": entry.created_at.isoformat(timespec="seconds"),
        "by": entry.created_by,
        "detail": entry.detail,
        "authorities": [contact.authority.fase for contact in one.contacts],
    }
