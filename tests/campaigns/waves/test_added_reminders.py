"""A reminder added to a campaign under way: to those who have not reacted alone, approved by a second person."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access.approvals import Extent
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning, results, review, waves
from outreach.campaigns.letter import LetterSnapshot
from outreach.campaigns.models import AddedReminder, ReminderState, Wave, WaveState
from outreach.campaigns.planning import PlannedWave
from outreach.campaigns.planning._schedule import Deadline
from outreach.campaigns.planning._sending_hours import Opening
from outreach.campaigns.review import _overlap as overlap
from outreach.core import audit
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, Reason
from outreach.directory.models import Authority
from outreach.engagement.replies import Answer, Given
from tests import factories
from tests.campaigns.conftest import (
    APPROVER,
    AUTHOR,
    SENDING,
    add_colleague,
    advance,
    approved,
    draft,
    launch,
    move,
    owned,
    settle,
)
from tests.conftest import NOW, state_from
from tests.web.campaigns.test_progress import settle as give_ends

LATER = NOW + timedelta(days=8)
WORDS = {"subject": "FASE ((fase_po)) – Encore un mot", "letter": "Bonjour ((nom_po)),\n\n((tableau_écoles))\n"}


@state_from("programmed")
def six_reached(database, _settings):
    """A campaign, the first, whose first wave reached six authorities with two schools each."""
    settle(database, 6, schools=2)
    launch(database, approved(database))
    give_ends(database, 6)


@pytest.fixture
def begun(six_reached):
    """Its number, and {authority: schools}."""
    return 1, owned(six_reached)


def answer(database, authority, school, now=LATER):
    with database.writing() as session:
        message = session.scalars(select(Message).where(Message.authority_id == authority)).first()
        waves.receive_answer(session, message, Given({school: Answer.HELP}), SENDING, now=now)


def join(database, strand, school):
    with database.writing() as session:
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW)))


def add(database, number, *, asked_at=LATER + timedelta(days=2), now=LATER, **words):
    with database.writing() as session:
        campaign = planning.in_turn(session, number)
        fields = {**WORDS, **words, "asked_at": asked_at}
        return waves.add_reminder(session, campaign, **fields, now=now, actor=AUTHOR).id


def turn(database, key, verb, *, now=LATER, actor=AUTHOR, **details):
    """Move a reminder on; returns the key of what that makes."""
    with database.writing() as session:
        made = verb(session, session.get_one(AddedReminder, key), **details, now=now, actor=actor)
        session.flush()
        return getattr(made, "id", None)


def agreed(database, key, authorities=0):
    """Have a reminder approved; returns its wave's key and moment."""
    turn(database, key, waves.submit_reminder, extent=Extent(authorities))
    wave = turn(database, key, waves.approve_reminder, actor=APPROVER, extent=Extent(authorities))
    with database.reading() as session:
        return wave, session.get_one(Wave, wave).due_at


def letters(database, wave):
    """By authority, the reason that leaves it out of a wave, or its letter's state."""
    with database.reading() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        found = session.scalars(select(Message).where(Message.mailing_id == mailing)).all()
        assert len({message.authority_id for message in found}) == len(found), "nobody twice"
        return {message.authority_id: (message.reason or message.state).value for message in found}


@pytest.mark.long
@pytest.mark.postgresql
def test_it_goes_to_those_who_have_not_reacted_when_it_leaves_and_to_nobody_else(database, strand, begun):
    number, schools = begun
    answered, joined, meanwhile, queued, *silent = schools
    newcomer = next(iter(settle(database, 1)))
    answer(database, answered, schools[answered][0])
    key = add(database, number)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        counts = planning.count_campaign_audience(session, campaign, now=LATER, only_unreacted=True)
        assert (counts.authorities, counts.written, counts.left_out) == (6, 5, {Reason.ANSWERED: 1})
    wave, at = agreed(database, key, 5)
    join(database, strand, schools[joined][0])
    answer(database, meanwhile, schools[meanwhile][0], now=at)
    advance(database, wave, at)
    answer(database, queued, schools[queued][1], now=at)
    stopped = {answered: "answered", joined: "joined", meanwhile: "answered", queued: "answered"}
    assert letters(database, wave) == stopped | dict.fromkeys(silent, "queued")
    assert newcomer not in letters(database, wave)
    with database.reading() as session:
        added = session.get_one(Wave, wave)
        assert (added.number, added.name) == (2, "relance 1")
        draft = LetterSnapshot.from_json(added.mailing.letter)
        assert draft.shared.is_reminder
        assert "Encore un mot" in added.mailing.letter


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one writer at a time
@pytest.mark.parametrize("answers_first", [True, False])
def test_whoever_answers_in_the_moment_of_the_launch_is_not_written_to(database, strand, begun, answers_first):
    number, schools = begun
    one, *others = schools
    wave, at = agreed(database, add(database, number))

    def answers(session):
        message = session.scalars(select(Message).where(Message.authority_id == one)).first()
        waves.receive_answer(session, message, Given({schools[one][0]: Answer.HELP}), SENDING, now=at)

    def launches(session):
        waves.advance_wave(session, wave, SENDING, now=at)

    def do(act):
        with database.writing() as session:
            act(session)

    first, second = (answers, launches) if answers_first else (launches, answers)
    with ThreadPoolExecutor() as pool:
        with database.writing() as session:
            first(session)
            other = pool.submit(do, second)
            wait([other], timeout=0.2)
        other.result()
    assert letters(database, wave) == {one: "answered"} | dict.fromkeys(others, "queued")


def test_it_leaves_only_as_a_second_person_read_it(database, begun):
    number, _schools = begun
    key = add(database, number)
    turn(database, key, waves.submit_reminder, extent=Extent(6))
    with pytest.raises(Refused, match="autre personne"):
        turn(database, key, waves.approve_reminder, extent=Extent(6))
    turn(database, key, waves.send_back, actor=APPROVER, reason="plus court")
    turn(
        database,
        key,
        waves.revise_reminder,
        **WORDS | {"subject": "Autre"},
        asked_at=LATER + timedelta(days=3),
    )
    wave, at = agreed(database, key)
    with database.reading() as session:
        said = [entry.sentence for entry in reversed(audit.entries_about(session, f"campaign:{number}"))]
        words = "Campagne « Invitation au premier volet », relance ajoutée :"
        assert [sentence.removeprefix(words) for sentence in said if sentence.startswith(words)] == [
            *(" créée.", " soumise à validation.", " renvoyée à la rédaction : plus court.", " modifiée."),
            *(" soumise à validation.", " validée."),
        ]
    with database.writing() as session:
        session.get_one(AddedReminder, key).letter = "Autre chose."
    advance(database, wave, at)
    with database.reading() as session:
        assert session.get_one(Wave, wave).state is WaveState.PLANNED, "changed since: it waits, and is missed"


def test_who_wrote_the_reminder_or_its_campaign_decides_nothing_about_its_wave(database, people, strand):
    settle(database, 6)
    claire, luc = (add_colleague(database, name, RoleName.APPROVER, RoleName.AUTHOR) for name in ("claire", "luc"))
    number = draft(database)
    move(database, number, planning.submit_campaign, actor=claire)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    launch(database, number)
    give_ends(database, 6)
    key = add(database, number)
    turn(database, key, waves.submit_reminder, actor=luc, extent=Extent(6))
    wave = turn(database, key, waves.approve_reminder, actor=APPROVER, extent=Extent(6))
    with database.writing() as session:
        planned = session.get_one(Wave, wave)
        at = planned.due_at.replace(hour=21)
        for person in (AUTHOR, claire, luc):
            with pytest.raises(Refused, match="Cette dérogation revient à une autre personne"):
                waves.let_leave(session, planned.campaign, 2, at, "Urgent", now=LATER, actor=person)
            with pytest.raises(Refused, match="La confirmation revient à une autre personne"):
                waves.confirm_audience(session, planned, Extent(6, 6), now=LATER, actor=person)
        waves.confirm_audience(session, planned, Extent(6, 6), now=LATER, actor=APPROVER)
        assert waves.let_leave(session, planned.campaign, 2, at, "Urgent", now=LATER, actor=APPROVER).due_at == at


def test_what_cancels_or_changes_the_campaign_or_the_reminder_cancels_its_wave(database, begun):
    number, _schools = begun
    key = add(database, number)
    first, _at = agreed(database, key)
    turn(database, key, waves.revise_reminder, **WORDS, asked_at=LATER + timedelta(days=9))
    second, _at = agreed(database, key)
    with database.writing() as session:
        waves.finish_waves(session, now=LATER)
        campaign = planning.in_turn(session, number)
        planning.revise_campaign(session, campaign, {"subject": "Autre"}, now=LATER, actor=AUTHOR)
        states = [session.get_one(Wave, wave).state for wave in (first, second)]
        assert states == [WaveState.CANCELLED] * 2
    with pytest.raises(Refused, match="validée"):
        add(database, number)
    turn(database, key, waves.abandon_reminder)
    with database.reading() as session:
        assert session.get_one(AddedReminder, key).state is ReminderState.ABANDONED


def test_it_comes_after_every_other_wave_and_is_numbered_on(database, people, strand):
    settle(database, 2)
    number = approved(database, reminders=(14,))
    launch(database, number)
    give_ends(database, 2)
    with database.reading() as session:
        planned = planning.campaign_numbered(session, number).waves[1].due_at
    with pytest.raises(Refused, match="choisissez un moment après elle"):
        add(database, number)
    key = add(database, number, asked_at=planned + timedelta(days=7))
    with pytest.raises(Refused, match="attend déjà"):
        add(database, number, asked_at=planned + timedelta(days=8))
    wave, _at = agreed(database, key)
    with database.reading() as session:
        assert session.get_one(Wave, wave).name == "relance 2"
        assert session.get_one(Wave, wave).due_at.astimezone(BRUSSELS).weekday() in {1, 2, 3}


@pytest.mark.long
def test_what_tells_of_waves_to_come_knows_whom_it_is_for(database, begun):
    number, schools = begun
    answered, silent, *_ = schools
    answer(database, answered, schools[answered][0])
    (newcomer,) = settle(database, 1)
    _wave, at = agreed(database, add(database, number))
    other = approved(database)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        coming = {
            key: results.to_come(session, session.get_one(Authority, key), now=LATER)
            for key in (answered, silent, newcomer)
        }
        assert [planned.left_out for planned in coming[answered]] == [Reason.ANSWERED]
        assert [planned.wave.number for planned in coming[silent]] == [2]
        assert coming[newcomer] == []
        assert review.losses_of(session, campaign, now=LATER, number=2).written == 5
        near = [PlannedWave(1, 0, at, Opening(at, at), Deadline(at.date(), at.date()))]
        theirs = planning.campaign_numbered(session, other)
        assert [day.authorities for day in overlap.near(session, theirs, near, now=LATER).days] == [5]
        meant = planning.unreacted_of(campaign, now=LATER)  # as of a reminder near another campaign's
        assert [day.authorities for day in overlap.near(session, theirs, near, now=LATER, meant=meant).days] == [5]


@pytest.mark.long
def test_verify_finds_a_reminder_that_nobody_else_approved(database, begun):
    number, _schools = begun
    key = add(database, number)
    wave, at = agreed(database, key)
    advance(database, wave, at)
    with database.reading() as session:
        assert [breach for breach in results.verify_ledger(session, now=at) if breach.rule == "approved"] == []
    with database.writing() as session:
        session.get_one(AddedReminder, key).created_by = APPROVER
    with database.reading() as session:
        assert [breach.rule for breach in results.verify_ledger(session, now=at)].count("approved") == 1
