"""`backup`, `restore`, `rehearse`: backups of the database, new databases made of them, and the proof that it works."""

import sys
import time
from datetime import datetime
from os import PathLike
from pathlib import Path

import click

from outreach.campaigns import results
from outreach.campaigns.models import CLOCK
from outreach.cli.context import Operation, file_argument, json_option, pass_operation, say, say_json, working
from outreach.core import audit
from outreach.core.db import Database
from outreach.core.erasure import carry_erasures, info_of, read_erasures
from outreach.core.settings import Mode, Settings
from outreach.core.text import french
from outreach.core.text.errors import InputError, OutreachError, Refused
from outreach.delivery import workers
from outreach.operations import backups, migrations, retention
from outreach.operations.backups import BackupOrigin, Restored
from outreach.reports import files, notes

NOBODY_ERASED = (
    "Aucun effacement n’est connu ici. S’il y en a eu : copiez erasures.jsonl dans le dossier de données, puis lancez "
    "./run person replay."
)


class BackupFolder(click.Path):
    """A folder that is named: an empty word, as of a variable that is not set, would be the one where the shell is."""

    def convert(
        self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | PathLike[str]:
        """Raises click.BadParameter for an empty word."""
        if value == "":
            self.fail("nommez le dossier, ou laissez OUTREACH_BACKUPS le dire.", param, ctx)
        return super().convert(value, param, ctx)


@click.command()
@click.argument("folder", required=False, type=BackupFolder(path_type=Path), metavar="[DOSSIER]")
@click.option("--keep", type=click.IntRange(1, 3650), metavar="JOURS", help="Supprime les sauvegardes plus anciennes.")
@json_option
@pass_operation
def backup(operation: Operation, folder: Path | None, keep: int | None) -> None:
    """Sauvegarde la base et son manifeste dans un dossier (OUTREACH_BACKUPS), pendant que le service tourne."""
    place, settings = _folder(operation.settings, folder), operation.settings
    with working("La base est sauvegardée."):
        made = backups.make_backup(settings.database, place, _origin(settings), now=operation.now)
        carry_erasures(settings.data, place)
        gone = backups.forget_backups(place, keep, now=operation.now) if keep else 0
    say_json(lambda: {"file": str(made.file), "manifest": str(made.manifest)})
    say(f"Sauvegarde : {made.file}")
    say(f"Manifeste : {made.manifest}")
    if gone:
        say(f"{french.plural(gone, 'sauvegarde ancienne supprimée', 'sauvegardes anciennes supprimées')}.")


@click.command()
@file_argument
@click.option("--database-url", required=True, metavar="ADRESSE", help="La base neuve, qui n’a aucune table.")
@json_option
@pass_operation
def restore(operation: Operation, file: Path, database_url: str) -> None:
    """Restaure une sauvegarde dans une base neuve, la vérifie, nomme les réglages à changer ; sinon, termine par 1."""
    with working("La base est restaurée et vérifiée."):
        restored = backups.restore_backup(file, database_url, _origin(operation.settings).keys, prove)
    erased = 0 if restored.faults else _erase_again(operation, file.parent, database_url)
    named = (
        {}
        if restored.faults
        else {"OUTREACH_DATABASE_URL": backups.address_without_password(database_url), **restored.lacking}
    )
    contents = restored.manifest.contents
    say_json(
        lambda: {
            "ok": not restored.faults and not restored.lacking,
            "database": backups.address_without_password(database_url),
            "revision": contents.revision,
            "made_at": restored.manifest.made_at.isoformat(),
            "tables": len(contents.tables),
            "rows": contents.rows,
            "faults": [*restored.faults],
            "settings": named,
            "erased_again": erased,
        }
    )
    _tell(restored, database_url)
    if erased:
        words = french.plural(erased, "adresse, effacée depuis, l’est", "adresses, effacées depuis, le sont")
        say(f"{words} de nouveau.")
    elif erased is None:
        say("Puis ./run person replay : des adresses ont été effacées depuis cette sauvegarde.")
    elif not restored.faults and _is_new_here(operation.settings, restored):
        say(NOBODY_ERASED)
    sys.exit(1 if restored.faults or restored.lacking else 0)


@click.command()
@click.argument("folder", required=False, type=BackupFolder(path_type=Path), metavar="[DOSSIER]")
@json_option
@pass_operation
def rehearse(operation: Operation, folder: Path | None) -> None:
    """Restaure à part la sauvegarde la plus récente, la vérifie et note le résultat ; sinon, termine par 1."""
    place, settings, began = _folder(operation.settings, folder), operation.settings, time.monotonic()
    database, now = operation.database, operation.now
    with working("La sauvegarde la plus récente est restaurée à part et vérifiée."):
        rehearsed = backups.run_restore_test(place, settings.database, _origin(settings).keys, prove_all)
    with database.writing() as session:
        backups.record_restore_test(session, rehearsed, now=now, seconds=time.monotonic() - began)
    made_at = rehearsed.made_at and rehearsed.made_at.isoformat()
    values = {"ok": not rehearsed.faults, "file": rehearsed.file, "made_at": made_at, "faults": [*rehearsed.faults]}
    say_json(lambda: values)
    if not rehearsed.faults and rehearsed.made_at:
        say(f"La sauvegarde du {french.moment(rehearsed.made_at)} se restaure : {rehearsed.file}")
    for fault in rehearsed.faults:
        say(fault)
    sys.exit(1 if rehearsed.faults else 0)


def _is_new_here(settings: Settings, restored: Restored) -> bool:
    """Whether the backup is of another data folder, and this one knows no erasure that came with it."""
    return restored.manifest.installation != _origin(settings).installation and not read_erasures(settings.data)


def _erase_again(operation: Operation, folder: Path, url: str) -> int | None:
    """Erase in a restored database who was erased since; None where it has to wait for a migration or a key.

    The erasures are those of the data folder, and of the backup's `folder`: the data folder may be a new one.
    """
    settings = operation.settings
    if not folder.samefile(settings.data):
        carry_erasures(folder, settings.data)
    if not read_erasures(settings.data):
        return 0
    database, has_sorting_list = Database(url, info_of(settings)), bool(settings.sorting_list)
    try:
        if not migrations.is_current(database.engine):
            return None
        now = operation.now
        return retention.replay_erasures(
            database, settings.data, has_sorting_list=has_sorting_list, now=now, actor=CLOCK
        )
    except Refused:  # without the key, which the settings to change name
        return None
    finally:
        database.dispose()


def _tell(restored: Restored, url: str) -> None:
    contents = restored.manifest.contents
    if restored.faults:
        say("La base restaurée n’est pas celle qui a été sauvegardée. Ne la mettez pas en service :")
        for fault in restored.faults:
            say(f"  {fault}")
        return
    tables = f"{french.plural(len(contents.tables), 'table')}, {french.plural(contents.rows, 'ligne')}"
    say(f"La base du {french.moment(restored.manifest.made_at)} est restaurée et vérifiée : {tables}.")
    say("Réglages à changer :")
    say(f"  OUTREACH_DATABASE_URL={backups.address_without_password(url)}")
    for sentence in restored.lacking.values():
        say(f"  {sentence}")
    say("Ensuite : ./run migrate, puis ./run verify, puis ./run instance confirm (docs/trouble.md, Restore).")


def prove(url: str, at: datetime, other: tuple[str, ...] = ()) -> list[str]:
    """What the ledger, the audit's chain and the signatures of notes say of a database, as of its backup.

    `other` is what is said where it is of another version than the program, which then cannot read it.
    """
    database = Database(url)
    try:
        if not migrations.is_current(database.engine):
            return [*other]
        with database.reading() as session:
            breaches = results.verify_ledger(session, now=at)
            lines = [f"Le registre ne tient pas la règle {breach.rule} (vague {breach.wave})." for breach in breaches]
            fault = audit.verify_seals(session).fault
            return lines + ([f"Le journal a été touché. {fault}"] if fault else []) + files.find_faults(session)
    finally:
        database.dispose()


def prove_all(url: str, at: datetime) -> list[str]:
    """The same for a rehearsal, where a database of another version is a fault: nothing would be checked of it."""
    other = "Cette sauvegarde est d’une autre version que le programme : lancez ./run backup, puis recommencez."
    return prove(url, at, (other,))


def _folder(settings: Settings, given: Path | None) -> Path:
    folder = given or settings.backups
    if folder is None:
        raise InputError("Nommez le dossier des sauvegardes, ou le réglage OUTREACH_BACKUPS.")
    return folder


def _origin(settings: Settings) -> BackupOrigin:
    """The installation and the fingerprints of its keys. A demonstration's own files are not made for it."""
    identity = workers.read(settings.data).identity if (settings.data / "installation").exists() else ""
    has_key = settings.note_key_file or (settings.mode is Mode.DEMO and (settings.data / notes.OWN_KEY).exists())
    try:
        public = notes.public_key_of(notes.signing_key(settings)) if has_key else ""
    except OutreachError:
        public = ""  # a key that cannot be read is told by what needs it
    return BackupOrigin(identity, backups.fingerprints(settings, notes.key_fingerprint(public) if public else ""))
