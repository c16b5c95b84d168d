"""`closure`: the closures that people added to the calendar."""

import click

from outreach import days, french
from outreach.campaigns.schedule import closure_list, closures
from outreach.cli.context import Operation, json_option, pass_operation, say, say_json


@click.group()
def closure() -> None:
    """Les fermetures ajoutées au calendrier : jours ou demi-jours où rien ne part."""


@closure.command(name="list")
@click.option("--year", type=int, help="L’année où commence l’année scolaire ; par défaut, celle d’aujourd’hui.")
@json_option
@pass_operation
def list_all(operation: Operation, year: int | None) -> None:
    """Énumère les fermetures ajoutées d’une année scolaire, et celles qui ont été retirées."""
    of = closures.school_year_of(days.today(operation.now)) if year is None else year
    if not days.FIRST.year <= of < days.LAST.year:
        raise click.BadParameter("L’année n’est pas entre 2000 et 2099.", param_hint="--year")
    with operation.database.reading() as session:
        say_json(closure_list.added(session, of).objects)
        known = closures.between(session, *closures.days_of(of))
        for one in known:
            taken = f" (retirée le {french.day(one.withdrawal.withdrawn_at)})" if one.withdrawal else ""
            say(f"{one.closure.id} : {closures.told(one.closure)}{taken}")
    if not known:
        say(f"Aucune fermeture n’est ajoutée en {of}-{of + 1}.")
