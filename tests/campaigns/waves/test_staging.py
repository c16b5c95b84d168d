"""A wave's audience is ranked once and staged: killed at any moment, its launch writes to everybody once."""

from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import delete, func, select, update

from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning
from outreach.campaigns.models import StagedAuthority, Wave
from outreach.campaigns.waves import _launching as launching
from outreach.delivery import outbox
from outreach.delivery.models import Gate, Mailing, Message, SuppressionReason
from outreach.directory.models import Authority, Contact
from tests import factories
from tests.campaigns.conftest import NOW, SENDING, advance, approved, move, settle
from tests.conftest import state_from


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(launching, "RANK_SLICE", 2)
    monkeypatch.setattr(launching, "SLICE", 3)


def process(database, wave, dies_in=0, dies_after=0):
    """Launch a wave as a work process does, until it is launched, or killed in a transaction or after one."""
    numbers = count(1)

    @contextmanager
    def transaction():
        number = next(numbers)
        with database.writing() as session:
            yield session
            if number == dies_in:
                raise Killed
        if number == dies_after:
            raise Killed

    goes_on = True
    while goes_on:
        with database.reading() as session:
            ranking = launching.ranked_audience(session, wave, now=NOW)
        goes_on = ranking is not None
        while goes_on:
            with transaction() as session:
                goes_on = launching.stage_audience(session, wave, ranking, now=NOW)
        with transaction() as session:
            goes_on = launching.advance_wave(session, wave, SENDING, now=NOW)


def staged(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(StagedAuthority))


def written(database, wave):
    """The authorities of a wave's letters, and its gate."""
    with database.reading() as session:
        mailing = session.get_one(Mailing, session.get_one(Wave, wave).mailing_id)
        query = select(Message.authority_id).where(Message.mailing_id == mailing.id).order_by(Message.authority_id)
        return session.scalars(query).all(), mailing.gate


def ranked(database, wave, now=NOW):
    with database.reading() as session:
        return launching.ranked_audience(session, wave, now=now)


def stage(database, wave, ranking, now=NOW):
    with database.writing() as session:
        return launching.stage_audience(session, wave, ranking, now=now)


def reasons(database):
    with database.reading() as session:
        return dict(session.execute(select(Message.authority_id, Message.reason)).all())


@state_from("programmed")
def wave_to_eight(database, _settings):
    """Eight authorities, and a wave to them that is due."""
    settle(database, 8)
    move(database, approved(database), planning.schedule_campaign, NOW)


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("how", ["dies_in", "dies_after"])
def test_killed_in_or_after_any_transaction_a_launch_writes_to_everybody_once(wave_to_eight, how, number):
    with wave_to_eight.reading() as session:
        everybody, wave = (
            session.scalars(select(Authority.id).order_by(Authority.id)).all(),
            session.scalar(select(Wave.id)),
        )
    with pytest.raises(Killed):
        process(wave_to_eight, wave, **{how: number})
    process(wave_to_eight, wave)
    assert written(wave_to_eight, wave) == (everybody, Gate.OPEN)
    assert staged(wave_to_eight) == 0


@pytest.mark.long
@pytest.mark.postgresql
def test_two_processes_that_rank_at_once_stage_everybody_once(database, people, strand):
    everybody = sorted(settle(database, 8))
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    one, other = ranked(database, wave), ranked(database, wave)
    assert [stage(database, wave, ranking) for ranking in (one, other, other, one)] == [True, True, True, False]
    assert ranked(database, wave) is None, "all are staged: nobody ranks them again"
    advance(database, wave, NOW)
    assert written(database, wave) == (everybody, Gate.OPEN)


@pytest.mark.long
def test_what_changes_between_staging_and_the_slice_is_judged_again(database, people, strand):
    one, other, third, fourth = found = settle(database, 4)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    ranking = ranked(database, wave)
    while stage(database, wave, ranking):
        pass
    with database.writing() as session:
        address = session.scalars(select(Contact.address).where(Contact.authority_id == one)).one()
        outbox.suppress_address(session, address, SuppressionReason.UNSUBSCRIBED, now=NOW, actor="x")
        session.execute(update(Contact).where(Contact.authority_id == other).values(retired_at=NOW, retired_by="x"))
        joined = factories.adherence_record(found[third][0], strand, NOW)
        session.add(AdherenceRecord(**joined))
    advance(database, wave, NOW)
    assert reasons(database) == {one: "suppressed", other: "no_address", third: "joined", fourth: None}


@pytest.mark.long
def test_whom_the_segment_means_only_after_the_ranking_waits_for_the_next_wave(database, people, strand):
    one, newcomer, *others = settle(database, 4)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    ranking = ranked(database, wave)
    while stage(database, wave, ranking):
        pass
    with database.writing() as session:
        theirs = StagedAuthority.authority_id == newcomer
        session.execute(delete(StagedAuthority).where(theirs))  # as if it had not been meant then
    advance(database, wave, NOW)
    assert written(database, wave) == ([one, *others], Gate.OPEN)


@pytest.mark.long
def test_a_stage_of_yesterday_is_ranked_anew(database, people, strand):
    settle(database, 3)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    stage(database, wave, ranked(database, wave))
    more = settle(database, 1)
    with database.writing() as session:
        session.execute(delete(StagedAuthority).where(StagedAuthority.authority_id == 1))  # as one that was left out
    later = NOW + launching.FRESH + timedelta(seconds=1)
    advance(database, wave, later)
    authorities, _ = written(database, wave)
    assert len(authorities) == 4
    assert set(more) < set(authorities)


@pytest.mark.parametrize(
    ("verb", "details"), [(planning.cancel_campaign, ()), (planning.revise_campaign, ({"title": "Autre"},))]
)
def test_a_wave_that_is_planned_no_more_leaves_nothing_staged(database, people, strand, verb, details):
    settle(database, 5)
    number = approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW)
    stage(database, wave, ranked(database, wave))
    move(database, number, verb, *details)
    assert staged(database) == 0
    assert ranked(database, wave) is None


@pytest.mark.long
def test_a_launch_begun_before_audiences_were_staged_goes_on_after_its_last_letter(database, people, strand):
    everybody = sorted(settle(database, 8))
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    with database.writing() as session:
        assert launching.advance_wave(session, wave, SENDING, now=NOW)
        session.execute(delete(StagedAuthority))
        session.execute(update(Wave).values(ranked_at=None, is_staged=False))
    process(database, wave)
    assert written(database, wave) == (everybody, Gate.OPEN)


@pytest.mark.postgresql
def test_a_process_leaves_a_wave_that_another_one_launches(database, people, strand):
    """On SQLite there is nothing to wait for: it has one writer."""
    settle(database, 2)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    with database.reading() as other:
        assert launching.is_free(other, wave)
        with database.writing() as session:
            goes_on = launching.advance_wave(session, wave, SENDING, now=NOW)
            assert (session.get_one(Wave, wave).mailing_id is None) == (database.engine.name == "postgresql")
    assert not goes_on
    advance(database, wave, NOW)
    assert len(written(database, wave)[0]) == 2
