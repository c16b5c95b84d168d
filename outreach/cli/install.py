"""`migrate`, `sample`, `user`: what prepares an installation."""

import secrets
from datetime import date, datetime
from pathlib import Path

import click

from outreach import accounts, migrations
from outreach.accounts import RoleName
from outreach.app import create_app
from outreach.cli.context import Day, Operation, acting, pass_operation, say
from outreach.db import Database
from outreach.demo import people
from outreach.demo import sample as samples
from outreach.directory.reference import ensure_reference
from outreach.errors import Refused
from outreach.settings import Mode, Settings
from outreach.web import french


@click.command()
@pass_operation
def migrate(operation: Operation) -> None:
    """Amène la base de données à la version du programme."""
    prepare(operation.database)
    say("La base de données est à jour.")


@click.command()
@click.option("--today", type=Day(), help="Le jour où l’histoire se passe ; par défaut, aujourd’hui.")
@click.option(
    "--files",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DOSSIER",
    help="Écrit les fichiers de l’exemple au lieu de le charger.",
)
@pass_operation
def sample(operation: Operation, today: date | None, folder: Path | None) -> None:
    """Charge l’annuaire fictif, ou en écrit les fichiers."""
    day = today or french.today(operation.now)
    if folder:
        for path in samples.write_files(folder, day):
            say(f"{path}")
        return
    prepare(operation.database)
    load_sample(operation.database, operation.settings, operation.now, day)
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
    prepare(operation.database)
    password = password_file.read_text(encoding="utf-8").strip() if password_file else secrets.token_urlsafe(12)
    digest = password_hash(operation.settings, operation.database, password)
    with operation.database.writing() as session:
        # The first account of an installation has nobody before it to act.
        first = not accounts.anybody(session)
        actor = "installation" if first else operation.actor(session, RoleName.ADMINISTRATOR)
        added = accounts.add_user(
            session,
            operation.now,
            actor,
            email=email,
            name=name,
            roles=[RoleName(role) for role in roles],
            password_hash=digest,
        )
        address = added.email
    say(f"Compte créé pour {address}." + ("" if password_file else f" Mot de passe : {password}"))


def prepare(database: Database) -> None:
    """Migrate, and make the rows every installation has."""
    migrations.upgrade(database.engine)
    with database.writing() as session:
        ensure_reference(session)
        accounts.ensure_roles(session)


def load_sample(database: Database, settings: Settings, now: datetime, today: date) -> None:
    """Load the demonstration's people and directory. Raises Refused outside a demonstration."""
    if settings.mode is not Mode.DEMO:
        raise Refused("L’annuaire fictif ne se charge qu’en mode démonstration.")
    add_people(database, settings, now)
    with database.writing() as session:
        samples.load(
            session,
            now=now,
            today=today,
            actor=people.person_for(RoleName.AUTHOR).email,
            mailbox_domain=settings.mailbox_domain,
        )


def add_people(database: Database, settings: Settings, now: datetime) -> None:
    """Make the demonstration's people exist."""
    digest = password_hash(settings, database, people.password(settings.data))
    with database.writing() as session:
        if accounts.anybody(session):
            return
        for person in people.PEOPLE:
            accounts.add_user(
                session,
                now,
                "installation",
                email=person.email,
                name=person.name,
                roles=person.roles,
                password_hash=digest,
            )


def password_hash(settings: Settings, database: Database, password: str) -> str:
    """Hash a password as the sign-in page will check it."""
    with create_app(settings, database).app_context():
        return accounts.digest_of(password)
