"""`closure`: the closures that people added to the calendar: list, add, take back."""

from datetime import date

import click

from outreach import days, french
from outreach.campaigns.schedule import closure_list, closures
from outreach.campaigns.schedule.sending_hours import ClosedPart, Spares
from outreach.campaigns.waves import moving
from outreach.cli.context import DayType, NumberType, Operation, acting, json_option, pass_operation, say, say_json
from outreach.roles import RoleName

SPARES = {"nobody": Spares.NOBODY, "administrations": Spares.ADMINISTRATIONS, "urgent": Spares.URGENT}


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


@closure.command()
@click.argument("first", type=DayType(), metavar="PREMIER")
@click.argument("last", type=DayType(), metavar="DERNIER", required=False)
@click.option("--name", required=True, help="Pourquoi ces jours sont fermés, en quelques mots.")
@click.option(
    "--part",
    type=click.Choice([part.value for part in ClosedPart]),
    default=ClosedPart.DAY.value,
    help="Ce qui est fermé chaque jour : tout le jour, le matin ou l’après-midi.",
)
@click.option(
    "--spares", type=click.Choice(list(SPARES)), default="nobody", help="Les courriels qui partent quand même."
)
@acting
@pass_operation
def add(operation: Operation, first: date, last: date | None, name: str, part: str, spares: str) -> None:
    """Ferme un ou plusieurs jours : rien de ce qui se planifie ensuite n’y part."""
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        period = {"first": first, "last": last or first, "part": ClosedPart(part), "spares": SPARES[spares]}
        made = closures.add(session, **period, name=name, now=operation.now, actor=actor)  # type: ignore[arg-type]
        number = made.id
        say(f"Fermeture {number} ajoutée : {closures.told(made)}.")
    with operation.database.reading() as session:
        made = closures.numbered(session, number).closure
        for one in moving.waves_within(session, made, now=operation.now):
            at = f"{french.weekday(one.wave.due_at)} à {french.hour(one.wave.due_at)}"
            say(f"Déjà planifiée, ne bouge pas d’elle-même : « {one.wave.campaign.title} », {one.wave.name}, {at}.")


@closure.command()
@click.argument("number", type=NumberType(), metavar="NUMÉRO")
@acting
@pass_operation
def withdraw(operation: Operation, number: int) -> None:
    """Retire une fermeture : ces jours se planifient de nouveau."""
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        taken = closures.withdraw(session, number, now=operation.now, actor=actor)
        say(f"Fermeture {taken.id} retirée : {closures.told(taken)}.")
