"""A forgotten password: a link for whom an account belongs, three an hour, and the same done for any address."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from outreach.access import accounts
from outreach.access.accounts import AccountLink, LinkKind
from outreach.access.accounts import _password_links as password_links
from outreach.core import audit
from outreach.core.settings import ROOT
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message
from outreach.delivery.smtp import Guard
from outreach.staff import invitations, notifications
from outreach.staff.notifications import AccountHolder
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW

KEY, ANYBODY = b"key", Guard(anybody=True)
CHIEF, GUEST = "hugo.willems@fwb.example", "lea.roland@fwb.example"


@pytest.fixture
def people(database):
    with database.writing() as session:
        factories.add_people(session, NOW)
        guest = AccountHolder(GUEST, "Léa Roland", [RoleName.READER])
        invitations.invite(session, guest, now=NOW, actor=CHIEF, examples=True)
        accounts.close_account(session, accounts.user_named(session, factories.APPROVER), now=NOW, actor=CHIEF)


def ask(database, address, now=NOW, network="192.0.2.1"):
    with database.writing() as session:
        password_links.ask_for_link(session, KEY, address, network, now=now)


def answered(database, now=NOW, guard=ANYBODY):
    """To whom the clock writes."""
    mailings = notifications.answer_requests(database, SENDING, guard, KEY, now=now)
    with database.reading() as session:
        return session.scalars(select(Message.address).where(Message.mailing_id.in_(mailings))).all()


def test_a_link_goes_to_whom_an_account_belongs_and_to_nobody_else(database, people):
    for address in (factories.AUTHOR, factories.AUTHOR, "personne@fwb.example", factories.APPROVER, GUEST):
        ask(database, address)
    assert answered(database) == [factories.AUTHOR], "once, however often it was asked meanwhile"
    assert answered(database) == []
    with database.reading() as session:
        (link,) = session.scalars(select(AccountLink))
        assert (link.kind, link.expires_at) == (LinkKind.FORGOTTEN, NOW + timedelta(hours=1))
        assert "mot de passe oublié" in audit.entries_about(session, f"user:{factories.AUTHOR}")[0].sentence


@pytest.mark.parametrize("kind", [LinkKind.INVITATION, LinkKind.RESET])
def test_what_anybody_may_ask_ends_no_link_of_an_administrator(database, people, kind):
    with database.writing() as session:
        author = accounts.user_named(session, factories.AUTHOR)
        password_links.make_link(session, author.id, kind, "of an administrator", now=NOW)
    ask(database, factories.AUTHOR)
    assert answered(database) == [factories.AUTHOR]
    with database.writing() as session:
        live = password_links.read_link(session, "of an administrator", now=NOW + timedelta(hours=71))
        assert (live.kind, password_links.pending_link(session, live.user_id, now=NOW).kind) == (kind, kind)
        password_links.make_link(session, live.user_id, LinkKind.RESET, "newer", now=NOW)
        assert [one.kind for one in session.scalars(select(AccountLink).where(AccountLink.ended_at.is_(None)))] == [
            LinkKind.RESET
        ], "an administrator's link ends all others"


def test_the_documents_say_how_many_requests_are_taken(database):
    page = " ".join((ROOT / "docs" / "install.md").read_text(encoding="utf-8").split())
    assert f"{password_links.MOST_BY_NETWORK:,} are taken from a client" in page


def test_nobody_gets_a_link_without_a_password_to_forget_or_where_none_is_taken(database, people):
    with database.writing() as session:
        accounts.user_named(session, CHIEF).password = ""  # signs in with the issuer alone
    for address in (CHIEF, factories.AUTHOR):
        ask(database, address)
    assert notifications.answer_requests(database, SENDING, ANYBODY, KEY, takes_password=lambda _: False, now=NOW) == []
    ask(database, factories.AUTHOR)
    assert answered(database) == [factories.AUTHOR]


def test_three_requests_an_hour_are_answered_for_an_address(database, people):
    sent = 0
    for minute in range(5):
        ask(database, factories.AUTHOR, NOW + timedelta(minutes=minute))
        sent += len(answered(database, NOW + timedelta(minutes=minute)))
    assert sent == 3
    ask(database, factories.AUTHOR, NOW + timedelta(minutes=61))
    assert answered(database, NOW + timedelta(minutes=61)) == [factories.AUTHOR]


def test_the_same_is_done_for_any_address(database, people):
    done = {}
    for address in (factories.AUTHOR, "personne@fwb.example"):
        done[address] = statements = []

        def note(_connection, _cursor, statement, *_rest, statements=statements):
            statements.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        ask(database, address)
        event.remove(database.engine, "before_cursor_execute", note)
    assert len(set(map(tuple, done.values()))) == 1
    assert len(done[factories.AUTHOR]) >= 2
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(password_links.PasswordRequest)) == 2


def test_where_the_guard_would_withhold_a_letter_there_is_none_and_no_link(database, people):
    ask(database, factories.AUTHOR)
    assert answered(database, guard=Guard(anybody=False)) == []
    with database.reading() as session:
        assert session.scalars(select(AccountLink.id)).all() == []


def test_a_network_that_asks_too_often_is_slowed_for_an_hour(database, people, monkeypatch):
    monkeypatch.setattr(password_links, "MOST_BY_NETWORK", 2)
    for number in range(2):
        ask(database, f"{number}@fwb.example")
    for network, later, slowed in (("192.0.2.1", 0, True), ("192.0.2.2", 0, False), ("192.0.2.1", 1, False)):
        with database.reading() as session:
            assert password_links.is_slowed(session, KEY, network, now=NOW + timedelta(hours=later)) is slowed
