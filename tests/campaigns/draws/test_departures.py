"""Departures leave one after the other, each with its own reminders, and what moves one moves the later ones."""

from collections import Counter, defaultdict
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, review
from outreach.campaigns.letter import Composer, LetterSnapshot
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.planning import ClosedPart, Spares
from outreach.campaigns.waves import (
    advance_wave,
    call_off_waves,
    closed_waves,
    counts_of,
    drift_of,
    move_wave,
    pause_failing_waves,
    pause_warning,
    why_paused,
)
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.delivery.models import Mailing, Message, MessageClass, MessageState, Reason
from outreach.delivery.outbox import due_in
from tests import factories
from tests.campaigns.conftest import SENDING, advance
from tests.campaigns.draws.conftest import (
    COUNT,
    GAP,
    START,
    approve,
    draw_as_stored,
    drawable,
    drawn,
    launch,
    members,
    of,
    plan,
    submit,
    wave_of,
    waves,
)
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR

__all__ = ["drawable", "drawn"]
DAY = timedelta(days=1)


def finish(database, departure):
    """The first letters of a departure have all left."""
    first = update(Wave).where(Wave.departure == departure, Wave.reminder == 0)
    with database.writing() as session:
        session.execute(first.values(state=WaveState.FINISHED))


def settle_more(database, count):
    """So many more authorities, with a school and a mailbox each."""
    with database.writing() as session:
        network = session.scalars(select(factories.Network.id)).first()
        factories._settle(session, range(COUNT, COUNT + count), 1, network, NOW)


def leave(database, wave):
    """The letters of a wave leave; yields the authority and the subject of each."""
    with database.writing() as session:
        mailing = session.get_one(Mailing, session.get_one(Wave, wave.id).mailing_id)
        due = due_in(
            session,
            session.scalars(select(Message.batch_id).where(Message.mailing_id == mailing.id)).first(),
            now=wave.due_at,
        )
        wires = Composer(SENDING, lambda: wave.due_at)(session, mailing, due)
        fenced = {"fence_id": "f", "worker_id": "w", "fenced_at": wave.due_at, "settled_at": wave.due_at}
        left = update(Message).where(Message.id.in_(wires)).values(state=MessageState.ACCEPTED, **fenced)
        session.execute(left)
        return [(one.authority_id, message_from_bytes(wires[one.id].wire, policy=default)["Subject"]) for one in due]


@pytest.mark.long
def test_three_departures_with_two_reminders_each(drawn):
    """Nobody is written to twice by a wave, no first letter says « rappel », a reminder follows its own departure."""
    planned = waves(drawn)
    assert [(wave.departure, wave.reminder) for wave in planned] == [
        *((1, 0), (1, 1), (1, 2)),
        *((2, 0), (2, 1), (2, 2)),
        *((3, 0), (3, 1), (3, 2)),
    ]
    firsts = [today(wave.due_at) for wave in planned if not wave.reminder]
    assert [(later - firsts[0]).days for later in firsts] == [0, GAP, 2 * GAP]
    got = defaultdict(list)
    for wave in planned:
        written = launch(drawn, wave)
        assert max(Counter(written).values()) == 1
        assert set(members(drawn, wave.departure)) <= set(written)
        for authority, subject in leave(drawn, wave):
            got[authority].append((wave.departure, wave.reminder, "(rappel)" in subject))
        if (wave.departure, wave.reminder) == (1, 0):
            settle_more(drawn, 5)
    assert len(got) == COUNT + 5
    for letters in got.values():
        late = 3 - len(letters)
        assert letters == [(letters[0][0], place, place > late) for place in range(late, 3)]
    assert sum(len(letters) < 3 for letters in got.values()) == 5


@pytest.mark.long
def test_who_is_new_leaves_with_the_first_departure(drawn):
    before = members(drawn, 1)
    settle_more(drawn, 5)
    assert len(launch(drawn, wave_of(drawn, 1))) == len(before) + 5
    assert launch(drawn, wave_of(drawn, 2)) == members(drawn, 2)


def test_a_departure_that_moves_moves_the_later_ones(drawn):
    first = wave_of(drawn, 1)
    closed = today(first.due_at)
    with drawn.writing() as session:
        day = {"first": closed, "last": closed, "part": ClosedPart.DAY, "spares": Spares.NOBODY}
        planning.add_blackout_date(session, **day, name="Grève", now=NOW, actor=AUTHOR)
    with drawn.writing() as session:
        campaign = of(session)
        found = closed_waves(session, campaign, now=NOW)[0]
        to, by = found.to.at, {"now": NOW, "actor": APPROVER}
        move_wave(session, campaign, found.wave.number, to, may_approve=True, **by)
    days = [today(wave.due_at) for wave in waves(drawn) if not wave.reminder]
    assert days[0] == today(to) > closed
    assert all((later - earlier).days >= GAP for earlier, later in pairwise(days))
    reminders = [wave for wave in waves(drawn) if wave.departure == 1 and wave.reminder]
    assert all((today(wave.due_at) - days[0]).days >= after for wave, after in zip(reminders, (7, 9), strict=True))


def test_a_pause_moves_the_later_departures(drawn):
    first = wave_of(drawn, 1)
    launch(drawn, first)
    later = wave_of(drawn, 2).due_at
    resumed = first.due_at + 3 * DAY
    with drawn.writing() as session:
        planning.pause_campaign(session, of(session), now=first.due_at, actor=AUTHOR)
    with drawn.writing() as session:
        planning.resume_campaign(session, of(session), now=resumed, actor=AUTHOR)
    assert today(wave_of(drawn, 2).due_at) >= today(resumed) + GAP * DAY > today(later)
    assert (today(wave_of(drawn, 3).due_at) - today(wave_of(drawn, 2).due_at)).days >= GAP


def test_a_departure_waits_while_the_one_before_is_paused(drawn):
    first, second = wave_of(drawn, 1), wave_of(drawn, 2)
    launch(drawn, first)
    with drawn.writing() as session:
        planning.pause_campaign(session, of(session), now=first.due_at, actor=AUTHOR)
    advance(drawn, second.id, second.due_at)
    moved = wave_of(drawn, 2)
    assert (moved.state, moved.mailing_id) == (WaveState.PLANNED, None)
    assert moved.due_at > second.due_at
    assert (today(wave_of(drawn, 3).due_at) - today(moved.due_at)).days >= GAP


@pytest.fixture
def drawn_until(drawable):
    """The same draw, whose last day of sending is that of its last reminder."""
    last = START.date() + 37 * DAY
    with drawable.writing() as session:
        planning.revise_campaign(session, of(session), {"stops_on": last}, now=NOW, actor=AUTHOR)
    submit(drawable)
    approve(drawable)
    plan(drawable)
    assert [today(wave.due_at) for wave in waves(drawable)][-1] == last
    return drawable, last


def on_their_way(database):
    return [wave for wave in waves(database) if wave.state is WaveState.PLANNED]


def paused(database):
    """The first departure, which has left and was paused at once."""
    first = wave_of(database, 1)
    launch(database, first)
    with database.writing() as session:
        planning.pause_campaign(session, of(session), now=first.due_at, actor=AUTHOR)
    return first


@pytest.mark.long
def test_what_a_pause_moves_beyond_the_last_day_is_called_off(drawn_until):
    database, last = drawn_until
    first = paused(database)
    with database.writing() as session:
        planning.resume_campaign(session, of(session), now=first.due_at + 7 * DAY, actor=AUTHOR)
    coming = on_their_way(database)
    assert max(today(wave.due_at) for wave in coming) <= last
    assert {(wave.departure, wave.reminder) for wave in coming} >= {(2, 0), (2, 1), (3, 0)}
    assert {wave_of(database, 3, reminder).state for reminder in (1, 2)} == {WaveState.CANCELLED}


@pytest.mark.long
def test_a_departure_that_waits_beyond_the_last_day_is_called_off(drawn_until):
    database, last = drawn_until
    paused(database)
    while any(wave.departure == 2 for wave in on_their_way(database)):
        second = wave_of(database, 2)
        assert today(second.due_at) <= last
        advance(database, second.id, second.due_at)
    assert {wave.departure for wave in on_their_way(database)} <= {1}


@pytest.mark.long
def test_a_departure_that_was_missed_leaves_the_rest_to_be_planned_again(drawn):
    launch(drawn, wave_of(drawn, 1))
    finish(drawn, 1)
    second, before = wave_of(drawn, 2), draw_as_stored(drawn)
    late = second.latest_start + timedelta(minutes=1)
    with drawn.writing() as session:
        assert not advance_wave(session, second.id, SENDING, now=late)
    assert {wave.state for wave in waves(drawn)[1:]} == {WaveState.MISSED, WaveState.CANCELLED}
    with drawn.writing() as session:
        campaign = of(session)
        planning.schedule_campaign(session, campaign, None, now=late, actor=AUTHOR, earliest=late)
    planned = [wave for wave in waves(drawn) if wave.state is WaveState.PLANNED]
    assert {(wave.departure, wave.reminder) for wave in planned if wave.departure > 1} == {
        (departure, reminder) for departure in (2, 3) for reminder in range(3)
    }
    assert launch(drawn, wave_of(drawn, 2)) == members(drawn, 2)
    assert draw_as_stored(drawn) == before


@pytest.mark.long
def test_cancelling_restoring_editing_and_approving_again_change_no_draw(drawn):
    first, before = launch(drawn, wave_of(drawn, 1)), draw_as_stored(drawn)
    later = wave_of(drawn, 1).due_at + DAY
    finish(drawn, 1)
    with drawn.writing() as session:
        planning.cancel_campaign(session, of(session), now=later, actor=AUTHOR)
    with drawn.writing() as session:
        campaign = of(session)
        planning.restore_campaign(session, campaign, now=later, actor=AUTHOR)
        planning.revise_campaign(session, campaign, {"title": "Autrement"}, now=later, actor=AUTHOR)
    submit(drawn, now=later)
    approve(drawn, now=later)
    with drawn.writing() as session:
        planning.schedule_campaign(session, of(session), None, now=later, actor=AUTHOR, earliest=later)
    assert draw_as_stored(drawn) == before
    planned = [wave for wave in waves(drawn) if wave.state is WaveState.PLANNED]
    assert [wave.departure for wave in planned if not wave.reminder] == [2, 3]
    assert [wave.reminder for wave in planned if wave.departure == 1] == [1, 2]
    assert today(wave_of(drawn, 2).due_at) == today(wave_of(drawn, 1).due_at) + GAP * DAY
    reminded = wave_of(drawn, 1, 1)
    assert launch(drawn, reminded) == first
    assert launch(drawn, wave_of(drawn, 2)) == members(drawn, 2)


@pytest.mark.long
def test_a_departure_that_was_broken_off_is_completed(drawn):
    wave = wave_of(drawn, 1)
    launch(drawn, wave)
    with drawn.writing() as session:
        some = session.scalars(select(Message.id).limit(30)).all()
        fenced = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
        left = update(Message).where(Message.id.in_(some)).values(state=MessageState.ACCEPTED, **fenced)
        session.execute(left)
        planning.cancel_campaign(session, of(session), now=wave.due_at, actor=AUTHOR)
    with drawn.writing() as session:
        planning.restore_campaign(session, of(session), now=wave.due_at, actor=AUTHOR)
    with drawn.reading() as session:
        assert review.left_before(session, of(session)) == 30
    submit(drawn, now=wave.due_at)
    approve(drawn, now=wave.due_at)
    with drawn.writing() as session:
        planning.schedule_campaign(
            session, of(session), None, now=wave.due_at, actor=AUTHOR, earliest=wave.due_at + DAY
        )
    again = wave_of(drawn, 1)
    assert again.id != wave.id
    assert again.reminder == 0
    assert len(launch(drawn, again)) == len(members(drawn, 1)) - 30
    with drawn.reading() as session:
        mailing = session.get_one(Mailing, session.get_one(Wave, again.id).mailing_id)
        assert not LetterSnapshot.from_json(mailing.letter).shared.is_reminder


@pytest.mark.long
def test_a_departure_that_fails_says_of_how_many_letters_as_any_wave_does(drawn):
    for departure in (1, 2):
        launch(drawn, wave_of(drawn, departure))
    wave = wave_of(drawn, 2)
    with drawn.writing() as session:
        keys = session.scalars(select(Message.id).where(Message.mailing_id == wave.mailing_id)).all()
        fenced = {"fence_id": "f", "worker_id": "w", "fenced_at": wave.due_at, "settled_at": wave.due_at + DAY}
        for some, ended in (
            (keys[:50], {"state": MessageState.ACCEPTED}),
            (keys[50:55], {"state": MessageState.REFUSED, "reply_status": "5.1.1"}),
        ):
            session.execute(update(Message).where(Message.id.in_(some)).values(**ended, **fenced))
    with drawn.reading() as session:
        said = pause_warning(session, session.get_one(Wave, wave.id))
    assert said == "5 adresses sur 55 n’existent pas ; la vague se met en pause d’elle-même à une sur dix"
    with drawn.writing() as session:
        refused = update(Message).where(Message.id == keys[55])
        session.execute(refused.values(state=MessageState.REFUSED, reply_status="5.1.1", **fenced))
        assert pause_failing_waves(session, now=wave.due_at + DAY) == 1
        assert why_paused(session, session.get_one(Wave, wave.id)) == "6 adresses sur 56 n’existent pas"
        planning.cancel_campaign(session, of(session), now=wave.due_at + DAY, actor=AUTHOR)
    with drawn.reading() as session:
        assert review.left_before(session, of(session)) == 50


def test_calling_a_departure_off_leaves_all_to_be_planned_again_and_a_reminder_only_itself(drawn):
    launch(drawn, wave_of(drawn, 1))
    with drawn.writing() as session:
        alone = call_off_waves(session, of(session), wave_of(drawn, 1, 1).number, now=NOW, actor=AUTHOR)
        assert len(alone) == 1
    with drawn.writing() as session:
        assert len(call_off_waves(session, of(session), wave_of(drawn, 2).number, now=NOW, actor=AUTHOR)) == 7
        assert not any(wave.state is WaveState.PLANNED for wave in of(session).waves)


def test_a_departure_drifts_from_its_own_list(drawn):
    with drawn.reading() as session:
        wave = session.get_one(Wave, wave_of(drawn, 2).id)
        counts = counts_of(session, wave, now=NOW)
        assert counts.written == len(members(drawn, 2))
        assert drift_of(session, wave, counts) is None
    kept = members(drawn, 2)[:40]
    with drawn.writing() as session:
        session.execute(
            update(factories.Contact)
            .where(factories.Contact.authority_id.in_(kept))
            .values(retired_at=NOW, retired_by=AUTHOR)
        )
    with drawn.reading() as session:
        wave = session.get_one(Wave, wave_of(drawn, 2).id)
        found = drift_of(session, wave, counts_of(session, wave, now=NOW))
        assert (found.before, found.current) == (70, 30)
        first = session.get_one(Wave, wave_of(drawn, 1).id)
        assert drift_of(session, first, counts_of(session, first, now=NOW)) is None


@pytest.mark.long
@pytest.mark.parametrize(("changes", "waits"), [({}, True), ({"message_class": MessageClass.STATUTORY}, False)])
def test_other_awareness_waits_for_the_last_departure(drawn, changes, waits):
    launch(drawn, wave_of(drawn, 1))
    begun, over = wave_of(drawn, 1).due_at + DAY, wave_of(drawn, 3).due_at + DAY
    with drawn.writing() as session:
        other = factories.campaign(session, factories.invitation(**changes), NOW)

        counts = planning.count_campaign_audience(session, other, now=begun)
        assert counts.left_out.get(Reason.DRAWN, 0) == (COUNT if waits else 0)
        assert planning.count_campaign_audience(session, other, now=begun, leaves_at=over).written == COUNT


def test_a_draw_that_is_made_keeps_its_departures(drawn):
    with drawn.writing() as session, pytest.raises(Refused, match="final"):
        planning.revise_campaign(session, of(session), {"departure_gap": 0}, now=NOW, actor=AUTHOR)
