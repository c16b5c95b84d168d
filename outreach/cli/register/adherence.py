"""`programme`, `adherence`: load programmes, import joining lists."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import click

from outreach.adherence import programmes
from outreach.adherence.imports import (
    HEADERS,
    JoiningLine,
    JoiningLists,
    JoiningPlan,
    covered_until,
    programme_of,
    stated_coverage,
)
from outreach.campaigns import planning
from outreach.cli.context import DayType, Operation, acting, file_argument, json_option, pass_operation, say, say_json
from outreach.cli.register.directory import (
    SHOWN,
    columns_asked,
    import_list,
    list_options,
    list_some,
    rejections,
    say_reading,
    undo_list,
)
from outreach.core.tables import decode_text, last_applied, opened_file
from outreach.core.text import dates, french
from outreach.core.text.roles import RoleName
from outreach.reports import notes

programme_option = click.option(
    "--programme", "code", default="", help="Le code du programme ; à donner s’il y en a plusieurs."
)


@click.group()
def programme() -> None:
    """Les programmes et leurs volets."""


@programme.command()
@file_argument
@json_option
@click.option("--dry-run", is_flag=True, help="Montre ce que le fichier changerait, sans rien enregistrer.")
@acting
@pass_operation
def load(operation: Operation, file: Path, dry_run: bool) -> None:
    """Charge un programme depuis son fichier (TOML), ou l’y ramène."""
    stated = programmes.read_programme(decode_text(file.read_bytes())[0])
    database = operation.database
    with database.reading() if dry_run else database.writing() as session:
        compared = programmes.programme_difference(session, stated)
        warnings = [*compared.warnings, *planning.stopped_by(session, stated)]
        if not dry_run:
            actor = operation.actor(session, RoleName.AUTHOR, RoleName.ADMINISTRATOR)
            before, changes = compared.before, compared.changes
            programmes.load_file(session, stated, now=operation.now, actor=actor, changes=changes, before=before)
    for sentence in (*compared.changes, *warnings):
        say(sentence)
    changed = "" if compared.changes else ", rien à changer"
    say(f"Programme « {stated.name} » : {french.plural(len(stated.strands), 'volet')}{changed}.")
    named = {"programme": stated.code, "name": stated.name, "is_new": compared.is_new, "is_loaded": not dry_run}
    say_json(lambda: named | {"changes": compared.changes, "warnings": warnings})


@click.group()
def adherence() -> None:
    """Les adhésions : appliquer une liste, l’annuler."""


@adherence.command(name="import")
@list_options
@programme_option
@click.option("--complete-until", "until", type=DayType(), help="Le jour jusqu’auquel la liste a toutes les adhésions.")
@click.option("--covers", "covered", multiple=True, metavar="RÉSEAU…", help="Un réseau qu’elle couvre ; répétable.")
@click.argument("networks", nargs=-1, metavar="[RÉSEAU]...")
@acting
@pass_operation
def import_joinings(
    operation: Operation,
    file: Path,
    yes: bool,
    dry_run: bool,
    columns: Mapping[str, str],
    code: str,
    until: date | None,
    covered: tuple[str, ...],
    networks: tuple[str, ...],
) -> None:
    """Montre ce qu’une liste d’adhésions change (CSV, XLSX, ODS), demande confirmation et l’applique.

    Plusieurs réseaux peuvent suivre --covers, après le fichier.
    """
    if networks and not covered:
        raise click.UsageError(f"« {networks[0]} » est de trop : un réseau suit --covers.")
    today = dates.today(operation.now)
    with columns_asked(HEADERS):
        sent = opened_file(file, HEADERS, columns)
    with operation.database.reading() as session:
        coverage, programme = (
            stated_coverage(session, until, covered + networks, today),
            programme_of(session, sent, code),
        )
        facts = {"programme_id": programme.id, "coverage": coverage}
        if name := programmes.name_among_several(session, programme):
            say(f"Programme : {name}.")
    kind = JoiningLists(today, notes.by_list)
    if import_list(operation, kind, lambda: sent, show, facts, yes=yes, dry_run=dry_run):
        say("La liste est appliquée. Pour revenir en arrière : ./run adherence undo")


@adherence.command(name="coverage")
@programme_option
@json_option
@pass_operation
def show_coverage(operation: Operation, code: str) -> None:
    """Dit jusqu’à quel jour les listes appliquées ont toutes les adhésions de chaque réseau."""
    with operation.database.reading() as session:
        programme = programmes.get_programme(session, code)
        covered = covered_until(session, programme)
        values, name = {"programme": programme.code}, programmes.name_among_several(session, programme)
    say_json(
        lambda: (
            values
            | {
                "items": [
                    {"network": one.code, "complete_until": day and day.isoformat()} for one, day in covered.items()
                ]
            }
        )
    )
    if name:
        say(f"Programme « {name} »")
    for network, day in covered.items():
        say(f"{network.label} : {french.day(day) if day else 'aucune liste ne le dit'}")


@adherence.command()
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@acting
@pass_operation
def undo(operation: Operation, yes: bool) -> None:
    """Annule la dernière liste appliquée."""
    kind = JoiningLists(dates.today(operation.now))
    with operation.database.reading() as session:
        last = last_applied(session, kind.table)
        of = programmes.of_programme(programmes.name_among_several(session, last.programme) if last else "")
    undo_list(operation, kind, f"Annuler la dernière liste d’adhésions{of} ?", yes=yes)
    say(f"La liste{of} est annulée.")


def show(plan: JoiningPlan) -> None:
    """Print what a list would change."""
    say(f"Statuts à enregistrer : {len(plan.changes)} ; déjà connus : {plan.unchanged}.")
    if plan.coverage:
        say(f"La liste est {plan.coverage.label}.")
    say(f"Colonnes lues : {', '.join(plan.columns_told)}.")
    say_reading(plan)
    list_some("Sans la condition requise", [_line(line) for line in plan.without_prerequisite], SHOWN)
    list_some("Datées d’avant un jour déjà dit", [_line(line) for line in plan.back_in_time], SHOWN)
    list_some("Notes que la liste contredit : corrigez-les après", [note.in_words for note in plan.notes], None)
    list_some("Lignes rejetées", rejections(plan.rejected), SHOWN)


def _line(line: JoiningLine) -> str:
    return (
        f"ligne {line.row} : école {line.school_fase}, volet {line.strand_number}, "
        f"« {line.before.label} » → « {line.status.label} » au {french.day(line.day)}"
    )
