import pytest
from sqlalchemy import select

from outreach import audit
from outreach.directory import authority_sheet, contacts, listing
from outreach.directory.listing import Filters, Reach
from outreach.directory.models import Contact, MailboxKind
from outreach.errors import InputError, Refused
from outreach.mail.addresses import judge

BOX = MailboxKind.IMPERSONAL


@pytest.fixture
def session(sample_database):
    with sample_database.writing() as opened:
        yield opened


@pytest.fixture
def authority(session):
    return authority_sheet.authority_by_fase(session, 9300)


def usable(session, authority):
    query = select(Contact.address).where(Contact.authority_id == authority.id, Contact.usable())
    return set(session.scalars(query))


def test_an_added_address_is_used_beside_the_first(session, authority, now):
    contacts.add(session, authority, judge("Direction@Ecole.be"), now=now, actor="nadia", kind=BOX)
    assert usable(session, authority) == {"po009300@adm.fwb.example", "Direction@ecole.be"}


def test_a_corrected_address_retires_the_old_one_and_both_stay_in_sight(session, authority, now):
    (old,) = contacts.contacts_of(session, authority)
    contacts.correct(session, authority, old, judge("info@ecole.be"), now=now, actor="nadia", kind=BOX)
    assert usable(session, authority) == {"info@ecole.be"}
    assert [c.address for c in contacts.contacts_of(session, authority)] == [
        "info@ecole.be",
        "po009300@adm.fwb.example",
    ]
    (entry, *_) = audit.about(session, "authority:9300")
    assert entry.sentence == "Adresse po009300@adm.fwb.example remplacée par info@ecole.be."


def test_the_same_address_in_another_case_is_the_same(session, authority, now):
    contacts.add(session, authority, judge("info@ecole.be"), now=now, actor="nadia", kind=BOX)
    with pytest.raises(InputError, match="déjà"):
        contacts.add(session, authority, judge("INFO@ecole.be"), now=now, actor="nadia", kind=BOX)


def test_a_bounced_address_is_not_used_until_staff_put_it_back(session, authority, now):
    assert contacts.record_bounce(session, "po009300@adm.fwb.example", now=now, actor="système") == 1
    assert usable(session, authority) == set()
    assert [r.reach for r in listing.every(session, Filters(text="9300"))] == [Reach.BOUNCED]
    (old,) = contacts.contacts_of(session, authority)
    contacts.correct(session, authority, old, judge(old.address), now=now, actor="nadia", kind=BOX)
    assert usable(session, authority) == {"po009300@adm.fwb.example"}


def test_an_address_in_mixed_writing_waits_for_a_second_person(session, authority, now):
    added = contacts.add(session, authority, judge("directiоn@ecole.be"), now=now, actor="nadia", kind=BOX)
    assert added.address not in usable(session, authority)
    with pytest.raises(Refused, match="autre personne"):
        contacts.review(session, authority, added, now=now, actor="nadia")
    contacts.review(session, authority, added, now=now, actor="marc")
    assert added.address in usable(session, authority)
    with pytest.raises(Refused, match="n’attend pas"):
        contacts.review(session, authority, added, now=now, actor="marc")


def test_a_retired_address_leaves_the_authority_without_one(session, authority, now):
    (old,) = contacts.contacts_of(session, authority)
    contacts.retire(session, authority, old, now=now, actor="nadia")
    session.flush()
    assert [r.reach for r in listing.every(session, Filters(text="9300"))] == [Reach.NO_ADDRESS]
