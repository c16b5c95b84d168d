"""`register`, `contacts`, `directory`: lists compared, applied and undone, and what the directory says."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from outreach.cli.context import (
    DayType,
    Operation,
    P,
    R,
    acting,
    confirm,
    file_argument,
    is_json,
    json_option,
    pass_operation,
    say,
    say_json,
    show_table,
    working,
)
from outreach.core import tables
from outreach.core.settings import Mode
from outreach.core.tables import (
    Headers,
    ImportPreview,
    ListKind,
    MissingColumns,
    Opened,
    Plan,
    Rejection,
    Sent,
    opened_file,
)
from outreach.core.text import dates, french
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.directory import authorities
from outreach.directory.authorities import Filters
from outreach.directory.models import Nature, RegisterKind
from outreach.directory.reference import NETWORKS
from outreach.directory.register import FIELD_LABELS, Change, Difference, Editions, last_import
from outreach.directory.register import HEADERS as EDITION_HEADERS
from outreach.engagement.mailboxes import HEADERS, ContactLists, ContactPlan

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
            judged = tables.judge_import(session, kind, tables.draft_import(kind, sent, **facts), sent.cells)
    say_json(judged.plan.summary)
    show(judged.plan)
    if dry_run or judged.plan.nothing:
        return False
    if not yes:
        confirm("Appliquer cette liste ?")
    with operation.database.writing() as session, working("La liste s’applique…"):
        actor = operation.actor(session, RoleName.AUTHOR)
        received = tables.receive_import(session, kind, sent, now=operation.now, actor=actor, **facts)
        tables.apply_import(session, kind, received, judged, now=operation.now, actor=actor)
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
        tables.undo_import(session, kind, now=operation.now, actor=actor)


def say_reading(plan: ImportPreview) -> None:
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


KINDS = {RegisterKind.AUTHORITY: "PO", RegisterKind.SCHOOL: "école", RegisterKind.SITE: "implantation"}
TITLES = {
    Nature.NEW: "Nouveaux",
    Nature.RETURNED: "De retour",
    Nature.CHANGED: "Modifiés, champ par champ",
    Nature.MOVED: "Passés à un autre PO",
    Nature.GONE: "Ne figurent plus",
}
all_option = click.option("--all", "show_all", is_flag=True, help="Montre chaque différence, sans limite.")


@click.group()
def register() -> None:
    """Le registre des écoles : comparer une édition, l’appliquer, l’annuler."""


@register.command()
@file_argument
@json_option
@all_option
@column_option
@pass_operation
def plan(operation: Operation, file: Path, show_all: bool, columns: Mapping[str, str]) -> None:
    """Montre ce qu’une édition changerait ; n’écrit rien."""
    facts = {"edition_on": dates.today(operation.now)}
    shown = partial(show, limit=None if show_all else SHOWN)
    read = partial(opened_file, file, EDITION_HEADERS, columns)
    import_list(operation, _editions(operation), read, shown, facts, yes=False, dry_run=True)


@register.command()
@file_argument
@json_option
@all_option
@column_option
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@click.option("--edition", "edition_on", type=DayType(), help="La date de l’édition ; par défaut, aujourd’hui.")
@acting
@pass_operation
def apply(
    operation: Operation, file: Path, show_all: bool, columns: Mapping[str, str], yes: bool, edition_on: date | None
) -> None:
    """Montre ce qu’une édition change, demande confirmation et l’applique, en une fois."""
    today = dates.today(operation.now)
    if edition_on and edition_on > today:
        raise click.UsageError("La date de l’édition est dans l’avenir.")
    facts = {"edition_on": edition_on or today}
    shown = partial(show, limit=None if show_all else SHOWN)
    read = partial(opened_file, file, EDITION_HEADERS, columns)
    if import_list(operation, _editions(operation), read, shown, facts, yes=yes, dry_run=False):
        say("L’édition est appliquée. Pour revenir en arrière : ./run register undo")


@register.command()
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@acting
@pass_operation
def undo(operation: Operation, yes: bool) -> None:
    """Annule la dernière édition appliquée."""
    with operation.database.reading() as session:
        last = last_import(session)
    dated = f"l’édition du {french.day(last.edition_on)}" if last else "la dernière édition"
    undo_list(operation, _editions(operation), f"Annuler {dated} ?", yes=yes)
    say(f"{french.initial(dated)} est annulée.")


@click.group()
def contacts() -> None:
    """Les contacts : appliquer une liste d’adresses, l’annuler."""


@contacts.command(name="import")
@list_options
@click.option("--complete", is_flag=True, help="La liste est complète : retire les adresses qu’elle ne nomme pas.")
@click.option(
    "--accept-names", is_flag=True, help="Applique aussi les lignes dont le nom est loin de celui du numéro FASE."
)
@acting
@pass_operation
def import_contacts(
    operation: Operation,
    file: Path,
    yes: bool,
    dry_run: bool,
    columns: Mapping[str, str],
    complete: bool,
    accept_names: bool,
) -> None:
    """Montre ce qu’une liste de contacts change (CSV, XLSX, ODS), demande confirmation et l’applique."""
    settings = operation.settings
    rule = partial(judge, examples=settings.mode is Mode.DEMO, ours=settings.sending_domain)
    kind = ContactLists(rule, None if accept_names else ())
    read = partial(opened_file, file, HEADERS, columns)
    if import_list(operation, kind, read, show_contacts, {"complete": complete}, yes=yes, dry_run=dry_run):
        say("La liste est appliquée. Pour revenir en arrière : ./run contacts undo")


@contacts.command("undo")
@click.option("--yes", is_flag=True, help="N’attend pas de confirmation.")
@acting
@pass_operation
def undo_contacts(operation: Operation, yes: bool) -> None:
    """Annule la dernière liste de contacts appliquée, tant que rien ne s’appuie sur elle."""
    kind = ContactLists(judge)
    undo_list(operation, kind, "Annuler la dernière liste de contacts ?", yes=yes)
    say("La liste est annulée.")


@click.group()
def directory() -> None:
    """L’annuaire : ce qu’il contient."""


@directory.command()
@json_option
@pass_operation
def count(operation: Operation) -> None:
    """Compte les PO et les écoles, en tout et par réseau."""
    with operation.database.reading() as session:
        rows = [("total", "Total", authorities.count_authorities(session, Filters()))]
        rows += [
            (n.code, n.label, authorities.count_authorities(session, Filters(networks=(n.code,))))
            for n in authorities.list_networks(session)
        ]
    names = ("authorities", "schools", "authorities_with_secondary", "secondary_schools")
    figures = {code: {name: getattr(counts, name) for name in names} for code, _, counts in rows}
    total = figures.pop("total")
    networks = {code: {"label": NETWORKS[code], **counts} for code, counts in figures.items()}
    say_json(lambda: {**total, "networks": networks})
    table = Table("Réseau", *("PO", "Écoles", "PO avec secondaire", "Écoles secondaires"))
    for _, label, counts in rows:
        table.add_row(label, *(french.number(getattr(counts, name)) for name in names))
    show_table(table)


def _editions(operation: Operation) -> Editions:
    return Editions(operation.settings.mailbox_domain)


def show(difference: Difference, limit: int | None) -> None:
    """Print a difference: the counts, then what changes, then what was left out."""
    table = Table("", "Nouveaux", "Modifiés", "Changent de PO", "Ne figurent plus", "Inchangés")
    for kind, label in KINDS.items():
        counts = difference.counts(kind)
        cells = (french.number(counts[name]) for name in ("new", "changed", "moved", "gone", "unchanged"))
        table.add_row(label, *cells)
    show_table(table)
    say(f"Lignes ignorées : {difference.ignored.total()}.")
    ignored = [f"{kind} : {count}" for kind, count in difference.ignored.most_common()]
    list_some("Hors enseignement obligatoire, non lus", ignored, limit)
    say_reading(difference)
    for nature, title in TITLES.items():
        list_some(title, [_line(change) for change in difference.changes if change.nature is nature], limit)
    list_some("Lignes rejetées", rejections(difference.rejected), limit)
    if difference.nothing:
        say(difference.nothing)
    if difference.doubt():
        say(f"\nAttention : {difference.doubt()}")


def show_contacts(planned: ContactPlan) -> None:
    """Print what a list of contacts would change."""
    counts = planned.counts
    say(
        f"Adresses nouvelles : {counts.new} ; précisées : {counts.changed} ; inchangées : {counts.unchanged} ; "
        f"retirées : {counts.withdrawn}."
    )
    say(f"Colonnes lues : {', '.join(planned.columns_told)}.")
    say_reading(planned)
    if planned.silenced:
        say(f"Pouvoirs organisateurs qui n’auront plus aucune adresse : {len(planned.silenced)}.")
    mixed = [f"ligne {stated.row} : {stated.judged.address}" for stated in planned.mixed]
    list_some("À vérifier par une deuxième personne", mixed, SHOWN)
    doubts = [f"ligne {s.row} : {s.judged.address}. {' '.join(s.judged.warnings)}" for s in planned.to_reread]
    list_some("Adresses à relire, enregistrées comme les autres", doubts, SHOWN)
    failing = [f"ligne {stated.row} : {stated.judged.address}" for stated in planned.failing]
    list_some("Boîtes en échec, que la liste ne remet pas en usage", failing, SHOWN)
    list_some("Lignes rejetées", rejections(planned.rejected), SHOWN)
    waiting = [
        f"ligne {stated.row}, {stated.judged.address} : « {far.stated} », mais {stated.fase} est « {far.known} »"
        for stated, far in planned.waiting
    ]
    list_some("Noms loin de celui du numéro FASE, non enregistrés sans --accept-names", waiting, None)


def _line(change: Change) -> str:
    named = f"{KINDS[change.kind]} {change.fase} – {change.name}"
    if change.nature is Nature.CHANGED:
        return f"{named} : {FIELD_LABELS[change.field]} « {change.before} » → « {change.after} »"
    if change.nature is Nature.MOVED:
        return f"{named} : du PO {change.before} au PO {change.after}"
    return named
