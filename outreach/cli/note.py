"""`note`: make a note and have it approved, list and show notes, verify a file, correct and publish one."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from outreach import french
from outreach.about import letterheads
from outreach.campaigns.schedule.moments import read_past
from outreach.cli.context import (
    DayType,
    NumberType,
    Operation,
    acting,
    confirm,
    file_argument,
    is_json,
    json_option,
    pass_operation,
    say,
    say_json,
    working,
)
from outreach.cli.register.adherence import programme_option
from outreach.days import today
from outreach.db import NO_ANSWER
from outreach.demo import people
from outreach.errors import InputError, OutreachError
from outreach.french import typeset
from outreach.notes import (
    approving,
    corrections,
    drafts,
    finishing,
    freezing,
    gathering,
    known_notes,
    listing,
    signing,
    verifying,
)
from outreach.notes.content import HandFigure, NoteContent, TableKind
from outreach.notes.drafts import NoteRequest
from outreach.notes.files.data import LARGEST
from outreach.notes.models import ENDINGS, NoteState
from outreach.notes.requests import asking
from outreach.notes.verifying import KnownNotes, NoteVerdict
from outreach.roles import RoleName
from outreach.settings import Mode
from outreach.spreadsheets.tables import decode

EXITS = {NoteVerdict.VALID: 0, NoteVerdict.UNPROVEN: 3, NoteVerdict.INVALID: 1}  # click itself ends with 2
MOST_KEYS = 64_000  # bytes of a file of public keys, each of which has 113
GROUPINGS = [kind.value for kind in TableKind if kind is not TableKind.NETWORK]
yes_option = click.option("--yes", is_flag=True, help="N’attend pas de confirmation ; --json n’en attend pas non plus.")
text_option = click.option(
    "--text",
    "text_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FICHIER",
    help="Vos paragraphes, en Markdown.",
)
figure_option = click.option(
    "--figure",
    "figures",
    nargs=4,
    multiple=True,
    metavar="QUOI CHIFFRE SOURCE DATE",
    help="Un chiffre donné à la main, avec sa source et sa date. Se répète.",
)


@click.group()
def note() -> None:
    """Les notes : préparer, valider, corriger, publier, vérifier."""


@note.command()
@click.option("--as-of", "day", type=DayType(), required=True, help="Le jour à la fin duquel compter.")
@click.option(
    "--known-at",
    metavar="MOMENT",
    help="D’après ce qui était enregistré à ce moment (2021-05-12 14:00) ; sinon, maintenant.",
)
@click.option("--compare", "compare", type=DayType(), help="Un jour antérieur, à comparer.")
@click.option("--network", "networks", multiple=True, metavar="RÉSEAU", help="Seulement ce réseau. Se répète.")
@click.option("--strand", "strands", multiple=True, type=NumberType(), help="Seulement ce volet. Se répète.")
@click.option("--by", "groupings", multiple=True, type=click.Choice(GROUPINGS), help="Un tableau de plus. Se répète.")
@click.option("--title", required=True, metavar="TEXTE", help="Le titre.")
@click.option("--question", default="", metavar="TEXTE", help="La question posée.")
@text_option
@figure_option
@programme_option
@yes_option
@json_option
@acting
@pass_operation
def make(
    operation: Operation,
    day: date,
    known_at: str | None,
    compare: date | None,
    networks: tuple[str, ...],
    strands: tuple[int, ...],
    groupings: tuple[str, ...],
    title: str,
    question: str,
    text_file: Path | None,
    figures: tuple[tuple[str, str, str, str], ...],
    code: str,
    yes: bool,
) -> None:
    """Fige une note. En démonstration, une seconde personne la valide aussitôt : la note reçoit son numéro."""
    asked = NoteRequest(
        day,
        title,
        programme=code,
        known_at=read_past(known_at, now=operation.now) if known_at else None,
        strands=strands,
        networks=networks,
        groupings=tuple(map(TableKind, groupings)),
        question=question,
        text=decode(text_file.read_bytes())[0] if text_file else "",
        hand_figures=tuple(_figure(*words) for words in figures),
        compare=compare,
    )
    _make(operation, asked, yes=yes)


@note.command()
@click.option("--question", required=True, metavar="TEXTE", help="La question, dans ses mots.")
@click.option("--as-of", "day", type=DayType(), help="Le jour à la fin duquel compter ; sinon, aujourd’hui.")
@click.option("--network", "networks", multiple=True, metavar="RÉSEAU", help="Ce réseau d’abord. Se répète.")
@programme_option
@json_option
@acting
@pass_operation
def request(operation: Operation, question: str, day: date | None, networks: tuple[str, ...], code: str) -> None:
    """Demande une note : la rédaction y répond, et un courriel dit quand elle est prête."""
    as_of = day or today(operation.now)
    title = f"Situation au {french.day(as_of)}"
    asked = NoteRequest(as_of, title, code, networks=networks, question=question.strip())
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.READER)
        key = asking.ask(session, asked, now=operation.now, actor=actor).id
    page = f"{operation.settings.address}/notes/requests/{key}"
    say_json(lambda: {"awaits": key, "page": page})
    say(f"La demande attend la rédaction : {page}")


@note.command()
@click.argument("number", metavar="NUMÉRO")
@click.option("--reason", required=True, metavar="TEXTE", help="Pourquoi la note est corrigée.")
@click.option("--as-of", "day", type=DayType(), help="Un autre jour que celui de la note corrigée.")
@click.option("--known-at", metavar="MOMENT", help="D’après ce qui était enregistré à ce moment ; sinon, maintenant.")
@click.option("--title", default="", metavar="TEXTE", help="Un autre titre.")
@text_option
@figure_option
@yes_option
@json_option
@acting
@pass_operation
def correct(
    operation: Operation,
    number: str,
    reason: str,
    day: date | None,
    known_at: str | None,
    title: str,
    text_file: Path | None,
    figures: tuple[tuple[str, str, str, str], ...],
    yes: bool,
) -> None:
    """Corrige une note par une autre, qui la nomme, dit chaque chiffre avant et après, et pourquoi."""
    with operation.database.reading() as session:
        asked = corrections.again(session, number)
    asked = replace(
        asked,
        as_of=day or asked.as_of,
        known_at=read_past(known_at, now=operation.now) if known_at else None,
        title=title or asked.title,
        text=decode(text_file.read_bytes())[0] if text_file else asked.text,
        hand_figures=tuple(_figure(*words) for words in figures) or asked.hand_figures,
        reason=reason,
    )
    _make(operation, asked, yes=yes)


@note.command(name="list")
@click.option("--state", type=click.Choice([state.value for state in NoteState]), help="Seulement celles de cet état.")
@json_option
@pass_operation
def list_notes(operation: Operation, state: str | None) -> None:
    """Les notes figées, la dernière d’abord."""
    with operation.database.reading() as session:
        rows = listing.listed(session, NoteState(state) if state else None).objects()
    say_json(lambda: rows)
    for row in rows:
        corrected = f", corrigée par {row['corrected_by']}" if row["corrected_by"] else ""
        label = NoteState(row["state"]).label.lower()
        say(f"{row['number'] or row['key']}  {row['as_of']}  {label}{corrected}  {row['title']}")
    if not rows:
        say("Aucune note.")


@note.command()
@click.argument("number", metavar="NUMÉRO")
@click.option("--format", "kind", type=click.Choice(list(ENDINGS)), help="Écrit ce fichier.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FICHIER",
    help="Où l’écrire ; sans, sur la sortie.",
)
@pass_operation
def show(operation: Operation, number: str, kind: str | None, output: Path | None) -> None:
    """Montre une note, ou écrit un de ses fichiers, tel qu’il est gardé (« csv » : notes d’avant 0.4.0)."""
    with operation.database.reading() as session:
        found = listing.by_number(session, number)
        content = listing.content_of(found)
        kept = listing.file_of(session, found, kind).content if kind else b""
        row = listing.listed(session).object(found)
    if kind is None:
        _tell(content, row)
        return
    if output:
        output.write_bytes(kept)
        return
    if sys.stdout.isatty() and kind != "json":
        raise click.UsageError(f"Un terminal ne montre pas ce fichier : --output note-{number}.{ENDINGS[kind]}")
    sys.stdout.buffer.write(kept)


@note.command()
@file_argument
@click.option("--alone", is_flag=True, help="Sans la base de données : d’après ce que le fichier contient.")
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FICHIER",
    help="Les clés publiques (PEM) de confiance, telles que le service les publie à /n/key.",
)
@json_option
@pass_operation
def verify(operation: Operation, file: Path, alone: bool, key_file: Path | None) -> None:
    """Dit si un fichier est celui d’une note ; code de sortie : 0 valide, 3 non prouvé, 1 non valide."""
    trusted = _trusted(key_file) if key_file else frozenset()
    judged = verifying.verify(_beginning(file, LARGEST), None if alone else _known(operation), trusted)
    shown = {"valid": judged.is_valid, "verdict": judged.verdict.value}
    say_json(lambda: {**shown, "number": judged.number or None, "reason": judged.said})
    say(f"Verdict : {judged.verdict.label}. {judged.said}")
    sys.exit(EXITS[judged.verdict])


@note.command()
@click.argument("number", metavar="NUMÉRO")
@acting
@pass_operation
def publish(operation: Operation, number: str) -> None:
    """Publie une note validée : chacun peut ouvrir sa page."""
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.APPROVER)
        approving.publish(session, number, now=operation.now, actor=actor)
    say(f"La note {number} est publiée : {operation.settings.address}/n/{number}")


def _make(operation: Operation, asked: NoteRequest, *, yes: bool) -> None:
    with operation.database.reading() as session:
        gathered = gathering.gather(session, asked, now=operation.now)
    _say_answers(gathered.content)
    if not (yes or is_json()):
        confirm("Figer cette note ?")
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.AUTHOR)
        key = freezing.freeze(session, gathered, now=operation.now, actor=actor).id
    is_demo = operation.settings.mode is Mode.DEMO
    number = _approve(operation, key) if is_demo else None
    say_json(lambda: {"number": number} if number else {"number": None, "awaits": key})
    if number:
        say(f"Note {number}. Ses fichiers : ./run note show {number} --format pdf")
    else:
        say(f"La note est figée. Une autre personne la valide sur sa page : {operation.settings.address}/notes/{key}")


def _approve(operation: Operation, key: int) -> str:
    """Approve a note as a demonstration's approver; elsewhere that person signs in, and does it on the note's page."""
    with operation.database.reading() as session:
        head = letterheads.current(session)
    with working("Signature et fichiers…"):
        return approving.approve(
            operation.database,
            key,
            finishing.finisher(operation.settings, head),
            address=operation.settings.address,
            now=operation.now,
            actor=people.person_for(RoleName.APPROVER).email,
            approved_as="",
        )


def _known(operation: Operation) -> KnownNotes | None:
    """What the database holds; None where it cannot be asked or holds no note, so that it proves nothing."""
    try:
        with operation.database.reading() as session:
            notes = known_notes.known_notes(session)
    except NO_ANSWER:
        said = "La base de données ne répond pas"
    except SQLAlchemyError:  # a file that is none, or is damaged: no verdict may come of it
        said = "La base de données ne peut pas être lue"
    except OutreachError as error:  # of another version, or no database is named
        said = str(error).rstrip(".")
    else:
        if notes.public_keys:
            return notes
        said = "La base de données ne garde aucune note validée"
    click.echo(typeset(f"{said} : le fichier est vérifié sans elle."), err=True)
    return None


def _trusted(key_file: Path) -> frozenset[str]:
    try:
        return signing.public_keys_in(_beginning(key_file, MOST_KEYS))
    except InputError as error:
        raise click.BadParameter(typeset(str(error)), param_hint="--key") from None


def _beginning(file: Path, size: int) -> bytes:
    """At most so many bytes of a file, and one more where it is longer."""
    with file.open("rb") as opened:
        return opened.read(size + 1)


def _figure(label: str, value: str, source: str, dated: str) -> HandFigure:
    return HandFigure(label, value, source, drafts.day_of_figure(dated))


def _say_answers(content: NoteContent) -> None:
    for paragraph in (one for told in content.prose for one in told.paragraphs):
        say(paragraph)
    for answer in () if content.prose else content.answers:
        for sentence in (answer.sentence, *(one.sentence for one in answer.networks)):
            say(sentence)


def _tell(content: NoteContent, row: dict[str, Any]) -> None:
    state = NoteState(row["state"]).label.lower()
    corrected = f", corrigée par {row['corrected_by']}" if row["corrected_by"] else ""
    say(f"Note {row['number']} : {content.title} ({state}{corrected})")
    _say_answers(content)
    say(f"Code de contrôle (SHA-256) : {row['sha256']}")
