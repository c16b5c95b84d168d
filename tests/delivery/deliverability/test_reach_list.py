"""Each authority has one state, by the best of its mailboxes; and somebody may look after it."""

from datetime import timedelta

import pytest

from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import deliverability, outbox
from outreach.delivery.deliverability import NOBODY, Followed
from outreach.delivery.deliverability._domains import DomainVerdict
from outreach.delivery.models import Batch, Mailing, Message, MessageState, SuppressionReason
from outreach.directory import authorities, confirmations, contacts
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.models import Level, MailboxKind
from outreach.engagement import mailboxes
from outreach.engagement.mailboxes import MailboxHealth, ReachFilters
from tests import factories
from tests.conftest import NOW

BY = {"now": NOW, "actor": factories.AUTHOR}


@pytest.fixture
def authority(session):
    return authorities.authority_by_fase(session, 9300)


def state(session, authority):
    """Its state, the same in the list and by itself."""
    session.flush()
    alone = mailboxes.mailbox_health_of(session, authority)
    assert [
        row for row in mailboxes.list_mailbox_health(session, ReachFilters(), now=NOW).rows if row.fase == 9300
    ] == [alone]
    return alone.state


def add(session, authority, address):
    return contacts.add(session, authority, judge(address), kind=MailboxKind.IMPERSONAL, **BY)


def letter(session, held, state, number):
    """A letter to an address, in this state."""
    mailing = Mailing(**factories.mailing(NOW))
    session.add(mailing)
    session.flush()
    batch = Batch(mailing_id=mailing.id, number=1)
    session.add(batch)
    session.flush()
    named = {name: getattr(held, name) for name in ("authority_id", "address", "address_key", "address_ascii")}
    kept = {"public_id": number * 16, "dated_at": NOW, "due_at": NOW, "return_path": "x", "fence_id": "x"}
    session.add(Message(mailing_id=mailing.id, batch_id=batch.id, state=state, **named, **kept))


@pytest.mark.long
def test_an_authority_is_as_reachable_as_the_best_of_its_mailboxes(session, authority):
    (first,) = contacts.contacts_of(session, authority)
    assert state(session, authority) is MailboxHealth.UNCONFIRMED
    letter(session, first, MessageState.REFUSED, "1")
    letter(session, first, MessageState.IN_DOUBT, "2")
    assert state(session, authority) is MailboxHealth.UNCONFIRMED
    letter(session, first, MessageState.ACCEPTED, "3")
    assert state(session, authority) is MailboxHealth.UNCONFIRMED, "our relay took it"
    confirmations.confirm(session, authority.id, first.address_key, ConfirmationWay.ANSWER, at=NOW)
    assert state(session, authority) is MailboxHealth.CONFIRMED
    first.bounced_at = NOW
    assert state(session, authority) is MailboxHealth.BOUNCED
    second = add(session, authority, "a@absente.be")
    assert state(session, authority) is MailboxHealth.PARTLY
    deliverability.record_domains(session, {"absente.be": DomainVerdict.NO_DOMAIN}, now=NOW)
    assert state(session, authority) is MailboxHealth.NO_MAIL
    outbox.suppress_address(session, second.address_key, SuppressionReason.UNSUBSCRIBED, **BY)
    assert state(session, authority) is MailboxHealth.NO_MAIL
    outbox.suppress_address(session, second.address_key, SuppressionReason.COMPLAINT, **BY)
    assert state(session, authority) is MailboxHealth.EXCLUDED
    for held in (first, second):
        contacts.retire(session, authority, held, **BY)
    add(session, authority, "directiоn@ecole.be")
    assert state(session, authority) is MailboxHealth.NO_MAILBOX, "it awaits a second person"


def test_those_without_contact_are_those_of_the_directory_for_each_level_and_network(session):
    without = MailboxHealth.NO_MAILBOX, MailboxHealth.BOUNCED
    for level in (None, Level.SECONDARY):
        found = mailboxes.list_mailbox_health(session, ReachFilters(states=without, level=level), now=NOW)
        known = list(authorities.list_authorities(session, Filters(level=level, reach=ReachFilter.UNREACHABLE)).every())
        assert {row.fase for row in found.rows} == {row.Authority.fase for row in known} != set()
        assert found.tally() == authorities.count_authorities(session, Filters(level=level)).authorities
        for network in authorities.list_networks(session):
            some = Filters(level=level, reach=ReachFilter.UNREACHABLE, networks=(network.code,))
            assert found.tally(network.code, *without) == authorities.count_authorities(session, some).authorities


def test_a_mailbox_that_somebody_confirmed_is_confirmed_and_one_that_cannot_serve_is_refused(session, authority):
    (held,) = contacts.contacts_of(session, authority)
    contacts.confirm(session, authority, held, note="appel", **BY)
    assert state(session, authority) is MailboxHealth.CONFIRMED
    (mailbox,) = mailboxes.mailbox_health_of(session, authority).mailboxes
    assert (mailbox.said, mailbox.confirmed.note) == ("confirmée le 15 mai 2021 (un collègue)", "appel")
    held.bounced_at = NOW
    session.flush()
    with pytest.raises(Refused):
        contacts.confirm(session, authority, held, **BY)


def test_who_looks_after_an_authority_and_until_when_are_the_last_steps(session, authority):
    def now():
        return deliverability.current_follow_up(session, [authority.id]).get(authority.id)

    assert now() is None
    monday = NOW.date() + timedelta(days=2)
    deliverability.set_recall(session, authority, day=monday, **BY)
    assert now() == Followed(factories.AUTHOR, monday)
    for wrong in (NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=367)):
        with pytest.raises(InputError):
            deliverability.set_recall(session, authority, day=wrong, **BY)
    with pytest.raises(InputError):
        deliverability.hand_over(session, authority, to=factories.APPROVER, **BY)
    assert deliverability.hand_all_over(session, factories.AUTHOR, to="", **BY) == 1
    assert deliverability.owned_by(session, factories.AUTHOR) == []
    assert now() == Followed("", monday)
    found = {
        owner: [
            row.fase
            for row in mailboxes.list_mailbox_health(session, ReachFilters(owner=owner, recalled=True), now=NOW).rows
        ]
        for owner in (factories.AUTHOR, NOBODY)
    }
    assert found == {factories.AUTHOR: [], NOBODY: [9300]}
    assert mailboxes.list_mailbox_health(session, ReachFilters(), now=NOW).recalls == (1, 0)
    assert mailboxes.list_mailbox_health(session, ReachFilters(), now=NOW + timedelta(days=2)).recalls == (1, 1)
