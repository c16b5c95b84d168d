"""`api`: the keys by which programs read the service: make one, list them, end one."""

from pathlib import Path

import click

from outreach import french
from outreach.accounts import staff
from outreach.api_keys import keys, listing
from outreach.api_keys.models import ApiKey
from outreach.cli.context import NumberType, Operation, acting, json_option, pass_operation, say, say_json, say_rows
from outreach.errors import InputError, Refused
from outreach.roles import RoleName


@click.group()
def api() -> None:
    """L’accès des programmes."""


@api.group()
def key() -> None:
    """Les clés des programmes."""


@key.command()
@click.option("--name", required=True, help="Le programme qui aura la clé.")
@click.option(
    "--role", required=True, metavar="RÔLE", help="Ce que la clé voit : reader, federation:CODE ou network:CODE."
)
@click.option("--days", type=int, required=True, help="Combien de jours elle vaut, 365 au plus.")
@click.option("--writes", is_flag=True, help="Elle écrit aussi : le mot de passe du compte est redemandé.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Le fichier qui contient ce mot de passe ; sans lui, il se tape.",
)
@json_option
@acting
@pass_operation
def create(operation: Operation, name: str, role: str, days: int, *, writes: bool, password_file: Path | None) -> None:
    """Crée une clé, et la montre une seule fois."""
    if writes:
        _prove(operation, password_file)
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        made, secret = keys.make(
            session, name=name, role=role, days=days, writes=writes, now=operation.now, actor=actor
        )
        said = f"Clé {made.id} pour « {made.name} » ({made.writing.label}), jusqu’au {french.moment(made.expires_at)}."
    say_json(lambda: {"key": secret})
    say(said)
    say("Elle ne sera plus montrée : donnez-la à ce programme seul.")
    say(secret)


@key.command("list")
@json_option
@pass_operation
def list_keys(operation: Operation) -> None:
    """Énumère les clés, avec leur dernier usage."""
    with operation.database.reading() as session:
        listed = listing.listed(session, staff.colleagues(session), now=operation.now)
        nobody = "Aucune clé : ./run api key create --name NOM --role reader --days 90 crée la première."
        say_rows(listed, lambda row: _line(operation, row), nobody)


@key.command()
@click.argument("number", type=NumberType(), metavar="NUMÉRO")
@acting
@pass_operation
def end(operation: Operation, number: int) -> None:
    """Termine une clé, aussitôt."""
    with operation.database.writing() as session:
        actor = operation.actor(session, RoleName.ADMINISTRATOR)
        ended = keys.end(session, number, now=operation.now, actor=actor)
        said = f"Clé {ended.id} terminée (« {ended.name} ») : aucun programme n’entre plus par elle."
    say(said)


def _line(operation: Operation, row: ApiKey) -> str:
    used = f"dernier usage le {french.moment(row.last_used_at)}" if row.last_used_at else "jamais utilisée"
    until = f"expire le {french.moment(row.expires_at)}"
    may = f"{row.role.label}, {row.writing.label}"
    return f"{row.id} : {row.name} ({may}) ; {row.state(operation.now).label} ; {until} ; {used}"


def _prove(operation: Operation, file: Path | None) -> None:
    """Have whose account the command acts for prove it by the password. Raises Refused for a wrong one, or none."""
    with operation.database.reading() as session:
        user = staff.user_named(session, operation.actor(session, RoleName.ADMINISTRATOR))
    if not user.password or not operation.settings.takes_password(user.email):
        raise Refused(f"{user.email} n’a pas de mot de passe ici : créez la clé sur la page « Accès des programmes ».")
    if file:
        typed = file.read_text(encoding="utf-8", errors="replace").strip()
    else:
        typed = click.prompt(french.typeset(f"Mot de passe de {user.email}"), hide_input=True, err=True)
    if not user.has_password(typed):
        raise InputError(f"Ce mot de passe n’est pas celui de {user.email} : aucune clé n’est créée.")
