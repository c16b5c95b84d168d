"""What commands share: the settings, the database, the clock, who acts, and how a result is printed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from outreach.access import scopes
from outreach.campaigns import segments
from outreach.cli.main import ANSWER, SHOWN
from outreach.core import erasure
from outreach.core.db import Database, Session
from outreach.core.settings import Mode, Settings, read
from outreach.core.tables import Listing, Row
from outreach.core.text.dates import FIRST, LAST
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.french import typeset
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import cleaned, whole_number
from outreach.operations import migrations
from outreach.operations.demo import people

console = Console(highlight=False)
IN_JSON = "in_json"  # of a command's context, which ends with it
P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Operation:
    """One run of a command."""

    acting_as: str | None = None

    @property
    def shown(self) -> datetime | None:
        """The moment at which the clock starts (--now), or None."""
        moment: datetime | None = click.get_current_context().meta.get(SHOWN)
        return moment

    @cached_property
    def settings(self) -> Settings:
        settings = read()
        if self.shown is None:
            return settings
        if settings.mode is not Mode.DEMO:
            raise InputError("--now ne sert qu’en démonstration.")
        offset = (self.shown - datetime.now(UTC)).total_seconds()
        return settings.model_copy(update={"clock_offset": offset})

    @cached_property
    def opened(self) -> Database:
        """The database, without a check of its version."""
        rules = segments.info_of(self.settings) | erasure.info_of(self.settings) | scopes.info_of(self.settings)
        return Database(self.settings.database, rules)

    @cached_property
    def database(self) -> Database:
        """The database, after `ready`."""
        return ready(self.opened, self.settings, self.now)

    @cached_property
    def now(self) -> datetime:
        return self.settings.instant()

    def actor(self, session: Session, *roles: RoleName) -> str:
        """The address of the person in whose name the command acts. That person holds one of these roles.

        Raises InputError when no one is named outside a demonstration, and Refused when the role is missing.
        """
        from outreach.access import accounts  # noqa: PLC0415 - only for commands that act: it loads in a sixth of a second

        if self.acting_as:
            user = accounts.user_named(session, self.acting_as)
        elif self.settings.mode is Mode.DEMO:
            user = accounts.user_named(session, people.person_for(roles[0]).email)
        else:
            raise InputError("Indiquez au nom de qui la commande agit : --as ADRESSE.")
        accounts.require_role(user, *roles)
        return user.email


def ready(database: Database, settings: Settings, now: datetime) -> Database:
    """Check the database's version and return it; in a demonstration, first migrate it and add its people.

    Raises Refused when the database is not at the program's version.
    """
    fault, is_demo = migrations.fault_of(database.engine), settings.mode is Mode.DEMO
    if fault in migrations.REFUSALS:
        raise Refused(migrations.REFUSALS[fault])
    if fault and not is_demo:
        raise Refused("La base de données est d’une version antérieure à celle du programme : lancez ./run migrate.")
    if is_demo and (fault or not _knows_its_people(database)):
        from outreach.cli import preparation  # noqa: PLC0415 - once an installation, and it loads all pages

        preparation.prepare(database)
        preparation.add_people(database, settings, now)
    return database


def _knows_its_people(database: Database) -> bool:
    with database.reading() as session:
        known = set(session.scalars(text("SELECT email FROM users")))
    return known >= {person.email for person in people.PEOPLE}


pass_operation = click.make_pass_decorator(Operation, ensure=True)
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FICHIER")


def _say_nothing(context: click.Context, _option: click.Parameter, in_json: bool) -> None:
    context.meta[IN_JSON] = in_json


json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_say_nothing, help="Écrit un objet JSON, pour un programme."
)


def acting(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the option `--as ADDRESS`."""

    def remember(context: click.Context, _option: click.Parameter, value: str | None) -> None:
        context.ensure_object(Operation).acting_as = value

    option = click.option(
        "--as",
        "acting_as",
        metavar="ADRESSE",
        expose_value=False,
        callback=remember,
        help="Le compte au nom duquel la commande agit ; par défaut, en démonstration, celui d’une personne du rôle.",
    )
    return update_wrapper(option(command), command)


class NumberType(click.ParamType[int]):
    """The number of something in the database."""

    name = "NUMÉRO"

    def convert(self, value: Any, _param: click.Parameter | None, _context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        number = whole_number(value)
        if number is None:
            raise click.BadParameter(f"« {value[:20]} » n’est pas un numéro.")
        return number


class DayType(click.ParamType[date]):
    """A calendar day as operators write it: 2021-05-15."""

    name = "AAAA-MM-JJ"

    def convert(self, value: Any, _param: click.Parameter | None, _context: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise click.BadParameter(f"« {value} » n’est pas une date : écrivez AAAA-MM-JJ.") from None
        if not FIRST <= day < LAST:
            raise click.BadParameter(f"« {value} » n’est pas entre 2000 et 2099.")
        return day


def confirm(question: str) -> None:
    """Ask a question that takes oui or non. Raises click.Abort unless the answer is yes."""
    answer = click.prompt(typeset(f"{question} [o/N]"), default="n", show_default=False)
    if answer.strip().casefold() not in {"o", "oui", "y", "yes"}:
        raise click.Abort


def working(text: str) -> AbstractContextManager[object]:
    """Show a status text on a terminal while the block runs."""
    return Console(stderr=True).status(typeset(text))


def say(text: str = "") -> None:
    """Print a French sentence, typeset, except where `--json` is asked for.

    A terminal obeys control characters that somebody typed: they are left out.
    """
    if not is_json():
        console.print(cleaned(typeset(text)), markup=False, soft_wrap=True)


def show_table(table: Table) -> None:
    """Print a table, except where `--json` is asked for."""
    if not is_json():
        console.print(table)


def is_json() -> bool:
    """Whether the command answers a machine (`--json`)."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(IN_JSON, False)


def say_json(make: Callable[[], object]) -> None:
    """Have a value made and printed as one JSON object where `--json` is asked for, once the command has ended well.

    A list stands under "items".
    """
    if is_json():
        value = make()
        click.get_current_context().meta[ANSWER] = {"items": value} if isinstance(value, list) else value


def say_rows(listed: Listing[Row], line: Callable[[Row], str], nothing: str) -> None:
    """Print the rows of a listing, a line each, or what to do where there is none; as objects with `--json`."""
    say_json(listed.objects)
    if not is_json():
        for said in [line(row) for row in listed.every()] or [nothing]:
            say(said)
