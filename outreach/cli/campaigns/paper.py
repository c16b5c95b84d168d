"""`paper`: letters on paper, as files for a printer."""

from dataclasses import replace
from pathlib import Path

import click

from outreach import audit, french
from outreach.accounts import staff
from outreach.campaigns import lifecycle
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.paper import batches
from outreach.campaigns.paper.files import BatchFiles, files_of
from outreach.cli.campaigns.campaign import AUTHORS, number_argument
from outreach.cli.context import NumberType, Operation, acting, json_option, pass_operation, say, say_json
from outreach.errors import Refused


@click.group()
def paper() -> None:
    """Les lettres sur papier."""


@paper.command()
@number_argument
@click.option("--wave", type=NumberType(), metavar="N", help="De cette vague seulement.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DOSSIER", help="Où les écrire."
)
@click.option("--sheet", is_flag=True, help="Avec une feuille de réponse derrière chaque lettre.")
@json_option
@acting
@pass_operation
def make(operation: Operation, number: int, wave: int | None, out: Path, sheet: bool) -> None:
    """Prépare les lettres dues d’une campagne, et écrit leurs fichiers dans un dossier."""
    made, author = _made(operation, number, wave, sheet=sheet)
    out.mkdir(parents=True, exist_ok=True)
    written = [_written(operation, number, batch, out, author) for batch in made]
    letters = sum(one.letters for one in written)
    names = [name for one in written for name in one.contents if name.endswith(".pdf")]
    lists = [one.list_name for one in written]
    say_json(lambda: {"letters": letters, "files": names, "list": lists[0] if len(lists) == 1 else lists})
    say(f"{french.plural(letters, 'lettre')} dans {out} : {', '.join(names)}.")


def _made(operation: Operation, number: int, wave: int | None, *, sheet: bool) -> tuple[list[int], str]:
    """The batches made of what is due, and the name of who asked. Raises Refused when no letter is due."""
    sending, now = SenderIdentity.of(operation.settings), operation.now
    with operation.database.writing() as session:
        actor = operation.actor(session, *AUTHORS)
        campaign = lifecycle.in_turn(session, number)
        waves = batches.waves_of(campaign, wave)
        told = [batches.make(session, campaign, one, sending, sheet=sheet, now=now, actor=actor) for one in waves]
        made = [one.batch.id for one in told if one.batch is not None]
        for batch in made:
            audit.record(session, now, actor, f"Fichiers du lot {batch} remis.", f"campaign:{number}")
        author = staff.colleagues(session)[actor]
        unfit = sum(len(one.unfit) for one in told)
    if not made and not unfit:
        raise Refused("Aucune lettre sur papier n’est due.")
    if not made:
        bad = french.plural(unfit, "adresse est à corriger", "adresses sont à corriger")
        raise Refused(f"Aucune lettre ne peut partir : {bad} (Annuaire › Adresses postales).")
    return made, author


def _written(operation: Operation, number: int, batch: int, out: Path, author: str) -> BatchFiles:
    """The files of a batch, written to a folder under names that say the batch; only their owner may read them."""
    with operation.database.reading() as session:
        found = batches.batch_of(session, lifecycle.campaign_numbered(session, number), batch)
        sending, window = SenderIdentity.of(operation.settings), operation.settings.window
        files = files_of(session, found, sending, window, now=operation.now, author=author)
    named = {f"lot-{batch}-{name}": content for name, content in files.contents.items()}
    for name, content in named.items():
        (out / name).touch(mode=0o600)
        (out / name).write_bytes(content)
    return replace(files, contents=named, list_name=f"lot-{batch}-{files.list_name}")
