"""`suppressions`, `bounces`: the suppression list, and the mailbox of what comes back, read now."""

import sys
from collections.abc import Mapping

import click

from outreach import french
from outreach.accounts import colleagues
from outreach.cli.context import Operation, json_option, pass_operation, say, say_json, working
from outreach.delivery.bounces import collecting
from outreach.delivery.bounces.boxes import BoxError
from outreach.delivery.bounces.models import Handling
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.delivery.ledger import suppression_list
from outreach.delivery.ledger.suppression_list import Excluded
from outreach.delivery.models import SuppressionReason
from outreach.errors import Refused

MISSING = "La boîte des retours nommée par OUTREACH_BOUNCES_URL n’existe pas : créez-la, ou corrigez ce réglage."


@click.command()
@json_option
@pass_operation
def bounces(operation: Operation, as_json: bool) -> None:
    """Lit la boîte des retours : rejets, plaintes, désinscriptions reçues par courriel."""
    if not operation.settings.bounces_url:
        raise Refused("Aucune boîte de retours n’est nommée : indiquez-la dans OUTREACH_BOUNCES_URL.")
    clock = operation.settings.instant
    try:
        with working("Lecture de la boîte des retours…"):
            collected = collecting.collect(operation.database, operation.settings, clock, most=sys.maxsize)
    except BoxError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise Refused(MISSING) from error
        raise
    if as_json:
        say_json(collected.as_json())
        return
    read = french.plural(collected.verdicts.total(), "courriel lu", "courriels lus")
    say(f"{read}, dont déjà connus : {collected.known}.")
    for verdict in (verdict for verdict in NoticeVerdict if collected.verdicts[verdict]):
        say(f"  {french.initial(verdict.label)} : {collected.verdicts[verdict]}")
    if collected.handled:
        say("Ce qu’ils ont changé :")
    for handled in (handled for handled in Handling if collected.handled[handled]):
        say(f"  {french.initial(handled.label)} : {collected.handled[handled]}")


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
        names = {who: colleagues.name_of(session, who) for who in {excluded.entry.created_by for excluded in rows}}
        for excluded in rows:
            say(_sentence(excluded, names))
    counted = (f"{counted_reason.label} : {french.number(count)}" for counted_reason, count in counts.items())
    say(f"Exclusions, par motif : {', '.join(counted)}.")


def _sentence(excluded: Excluded, names: Mapping[str, str]) -> str:
    entry, whose = excluded.entry, ", ".join(f"FASE {authority.fase}" for authority in excluded.authorities)
    said = f" « {entry.detail} »" if entry.detail else ""
    since = f"{french.day(entry.created_at)}, {names[entry.created_by]}"
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
