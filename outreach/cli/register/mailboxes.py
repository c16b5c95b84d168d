"""`bounces`, `suppressions`, `consent`: what came back from mailboxes, which are excluded, which may be measured."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from outreach import french
from outreach.accounts import colleagues
from outreach.cli.context import (
    Operation,
    json_option,
    pass_operation,
    say,
    say_json,
    working,
)
from outreach.delivery.bounces import collecting
from outreach.delivery.bounces.boxes import BoxError
from outreach.delivery.bounces.elsewhere import excluded_for_another
from outreach.delivery.bounces.models import Handling
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.delivery.ledger import suppression_list
from outreach.delivery.ledger.suppression_list import Excluded
from outreach.delivery.models import SuppressionReason
from outreach.errors import Refused
from outreach.measuring import bases
from outreach.measuring.models import TrackingBasis

MISSING = "La boîte des retours nommée par OUTREACH_BOUNCES_URL n’existe pas : créez-la, ou corrigez ce réglage."


@click.command()
@json_option
@pass_operation
def bounces(operation: Operation) -> None:
    """Lit la boîte des retours : rejets, plaintes, désinscriptions reçues par courriel."""
    if not operation.settings.returns_url:
        raise Refused("Aucune boîte de retours n’est nommée : indiquez-la dans OUTREACH_BOUNCES_URL.")
    clock = operation.settings.instant
    try:
        with working("Lecture de la boîte des retours…"):
            collected = collecting.collect(operation.database, operation.settings, clock, most=sys.maxsize)
    except BoxError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise Refused(MISSING) from error
        raise
    say_json(collected.as_json)
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
@click.option("--elsewhere", is_flag=True, help="Seulement celles dues au rejet d’une autre adresse : à lever.")
@json_option
@pass_operation
def suppressions(operation: Operation, reason: str | None, elsewhere: bool) -> None:
    """La liste d’exclusion : à quelles adresses on n’écrit plus, pourquoi, depuis quand."""
    with operation.database.reading() as session:
        counts = suppression_list.counts(session)
        further = excluded_for_another(session)
        asked = SuppressionReason(reason) if reason else None
        listed = suppression_list.listed(session, asked, further=further, is_further=elsewhere)
        say_json(lambda: {"counts": counts, "items": listed.objects()})
        rows = list(listed.every())
        names = {who: colleagues.name_of(session, who) for who in {excluded.entry.created_by for excluded in rows}}
        for excluded in rows:
            say(_sentence(excluded, names))
    counted = (f"{counted_reason.label} : {french.number(count)}" for counted_reason, count in counts.items())
    say(f"Exclusions, par motif : {', '.join(counted)}.")


def _sentence(excluded: Excluded, names: Mapping[str, str]) -> str:
    entry, whose = excluded.entry, ", ".join(f"FASE {authority.fase}" for authority in excluded.authorities)
    said = f" « {entry.detail} »" if entry.detail else ""
    failed = f" ; rejet de {excluded.elsewhere}, à qui cette boîte transmet" if excluded.elsewhere else ""
    since = f"{french.day(entry.created_at)}, {names[entry.created_by]}"
    return f"{excluded.address} ({whose or 'à personne'}) : {entry.reason.label}, {since}{said}{failed}"


@click.group()
def consent() -> None:
    """Les accords à être mesuré boîte par boîte."""


@consent.command(name="list")
@json_option
@pass_operation
def list_all(operation: Operation) -> None:
    """Énumère les accords et les décisions, retirés compris, du plus ancien au plus récent."""
    with operation.database.reading() as session:
        rows = [_row(basis) for basis in bases.every(session)]
    say_json(lambda: rows)
    for row in rows:
        until = f", retiré le {row['withdrawn_at'][:10]}" if row["withdrawn_at"] else ""
        proof = row["reference"] or row["channel"]
        say(f"{row['fase']}  {row['mailbox']} : {row['label']} du {row['on']}, {row['by']} ({proof}){until}")
    if not rows:
        say("Aucun accord, aucune décision : toute mesure se fait par groupe.")


def _row(basis: TrackingBasis) -> dict[str, Any]:
    """One agreement or decision as JSON; times are ISO with an offset, or null."""
    return {
        "fase": basis.contact.authority.fase,
        "mailbox": basis.contact.address,
        "kind": basis.kind.value,
        "label": basis.kind.label,
        "by": basis.given_by,
        "on": basis.taken_on.isoformat(),
        "channel": basis.channel,
        "wording": basis.wording,
        "reference": basis.reference,
        "recorded_at": basis.recorded_at.isoformat(),
        "recorded_by": basis.recorded_by,
        "withdrawn_at": basis.withdrawn_at.isoformat() if basis.withdrawn_at else None,
        "withdrawn_by": basis.withdrawn_by,
        "withdrawn_through": basis.withdrawn_through,
    }
