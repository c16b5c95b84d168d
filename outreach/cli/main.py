"""The list of commands, each loaded when it is used."""

import json
from importlib import import_module

import click
from click.exceptions import Exit

from outreach import __version__
from outreach.campaigns.schedule.moments import read_moment
from outreach.cli.faults import sentence

AS_JSON, ANSWER = "outreach.as_json", "outreach.answer"  # keys: whether --json is asked for, and what it prints
SHOWN = "outreach.shown"  # key of the moment at which the clock starts (--now)
MODULES = {
    "running.up": ("up",),
    "running.web": ("web",),
    "running.work": ("work", "mailbox", "verify", "audit", "instance", "relay"),
    "running.install": ("migrate", "sample"),
    "accounts": ("user",),
    "directory": ("register", "directory", "contacts"),
    "adherence": ("programme", "adherence"),
    "report": ("report",),
    "campaign": ("campaign",),
    "note": ("note",),
    "closures": ("closure",),
    "mailboxes": ("bounces", "suppressions", "consent"),
    "bench": ("bench", "chaos"),
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
        except Exit:
            raise
        except Exception as error:
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
        return load(name) if name in PLACES else None


def load(name: str) -> click.Command:
    """The command of this name. Raises KeyError when there is none."""
    command: click.Command = getattr(import_module(f"outreach.cli.{PLACES[name]}"), name)
    return command


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, prog_name="outreach")
@click.option("--now", metavar="MOMENT", help="Fait comme s’il était ce moment (2021-05-18 09:30) ; en démonstration.")
@click.pass_context
def commands(context: click.Context, now: str | None) -> None:
    """Campagnes de sensibilisation auprès des pouvoirs organisateurs.

    Sans commande : prépare la base, charge l’exemple en démonstration, et sert les pages.
    """
    if now:
        context.meta[SHOWN] = read_moment(now).at
    if context.invoked_subcommand is None:
        context.invoke(load("up"))
