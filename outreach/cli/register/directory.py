"""`register`, `contacts`: compare, apply and undo editions and lists of contacts; `directory`: what there is."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path

import click
from rich.table import Table

from outreach import days, french
from outreach.cli.context import (
    DayType,
    Operation,
    acting,
    console,
    file_argument,
    json_option,
    pass_operation,
    say,
    say_json,
)
from outreach.cli.sent_lists import (
    SHOWN,
    column_option,
    import_list,
    list_options,
    list_some,
    rejections,
    say_reading,
    undo_list,
)
from outreach.contact_lists.columns import HEADERS
from outreach.contact_lists.lists import ContactLists
from outreach.contact_lists.plans import ContactPlan
from outreach.directory import listing
from outreach.directory.editions import imports
from outreach.directory.editions.difference import FIELD_LABELS, Change, Difference
from outreach.directory.editions.imports import Editions
from outreach.directory.editions.register import HEADERS as EDITION_HEADERS
from outreach.directory.listing import Filters
from outreach.directory.models import Nature, RegisterKind
from outreach.directory.reference import NETWORKS
from outreach.mail.addresses import judge
from outreach.sent_lists.grids import opened_file
from outreach.settings import Mode

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
    facts = {"edition_on": days.today(operation.now)}
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
    today = days.today(operation.now)
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
        last = imports.last_import(session)
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
        rows = [("total", "Total", listing.count(session, Filters()))]
        rows += [
            (n.code, n.label, listing.count(session, Filters(networks=(n.code,)))) for n in listing.networks(session)
        ]
    names = ("authorities", "schools", "authorities_with_secondary", "secondary_schools")
    figures = {code: {name: getattr(counts, name) for name in names} for code, _, counts in rows}
    total = figures.pop("total")
    networks = {code: {"label": NETWORKS[code], **counts} for code, counts in figures.items()}
    say_json(lambda: {**total, "networks": networks})
    table = Table("Réseau", *("PO", "Écoles", "PO avec secondaire", "Écoles secondaires"))
    for _, label, counts in rows:
        table.add_row(label, *(french.number(getattr(counts, name)) for name in names))
    console.print(table)


def _editions(operation: Operation) -> Editions:
    return Editions(operation.settings.mailbox_domain)


def show(difference: Difference, limit: int | None) -> None:
    """Print a difference: the counts, then what changes, then what was left out."""
    table = Table("", "Nouveaux", "Modifiés", "Changent de PO", "Ne figurent plus", "Inchangés")
    for kind, label in KINDS.items():
        counts = difference.counts(kind)
        cells = (french.number(counts[name]) for name in ("new", "changed", "moved", "gone", "unchanged"))
        table.add_row(label, *cells)
    console.print(table)
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
