"""`programme`, `adherence`: load programmes, import joining lists."""

from pathlib import Path

import click

from outreach import days, french
from outreach.adherence import programme_files, programmes
from outreach.adherence.joining_lists import lists
from outreach.adherence.joining_lists.lines import JoiningLine
from outreach.adherence.joining_lists.lists import ListPlan
from outreach.cli.context import (
    Operation,
    acting,
    confirm,
    file_argument,
    pass_operation,
    say,
    say_json,
)
from outreach.cli.directory import SHOWN, list_options, list_some, refuse_contradictions, rejections, say_unread
from outreach.roles import RoleName
from outreach.sent_lists import grid_of
from outreach.spreadsheets.tables import decode

programme_option = click.option(
    "--programme", "code", default="", help="Le code du programme ; par défaut, le premier."
)


@click.group()
def programme() -> None:
    """Les programmes et leurs volets."""


@programme.command()
@file_argument
@acting
@pass_operation
def load(operation: Operation, file: Path) -> None:
    """Charge un programme depuis son fichier (TOML), ou l’y ramène."""
    stated = programmes.read(decode(file.read_bytes())[0])
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.AUTHOR, RoleName.ADMINISTRATOR)
        changes = programme_files.difference(session, stated).changes
        loaded = programmes.load_file(session, stated, now=operation.now, actor=actor, changes=changes)
        for change in changes:
            say(change)
        say(f"Programme « {loaded.name} » : {french.plural(len(loaded.strands), 'volet')}.")


@click.group()
def adherence() -> None:
    """Les adhésions : appliquer une liste, l’annuler."""


@adherence.command(name="import")
@list_options
@programme_option
@acting
@pass_operation
def import_list(operation: Operation, file: Path, as_json: bool, yes: bool, dry_run: bool, code: str) -> None:
    """Montre ce qu’une liste d’adhésions change (CSV, XLSX, ODS), demande confirmation et l’applique."""
    refuse_contradictions(as_json=as_json, yes=yes, dry_run=dry_run)
    today, sent = days.today(operation.now), lists.opened(file.read_bytes())
    with operation.database.reading() as session:
        judged = lists.judge(session, grid_of(sent), programmes.the_programme(session, code), today)
    plan = judged.plan
    show(plan, as_json)
    if dry_run or not plan.changes:
        return
    if not yes:
        confirm("Appliquer cette liste ?")
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.AUTHOR)
        stated = programmes.the_programme(session, code)
        received = lists.receive(session, sent, stated, now=operation.now, actor=actor)
        lists.apply(session, received, now=operation.now, today=today, actor=actor, judged=judged, shown=plan)
    if not as_json:
        say("La liste est appliquée. Pour revenir en arrière : ./run adherence undo")


@adherence.command()
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@acting
@pass_operation
def undo(operation: Operation, yes: bool) -> None:
    """Annule la dernière liste appliquée."""
    if not yes:
        confirm("Annuler la dernière liste d’adhésions ?")
    with operation.database.writing() as session:
        lists.undo(session, now=operation.now, actor=operation.actor(session, RoleName.AUTHOR))
    say("La liste est annulée.")


def show(plan: ListPlan, as_json: bool) -> None:
    """Print what a list would change."""
    if as_json:
        say_json(plan.summary())
        return
    say(f"Statuts à enregistrer : {len(plan.changes)} ; déjà connus : {plan.unchanged}. Fichier lu : {plan.label}.")
    say_unread(plan.set_aside_columns, plan.unknown_columns)
    list_some("Sans la condition requise", [_line(line) for line in plan.without_prerequisite], SHOWN)
    list_some("Reviennent en arrière", [_line(line) for line in plan.back_in_time], SHOWN)
    list_some("Lignes rejetées", rejections(plan.rejected), SHOWN)


def _line(line: JoiningLine) -> str:
    return (
        f"ligne {line.row} : école {line.school_fase}, volet {line.strand_number}, "
        f"« {line.before.label} » → « {line.status.label} » au {french.day(line.day)}"
    )
