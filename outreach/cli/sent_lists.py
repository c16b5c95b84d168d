"""What the commands share that import a list, or undo it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from outreach.cli.context import Operation, P, R, confirm, file_argument, is_json, json_option, say, say_json, working
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.sent_lists import steps
from outreach.sent_lists.grids import Opened
from outreach.sent_lists.plans import ListPlan
from outreach.sent_lists.steps import ListKind, Plan, Sent
from outreach.spreadsheets.headers import Headers, MissingColumns
from outreach.spreadsheets.tables import Rejection

SHOWN = 15


def list_options(command: Callable[P, R]) -> Callable[P, R]:
    """The file of a list and the options of the command that imports it."""
    yes = click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
    dry_run = click.option("--dry-run", is_flag=True, help="Montre ce que la liste changerait, sans rien enregistrer.")
    return file_argument(json_option(column_option(yes(dry_run(command)))))


def _said(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    parts = [each.rpartition("=") for each in given]
    if wrong := next(
        (each for each, (title, _, words) in zip(given, parts, strict=True) if not (title and words)), None
    ):
        raise click.BadParameter(f"« {wrong} » : écrivez TITRE=CONTENU, par exemple « Boîte=adresse e-mail ».")
    return {title.strip(): words.strip() for title, _, words in parts}


column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="TITRE=CONTENU",
    callback=_said,
    help="Ce que contient une colonne, par son titre : « Boîte=adresse e-mail » ; répétable.",
)


def import_list(
    operation: Operation,
    kind: ListKind[Sent, Plan],
    read: Callable[[], Opened],
    show: Callable[[Plan], None],
    facts: dict[str, Any],
    *,
    yes: bool,
    dry_run: bool,
) -> bool:
    """Show what a list would change, ask, and apply it; whether it was applied. `facts` are its other columns.

    Raises UsageError when the options of `list_options` contradict each other, or nobody could confirm.
    """
    if dry_run and yes:
        raise click.UsageError("--dry-run n’enregistre rien, --yes applique : choisissez.")
    if is_json() and not (yes or dry_run):
        raise click.UsageError("Avec --json, ajoutez --yes pour appliquer, ou --dry-run pour ne rien enregistrer.")
    with columns_asked(kind.headers):
        sent = read()
        with operation.database.reading() as session, working("La liste est comparée…"):
            judged = steps.judge(session, kind, steps.drafted(kind, sent, **facts), sent.cells)
    say_json(judged.plan.summary)
    show(judged.plan)
    if dry_run or judged.plan.nothing:
        return False
    if not yes:
        confirm("Appliquer cette liste ?")
    with operation.database.writing() as session, working("La liste s’applique…"):
        actor = operation.actor(session, RoleName.AUTHOR)
        received = steps.receive(session, kind, sent, now=operation.now, actor=actor, **facts)
        steps.apply(session, kind, received, judged, now=operation.now, actor=actor)
    return True


@contextmanager
def columns_asked(headers: Headers) -> Iterator[None]:
    """Say how the command is told which column holds what is missing."""
    try:
        yield
    except MissingColumns as missing:
        if not missing.is_matchable:
            raise
        options = " ".join(f'--column "TITRE={headers.fields[word].said}"' for word in missing.fields)
        raise InputError(f"{missing} Pour dire ce que contient une colonne, ajoutez {options}.") from None


def undo_list(operation: Operation, kind: ListKind[Sent, Plan], question: str, *, yes: bool) -> None:
    """Ask, and undo the last list applied."""
    if not yes:
        confirm(question)
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.AUTHOR)
        steps.undo(session, kind, now=operation.now, actor=actor)


def say_reading(plan: ListPlan) -> None:
    """Print how the file of a list was read: its columns that are not read, and the cells that were mended."""
    say(f"Fichier lu : {plan.label}.")
    for chosen in plan.chosen:
        say(f'{chosen.message} Ajoutez pour cela --column "TITRE={chosen.said}".')
    if named := ", ".join(plan.set_aside_columns):
        say(f"Colonnes connues, laissées de côté : {named}.")
    if named := ", ".join(plan.unknown_columns):
        say(f"Colonnes inconnues, non lues : {named}.")
    list_some("Lignes laissées de côté, hors du tableau", rejections(plan.lines_aside), SHOWN)
    list_some("Cellules réparées", rejections(plan.mended), SHOWN, plan.mended_count)


def rejections(rejected: Iterable[Rejection]) -> list[str]:
    """Rejected rows as lines, each with its row and column."""
    return [f"ligne {r.row}, {r.column or 'ligne entière'} : {r.message}" for r in rejected]


def list_some(title: str, lines: list[str], limit: int | None, count: int = 0) -> None:
    """Print a titled list, cut at a limit; `count` is how many there are where not all are given."""
    if not lines:
        return
    count = count or len(lines)
    say(f"\n{title} ({count})")
    for line in lines[:limit]:
        say(f"  {line}")
    if limit and count > limit:
        say(f"  … et {count - limit} autres (--all les montre)")
