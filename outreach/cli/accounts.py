"""`user`: who has an account; adding one, and a way in for whoever lost theirs."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import click

from outreach.access import accounts
from outreach.access.accounts import LinkKind, User, passwords, refuse_second_account
from outreach.campaigns.letter import SenderIdentity
from outreach.cli.context import Operation, acting, json_option, pass_operation, say, say_rows
from outreach.core.db import Session
from outreach.core.settings import Mode, Settings
from outreach.core.text.errors import InputError
from outreach.core.text.french import moment
from outreach.core.text.roles import RoleName
from outreach.delivery import workers
from outreach.directory import reference
from outreach.staff import invitations, notifications
from outreach.staff.notifications import AccountHolder, AccountMail

roles_option = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in RoleName]),
    multiple=True,
    required=True,
    help="Le rôle ; répétez l’option pour en donner plusieurs.",
)
scope_option = click.option(
    "--scope",
    default="",
    metavar="CODE",
    help="Le code de la fédération ou du réseau dont la personne voit les membres.",
)
address_argument = click.argument("email", metavar="ADRESSE")


@click.group()
def user() -> None:
    """Les comptes du service : les énumérer, en ajouter un, rendre l’accès."""


@user.command("list")
@json_option
@pass_operation
def list_accounts(operation: Operation) -> None:
    """Dit qui a un compte, avec quels rôles, et quand chacun s’est connecté."""
    with operation.database.reading() as session:
        nobody = "Aucun compte : ./run user add ADRESSE --name NOM --role administrator ajoute le premier."
        say_rows(accounts.list_accounts(session), _line, nobody)


@user.command()
@address_argument
@click.option("--show", is_flag=True, help="Montre le lien une fois, et n’envoie rien.")
@click.option("--second-factor", is_flag=True, help="Retire plutôt le second facteur que la personne a perdu.")
@acting
@pass_operation
def reset(operation: Operation, email: str, *, show: bool, second_factor: bool) -> None:
    """Envoie un lien pour choisir un nouveau mot de passe, pendant 72 heures ; l’ancien sert jusque-là."""
    if second_factor:
        _take_second_factor(operation, email)
        return
    with operation.database.reading() as session:
        actor, account = operation.actor(session, RoleName.ADMINISTRATOR), accounts.account_of(session, email)
        person = AccountHolder(account.email, account.name, accounts.roles_of(account), account.scope_code)
        mail = None if show else _written(operation, session, invitations.kind_for(account), person, actor)
    _give_link(operation, email, mail, actor)


def _take_second_factor(operation: Operation, email: str) -> None:
    with operation.database.writing() as session:
        actor, account = operation.actor(session, RoleName.ADMINISTRATOR), accounts.account_of(session, email)
        accounts.reset_second_factor(session, account, by_shell=True, now=operation.now, actor=actor)
        said = f"Second facteur de {account.email} réinitialisé : ses sessions sont terminées."
    say(said)


def _written(operation: Operation, session: Session, kind: LinkKind, person: AccountHolder, actor: str) -> AccountMail:
    """The letter with a link to a person. Raises InputError when it would not leave."""
    invitations.refuse_withheld(session, workers.guard_of(operation.settings), person.email)
    by, sending = accounts.user_named(session, actor), SenderIdentity.of(operation.settings)
    return notifications.write_account_mail(kind, sending, person, by=by.name, contact=by.email, now=operation.now)


def _give_link(operation: Operation, email: str, mail: AccountMail | None, actor: str) -> None:
    """Send a link to an account, or print it once where there is no letter."""
    sending, now = SenderIdentity.of(operation.settings), operation.now
    with operation.database.writing() as session:
        user = accounts.account_of(session, email)
        if mail:
            invitations.send(session, user, mail, sending, now=now, actor=actor)
            said = f"Un lien part à {user.email}. Les précédents ne servent plus."
        else:
            token = invitations.show(session, user, now=now, actor=actor)
            said = "Ce lien sert une fois. Il ne sera plus montré : donnez-le à cette personne seule."
    if not mail:
        click.echo(notifications.address_of(token, sending))
    say(said)


@user.command()
@click.argument("email", metavar="ADRESSE")
@click.option("--name", prompt="Nom", help="Le nom de la personne.")
@roles_option
@scope_option
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Le fichier qui contient le mot de passe ; sans lui, un mot de passe est tiré et montré.",
)
@acting
@pass_operation
def add(
    operation: Operation, email: str, name: str, roles: tuple[str, ...], scope: str, password_file: Path | None
) -> None:
    """Ajoute un compte."""
    password = _chosen(operation.settings, password_file, email, name) if password_file else secrets.token_urlsafe(12)
    digest = passwords.hash_password(password)
    with operation.database.writing() as session:
        # When the first account is added, no one exists yet who could act.
        first = not accounts.has_accounts(session)
        if first and RoleName.ADMINISTRATOR not in roles:
            raise InputError("Le premier compte doit avoir le rôle administrator : lui seul peut ajouter les autres.")
        actor = "installation" if first else operation.actor(session, RoleName.ADMINISTRATOR)
        added = accounts.add_user(
            session,
            operation.now,
            actor,
            email=email,
            name=name,
            roles=(held := [RoleName(role) for role in roles]),
            scope=reference.known_code(session, held, scope),
            password_hash=digest,
            must_change_password=operation.settings.mode is not Mode.DEMO and not (first and password_file),
            examples=operation.settings.mode is not Mode.PRODUCTION,
        )
        session.flush()
        refuse_second_account(session, added)
        address = added.email
    say(f"Compte créé pour {address}." + ("" if password_file else f" Mot de passe : {password}"))
    say(f"Pour se connecter : {operation.settings.address}")


def _chosen(settings: Settings, file: Path, email: str, name: str) -> str:
    """The password in a file. Raises InputError when it is none, or will not do."""
    try:
        password = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise InputError(f"Le fichier {file} n’est pas un texte en UTF-8 : écrivez-y le mot de passe seul.") from None
    hosts = urlsplit(settings.address).hostname, settings.sending_domain
    passwords.refuse_weak(password, passwords.words_of(email, name, *hosts))
    return password


def _line(account: User) -> str:
    """The account in one line."""
    state, at = accounts.account_state(account), account.last_sign_in_at
    seen = f"dernière connexion le {moment(at)}" if at else "jamais de connexion"
    named = f"{account.email} ({account.name}) : {accounts.labels_of(account)}"
    return " ; ".join(filter(None, (named, "" if state == "ouvert" else state, seen)))
