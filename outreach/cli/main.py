"""The list of commands."""

import click

from outreach import __version__
from outreach.cli.adherence import adherence, programme, report
from outreach.cli.directory import directory, register
from outreach.cli.install import migrate, sample, user
from outreach.cli.serve import up


@click.group(invoke_without_command=True)
@click.version_option(__version__, prog_name="outreach")
@click.pass_context
def commands(context: click.Context) -> None:
    """Campagnes de sensibilisation auprès des pouvoirs organisateurs.

    Sans commande : prépare la base, charge l’exemple en démonstration, et sert les pages.
    """
    if context.invoked_subcommand is None:
        context.invoke(up)


for command in (up, migrate, sample, user, register, directory, programme, adherence, report):
    commands.add_command(command)
