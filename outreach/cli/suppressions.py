"""`suppressions`: print the suppression list, as text or JSON."""

import click

from outreach import french
from outreach.cli.context import Operation, json_option, pass_operation, say, say_json
from outreach.delivery.ledger import suppression_list
from outreach.delivery.ledger.suppression_list import Excluded
from outreach.delivery.models import SuppressionReason


@click.command()
@click.option(
    "--reason", type=click.Choice([reason.value for reason in SuppressionReason]), help="Seulement celles de ce motif."
)
@json_option
@pass_operation
def suppressions(operation: Operation, reason: str | None, as_json: bool) -> None:
    """La liste d’exclusion : à quelles adresses on n’écrit plus, pourquoi, depuis quand."""
    with operation.database.reading() as session:
        counts = suppression_list.counts(session)
        rows = suppression_list.every(session, SuppressionReason(reason) if reason else None)
        if as_json:
            say_json({"counts": counts, "exclusions": [_object(excluded) for excluded in rows]})
            return
        for excluded in rows:
            say(_sentence(excluded))
    counted = (f"{counted_reason.label} : {french.number(count)}" for counted_reason, count in counts.items())
    say(f"Exclusions, par motif : {', '.join(counted)}.")


def _sentence(excluded: Excluded) -> str:
    entry, whose = excluded.entry, ", ".join(f"FASE {authority.fase}" for authority in excluded.authorities)
    said = f" « {entry.detail} »" if entry.detail else ""
    since = f"{french.day(entry.created_at)}, {entry.created_by}"
    return f"{excluded.address} ({whose or 'à personne'}) : {entry.reason.label}, {since}{said}"


def _object(excluded: Excluded) -> dict[str, object]:
    entry = excluded.entry
    return {
        "address": excluded.address,
        "reason": entry.reason,
        "scope": entry.scope,
        "since": entry.created_at.isoformat(timespec="seconds"),
        "by": entry.created_by,
        "detail": entry.detail,
        "authorities": [authority.fase for authority in excluded.authorities],
    }
