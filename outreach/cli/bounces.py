"""`bounces`: what came back by mail, read now rather than at the next minute."""

import sys

import click

from outreach import french
from outreach.cli.context import Operation, json_option, pass_operation, say, say_json, working
from outreach.delivery.bounces import collecting
from outreach.delivery.bounces.boxes import BoxError
from outreach.delivery.bounces.models import Handling
from outreach.delivery.bounces.notices import NoticeVerdict
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
            found = collecting.collect(operation.database, operation.settings, clock, most=sys.maxsize)
    except BoxError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise Refused(MISSING) from error
        raise
    if as_json:
        say_json(found.as_json())
        return
    say(f"{french.plural(found.verdicts.total(), 'courriel lu', 'courriels lus')}, dont déjà connus : {found.known}.")
    for verdict in (one for one in NoticeVerdict if found.verdicts[one]):
        say(f"  {french.initial(verdict.label)} : {found.verdicts[verdict]}")
    if found.handled:
        say("Ce qu’ils ont changé :")
    for handled in (one for one in Handling if found.handled[one]):
        say(f"  {french.initial(handled.label)} : {found.handled[handled]}")
