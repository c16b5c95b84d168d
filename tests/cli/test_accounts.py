"""`./run user`: what it prints, and what it changes."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from outreach.accounts import sessions, staff
from outreach.accounts.links import AccountLink, LinkKind
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.roles import RoleName
from outreach.settings import read
from tests.conftest import NOW

AUTHOR, CHIEF, READER = "nadia.lambert@fwb.example", "hugo.willems@fwb.example", "claire.simon@fwb.example"


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def user(sample_database, templates):
    """Run a command of `user` in this process; returns its status and what it printed."""

    def run(*words, **settings):
        operation = Operation()
        operation.settings = read({"OUTREACH_DATA": str(templates.data), **settings})
        operation.database = sample_database
        result = CliRunner().invoke(commands, ["user", *words], obj=operation)
        return result.exit_code, result.output + str(result.exception or "")

    return run


def test_the_list_says_who_has_an_account_since_when_seen_and_in_which_roles(user, sample_database):
    with sample_database.writing() as session:
        staff.note_sign_in(session, staff.user_named(session, AUTHOR).id, now=NOW)
    status, printed = user("list", "--json")
    listed = {one["email"]: one for one in json.loads(printed)["items"]}
    assert (status, len(listed)) == (0, 5)
    assert listed[AUTHOR] == {
        "email": AUTHOR,
        "name": "Nadia Lambert",
        "roles": ["author"],
        "scope": "",
        "active": True,
        "last_sign_in": "2021-05-15T09:00:00+00:00",
    }
    assert listed[CHIEF]["last_sign_in"] is None
    assert "jamais de connexion" in user("list")[1]


def test_roles_sessions_closing_and_reopening_by_command(user, sample_database):
    assert user("role", AUTHOR, "--role", "approver", "--role", "author") == (
        0,
        f"Rôles de {AUTHOR}\N{NO-BREAK SPACE}: rédaction, validation.\n",
    )
    with sample_database.writing() as session:
        sessions.begin(session, staff.user_named(session, AUTHOR).id, "Firefox sous Linux", now=NOW)
    assert "Aucune session" in user("sessions", READER)[1]
    assert "Compte de" in user("close", AUTHOR, "--as", CHIEF)[1]
    closed = {one["email"]: one["active"] for one in json.loads(user("list", "--json")[1])["items"]}
    assert closed[AUTHOR] is False
    assert user("close", CHIEF)[0] == 1
    assert user("reopen", AUTHOR)[0] == 0
    with sample_database.reading() as session:
        assert staff.user_named(session, AUTHOR).holds(RoleName.APPROVER)
    refused, why = user("role", READER, "--role", "administrator", "--as", READER)
    assert (refused, "administration" in why) == (1, True)


def test_an_invitation_is_sent_or_shown_once_and_refused_where_it_would_not_leave(user, sample_database):
    lea = ("lea.roland@fwb.example", "--name", "Léa Roland", "--role", "author")
    assert "Un lien part à lea.roland" in user("invite", *lea)[1]
    shown = user("invite", lea[0], "--show")[1]
    assert "/account/links/" in shown
    held = {"OUTREACH_SMTP_URL": "smtp://relay.example"}
    status, why = user("reset", AUTHOR, **held)
    assert (status, "liste de test" in why) == (1, True)
    assert "/account/links/" in user("reset", AUTHOR, "--show", **held)[1]
    assert "existe déjà" in user("invite", AUTHOR, "--show")[1]
    adviser = ("conseil@segec.example", "--name", "Conseil SeGEC", "--role", "federation")
    assert "Un lien part à conseil@segec.example" in user("invite", *adviser, "--scope", "segec")[1]
    assert "CECP, CPEONS, FELSI" in user("invite", "autre@segec.example", *adviser[1:], "--scope", "WBE")[1]
    assert "Indiquez le code" in user("invite", "autre@segec.example", *adviser[1:])[1]
    with sample_database.reading() as session:
        assert staff.account_of(session, adviser[0]).scope_code == "SeGEC"
        kinds = session.scalars(select(AccountLink.kind).order_by(AccountLink.id)).all()
    assert kinds == [LinkKind.INVITATION, LinkKind.INVITATION, LinkKind.RESET, LinkKind.INVITATION]
