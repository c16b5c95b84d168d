"""`suppressions`: the list of exclusion, for a terminal or a machine."""

import click

from outreach import french
from outreach.cli.context import Operation, json_option, pass_operation, say, say_json
from outreach.delivery.ledger import suppression_list
from outreach.delivery.ledger.suppression_list import Excluded
from outreach.delivery.models import SuppressionReason


@click.command()
@click.option(
    "--reason", type=click.Choice([one.value for one in SuppressionReason]), help="Seulement celles de ce motif."
)
@json_option
@pass_operation
def suppressions(operation: Operation, reason: str | None, as_json: bool) -> None:
    """La liste d’exclusion : à quelles adresses on n’écrit plus, pourquoi, depuis quand."""
    with operation.database.reading() as session:
        counts = suppression_list.counts(session)
        found = suppression_list.every(session, SuppressionReason(reason) if reason else None)
        if as_json:
            say_json({"counts": counts, "exclusions": [_object(one) for one in found]})
            return
        for one in found:
            say(_sentence(one))
    counted = (f"{one.label} : {french.number(count)}" for one, count in counts.items())
    say(f"Exclusions, par motif : {', '.join(counted)}.")


def _sentence(one: Excluded) -> str:
    entry, whose = one.entry, ", ".join(f"FASE {authority.fase}" for authority in one.authorities)
    said = f" « {entry.detail} »" if entry.detail else ""
    since = f"{french.day(entry.created_at)}, {entry.created_by}"
    return f"{one.address} ({whose or 'à personne'}) : {entry.reason.label}, {since}{said}"


def _object(one: Excluded) -> dict[str, object]:
    entry = one.entry
    return {
        "address": one.address,
        "reason": entry.reason,
        "scope": entry.scope,
        "since": entry.created_at.isoformat(timespec="seconds"),
        "by": entry.created_by,
        "detail": entry.detail,
        "authorities": [authority.fase for authority in one.authorities],
    }
