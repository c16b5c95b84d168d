"""`note`: list and show notes, and verify a file."""

import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from outreach.cli.context import Operation, file_argument, json_option, pass_operation, say, say_json
from outreach.core.db import NO_ANSWER
from outreach.core.text.errors import InputError, OutreachError
from outreach.core.text.french import typeset
from outreach.reports import files
from outreach.reports.files import LARGEST, KnownNotes, NoteVerdict
from outreach.reports.notes import (
    ENDINGS,
    NoteContent,
    NoteState,
    by_number,
    file_of,
    public_keys_in,
    select_notes,
    stored_content,
)

EXITS = {NoteVerdict.VALID: 0, NoteVerdict.UNPROVEN: 3, NoteVerdict.INVALID: 1}  # click itself ends with 2
MOST_KEYS = 64_000  # bytes of a file of public keys, each of which has 113


@click.group()
def note() -> None:
    """Les notes : énumérer, montrer, vérifier."""


@note.command(name="list")
@click.option("--state", type=click.Choice([state.value for state in NoteState]), help="Seulement celles de cet état.")
@json_option
@pass_operation
def list_notes(operation: Operation, state: str | None) -> None:
    """Les notes figées, la dernière d’abord."""
    with operation.database.reading() as session:
        rows = select_notes(session, NoteState(state) if state else None).objects()
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
        found = by_number(session, number)
        content = stored_content(found)
        kept = file_of(session, found, kind).content if kind else b""
        row = select_notes(session).object(found)
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
    judged = files.verify_file(_beginning(file, LARGEST), None if alone else _known(operation), trusted)
    shown = {"valid": judged.is_valid, "verdict": judged.verdict.value}
    say_json(lambda: {**shown, "number": judged.number or None, "reason": judged.said})
    say(f"Verdict : {judged.verdict.label}. {judged.said}")
    sys.exit(EXITS[judged.verdict])


def _known(operation: Operation) -> KnownNotes | None:
    """What the database holds; None where it cannot be asked or holds no note, so that it proves nothing."""
    try:
        with operation.database.reading() as session:
            notes = files.known_notes(session)
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
        return public_keys_in(_beginning(key_file, MOST_KEYS))
    except InputError as error:
        raise click.BadParameter(typeset(str(error)), param_hint="--key") from None


def _beginning(file: Path, size: int) -> bytes:
    """At most so many bytes of a file, and one more where it is longer."""
    with file.open("rb") as opened:
        return opened.read(size + 1)


def _say_answers(content: NoteContent) -> None:
    for paragraph in (one for told in content.prose for one in told.paragraphs):
        say(paragraph)
    for answer in () if content.prose else content.answers:
        for sentence in (answer.sentence, *(one.sentence for one in answer.networks)):
            say(sentence)
    if content.changed:
        say(content.changed)


def _tell(content: NoteContent, row: dict[str, Any]) -> None:
    state = NoteState(row["state"]).label.lower()
    corrected = f", corrigée par {row['corrected_by']}" if row["corrected_by"] else ""
    say(f"Note {row['number']} : {content.title} ({state}{corrected})")
    _say_answers(content)
    say(f"Code de contrôle (SHA-256) : {row['sha256']}")
