"""`migrate`, `sample`: migrate the database, load the sample."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from outreach.cli.context import DayType, Operation, json_option, pass_operation, say, say_json, working
from outreach.cli.preparation import prepare, refuse_beside_others
from outreach.cli.samples import load_sample
from outreach.core.db.watch import DatabaseFault
from outreach.core.settings import Mode
from outreach.core.text import dates
from outreach.core.text.errors import Refused
from outreach.operations import migrations
from outreach.operations.demo import sample as samples
from outreach.operations.migrations import Pending
from outreach.operations.migrations.kinds import MigrationKind

KINDS = {MigrationKind.ADDITIVE: "additive", MigrationKind.BREAKING: "rupture"}
TO_DO = {
    "none": "Rien à faire.",
    MigrationKind.ADDITIVE: (
        "Le programme d’avant continue avec ce qui s’ajoute : lancez ./run migrate, "
        "puis mettez les machines à jour l’une après l’autre."
    ),
    MigrationKind.BREAKING: (
        "Le programme d’avant ne peut pas continuer : arrêtez le service sur toutes les machines, mettez-les à jour, "
        "lancez ./run migrate, puis démarrez-les."
    ),
}
SECRET_PARTS = ("password", "sslpassword", "passfile")  # of a query, which libpq reads as it reads the rest


@click.command()
@click.option("--plan", "is_plan", is_flag=True, help="Dit seulement ce qui serait fait, et s’il faut tout arrêter.")
@json_option
@pass_operation
def migrate(operation: Operation, is_plan: bool) -> None:
    """Amène la base de données à la version du programme, et dit laquelle."""
    engine = operation.opened.engine
    found = migrations.revisions_of(engine)
    before = found[0] if found else None
    if is_plan:
        _say_plan(before, migrations.fault_of(engine), migrations.pending(engine))
        return
    refuse_beside_others(operation.opened, operation.now)
    prepare(operation.opened)
    (after,) = migrations.revisions_of(engine)
    say_json(lambda: {"before": before, "after": after})
    place = engine.url.difference_update_query(SECRET_PARTS).render_as_string(hide_password=True)
    if before is None:
        say(f"Une base de données est créée, à la version {after} : {place}")
    elif before == after:
        say(f"La base de données était à jour, à la version {after} : {place}")
    else:
        say(f"La base de données est passée de la version {before} à la version {after} : {place}")


def _say_plan(before: str | None, fault: DatabaseFault | None, pending: Sequence[Pending]) -> None:
    if fault in migrations.REFUSALS:
        raise Refused(migrations.REFUSALS[fault])
    kinds = {one.kind for one in pending}
    kind = max(kinds, default="none")  # breaking comes after additive
    program = migrations.known_revisions()[-1]
    say_json(
        lambda: {"version": before, "program": program, "kind": kind, "revisions": [one._asdict() for one in pending]}
    )
    if before is None:
        say("La base de données est vide : ./run migrate la crée.")
        return
    say(f"La base de données est à la version {before}, le programme à la version {program}.")
    for one in pending:
        say(f"  {one.revision}  {KINDS[one.kind]}")
    say(TO_DO[kind])


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
    day = today or dates.today(operation.now)
    if folder:
        for path in samples.write_files(folder, day):
            say(f"{path}")
        return
    if operation.settings.mode is Mode.DEMO:
        prepare(operation.opened)
    with working("L’annuaire fictif se charge…"):
        load_sample(operation.opened, operation.settings, operation.now, day, with_story=with_story)
    say("L’annuaire fictif est chargé.")
