"""`up`: prepare, then run all processes of this machine until one ends or a signal comes."""

import sys

import click

from outreach.cli.context import Operation, pass_operation
from outreach.cli.preparation import add_people, prepare, refuse_beside_others
from outreach.cli.running import web
from outreach.core.settings import Mode, Settings
from outreach.core.text import dates
from outreach.core.text.french import typeset
from outreach.core.text.roles import RoleName
from outreach.directory import register
from outreach.operations import migrations
from outreach.operations.demo import people


@click.command()
@pass_operation
def up(operation: Operation) -> None:
    """Prépare la base, charge l’exemple en démonstration, et sert les pages."""
    web.place_of_pages(operation.settings)  # a taken address is refused before anything is prepared
    web.say_what_is_gone()
    operation.settings = settings = web.with_a_mailbox(operation.settings)
    database = operation.opened
    refuse_beside_others(database, operation.now)
    if migrations.fault_of(database.engine):
        _say_stage("3/4 La base de données se prépare…")
    prepare(database)
    if settings.mode is Mode.DEMO:
        add_people(database, settings, operation.now)
        with database.reading() as session:
            empty = not register.was_ever_filled(session)
        if empty:
            from outreach.cli.samples import load_sample  # noqa: PLC0415 - once an installation: half of what a start loads

            day = dates.today(operation.now)
            _say_stage("4/4 L’annuaire fictif et son histoire se chargent (environ dix secondes)…")
            load_sample(database, settings, operation.now, day, with_story=settings.stays_here)
    database.dispose()
    web.supervise(operation, others_of(settings), ready_text(settings), 1 if settings.stays_here else web.WORKERS)


def _say_stage(text: str) -> None:
    """Say what a first start does now, on a terminal and elsewhere: `./run` says the two stages before."""
    click.echo(typeset(text), err=True)


def others_of(settings: Settings) -> dict[str, list[str]]:
    """The processes of this machine beside those of the pages: a demonstration's mailbox, and the one that sends."""
    others = {"work": [sys.executable, "-m", "outreach", "work"]}
    return {"mailbox": web.mailbox_command(settings), **others} if settings.stays_here else others


def ready_text(settings: Settings) -> str:
    """What the terminal says once the pages are served."""
    lines = ["", web.address_line(settings)]
    if settings.mode is Mode.DEMO:
        author = people.person_for(RoleName.AUTHOR)
        lines += [f"  Connexion     {author.email}", f"  Mot de passe  {people.password(settings.data)}"]
        lines += ["  Les autres comptes de démonstration sont sur la page de connexion."]
    return typeset("\n".join([*lines, "  Pour arrêter : Ctrl+C", ""]))
