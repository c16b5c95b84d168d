"""`purge`, `person`: what has been kept for its time, and what is known of an address."""

import threading

import click

from outreach.cli.context import Operation, json_option, pass_operation, say, say_json
from outreach.french import plural
from outreach.retention import changes, forgetting, persons
from outreach.retention.archives import Archives


@click.command()
@click.option("--dry-run", is_flag=True, help="Compte ce qui partirait, et n’efface rien.")
@json_option
@pass_operation
def purge(operation: Operation, dry_run: bool) -> None:
    """Efface ce qui a été gardé son temps, comme l’horloge le fait chaque heure ; dit combien, règle par règle."""
    database, never = operation.database, threading.Event()
    archives = Archives.of(operation.settings)
    with database.reading() as session:
        rules = changes.in_force(session)
        if dry_run:
            counts = [
                0 if rule.is_archive and archives is None else forgetting.count_over(session, rule, now=operation.now)
                for rule in rules
            ]
    if not dry_run:
        counts = [forgetting.forget(database, rule, lambda: operation.now, never, archives) for rule in rules]
    say_json(lambda: {"rules": [{"table": rule.table, "rows": n} for rule, n in zip(rules, counts, strict=True)]})
    for rule, count in zip(rules, counts, strict=True):
        if count:
            say(f"{rule.what} : {plural(count, 'ligne')}, plus de {rule.duration} après {rule.moment}.")
    if archives is None:
        say("Ce qui peut être une archive attend le tableau de tri du ministère (OUTREACH_SORTING_LIST).")
    if not any(counts):
        say("Rien n’a été gardé plus longtemps que prévu.")


@click.group()
def person() -> None:
    """Ce que le service sait d’une adresse."""


@person.command()
@click.argument("address", metavar="ADRESSE")
@json_option
@pass_operation
def export(operation: Operation, address: str) -> None:
    """Donne tout ce que le service sait d’une adresse, table par table (RGPD, articles 15 et 20)."""
    with operation.database.reading() as session:
        known = persons.known_of(session, address)
    say_json(lambda: {"address": address, "tables": known})
    for table, rows in known.items():
        say(f"{table} : {plural(len(rows), 'ligne')}")
    say("Le détail : --json." if known else "Le service ne sait rien de cette adresse.")
