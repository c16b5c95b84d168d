import pytest

from outreach.access import accounts
from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName


def add(session, now, **changes):
    details = {"email": "Anne@fwb.example", "name": "Anne", "roles": [RoleName.AUTHOR], "password_hash": "x"}
    return accounts.add_user(session, now, "installation", **{**details, **changes})


def test_a_new_account_is_told_in_the_audit(database, now):
    with database.writing() as session:
        add(session, now)
    with database.reading() as session:
        (entry,) = audit.entries_about(session, "user:anne@fwb.example")
        assert entry.sentence == "Compte créé pour anne@fwb.example (rédaction)."


def test_a_name_is_kept_without_the_spaces_around_it(database, now):
    with database.writing() as session:
        assert add(session, now, name=" Anne ").name == "Anne"


@pytest.mark.parametrize(
    "change",
    [{"email": "x"}, {"roles": []}, {"email": "anne@FWB.example"}, {"name": "A\r\nBcc: x@y.be"}, {"name": " "}],
)
def test_an_account_that_cannot_be_is_refused(database, now, change):
    with pytest.raises(InputError), database.writing() as session:
        add(session, now)
        add(session, now, **change)


def test_every_role_may_read_and_only_its_holder_may_more(database, now):
    with database.writing() as session:
        user = add(session, now, roles=[RoleName.APPROVER])
        assert user.holds(RoleName.READER)
        assert user.holds(RoleName.APPROVER, RoleName.AUTHOR)
        assert not user.holds(RoleName.AUTHOR)
        accounts.require_role(user, RoleName.AUTHOR, RoleName.APPROVER)
        with pytest.raises(Refused, match="« rédaction » ou « administration »"):
            accounts.require_role(user, RoleName.AUTHOR, RoleName.ADMINISTRATOR)


@pytest.mark.postgresql
def test_an_unknown_account_is_named(database):
    with database.reading() as session, pytest.raises(NotFound, match=r"personne@fwb\.example"):
        accounts.user_named(session, "personne@fwb.example")
    with database.reading() as session, pytest.raises(NotFound):
        accounts.user_named(session, "\x00")
