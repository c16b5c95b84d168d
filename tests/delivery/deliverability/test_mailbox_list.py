"""The list of an authority's mailboxes: how each stands, what is said of it, whom it answers for, what finds it."""

from outreach.access import accounts
from outreach.core.text.addresses import judge
from outreach.delivery import outbox
from outreach.delivery.models import SuppressionReason
from outreach.directory import authorities, contacts
from outreach.directory.models import MailboxKind
from outreach.engagement import mailboxes
from tests.conftest import NOW

BY = {"now": NOW, "actor": "x"}


def test_each_mailbox_has_one_state_and_is_found_by_it_and_by_its_schools(sample_database):
    with sample_database.writing() as session:
        ours = authorities.authority_by_fase(session, 9300)
        held = {
            name: contacts.add(session, ours, judge(f"{name}@ecole.be"), kind=MailboxKind.IMPERSONAL, **BY)
            for name in ("used", "failing", "gone", "left", "barred")
        }
        held["failing"].bounced_at = NOW
        contacts.retire(session, ours, held["gone"], **BY)
        unsubscribed, barred = SuppressionReason.UNSUBSCRIBED, SuppressionReason.STAFF
        for name, reason in (("left", unsubscribed), ("barred", unsubscribed), ("barred", barred)):
            outbox.suppress_address(session, held[name].address_key, reason, **BY)
        school = contacts.own_schools(session, ours).popitem()[1]
        contacts.answer_for(session, ours, held["used"], [school], **BY)
        listed = mailboxes.list_mailboxes(session, ours, accounts.colleagues(session), sort="address")
        states = {row.contact.address.partition("@")[0]: row.state for row in listed.every()}
        assert {name: states[name] for name in held} == {
            "used": "En usage",
            "failing": "Boîte en échec",
            "gone": "Retirée",
            "left": "Désinscrite",
            "barred": "Exclue",
        }
        for text, name in (("desinscrite", "left"), (school.display_name, "used")):
            (row,) = mailboxes.list_mailboxes(session, ours, accounts.colleagues(session), text=text).every()
            assert row.contact is held[name]
