"""`purge`, `person`: what has been kept for its time, what is known of an address, and how it is erased."""

import threading
from pathlib import Path

import click

from outreach.cli.context import Operation, acting, json_option, pass_operation, say, say_json, working
from outreach.core.text.errors import InputError
from outreach.core.text.french import plural
from outreach.core.text.roles import RoleName
from outreach.operations import retention
from outreach.operations.retention import Archives


@click.command()
@click.option("--dry-run", is_flag=True, help="Compte ce qui partirait, et n’efface rien.")
@json_option
@pass_operation
def purge(operation: Operation, dry_run: bool) -> None:
    """Efface ce dont la durée de conservation est passée, comme l’horloge le fait ; dit combien, règle par règle."""
    database, never = operation.database, threading.Event()
    archives = Archives.of(operation.settings)
    with database.reading() as session:
        rules = retention.in_force(session)
        if dry_run:
            counts = [
                0 if rule.is_archive and archives is None else retention.count_over(session, rule, now=operation.now)
                for rule in rules
            ]
    if not dry_run:
        counts = [retention.forget_by_rule(database, rule, lambda: operation.now, never, archives) for rule in rules]
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
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), metavar="FICHIER", help="Écrit un PDF, à lire.")
@json_option
@pass_operation
def export(operation: Operation, address: str, pdf: Path | None) -> None:
    """Donne tout ce que le service sait d’une adresse, table par table (RGPD, articles 15 et 20)."""
    with operation.database.reading() as session:
        known = retention.known_of(session, address)
        shown = retention.readable_tables(session, known, most=retention.MOST_ROWS)
    say_json(lambda: retention.export_person(address, known))
    if pdf:
        pdf.write_bytes(retention.pdf_of(address, shown, operation.settings.address, now=operation.now))
    for table in shown:
        say(f"{table.title} : {plural(table.count, 'ligne')}")
    say("Le détail : --json, ou --pdf FICHIER." if known else "Le service ne sait rien de cette adresse.")


@person.command()
@click.argument("address", metavar="ADRESSE")
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@click.option(
    *("--keep", "kept"),
    multiple=True,
    metavar="NOM",
    help="Laisse ce nom partout sauf dans les lignes de la personne. Se répète.",
)
@acting
@json_option
@pass_operation
def erase(operation: Operation, address: str, yes: bool, kept: tuple[str, ...]) -> None:
    """Efface une personne qui le demande (RGPD, article 17) : son adresse, ses noms, ses numéros, ses mots.

    Cela ne s’annule pas. Le service ne lui écrit plus jamais ; les notes signées restent.
    """
    settings, has_sorting_list = operation.settings, bool(operation.settings.sorting_list)
    with operation.database.reading() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        planned = retention.plan_erasure(session, address, has_sorting_list=has_sorting_list, kept=kept)
    if strange := [name for name in kept if name not in planned.kept]:
        raise InputError(f"Rien ne s’appelle « {strange[0]} » parmi ce qui partirait : {', '.join(planned.named)}.")
    for sentence in retention.erasure_in_words(planned):
        say(sentence)
    if not yes:
        click.confirm("Un effacement ne s’annule pas. Effacer ?", abort=True)
    with working("La personne est effacée."):
        count = retention.carry_out(operation.database, planned, settings.data, now=operation.now, actor=actor)
    say_json(lambda: {"rows": count, "keeps_address": planned.keeps_address})
    say(f"C’est fait : {plural(count, 'ligne')}.")


@person.command()
@acting
@json_option
@pass_operation
def replay(operation: Operation) -> None:
    """Refait dans une base restaurée les effacements que la sauvegarde ignore, d’après le fichier erasures.jsonl."""
    settings, has_sorting_list = operation.settings, bool(operation.settings.sorting_list)
    with operation.database.reading() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
    count = retention.replay_erasures(
        *(operation.database, settings.data), has_sorting_list=has_sorting_list, now=operation.now, actor=actor
    )
    say_json(lambda: {"erased": count})
    say(f"{plural(count, 'adresse effacée de nouveau', 'adresses effacées de nouveau')}.")
