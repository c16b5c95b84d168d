"""`bounces`: what came back from mailboxes."""

import sys

import click

from outreach.cli.context import Operation, json_option, pass_operation, say, say_json, working
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.delivery import received
from outreach.delivery.bounces import BoxError, Handling, NoticeVerdict

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
            collected = received.collect_returns(operation.database, operation.settings, clock, most=sys.maxsize)
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
