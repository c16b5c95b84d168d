"""The list of commands, each loaded when it is used."""

import json
import os
import sys
from importlib import import_module

import click
from sqlalchemy.exc import DatabaseError, OperationalError

from outreach import __version__
from outreach.campaigns.planning import read_moment
from outreach.cli import gone, phrases
from outreach.core.text.errors import OutreachError
from outreach.core.text.french import typeset
from outreach.core.text.typed import cleaned

phrases.speak()
AS_JSON, ANSWER = "outreach.as_json", "outreach.answer"  # keys: whether --json is asked for, and what it prints
NO_DATABASE = (
    "Le fichier nommé par OUTREACH_DATABASE_URL n’est pas une base de données, ou il est abîmé : "
    "corrigez ce réglage, ou restaurez une sauvegarde (docs/trouble.md)."
)
EXPECTED = (OutreachError, click.ClickException, click.Abort, UnicodeError, OSError, DatabaseError)
SHOWN = "outreach.shown"  # key of the moment at which the clock starts (--now)
MODULES = {
    "running.up": ("up",),
    "running.web": ("web",),
    "running.work": ("work", "mailbox", "verify", "audit", "instance", "relay"),
    "running.install": ("migrate", "sample"),
    "running.doctor": ("doctor",),
    "running.health": ("healthy",),
    "running.backups": ("backup", "restore", "rehearse"),
    "accounts": ("user",),
    "register.directory": ("register", "directory", "contacts"),
    "register.adherence": ("programme", "adherence"),
    "replies": ("replies",),
    "report": ("report", "privacy"),
    "campaigns.campaign": ("campaign",),
    "note": ("note",),
    "retention": ("purge", "person"),
    "jobs": ("job",),
    "register.mailboxes": ("bounces",),
}
PLACES = {name: module for module, names in MODULES.items() for name in names}


class Commands(click.Group):
    """Commands by name, each loaded when it is used: loading all takes longer than running most of them.

    A work process, which runs for months, thus does not hold in memory what it does not use. With `--json`, standard
    output gets one object: the command's answer, or {"error": sentence} where it ends by a fault.
    """

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Remember whether JSON is asked for: a fault may lie in the words themselves."""
        context.meta[AS_JSON] = "--json" in args
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> object:
        """Run the command, and print its answer or its fault where JSON is asked for. Its faults go on."""
        try:
            return super().invoke(context)
        except Exception as error:  # an answer that was ready is none where the command then failed
            context.meta.pop(ANSWER, None)
            if context.meta[AS_JSON] and (said := sentence(error)):
                context.meta[ANSWER] = {"error": said}
            raise
        finally:
            if ANSWER in context.meta:
                click.echo(json.dumps(context.meta[ANSWER], ensure_ascii=False))

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names."""
        return sorted(PLACES)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of this name, or None."""
        if name in PLACES:
            return load(name)
        return gone.replaced(name) if name in gone.GONE else None


def sentence(error: Exception) -> str:
    """The sentence of a fault that can be expected; '' of any other."""
    if isinstance(error, OutreachError):
        said = str(error)
    elif isinstance(error, click.ClickException):
        said = error.format_message()
    elif isinstance(error, click.Abort):
        said = "Rien n’est confirmé : la commande s’est arrêtée."
    elif isinstance(error, UnicodeError):
        said = "Un texte donné n’est pas en UTF-8 : il ne peut pas être lu."
    elif isinstance(error, OSError):
        said = f"{error.filename or 'Fichier'} : {error.strerror}."
    elif isinstance(error, OperationalError):
        said = f"La base de données ne répond pas : {error.orig}"
    else:
        said = NO_DATABASE if type(error) is DatabaseError else ""
    return cleaned(typeset(said))


def load(name: str) -> click.Command:
    """The command of this name. Raises KeyError when there is none."""
    command: click.Command = getattr(import_module(f"outreach.cli.{PLACES[name]}"), name)
    gone.add_to(command, name)
    return command


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, prog_name="outreach")
@click.option(
    "--now", metavar="MOMENT", help="Fait comme si l’on était à ce moment (2021-05-18 09:30) ; en démonstration."
)
@click.pass_context
def commands(context: click.Context, now: str | None) -> None:
    """Campagnes de sensibilisation auprès des pouvoirs organisateurs.

    Sans commande : prépare la base, charge l’exemple en démonstration, et sert les pages.
    """
    if now:
        context.meta[SHOWN] = read_moment(now).at
    if context.invoked_subcommand is None:
        context.invoke(load("up"))


def run() -> None:
    """Run a command. A refusal prints a sentence on standard error and exits with status 1."""
    os.umask(0o077)  # only this user may read the database, secrets and exports
    try:
        commands(prog_name="./run")
    except EXPECTED as error:
        said = sentence(error)
        if not said:
            raise
        print(said, file=sys.stderr)
        sys.exit(1)
