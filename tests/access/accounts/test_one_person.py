import pytest

from outreach.access import accounts
from outreach.access.accounts import User, refuse_second_account
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName


def add(session, now, email, name):
    details = {"email": email, "name": name, "roles": [RoleName.AUTHOR], "password_hash": "x"}
    user = accounts.add_user(session, now, "installation", **details)
    session.flush()
    return user


@pytest.mark.parametrize(
    ("email", "name", "words"),
    [
        ("nadia.lambert+validation@fwb.example", "Une Autre", "même boîte"),
        ("n.lambert@fwb.example", "Nadia Lambert", "porte déjà ce nom"),
        ("n.lambert@fwb.example", "LAMBERT, Nádia", "porte déjà ce nom"),
        ("n.lambert@fwb.example", "Nadia-Lambert", "porte déjà ce nom"),
    ],
)
def test_a_second_account_of_one_person_is_refused(database, now, email, name, words):
    with database.writing() as session:
        add(session, now, "nadia.lambert@fwb.example", "Nadia Lambert")
        refuse_second_account(session, add(session, now, "nadine.lambert@fwb.example", "Nadine Lambert"))
        refuse_second_account(session, add(session, now, "nadia@lambert.fwb.example", "Nadia L. Lambert"))
    with pytest.raises(InputError, match=words), database.writing() as session:
        refuse_second_account(session, add(session, now, email, name))


def test_a_name_is_free_again_once_its_account_is_closed_and_a_mailbox_is_not(database, now):
    with database.writing() as session:
        add(session, now, "nadia.lambert@fwb.example", "Nadia Lambert").active = False
    with database.writing() as session:
        refuse_second_account(session, add(session, now, "n.lambert@fwb.example", "Nadia Lambert"))
        assert session.query(User).count() == 2
        with pytest.raises(InputError, match="même boîte"):
            refuse_second_account(session, add(session, now, "nadia.lambert+2@fwb.example", "Une Autre"))
