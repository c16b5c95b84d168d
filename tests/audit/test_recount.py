"""The auditor itself, by a history whose every number was worked out by hand."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence import programmes, records
from outreach.adherence.models import Status, Word
from outreach.campaigns import channels, counting, planning, review, waves
from outreach.campaigns.models import Wave
from outreach.campaigns.planning import AudienceRule
from outreach.core.text.dates import today
from outreach.delivery import bounces
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Contact, EducationType, School, Teaching
from outreach.engagement.replies import Answer, Given
from outreach.operations.demo.story import FULL_BOX, Post
from tests.audit import recount, rows
from tests.campaigns.channels.climbing import climb
from tests.campaigns.conftest import SENDING, approved, launch, move, settle
from tests.conftest import NOW
from tests.factories import AUTHOR, PROGRAMME

DAY = timedelta(days=1)
LATER = NOW + 9 * DAY
# Whoever the campaign is for, and what becomes of each.
(
    BASIC,
    JOINED,
    EXCEPTED,
    MAILBOXLESS,
    LISTED,
    FULL,
    SILENT,
    ANSWERS,
    EARLIER,
    JOINS,
    POSTED,
) = range(11)


def record(session, school, day, now, programme=None):
    programme = programmes.get_programme(session, programme)
    authority = session.scalars(select(Authority).where(Authority.fase == 9001 + (school.fase - 80001) // 100)).one()
    said = {"status": Status.JOINED, "word": Word.CONFIRMED, "effective_on": day, "source": "Liste"}
    strand = programme.strands[0]
    records.record_adherence(
        session, authority, programme, strand, [school], **said, now=now, today=today(now), actor=AUTHOR
    )


@pytest.fixture
def campaign(programmed):
    """The number of a campaign to eleven authorities of one school each, nine days after it left."""
    database = programmed
    keys = [(authority, schools[0]) for authority, schools in settle(database, 11).items()]
    with database.writing() as session:
        school = [session.get_one(School, key) for _, key in keys]
        basic = {"education_type": EducationType.PRIMARY_ORDINARY}
        session.execute(update(Teaching).where(Teaching.school_id == school[BASIC].id).values(basic))
        without = [keys[one][0] for one in (MAILBOXLESS, LISTED, POSTED)]
        retired = {"retired_at": NOW, "retired_by": AUTHOR}
        session.execute(update(Contact).where(Contact.authority_id.in_(without)).values(retired))
        place = {"address": "Rue Haute 7", "postcode": "5000", "locality": "Namur"}
        session.execute(update(Authority).where(Authority.id == keys[POSTED][0]).values(place))
        record(session, school[JOINED], today(NOW), NOW)
    everybody = AudienceRule.model_validate({"criteria": {"and": []}})
    number = approved(database, segment=everybody, ladder="paper:7:failed")
    move(database, number, review.leave_out, [keys[EXCEPTED][0]], "Pas cette fois")
    launch(database, number)
    with database.writing() as session:
        post = Post(session, SENDING, now=NOW + DAY / 24, refusals={keys[FULL][0]: FULL_BOX})
        post.carry(NOW + DAY / 24)
        post.close(NOW + DAY / 24)
        waves.finish_waves(session, now=NOW + DAY / 24)
    with database.writing() as session:
        letter = session.scalars(select(Message).where(Message.authority_id == keys[ANSWERS][0])).one()
        waves.receive_answer(session, letter, Given({keys[ANSWERS][1]: Answer.JOINED}), SENDING, now=NOW + 2 * DAY)
        schools = [session.get_one(School, key) for _, key in keys]
        record(session, schools[LISTED], today(NOW) - DAY, NOW + 3 * DAY)
        record(session, schools[EARLIER], today(NOW) - 20 * DAY, NOW + 3 * DAY)
        record(session, schools[JOINS], today(NOW), NOW + 3 * DAY)
    climb(database, NOW + 8 * DAY)
    with database.writing() as session:
        of, wave = planning.campaign_numbered(session, number), session.scalars(select(Wave)).one()
        printed = NOW + 8 * DAY
        made = channels.make_batch(session, of, wave, SENDING, sheet=False, now=printed, actor=AUTHOR)
        day = today(printed)
        assert made.batch is not None
        channels.note_posted(session, made.batch, on=day, today=day, now=printed, actor=AUTHOR)
    return number


def counts(fresh_url, campaign):
    found = recount.Campaigns(rows.of(fresh_url), LATER).counts(campaign)
    assert recount.faults(found) == []
    return {key: value for key, value in found.items() if value and key != "schools"}, {
        key: value for key, value in found["schools"].items() if value
    }


COUNTED = {
    "targeted": 11,
    "out_of_scope": 1,  # BASIC
    "concerned": 10,
    "already_joined": 1,  # JOINED
    "excepted": 1,  # EXCEPTED
    "stopped": 1,  # LISTED, before any letter
    "to_reach": 7,
    "no_address": 2,  # MAILBOXLESS, POSTED
    "recipients": 5,
    "handed_over": 4,  # SILENT, ANSWERS, EARLIER, JOINS
    "returned": 1,  # FULL
    "reached": 2,  # ANSWERS, and JOINS on the day of its letter
    "too_early": 1,  # POSTED, the day before
    "left": 2,  # MAILBOXLESS, FULL
    "answered": 1,  # ANSWERS
    "declared": 1,  # ANSWERS
    "joined_since": 1,  # JOINS
    "had_joined": 1,  # EARLIER, although the list came after the letter
}


def test_what_was_worked_out_by_hand(programmed, fresh_url, campaign):
    unread = {**COUNTED, "unread": 2}  # SILENT, EARLIER: nobody reads what comes back
    assert counts(fresh_url, campaign) == (unread, unread)
    with programmed.writing() as session:
        bounces.note_box_read(session, now=LATER)
    presumed = {**COUNTED, "presumed": 2}
    assert counts(fresh_url, campaign) == (presumed, presumed)


def test_reading_the_letters_of_whoever_has_none_makes_nobody_meant(fresh_url, campaign):
    audit = recount.Campaigns(rows.of(fresh_url), LATER)
    assert audit.told(campaign).letters["none"] == []
    assert audit.counts(campaign)["targeted"] == COUNTED["targeted"]


def test_a_joining_that_became_known_after_paper_was_posted_is_a_reaction_whatever_its_day(
    programmed, fresh_url, campaign
):
    with programmed.writing() as session:
        school = session.scalars(select(School).where(School.fase == 80001 + 100 * POSTED)).one()
        record(session, school, today(NOW) - 20 * DAY, LATER - DAY / 24)
    with programmed.reading() as session:
        of = planning.campaign_numbered(session, campaign)
        said = counting.of_campaign(session, of, now=LATER)
    for kind in (said.authorities, said.schools):
        found = {key: kind[key] for key in ("no_address", "stopped", "reached", "too_early", "had_joined")}
        assert found == {"no_address": 2, "stopped": 1, "reached": 3, "too_early": 0, "had_joined": 2}
    assert counts(fresh_url, campaign)[0]["reached"] == 3


def test_a_joining_of_another_programme_stops_and_reaches_nobody(programmed, fresh_url, campaign):
    with programmed.writing() as session:
        other = re.sub('^(code|name) = ".*"$', r'\1 = "autre"', PROGRAMME, flags=re.MULTILINE)
        programmes.load_programme(session, other, now=LATER - DAY, actor=AUTHOR)
        for one in (FULL, MAILBOXLESS, POSTED):
            school = session.scalars(select(School).where(School.fase == 80001 + 100 * one)).one()
            record(session, school, today(NOW), LATER - DAY / 24, programme="autre")
        assert programmes.get_programme(session, "autre").name == "autre"
    with programmed.reading() as session:
        of = planning.campaign_numbered(session, campaign)
        said = counting.of_campaign(session, of, now=LATER)
    for kind in (said.authorities, said.schools):
        found = {key: kind[key] for key in ("no_address", "stopped", "reached", "joined_since", "had_joined")}
        assert found == {key: COUNTED[key] for key in found}
    assert counts(fresh_url, campaign)[0]["stopped"] == COUNTED["stopped"]
