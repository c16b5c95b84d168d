"""An account is bound to one identity, and its roles follow the claims; one administrator always remains."""

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import DeadLink, LinkKind, User
from outreach.access.oidc.claims import Refusal, SignInRefused
from outreach.core import audit
from outreach.core.text.roles import RoleName
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql
ISSUER = "https://idp.example"
AUTHOR, APPROVER, ADMINISTRATOR = RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR


@pytest.fixture
def people(database):
    """Two accounts: an author who is bound, and an administrator who is not."""
    with database.writing() as session:
        anne, bert = (
            accounts.add_user(
                session, NOW, "installation", email=f"{name}@fwb.example", name=name, roles=[role], password_hash="x"
            )
            for name, role in (("anne", AUTHOR), ("bert", ADMINISTRATOR))
        )
        session.flush()
        accounts.bind_identity(session, anne.id, ISSUER, "s-1", now=NOW)
        return anne.id, bert.id


def admitted(database, roles, subject="s-1", issuer=ISSUER):
    with database.writing() as session:
        return accounts.admit_identity(session, issuer, subject, roles, now=NOW)


def roles_of(database, number):
    with database.reading() as session:
        return {role.name for role in session.get_one(User, number).roles}


def refusal(act):
    with pytest.raises(SignInRefused) as refused:
        act()
    return refused.value.cause


def bound(database, number, subject):
    with database.writing() as session:
        accounts.bind_identity(session, number, ISSUER, subject, now=NOW)


def test_an_identity_opens_one_account_and_only_with_its_issuer(database, people):
    anne, bert = people
    assert admitted(database, None).user_id == anne
    assert refusal(lambda: admitted(database, None, subject="S-1")) is Refusal.UNKNOWN
    assert refusal(lambda: admitted(database, None, issuer="https://other.example")) is Refusal.UNKNOWN
    assert refusal(lambda: bound(database, bert, "s-1")) is Refusal.TAKEN
    bound(database, anne, "s-2")  # another identity takes the place of the first
    assert admitted(database, None, subject="s-2").user_id == anne
    assert refusal(lambda: admitted(database, None)) is Refusal.UNKNOWN


def test_a_closed_account_is_refused_and_keeps_its_identity(database, people):
    anne, bert = people
    with database.writing() as session:
        session.get_one(User, anne).active = False
    assert refusal(lambda: admitted(database, {AUTHOR})) is Refusal.CLOSED
    assert refusal(lambda: bound(database, anne, "s-2")) is Refusal.CLOSED
    assert refusal(lambda: bound(database, bert, "s-1")) is Refusal.TAKEN


def test_roles_by_claim_replace_those_given_by_hand(database, people):
    anne, _ = people
    assert admitted(database, {APPROVER}).refused is None
    assert roles_of(database, anne) == {"approver"}
    with database.reading() as session:
        said = audit.entries_about(session, "user:anne@fwb.example")[0].sentence
        count = len(audit.entries_about(session, "user:anne@fwb.example"))
    assert said.endswith("rôles rédaction remplacés par validation, selon l’émetteur.")
    admitted(database, {APPROVER})
    admitted(database, None)
    assert roles_of(database, anne) == {"approver"}
    with database.reading() as session:
        assert len(audit.entries_about(session, "user:anne@fwb.example")) == count


def test_without_a_role_nobody_is_let_in_and_what_was_open_ends(database, people):
    anne, _ = people
    with database.writing() as session:
        accounts.begin_session(session, anne, "Firefox", now=NOW)
    assert admitted(database, set()).refused is Refusal.ROLELESS
    assert roles_of(database, anne) == set()
    with database.reading() as session:
        assert not accounts.sessions_of(session, anne, now=NOW)
    assert admitted(database, {AUTHOR}).refused is None


def test_the_last_administrator_keeps_the_role_until_another_has_it(database, people):
    anne, bert = people
    bound(database, bert, "s-2")
    kept = admitted(database, set(), subject="s-2")
    assert (kept.refused, kept.keeps_administration) == (None, True)
    assert roles_of(database, bert) == {"administrator"}
    assert admitted(database, {AUTHOR}, subject="s-2").keeps_administration
    admitted(database, {ADMINISTRATOR})
    assert not admitted(database, {AUTHOR}, subject="s-2").keeps_administration
    assert roles_of(database, bert) == {"author"}
    with database.writing() as session:  # a closed administrator is none
        session.get_one(User, bert).roles = []
        session.get_one(User, anne).active = False
    assert refusal(lambda: admitted(database, None)) is Refusal.CLOSED


def link_of(database, number, kind):
    token = accounts.new_token()
    with database.writing() as session:
        accounts.make_link(session, number, kind, token, now=NOW)
    return token


def accept(database, token, subject):
    with database.writing() as session:
        accounts.accept_by_identity(session, token, ISSUER, subject, now=NOW)


def test_an_invitation_is_accepted_by_an_identity_once_and_leaves_no_password(database, people):
    _, bert = people
    with database.writing() as session:
        accounts.begin_session(session, bert, "Firefox", now=NOW)
    token = link_of(database, bert, LinkKind.RESET)
    assert refusal(lambda: accept(database, token, "s-1")) is Refusal.TAKEN
    accept(database, token, "s-2")
    with database.reading() as session:
        user = session.get_one(User, bert)
        assert (user.password, user.has_password("")) == ("", False)
        assert not accounts.sessions_of(session, bert, now=NOW)
    assert admitted(database, None, subject="s-2").user_id == bert
    with pytest.raises(DeadLink):
        accept(database, token, "s-3")
    with pytest.raises(DeadLink):
        accept(database, "x", "s-3")


def test_the_audit_names_the_issuer_and_never_the_subject(database, people):
    with database.reading() as session:
        sentences = session.scalars(select(audit.AuditEntry.sentence)).all()
    assert f"Compte de anne@fwb.example lié à son identité chez {ISSUER}." in sentences
    assert not any("s-1" in sentence for sentence in sentences)
