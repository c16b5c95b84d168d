"""`healthy`: whether this installation does its work, for what restarts containers or tells people."""

import sys

import click

from outreach.cli.context import Operation, json_option, pass_operation, say, say_json
from outreach.core.text import french
from outreach.delivery import workers


@click.group()
def healthy() -> None:
    """Dit si un processus de cette machine fait son travail ; celui des pages le dit à son adresse /healthz."""


@healthy.command()
@json_option
@pass_operation
def work(operation: Operation) -> None:
    """Dit si l’horloge de cette installation a passé depuis moins de 30 secondes ; sinon, termine par 1."""
    place, now = workers.place_of(operation.settings.data), operation.now
    with operation.database.reading() as session:
        passes = {passed.place: passed.at for passed in workers.last_passes(session)}
    at = passes.get(place)
    is_well = not workers.is_late(at, now=now)
    say_json(lambda: {"ok": is_well, "installation": place, "clock": at and at.isoformat()})
    said = f"a passé le {french.moment(at)}" if at else "n’a pas encore passé"
    say(f"L’horloge de {place} {said}.")
    sys.exit(0 if is_well else 1)
