"""`migrate`, `sample`: migrate the database, load the sample."""

from datetime import date
from pathlib import Path

import click

from outreach import days, migrations
from outreach.cli.context import DayType, Operation, pass_operation, say, working
from outreach.cli.preparation import load_sample, prepare
from outreach.demo import sample as samples
from outreach.settings import Mode

SECRET_PARTS = ("password", "sslpassword", "passfile")  # of a query, which libpq reads as it reads the rest


@click.command()
@pass_operation
def migrate(operation: Operation) -> None:
    """Amène la base de données à la version du programme, et dit laquelle."""
    engine = operation.opened.engine
    before = migrations.revisions_of(engine)
    prepare(operation.opened)
    (after,) = migrations.revisions_of(engine)
    place = engine.url.difference_update_query(SECRET_PARTS).render_as_string(hide_password=True)
    if not before:
        say(f"Une base de données est créée, à la version {after} : {place}")
    elif before == [after]:
        say(f"La base de données était à jour, à la version {after} : {place}")
    else:
        say(f"La base de données est passée de la version {before[0]} à la version {after} : {place}")


@click.command()
@click.option("--today", type=DayType(), help="Le jour où l’histoire se passe ; par défaut, aujourd’hui.")
@click.option(
    "--files",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DOSSIER",
    help="Écrit les fichiers de l’exemple au lieu de le charger.",
)
@click.option(
    "--story", "with_story", is_flag=True, help="Raconte aussi une campagne envoyée ces jours-ci, comme ./run."
)
@pass_operation
def sample(operation: Operation, today: date | None, folder: Path | None, with_story: bool) -> None:
    """Charge l’annuaire fictif, ou en écrit les fichiers."""
    day = today or days.today(operation.now)
    if folder:
        for path in samples.write_files(folder, day):
            say(f"{path}")
        return
    if operation.settings.mode is Mode.DEMO:
        prepare(operation.opened)
    with working("L’annuaire fictif se charge…"):
        load_sample(operation.opened, operation.settings, operation.now, day, with_story=with_story)
    say("L’annuaire fictif est chargé.")
