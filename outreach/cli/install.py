"""`migrate`, `sample`, `user`: migrate the database, load the sample, add accounts."""

import secrets
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import click

from outreach import days
from outreach.accounts import passwords, staff
from outreach.accounts.one_person import refuse_second_account
from outreach.cli.context import DayType, Operation, acting, pass_operation, say, working
from outreach.cli.preparation import load_sample, password_hash, prepare
from outreach.demo import sample as samples
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.settings import Mode, Settings


@click.command()
@pass_operation
def migrate(operation: Operation) -> None:
    """Amène la base de données à la version du programme."""
    prepare(operation.opened)
    say("La base de données est à jour.")


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


@click.group()
def user() -> None:
    """Les comptes du service."""


@user.command()
@click.argument("email", metavar="ADRESSE")
@click.option("--name", prompt="Nom", help="Le nom de la personne.")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in RoleName]),
    multiple=True,
    required=True,
    help="Le rôle ; répétez l’option pour en donner plusieurs.",
)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Le fichier qui contient le mot de passe ; sans lui, un mot de passe est tiré et montré.",
)
@acting
@pass_operation
def add(operation: Operation, email: str, name: str, roles: tuple[str, ...], password_file: Path | None) -> None:
    """Ajoute un compte."""
    password = _chosen(operation.settings, password_file, email, name) if password_file else secrets.token_urlsafe(12)
    digest = password_hash(operation.settings, operation.database, password)
    with operation.database.writing() as session:
        # When the first account is added, no one exists yet who could act.
        first = not staff.anybody(session)
        if first and RoleName.ADMINISTRATOR not in roles:
            raise InputError("Le premier compte doit avoir le rôle administrator : lui seul peut ajouter les autres.")
        actor = "installation" if first else operation.actor(session, RoleName.ADMINISTRATOR)
        added = staff.add_user(
            session,
            operation.now,
            actor,
            email=email,
            name=name,
            roles=[RoleName(role) for role in roles],
            password_hash=digest,
            must_change_password=operation.settings.mode is not Mode.DEMO and not (first and password_file),
            examples=operation.settings.mode is not Mode.PRODUCTION,
        )
        session.flush()
        refuse_second_account(session, added)
        address = added.email
    say(f"Compte créé pour {address}." + ("" if password_file else f" Mot de passe : {password}"))


def _chosen(settings: Settings, file: Path, email: str, name: str) -> str:
    """The password in a file. Raises InputError when it is none, or will not do."""
    try:
        password = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise InputError(f"Le fichier {file} n’est pas un texte en UTF-8 : écrivez-y le mot de passe seul.") from None
    hosts = urlsplit(settings.address).hostname, settings.sending_domain
    passwords.refuse_weak(password, passwords.words_of(email, name, *hosts))
    return password
