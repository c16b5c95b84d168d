"""The list of commands."""

import click

from outreach import __version__
from outreach.campaigns.calendar import read_moment
from outreach.cli.adherence import adherence, programme, report
from outreach.cli.bench import bench, chaos
from outreach.cli.bounces import bounces
from outreach.cli.campaign import campaign
from outreach.cli.context import Operation
from outreach.cli.directory import directory, register
from outreach.cli.install import migrate, sample, user
from outreach.cli.serve import up
from outreach.cli.work import instance, mailbox, verify, work


@click.group(invoke_without_command=True)
@click.version_option(__version__, prog_name="outreach")
@click.option("--now", metavar="MOMENT", help="Fait comme s’il était ce moment (2021-05-18 09:30) ; en démonstration.")
@click.pass_context
def commands(context: click.Context, now: str | None) -> None:
    """Campagnes de sensibilisation auprès des pouvoirs organisateurs.

    Sans commande : prépare la base, charge l’exemple en démonstration, et sert les pages.
    """
    if now:
        context.ensure_object(Operation).shown = read_moment(now).at
    if context.invoked_subcommand is None:
        context.invoke(up)


for command in (
    *(up, work, mailbox, migrate, sample, user, instance),
    *(register, directory, programme, adherence, campaign, bounces, report, verify, bench, chaos),
):
    commands.add_command(command)
