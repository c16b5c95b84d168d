"""`./run user`: what it prints, and what it changes."""

import json

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import AccountLink, LinkKind
from tests.commands import invoke
from tests.conftest import NOW

pytestmark = pytest.mark.only_one

AUTHOR, CHIEF, READER = "nadia.lambert@fwb.example", "hugo.willems@fwb.example", "claire.simon@fwb.example"


@pytest.fixture
def user(sample_database, templates):
    """Run a command of `user` in this process; returns its status and what it printed."""

    def run(*words, **settings):
        result = invoke(sample_database, {"OUTREACH_DATA": str(templates.data), **settings}, "user", *words)
        return result.exit_code, result.output + str(result.exception or "")

    return run


def test_the_list_says_who_has_an_account_since_when_seen_and_in_which_roles(user, sample_database):
    with sample_database.writing() as session:
        accounts.note_sign_in(session, accounts.user_named(session, AUTHOR).id, now=NOW)
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


def test_a_command_with_json_that_is_refused_silences_no_other(user):
    assert user("list", "--json", "--limit", "x")[0] == 2
    assert "jamais de connexion" in user("list")[1]


def test_a_way_in_is_sent_or_shown_once_and_refused_where_it_would_not_leave(user, sample_database):
    held = {"OUTREACH_SMTP_URL": "smtp://relay.example"}
    assert f"Un lien part à {AUTHOR}" in user("reset", AUTHOR)[1]
    status, why = user("reset", AUTHOR, **held)
    assert (status, "liste de test" in why) == (1, True)
    assert "/account/links/" in user("reset", AUTHOR, "--show", **held)[1]
    assert "nécessaire ici" in user("reset", AUTHOR, "--show", "--as", AUTHOR)[1]
    with sample_database.reading() as session:
        assert session.scalars(select(AccountLink.kind)).all() == [LinkKind.RESET, LinkKind.RESET]


def test_an_account_is_added_for_a_scope_and_nobody_gets_a_second_one(user, sample_database):
    adviser = ("conseil@segec.example", "--name", "Conseil SeGEC", "--role", "federation")
    assert "Compte créé pour conseil@segec.example" in user("add", *adviser, "--scope", "segec")[1]
    assert "CECP, CPEONS, FELSI" in user("add", "autre@segec.example", *adviser[1:], "--scope", "WBE")[1]
    assert "Indiquez le code" in user("add", "autre@segec.example", *adviser[1:])[1]
    status, why = user("add", "n.lambert@fwb.example", "--name", "LAMBERT Nádia", "--role", "approver")
    assert (status, "porte déjà ce nom" in why) == (1, True)
    with sample_database.reading() as session:
        assert accounts.account_of(session, adviser[0]).scope_code == "SeGEC"
        assert not accounts.account_exists(session, "n.lambert@fwb.example")
