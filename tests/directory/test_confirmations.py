"""An address says when and how it was last confirmed: by an answer, a call, a list, a colleague; and what undoes it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import channels, waves
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import CallOutcome, ReachCall
from outreach.campaigns.models import Campaign
from outreach.core import tables
from outreach.core.text.addresses import judge
from outreach.delivery.models import Message
from outreach.directory import authorities, confirmations, contacts
from outreach.directory.authorities import Filters
from outreach.directory.confirmations import Confirmation, ConfirmationWay
from outreach.directory.models import Authority, Contact, MailboxKind
from outreach.engagement.replies import WithdrawalReason
from tests.campaigns.conftest import AUTHOR, SENDING, people, strand
from tests.conftest import NOW
from tests.engagement.mailboxes.conftest import KIND, Lists
from tests.engagement.replies.test_answers import LATER, give, letters, three_asked
from tests.engagement.replies.test_by_code_or_phone import CODE, MAIL, PHONE, answered_each_way
from tests.engagement.replies.test_by_code_or_phone import LATER as CALLED

__all__ = ["answered_each_way", "letters", "people", "strand", "three_asked"]
pytestmark = pytest.mark.postgresql
BY = {"now": NOW, "actor": AUTHOR}


def last(session, authority):
    """How the addresses of an authority were last confirmed, and when."""
    known = confirmations.latest(session, Contact.authority_id == authority)
    return [(key, told.way, told.at) for (_, key), told in sorted(known.items())]


def test_an_answer_confirms_the_mailbox_that_gave_it_until_it_is_not_theirs(three_asked, letters):
    give(three_asked, letters[0], "in_preparation")
    give(three_asked, letters[1], "wrong_contact")
    give(three_asked, letters[2], "informed")  # as a machine does that ticks the first choice
    with three_asked.writing() as session:
        first, *others = [session.get_one(Message, letter) for letter in letters[:3]]
        assert last(session, first.authority_id) == [(first.address_key, ConfirmationWay.ANSWER, LATER)]
        assert [last(session, other.authority_id) for other in others] == [[], []]
        waves.undo_answer(session, first, LATER, now=LATER, because=WithdrawalReason.NOT_OURS)
        assert last(session, first.authority_id) == []
    give(three_asked, letters[0], "declined", now=LATER + timedelta(days=1))
    with three_asked.reading() as session:
        assert [way for _, way, _ in last(session, 1)] == [ConfirmationWay.ANSWER]


def test_a_code_proves_nothing_of_a_mailbox_and_somebody_joined_by_phone_does(answered_each_way):
    with answered_each_way.writing() as session:
        assert [way for _, way, _ in last(session, MAIL)] == [ConfirmationWay.ANSWER]
        assert last(session, CODE) == []
        assert last(session, PHONE) == [], "it has no mailbox"
        authority, campaign = session.get_one(Authority, PHONE), session.get_one(Campaign, 1)
        step = session.scalars(select(ReachCall.step_id)).one()
        by = {"now": CALLED, "actor": AUTHOR}
        channels.withdraw_call(session, authority, session.scalars(select(ReachCall.call_id)).one(), **by)
        joined = NotedCall(CallOutcome.REACHED, address=judge("a@ecole.be"))
        channels.note_call(session, campaign, step, joined, SENDING, **by)
        assert last(session, PHONE) == [("a@ecole.be", ConfirmationWay.CALL, CALLED)]
        channels.withdraw_call(session, authority, max(session.scalars(select(ReachCall.call_id))), **by)
        assert last(session, PHONE) == []


def test_a_list_confirms_what_it_states_and_may_be_written_to_until_it_is_undone(session):
    lists, authority = Lists(session, NOW), authorities.authority_by_fase(session, 9300)
    (held,) = contacts.contacts_of(session, authority)
    rows = f"9300;{held.address}\n9300;new@ecole.be\n9301;\u0430nna@ecole.be\n"
    received = lists.apply(f"fase;adresse\n{rows}")
    stated = [(key, ConfirmationWay.LIST, NOW) for key in sorted((held.address_key, "new@ecole.be"))]
    assert last(session, authority.id) == stated
    assert last(session, authorities.authority_by_fase(session, 9301).id) == [], "it awaits a second person"
    tables.undo_import(session, KIND, **BY, list_id=received.id)
    assert last(session, authority.id) == []


def test_an_address_that_is_put_back_stays_confirmed_and_the_last_time_counts(session):
    authority = authorities.authority_by_fase(session, 9300)
    held = contacts.add(session, authority, judge("a@ecole.be"), kind=MailboxKind.IMPERSONAL, **BY)
    contacts.confirm(session, authority, held, note="par Anne", **BY)
    about = {"at": NOW - timedelta(days=9), "about": "mail:1"}  # attached later than it came
    confirmations.confirm(session, authority.id, held.address_key, ConfirmationWay.MAIL, **about)
    contacts.retire(session, authority, held, **BY)
    contacts.restore(session, authority, held.id, **BY)
    assert last(session, authority.id) == [("a@ecole.be", ConfirmationWay.STAFF, NOW)]
    in_use = select(Contact.address).where(Contact.authority_id == authority.id, Contact.retired_at.is_(None))
    assert session.scalars(in_use.where(confirmations.confirmed_since(NOW))).all() == ["a@ecole.be"]
    assert session.scalars(in_use.where(confirmations.confirmed_since(NOW + timedelta(seconds=1)))).all() == []
    confirmations.confirm(session, authority.id, "nobody@ecole.be", ConfirmationWay.MAIL, at=NOW)
    assert len(session.scalars(select(Confirmation)).all()) == 2


def test_files_and_programs_are_told_when_an_authority_was_last_confirmed(session):
    authority = authorities.authority_by_fase(session, 9300)
    assert [row.confirmed_on for row in authorities.list_authorities(session, Filters(text="9300")).every()] == [None]
    contacts.confirm(session, authority, contacts.contacts_of(session, authority)[0], **BY)
    assert [row.confirmed_on for row in authorities.list_authorities(session, Filters(text="9300")).every()] == [
        NOW.date()
    ]
