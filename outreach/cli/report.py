"""`report`: the situation in sentences, tables and files. `privacy`: what the GDPR asks to be kept in writing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import click

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.adherence import programmes, situation
from outreach.adherence.models import Programme
from outreach.adherence.situation import Bucket, By, Compared, Grouping, Reading, Situation, Solicitation
from outreach.campaigns import results
from outreach.campaigns.planning import end_of, known_until, read_past
from outreach.campaigns.results import Actions
from outreach.cli.context import DayType, Operation, json_option, pass_operation, say, say_json
from outreach.cli.register.adherence import programme_option
from outreach.core.db import Session
from outreach.core.text import dates, french
from outreach.core.text.errors import InputError
from outreach.delivery.outbox import listed_schools
from outreach.directory import authorities
from outreach.operations.retention import describe_processing, write_register
from outreach.web.pages.adherence.tables import tables_of
from outreach.web.ui import exports


@click.group()
def report() -> None:
    """Les rapports."""


NO_ACTIONS = Actions([], [], {})


@dataclass(frozen=True, slots=True)
class ReportContext:
    """A situation, the sentences that say it, and the register it counts by where that is the oldest one known."""

    found: Situation
    sentences: list[str]
    oldest: date | None


@report.command("situation")
@click.option("--as-of", "day", type=DayType(), help="Le jour à la fin duquel compter ; par défaut, aujourd’hui.")
@click.option(
    "--known-at",
    "moment",
    metavar="MOMENT",
    help="D’après ce qui était enregistré à ce moment passé, à Bruxelles : 2021-05-18 09:30, ou un jour pour sa fin.",
)
@click.option("--network", "networks", multiple=True, metavar="RÉSEAU", help="Un réseau, par exemple WBE ; répétable.")
@click.option(
    "--by",
    type=click.Choice([by.value for by in Grouping]),
    default=Grouping.NETWORK.value,
    help="Compte par réseau (par défaut), zone, province ou fédération.",
)
@json_option
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), metavar="FICHIER", help="Écrit un classeur.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), metavar="FICHIER", help="Écrit un CSV.")
@programme_option
@pass_operation
def count_situation(
    operation: Operation,
    day: date | None,
    moment: str | None,
    networks: tuple[str, ...],
    by: str,
    xlsx: Path | None,
    csv: Path | None,
    code: str,
) -> None:
    """Dit où en sont les écoles dans chaque volet : des phrases et un tableau, ou des fichiers."""
    _refuse_to_come(day, operation.now)
    if networks and by != Grouping.NETWORK:
        raise click.UsageError("--network choisit des réseaux : il ne va qu’avec --by network.")
    known_at = read_past(moment, now=operation.now) if moment else None
    with operation.database.reading() as session:
        programme = programmes.get_programme(session, code)
        as_of = day or dates.today(known_at or operation.now)
        told = _told(session, programme, as_of, known_at, Grouping(by), networks)
        acted = _acted(session, operation.now, told.found, programme) if xlsx else NO_ACTIONS
        named = {"programme": programme.code}
    tables = tables_of(told.found, acted, operation.now, told.oldest)
    if told.found.programme:
        tables = [exports.of_programme(table, told.found.programme, programme.code) for table in tables]
    if xlsx:
        xlsx.write_bytes(exports.xlsx(*tables))
    if csv:
        csv.write_bytes(exports.csv_bytes(tables[0]))
    say_json(lambda: named | told.found.as_json())
    if not (xlsx or csv):
        for line in (*told.sentences, *_tables(told.found)):
            say(line)


@report.command("actions")
@click.option("--as-of", "day", type=DayType(), help="Jusqu’à la fin de ce jour ; par défaut, maintenant.")
@json_option
@programme_option
@pass_operation
def list_actions(operation: Operation, day: date | None, code: str) -> None:
    """Dit les actions menées et prévues : les vagues parties, celles à venir, et à qui elles écrivent."""
    _refuse_to_come(day, operation.now)
    with operation.database.reading() as session:
        programme = programmes.get_programme(session, code)
        name = programmes.name_among_several(session, programme)
        acted = results.list_actions(session, programme, now=operation.now, at=end_of(day) if day else None)
        values = {"programme": programme.code, **acted.as_json()}
    say_json(lambda: values)
    if name:
        say(f"Programme « {name} »")
    for title, some in (("Prévues", acted.planned), ("Menées", acted.done)):
        say(f"{title} : {len(some)}")
        for action in some:
            say(f"  {action.sentence(acted.labels)}")
    if acted.reached:
        say(f"Qui les campagnes ont atteint : {len(acted.reached)}")
    for one in acted.reached:
        say(f"  « {one.title} » : {one.short}")


@report.command("difference")
@click.option("--strand", "number", type=int, required=True, metavar="N", help="Le volet, par son numéro.")
@click.option("--from", "first", type=DayType(), required=True, help="Le jour du premier chiffre.")
@click.option("--to", "second", type=DayType(), required=True, help="Le jour du second.")
@click.option("--known-from", metavar="MOMENT", help="Le premier, d’après ce qui était enregistré à ce moment passé.")
@click.option("--known-to", metavar="MOMENT", help="Le second, d’après ce qui était enregistré à ce moment passé.")
@click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    default=By.NETWORK.value,
    help="Compte par réseau (par défaut), zone ou niveau.",
)
@click.option("--federation", default="", metavar="CODE", help="Les seules écoles que représente une fédération.")
@json_option
@programme_option
@pass_operation
def explain_difference(
    operation: Operation,
    number: int,
    first: date,
    second: date,
    known_from: str | None,
    known_to: str | None,
    by: str,
    federation: str,
    code: str,
) -> None:
    """Dit pourquoi un chiffre a changé : entre deux jours, ou entre deux états de ce qui était enregistré."""
    for day in (first, second):
        _refuse_to_come(day, operation.now)
    before, after = (
        Reading(day, read_past(moment, now=operation.now) if moment else None)
        for day, moment in ((first, known_from), (second, known_to))
    )
    with operation.database.reading() as session:
        programme = programmes.get_programme(session, code)
        scope = AccessScope(ScopeKind.FEDERATION, federation) if federation else None
        asked = Compared(programme, programme.strand(number), By(by), scope)
        found = situation.difference(session, asked, before, after)
        name = programmes.name_among_several(session, programme)
    say_json(found.as_json)
    for line in situation.difference_sentences(found, name):
        say(line)


def _refuse_to_come(day: date | None, now: datetime) -> None:
    if day and day > dates.today(now):
        raise click.UsageError("Cette date est dans l’avenir.")


def _acted(session: Session, now: datetime, found: Situation, programme: Programme) -> Actions:
    """The actions until the day and the moment of a situation."""
    return results.list_actions(session, programme, now=now, at=known_until(found.as_of, found.known_at))


def _told(
    session: Session, programme: Programme, day: date, known_at: datetime | None, by: Grouping, networks: Sequence[str]
) -> ReportContext:
    situation.refuse_unknowable(session, day, known_at)
    codes = _codes(session, networks)
    listed = listed_schools(known_until(day, known_at))
    counted = situation.count_situation(session, programme, day, known_at=known_at, by=by, listed=listed)
    said = situation.situation_sentences(counted, programme.strands)
    said += [answer.sentence for answer in situation.group_answers(counted, programme.strands, codes)]
    oldest = situation.oldest_register(session, day, known_at)
    if oldest:
        said.append(f"Écoles : registre du {french.day(oldest)}, le plus ancien connu.")
    return ReportContext(counted.among(codes), said, oldest)


def _codes(session: Session, networks: Sequence[str]) -> list[str]:
    """The codes of networks named by code or label, whatever their case. Raises InputError for an unknown one."""
    offered = {network.code: network.label for network in authorities.list_networks(session)}
    codes = {name.casefold(): code for code, label in offered.items() for name in (label, code)}
    for name in networks:
        if name.casefold() not in codes:
            raise InputError(f"Réseau inconnu : « {name[:60]} ». Choisissez parmi : {', '.join(offered)}.")
    return [codes[name.casefold()] for name in networks]


def _tables(found: Situation) -> list[str]:
    """A table a strand that is open, as aligned lines: its headers, its groups, the total."""
    return [line for number in found.total.strands for line in ("", f"Volet {number}", *_lines(found, number))]


def _lines(found: Situation, number: int) -> list[str]:
    rows = [
        (
            french.initial(found.by.label),
            "PO",
            "Écoles",
            "Part qui a adhéré",
            *(name.label for name in (*Bucket, *Solicitation)),
        )
    ]
    for row in (*found.rows, found.total):
        counts = (row.strand_authorities.get(number, 0), row.open_to(number))
        share = french.percent(row.share(number, Bucket.JOINED))
        buckets = (french.number(count) for count in row.figures(number).values())
        rows.append((row.label, *map(french.number, counts), share, *buckets))
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        "  ".join((label.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))))
        for label, *cells in rows
    ]


@click.command()
@json_option
@pass_operation
def privacy(operation: Operation) -> None:
    """Écrit le registre des traitements et les points d’une analyse d’impact (RGPD), en Markdown."""
    with operation.database.reading() as session:
        found = describe_processing(session, operation.settings)
    say_json(lambda: asdict(found))
    for line in write_register(found).splitlines():
        say(line)
