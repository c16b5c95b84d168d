"""An audience that has changed since its approval: told before the wave, confirmed by an approver, or held."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.access.approvals import Extent
from outreach.campaigns import planning, review, waves
from outreach.campaigns.models import Wave, WaveState, WaveTransition
from outreach.campaigns.segments import Boxes
from outreach.core.text.errors import Refused
from outreach.directory.models import Authority, Contact, ContactSchool, Ownership
from outreach.staff.notifications import _digests as digests
from outreach.staff.notifications import _news as news
from tests.campaigns.conftest import APPROVER, AUTHOR, NOW, SENDING, add_contact, advance, draft, move, settle
from tests.conftest import state_from

IN_A_WEEK = NOW + timedelta(days=7)
THE_DAY_BEFORE = IN_A_WEEK - timedelta(days=1)


@state_from("programmed")
def planned_to_twenty(database, _settings):
    plan(database)


@pytest.fixture
def planned(planned_to_twenty):
    """A campaign to twenty authorities, approved and planned in a week: its number and its wave."""
    with planned_to_twenty.reading() as session:
        return 1, session.scalars(select(Wave.id)).one()


def plan(database, boxes=Boxes.AUTHORITY):
    made = settle(database, 20)
    if boxes is Boxes.SCHOOLS:
        with database.writing() as session:
            for contact in session.scalars(select(Contact)):
                session.add(ContactSchool(contact_id=contact.id, school_id=made[contact.authority_id][0]))
    number = draft(database, boxes=boxes)
    with database.writing() as session:
        review.ask_approval(
            session, planning.campaign_numbered(session, number), SENDING, now=NOW, actor=AUTHOR, confirmed=20
        )
    with database.writing() as session:
        review.give_approval(session, planning.campaign_numbered(session, number), SENDING, now=NOW, actor=APPROVER)
    move(database, number, planning.schedule_campaign, IN_A_WEEK)


def add_addresses(database, count, boxes=Boxes.AUTHORITY):
    """One more address for so many authorities, as an import of contacts brings them."""
    with database.writing() as session:
        for authority in session.scalars(select(Authority).order_by(Authority.id).limit(count)).all():
            address = f"direction{authority.id}@ecole.example"
            add_contact(session, authority, address)
            if boxes is Boxes.SCHOOLS:
                held = session.scalars(select(Contact).where(Contact.address == address)).one()
                school = session.scalars(
                    select(Ownership.school_id).where(Ownership.authority_id == authority.id)
                ).first()
                session.add(ContactSchool(contact_id=held.id, school_id=school))


def told_before(database, now=THE_DAY_BEFORE):
    """The drifts that the clock notes now, and whom they are told to."""
    with database.reading() as session:
        notes = {key: waves.news_of(session, key, now=now) for key in waves.coming_waves(session, now=now)}
    with database.writing() as session:
        for key, words in notes.items():
            if words:
                waves.note_drift(session, key, words, now=now)
    return list(filter(None, notes.values()))


@pytest.mark.long
def test_letters_are_compared_as_well_as_authorities(database, planned):
    add_addresses(database, 10)
    assert told_before(database) == [], "ten of twenty is more than a tenth, but not more than ten"
    add_more = 3
    with database.writing() as session:
        for authority in session.scalars(select(Authority).order_by(Authority.id).limit(add_more)).all():
            add_contact(session, authority, f"secretariat{authority.id}@ecole.example")
    assert told_before(database) == ["le public est passé de 20 à 33 courriels depuis la validation"]
    assert told_before(database) == [], "once"


@pytest.mark.long
@pytest.mark.parametrize("boxes", [Boxes.SCHOOLS, Boxes.BOTH])
def test_letters_are_compared_whichever_mailboxes_are_written_to(database, people, strand, boxes):
    plan(database, boxes)
    add_addresses(database, 12, boxes)
    assert told_before(database) == ["le public est passé de 20 à 32 courriels depuis la validation"]


def test_author_and_approver_are_told_before_the_wave(database, planned):
    number, key = planned
    digests._begin(database, NOW - timedelta(days=1))
    add_addresses(database, 12)
    assert told_before(database, IN_A_WEEK - timedelta(days=4)) == [], "three days before, not earlier"
    assert told_before(database)
    with database.reading() as session:
        (one,) = [one for one in news.untold(session, now=THE_DAY_BEFORE) if one.wave]
        assert {person.email for person in news.concerned(session, one, THE_DAY_BEFORE.date())} == {AUTHOR, APPROVER}
        assert "20 à 32 courriels depuis la validation" in news.sentence(session, one)
        assert news.page_of(session, one) == f"/campaigns/{number}/waves/1/drift"
        wave = session.get_one(Wave, key)
        assert planning.planned_at(session, wave) == NOW, "the clock's note is no planning"
        assert waves.planners_of(session, wave) == [AUTHOR]


@pytest.mark.long
def test_an_audience_that_is_again_the_approved_one_is_no_drift_any_more(database, planned):
    digests._begin(database, NOW - timedelta(days=1))
    _, key = planned
    add_addresses(database, 12)
    assert told_before(database, THE_DAY_BEFORE - timedelta(hours=2))
    with database.writing() as session:
        added = Contact.address.like("direction%")
        ended = {"retired_at": THE_DAY_BEFORE - timedelta(hours=1), "retired_by": AUTHOR}
        session.execute(update(Contact).where(added).values(**ended))
    assert told_before(database) == [waves.BACK]
    assert told_before(database) == [], "once"
    with database.reading() as session:
        assert waves.noted_drift(session, session.get_one(Wave, key)) == "", "the page says it no more"
        *_, last = [one for one in news.untold(session, now=THE_DAY_BEFORE) if one.wave]
        assert "confirmer" not in news.sentence(session, last).replace("Rien n’est à confirmer", "")
    advance(database, key, IN_A_WEEK)
    with database.reading() as session:
        assert session.get_one(Wave, key).state is WaveState.RUNNING


@pytest.mark.long
def test_a_wave_whose_letters_drifted_is_held_and_one_that_an_approver_confirmed_leaves(database, planned):
    number, key = planned
    add_addresses(database, 12)
    told_before(database)
    with database.writing() as session:
        wave = waves.planned_wave(planning.in_turn(session, number), 1)
        with pytest.raises(Refused, match="autre personne"):
            waves.confirm_audience(session, wave, Extent(20, 32), now=THE_DAY_BEFORE, actor=AUTHOR)
        with pytest.raises(Refused, match="a encore changé"):
            waves.confirm_audience(session, wave, Extent(20, 31), now=THE_DAY_BEFORE, actor=APPROVER)
        session.rollback()
    advance(database, key, IN_A_WEEK)
    with database.reading() as session:
        notes = session.scalars(select(WaveTransition.note).where(WaveTransition.wave_id == key)).all()
        assert session.get_one(Wave, key).state is WaveState.PAUSED
        assert notes.count("le public est passé de 20 à 32 courriels depuis la validation") == 2


@pytest.mark.long
def test_what_an_approver_confirmed_leaves_at_its_hour(database, planned):
    number, key = planned
    add_addresses(database, 12)
    told_before(database)
    with database.writing() as session:
        wave = waves.planned_wave(planning.in_turn(session, number), 1)
        assert waves.noted_drift(session, wave)
        waves.confirm_audience(session, wave, Extent(20, 32), now=THE_DAY_BEFORE + timedelta(minutes=1), actor=APPROVER)
        assert waves.noted_drift(session, wave) == "", "the page says it no more"
    assert told_before(database, THE_DAY_BEFORE + timedelta(hours=1)) == []
    advance(database, key, IN_A_WEEK)
    with database.reading() as session:
        assert session.get_one(Wave, key).state is WaveState.RUNNING
