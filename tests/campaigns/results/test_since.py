"""A joining counts from the day on which its own letter left: a late list with earlier days adds nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import Word
from outreach.campaigns import counting, planning, results, segments
from outreach.campaigns.results import ReachedFilters
from outreach.campaigns.segments import ReactedTo, ReactionKind, listed_authorities
from outreach.core.text.dates import today
from outreach.delivery.models import Message, MessageState, Reason
from outreach.engagement.tracking import Reaction
from tests.campaigns.conftest import approved, launch, owned, settle
from tests.campaigns.results.test_figures import LATER, become, record
from tests.conftest import state_from

FIRST, SECOND = LATER - timedelta(days=2), LATER - timedelta(days=1)
EACH = {"confirmed": "joined_since", "declared": "declared"}


@state_from("programmed")
def two_waves(database, _settings):
    """A campaign to five authorities of two schools each, whose letters of both waves were accepted a day apart."""
    settle(database, 5, schools=2)
    number = approved(database)
    launch(database, number, FIRST)
    become(database, [MessageState.ACCEPTED] * 5)
    with database.writing() as session:
        planning.campaign_numbered(session, number).waves[0].state = "finished"
    launch(database, number, SECOND)
    with database.writing() as session:
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "worker_id": "w"}
        later = Message.state == MessageState.QUEUED
        session.execute(update(Message).where(later).values(**left, fenced_at=SECOND, settled_at=SECOND))


@pytest.fixture
def waves(two_waves):
    """{authority: schools} of these."""
    return owned(two_waves)


def told(database):
    """What all places tell of the joinings of the campaign: curve, way, waves, lists, criteria, counts."""
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        shown = results.campaign_course(
            session, campaign, results.campaign_results(session, campaign, now=LATER), [], now=LATER
        )
        asked = results.asked_of(campaign, now=LATER)
        rows = results.list_reactions(session, asked)
        reacted = ReachedFilters(reaction=Reaction.REACTED)
        context = planning.context_of(session, campaign, now=LATER)
        mailings = tuple(asked.mailings)
        counted = counting.of_campaign(session, campaign, now=LATER)
        return {
            "days": [(day.declared, day.joined_since, day.joined_since_schools) for day in shown.days],
            "schools": (shown.way[-1].declared_schools, shown.way[-1].schools),
            "waves": [(one.declared, one.joined_since) for one in shown.yields],
            "list": {
                (row.authority_id, row.mailing): (row.declared, row.joined_since)
                for row in rows
                if row.declared or row.joined_since
            },
            "reacted": set(results.list_reached(session, campaign, reacted, now=LATER).keys()),
            "criterion": set(
                session.scalars(listed_authorities(context, ReactedTo(mailings=mailings, reaction=ReactionKind.JOINED)))
            ),
            "counts": (counted.authorities["declared"], counted.authorities["joined_since"]),
        }


NOTHING = {
    "days": [(0, 0, 0)] * 3,
    "schools": (0, 0),
    "waves": [(0, 0), (0, 0)],
    "list": {},
    "reacted": set(),
    "criterion": set(),
    "counts": (0, 0),
}


@pytest.mark.long
@pytest.mark.postgresql
def test_a_list_that_comes_late_with_earlier_days_adds_nothing_anywhere(database, strand, waves):
    assert told(database) == NOTHING
    for schools in waves.values():
        for school in schools:
            record(database, strand, school, effective_on=today(FIRST) - timedelta(days=1))
    assert told(database) == NOTHING


@pytest.mark.long
@pytest.mark.postgresql
def test_a_joining_counts_from_the_day_of_the_letter_that_listed_it_wave_by_wave(database, strand, waves):
    of_first, of_second, declared, *_ = waves
    record(database, strand, waves[of_first][0], effective_on=today(FIRST))
    record(database, strand, waves[of_second][0], effective_on=today(SECOND))
    record(database, strand, waves[declared][0], Word.DECLARED, effective_on=today(SECOND))
    with database.reading() as session:
        one, two = (wave.mailing_id for wave in planning.campaign_numbered(session, 1).waves)
    assert told(database) == {
        "days": [(0, 1, 1), (1, 2, 2), (1, 2, 2)],
        "schools": (1, 2),
        "waves": [(0, 1), (1, 1)],
        "list": {
            (of_first, one): (0, 1),
            **{(of_second, mailing): (0, 1) for mailing in (one, two)},
            **{(declared, mailing): (1, 0) for mailing in (one, two)},
        },
        "reacted": {of_first, of_second, declared},
        "criterion": {of_first, of_second, declared},
        "counts": (1, 2),
    }


@pytest.mark.long
def test_what_was_declared_since_and_is_confirmed_of_an_earlier_day_is_a_reaction_and_counts_as_neither(
    database, strand, waves
):
    """Who declared has reacted, and is not reminded; the school had joined before the letter, as a list says now."""
    one, *_ = waves
    record(database, strand, waves[one][0], Word.DECLARED, effective_on=today(SECOND))
    assert told(database)["counts"] == (1, 0)
    record(database, strand, waves[one][0], effective_on=today(FIRST) - timedelta(days=1))
    assert told(database) == {**NOTHING, "reacted": {one}, "criterion": {one}}


@pytest.mark.long
def test_an_added_reminder_writes_to_nobody_who_has_joined_however_late_that_is_known(database, strand, waves):
    whole, part, *silent = waves
    for school in (*waves[whole], waves[part][0]):
        record(database, strand, school, effective_on=today(FIRST) - timedelta(days=1))
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        context = planning.context_of(session, campaign, now=LATER)
        rows = session.execute(
            select(segments.audience_rows(planning.unreacted_of(campaign, now=LATER), context))
        ).all()
    values = {row.authority_id: (segments.reason_of(row.rank), row.schools) for row in rows}
    assert values == {whole: (Reason.JOINED, 0), part: (None, 1), **dict.fromkeys(silent, (None, 2))}


@pytest.mark.long
def test_only_the_bound_of_its_own_letter_holds_for_each_authority(database, strand, waves):
    early, late, *_ = waves
    with database.writing() as session:
        first = select(Message.id).where(Message.authority_id == late).order_by(Message.id).limit(1)
        session.execute(
            update(Message).where(Message.id == first.scalar_subquery()).values(state="refused", reply_code=550)
        )
    for key in (early, late):
        record(database, strand, waves[key][0], effective_on=today(FIRST))
    assert told(database)["reacted"] == {early}
