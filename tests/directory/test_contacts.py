import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory import authorities, contacts
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.contacts import Particulars
from outreach.directory.models import Contact, MailboxKind, Ownership, School

BOX = MailboxKind.IMPERSONAL


@pytest.fixture
def authority(session):
    return authorities.authority_by_fase(session, 9300)


@pytest.fixture
def schools(session, authority):
    """Its schools, by name: several."""
    query = (
        select(School).join(Ownership, Ownership.school_id == School.id).where(Ownership.authority_id == authority.id)
    )
    found = session.scalars(query.where(Ownership.current()).order_by(School.folded, School.fase)).all()
    assert len(found) > 1
    return found


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
    (entry, *_) = audit.entries_about(session, "authority:9300")
    assert entry.sentence == "Adresse po009300@adm.fwb.example remplacée par info@ecole.be."


def test_an_address_answers_for_some_schools_or_for_all_and_the_history_says_so(session, authority, schools, now):
    (held,) = contacts.contacts_of(session, authority)
    assert contacts.schools_of(session, held) == []
    for asked in (schools[:2], schools[1:2], []):
        contacts.answer_for(session, authority, held, asked, now=now, actor="nadia")
        assert contacts.schools_of(session, held) == asked
        limits = {(authority.id, held.address_key): frozenset(school.id for school in asked)}
        assert contacts.school_limits(session, [authority.id]) == (limits if asked else {})
    one, two = sorted(school.fase for school in schools[:2])
    said = [entry.sentence for entry in audit.entries_about(session, "authority:9300")]
    assert said[:3] == [
        "Adresse po009300@adm.fwb.example : répond pour toutes les écoles.",
        f"Adresse po009300@adm.fwb.example : répond pour l’école {schools[1].fase} seulement.",
        f"Adresse po009300@adm.fwb.example : répond pour les écoles {one}, {two} seulement.",
    ]
    contacts.answer_for(session, authority, held, [], now=now, actor="nadia")
    assert len(audit.entries_about(session, "authority:9300")) == len(said)


def test_an_address_answers_for_no_school_of_another_authority_and_not_once_it_is_retired(
    session, authority, schools, now
):
    (held,) = contacts.contacts_of(session, authority)
    other = session.scalars(select(School).where(School.id.not_in([school.id for school in schools]))).first()
    with pytest.raises(InputError, match=str(other.fase)):
        contacts.answer_for(session, authority, held, [schools[0], other], now=now, actor="nadia")
    assert contacts.schools_of(session, held) == []
    contacts.retire(session, authority, held, now=now, actor="nadia")
    session.flush()
    with pytest.raises(NotFound):
        contacts.answer_for(session, authority, held, schools[:1], now=now, actor="nadia")


@pytest.mark.parametrize("address", ["info@ecole.be", "po009300@adm.fwb.example"])
def test_an_address_that_replaces_another_answers_for_the_same_schools(session, authority, schools, now, address):
    (held,) = contacts.contacts_of(session, authority)
    contacts.answer_for(session, authority, held, schools[:1], now=now, actor="nadia")
    contacts.record_bounce(session, held.address, now=now, actor="système")
    session.flush()
    added = contacts.correct(session, authority, held, judge(address), now=now, actor="nadia", kind=BOX)
    assert added is not held
    assert contacts.schools_of(session, added) == schools[:1]
    limits = contacts.school_limits(session, [authority.id])
    assert limits == dict.fromkeys(
        [(authority.id, key) for key in (held.address_key, added.address_key)], frozenset({schools[0].id})
    )


def test_an_address_that_comes_back_answers_for_the_schools_it_answered_for_before(session, authority, schools, now):
    (held,) = contacts.contacts_of(session, authority)
    contacts.answer_for(session, authority, held, schools[:1], now=now, actor="nadia")
    contacts.retire(session, authority, held, now=now, actor="nadia")
    session.flush()
    added = contacts.add(session, authority, judge(held.address), now=now, actor="nadia", kind=BOX)
    assert contacts.schools_of(session, added) == schools[:1]
    assert contacts.school_limits(session, [authority.id]) == {(authority.id, held.address_key): {schools[0].id}}
    assert "pour les mêmes écoles" in audit.entries_about(session, "authority:9300")[0].sentence


def test_the_same_address_in_another_case_is_the_same(session, authority, now):
    contacts.add(session, authority, judge("info@ecole.be"), now=now, actor="nadia", kind=BOX)
    with pytest.raises(InputError, match="déjà"):
        contacts.add(session, authority, judge("INFO@ecole.be"), now=now, actor="nadia", kind=BOX)


def test_a_bounced_address_is_not_used_until_staff_put_it_back(session, authority, now):
    assert contacts.record_bounce(session, "po009300@adm.fwb.example", now=now, actor="système") == 1
    assert usable(session, authority) == set()
    assert [r.reach for r in authorities.list_authorities(session, Filters(text="9300")).every()] == [
        ReachFilter.BOUNCED
    ]
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


def test_an_address_that_is_put_back_is_as_it_was_and_its_retired_row_stays(session, authority, schools, now):
    told = Particulars("Accueil", "Secrétariat", "02 555 12 34", "Courrier", "Circulaire")
    mixed = judge("directiоn@ecole.be")
    added = contacts.add(session, authority, mixed, now=now, actor="nadia", particulars=told, kind=BOX)
    contacts.review(session, authority, added, now=now, actor="marc")
    session.flush()
    contacts.answer_for(session, authority, added, schools[:1], now=now, actor="nadia")
    contacts.record_bounce(session, added.address, now=now, actor="relais")
    session.flush()
    contacts.retire(session, authority, added, now=now, actor="nadia")
    session.flush()
    back = contacts.restore(session, authority, added.id, now=now, actor="sophie")
    assert (added.retired_by, back.retired_at, back.added_by) == ("nadia", None, "sophie")
    assert (back.bounced_at, back.reviewed_by, back.awaits_review) == (now, "marc", False)
    assert Particulars.of(back) == told
    assert contacts.schools_of(session, back) == schools[:1]
    assert audit.entries_about(session, "authority:9300")[0].sentence == f"Adresse {added.address} remise en usage."


def test_of_the_rows_of_one_address_the_newest_is_put_back_and_none_while_it_is_in_use(session, authority, now):
    (first,) = contacts.contacts_of(session, authority)
    contacts.retire(session, authority, first, now=now, actor="nadia")
    session.flush()
    second = contacts.restore(session, authority, first.id, now=now, actor="nadia")
    with pytest.raises(Refused, match="de nouveau en usage"):
        contacts.restore(session, authority, first.id, now=now, actor="nadia")
    with pytest.raises(NotFound):
        contacts.restore(session, authority, second.id, now=now, actor="nadia")
    contacts.retire(session, authority, second, now=now, actor="nadia")
    session.flush()
    assert contacts.restorable(contacts.contacts_of(session, authority)) == {second.id}
    with pytest.raises(NotFound):
        contacts.restore(session, authorities.authority_by_fase(session, 9301), second.id, now=now, actor="nadia")


def test_a_retired_address_leaves_the_authority_without_one(session, authority, now):
    (old,) = contacts.contacts_of(session, authority)
    contacts.retire(session, authority, old, now=now, actor="nadia")
    session.flush()
    assert [r.reach for r in authorities.list_authorities(session, Filters(text="9300")).every()] == [
        ReachFilter.NO_ADDRESS
    ]
