"""`letter`: a letter by hand to one authority."""

import hashlib
from pathlib import Path

import click

from outreach.accounts import colleagues
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.replies import by_hand
from outreach.campaigns.replies.replying import Writer
from outreach.cli.context import NumberType, Operation, acting, pass_operation, say
from outreach.directory import authority_sheet
from outreach.errors import InputError
from outreach.roles import RoleName

BIGGEST = 100_000  # bytes of a text


@click.group()
def letter() -> None:
    """Les courriels à un pouvoir organisateur, hors campagne."""


@letter.command()
@click.argument("fase", type=NumberType(), metavar="FASE")
@click.option(
    "--text",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FICHIER",
    help="Le texte du courriel ; sa première ligne est l’objet, « Objet : … ».",
)
@click.option("--to", "address", default="", metavar="ADRESSE", help="La boîte ; par défaut, la première du PO.")
@acting
@pass_operation
def send(operation: Operation, fase: int, file: Path, address: str) -> None:
    """Écrit à un PO : un texte validé part aussitôt, tout autre attend la validation d’une autre personne."""
    text, sending, now = _read(file), SenderIdentity.of(operation.settings), operation.now
    with operation.database.reading() as session:
        actor = operation.actor(session, RoleName.AUTHOR)
        authority = authority_sheet.authority_by_fase(session, fase)
        to = by_hand.mailbox(session, authority, address)
        writer = Writer(colleagues.name_of(session, actor), actor)
        prepared = by_hand.prepare(session, authority, to, text, writer, sending, now=now)
    # The same person's same letter to the same mailbox within a day is one letter, however often it is sent.
    key = hashlib.sha256("\0".join((actor, to.address, f"{now:%Y-%m-%d}", text)).encode()).hexdigest()[:32]
    with operation.database.writing() as session:
        authority = authority_sheet.authority_by_fase(session, fase)
        made, is_new = by_hand.write(session, authority, to, text, prepared, sending, key, now=now, actor=actor)
        awaits, number = made.text_id is None, made.id
    if not is_new:
        say(f"Ce courriel à {to.address} est déjà enregistré aujourd’hui : il ne part pas deux fois.")
    elif awaits:
        say(f"Le courriel {number} à {to.address} attend la validation d’une autre personne : /letters/{number}")
    else:
        say(f"Le courriel à {to.address} est dans la file d’envoi.")


def _read(file: Path) -> str:
    """The text of a file. Raises InputError where it is too long; OSError and UnicodeError have a sentence already."""
    content = file.read_bytes()
    if len(content) > BIGGEST:
        raise InputError("Ce fichier est trop long pour un courriel.")
    return content.decode().lstrip("\ufeff").replace("\r\n", "\n")
