"""Groups big enough to hide everybody, counters that lose nothing, single hits only where a basis allows them."""

import re
import threading
from collections import Counter
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from outreach.campaigns.letter import Composer
from outreach.campaigns.letter._composing import Values
from outreach.campaigns.models import Campaign
from outreach.campaigns.results._openings import are_measured
from outreach.core.text.errors import InputError, Refused
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Batch, Mailing, Message, MessageState
from outreach.delivery.outbox import Proof, due_in
from outreach.directory import contacts
from outreach.directory.models import Contact, MailboxKind
from outreach.engagement import tracking
from outreach.engagement.tracking import (
    SMALLEST,
    Agent,
    Arrival,
    ClassifiedHit,
    Hit,
    HitClass,
    Signals,
    TrackingBasis,
    TrackingMode,
)
from outreach.engagement.tracking import _arrivals as arrivals
from outreach.engagement.tracking import _trackers as trackers
from outreach.engagement.tracking._arrivals import Click
from outreach.engagement.tracking._bot_detection import is_burst
from outreach.engagement.tracking._models import HitCount, NewHit, TrackedLink, Tracker, TrackerNetwork
from outreach.operations.retention import RULES, forget_by_rule
from tests.arriving import come, move_all
from tests.campaigns.conftest import AUTHOR, SENDING, approved, launch, people, settle, strand
from tests.conftest import NOW, state_from

pytestmark = pytest.mark.postgresql

__all__ = ["people", "strand"]
AFTER = NOW + timedelta(minutes=1)
SIZES = st.dictionaries(st.integers(1, 6), st.integers(1, 60), max_size=6)


@given(SIZES)
def test_no_group_is_small_and_everybody_is_in_one(sizes):
    groups = trackers.groups(sizes)
    if sum(sizes.values()) < SMALLEST:
        assert groups == []
        return
    assert sorted(network for group in groups for network in group) == sorted(sizes)
    assert all(sum(sizes[network] for network in group) >= SMALLEST for group in groups)
    alone = {network for group in groups if len(group) == 1 for network in group}
    small = [size for size in sizes.values() if size < SMALLEST]
    joined = 1 if small and sum(small) < SMALLEST else 0
    assert len(alone) >= sum(size >= SMALLEST for size in sizes.values()) - joined


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ({1: 19}, []),
        ({1: 20}, [{1}]),
        ({1: 30, 2: 5}, [{1, 2}]),
        ({1: 30, 2: 40, 3: 5}, [{1}, {2, 3}]),
        ({1: 30, 2: 12, 3: 8}, [{1}, {2, 3}]),
        ({1: 10, 2: 10}, [{1, 2}]),
    ],
)
def test_small_networks_are_put_together(sizes, groups):
    assert sorted(map(sorted, trackers.groups(sizes))) == sorted(map(sorted, groups))


@state_from("programmed")
def measured_wave(database, _settings):
    """A launched wave of 25 authorities of one network and 3 of another."""
    settle(database, 25)
    settle(database, 3, network="WBE")
    launch(database, approved(database, letter="Voir [le programme](https://programme.example/)."))


@pytest.fixture
def wave(measured_wave):
    """What most tests here begin with."""


def received(database, count=28):
    """Let so many of the letters have been accepted."""
    with database.writing() as session:
        for row in session.scalars(select(Message).order_by(Message.id).limit(count)):
            row.state, row.fence_id, row.fenced_at = MessageState.ACCEPTED, "f", NOW
            row.settled_at, row.reply_code = NOW, 250


def signals(link=0, at=NOW):
    return Signals(link, at, Agent.BROWSER, is_head=False)


def seen(target, link=0, hit_class=HitClass.HUMAN, at=NOW, count=1):
    """A hit of a group."""
    return ClassifiedHit(target.tracker, signals(link, at), hit_class, count)


def target_of(session):
    return trackers.target_of(session, bytes.fromhex(session.scalars(select(Tracker.public_id)).one()))


def test_a_wave_gets_its_groups_when_its_recipients_are_known(database, wave):
    with database.reading() as session:
        (tracker,) = session.scalars(select(Tracker))
        assert (tracker.name, tracker.recipients) == ("Libre confessionnel et autres réseaux", 28)
        assert session.scalar(select(func.count()).select_from(TrackerNetwork)) == 2
        links = dict(session.execute(select(TrackedLink.number, TrackedLink.url)).all())
        assert links == {1: "https://programme.example/"}
        assert target_of(session) == trackers.Target(tracker.id, links)
        assert trackers.target_of(session, bytes(8)) is None


@pytest.mark.long
def test_each_network_that_twenty_received_has_a_row_and_smaller_ones_are_one(database, people, strand):
    for network in ("Libre confessionnel", "Libre non confessionnel", "Subventionné communal"):
        settle(database, 21, network=network)
    launch(database, approved(database))
    with database.writing() as session:
        targets = {
            name: trackers.target_of(session, bytes.fromhex(identity))
            for name, identity in session.execute(select(Tracker.name, Tracker.public_id))
        }
        tracking.count_hits(session, [seen(targets[name], count=2) for name in sorted(targets)])

    def told():
        with database.reading() as session:
            return [
                (group.name, group.delivered, group.opens.total()) for group in tracking.measured_counts(session, [1])
            ]

    received(database, 21 + 19)
    assert told() == [("Libre confessionnel", 21, 2)]
    received(database, 21 + 19 + 1 + 19)
    assert [row[0] for row in told()] == ["Libre confessionnel", "Libre non confessionnel"]
    with database.writing() as session:  # of the second network, two letters come back
        rows = session.scalars(select(Message).order_by(Message.id)).all()[21:23]
        for row in rows:
            row.state, row.reply_code = MessageState.REFUSED, None
    assert told() == [
        ("Libre confessionnel", 21, 2),
        ("Libre non confessionnel et Officiel subventionné communal", 19 + 18, 4),
    ]
    with database.reading() as session:
        assert sum((group.opened_on for group in tracking.measured_counts(session, [1])), Counter()) == {NOW.date(): 6}


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("mode", [TrackingMode.NONE, TrackingMode.CLICKS, TrackingMode.AGGREGATE])
def test_a_small_wave_and_an_unmeasured_one_have_none(database, people, strand, mode):
    settle(database, 25 if mode is TrackingMode.NONE else 19)
    launch(database, approved(database, tracking=mode))
    with database.reading() as session:
        assert session.scalars(select(Tracker)).all() == []


@pytest.mark.long
def test_clicks_alone_are_counted_by_group_and_no_letter_carries_a_picture(database, people, strand):
    for network in ("Libre confessionnel", "Libre non confessionnel"):
        settle(database, 20, network=network)
    letter = "Voir [le programme](https://programme.example/)."
    launch(database, approved(database, letter=letter, tracking=TrackingMode.CLICKS))
    clicks = Counter()
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        for batch in session.scalars(select(Batch.id)).all():
            due = due_in(session, batch, now=AFTER + timedelta(days=9))
            for composed in Composer(SENDING, lambda: NOW)(session, mailing, due).values():
                html = message_from_bytes(composed.wire, policy=default).get_body(("html",)).get_content()
                assert "<img" not in html
                assert "Ses ouvertures ne sont pas mesurées." in html
                clicks[re.search(r"https://courriel.example/c/([a-z2-7]{40})", html)[1]] += 1
    assert sorted(clicks.values()) == [20, 20]  # a link of its own for each group
    received(database, 40)
    with database.writing() as session:
        identities = [SENDING.keys.read(token, TokenKind.CLICK).id for token in clicks]
        tracking.count_hits(session, [seen(trackers.target_of(session, identity), 1) for identity in identities])
        assert [group.clicks.total() for group in tracking.measured_counts(session, [mailing.id])] == [1, 1]
        assert not are_measured(session.get_one(Campaign, 1))


def test_who_is_left_out_hides_nobody(database, people, strand):
    settle(database, 22)
    with database.writing() as session:
        for address in session.scalars(select(Contact.address).order_by(Contact.id).limit(3)):
            contacts.record_bounce(session, address, now=NOW, actor=AUTHOR)
    launch(database, approved(database))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 22
        assert session.scalars(select(Tracker)).all() == []


def test_counts_add_up_and_can_be_taken_back(database, wave):
    with database.writing() as session:
        target = target_of(session)
        tracking.count_hits(session, [seen(target), seen(target), seen(target, 1)])
    with database.writing() as session:
        later = NOW + timedelta(hours=1)
        machine = HitClass.MACHINE
        tracking.count_hits(session, [seen(target, 1, count=-1), seen(target, 1, machine), seen(target, at=later)])
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(HitCount)) == 4
        assert tracking.measured_counts(session, session.scalars(select(Mailing.id))) == [], (
            "one of a few would be known"
        )
    received(database, 19)
    with database.reading() as session:
        assert tracking.measured_counts(session, session.scalars(select(Mailing.id))) == []
    received(database)
    with database.reading() as session:
        (found,) = tracking.measured_counts(session, session.scalars(select(Mailing.id)))
        assert (found.delivered, found.opens) == (28, {HitClass.HUMAN: 3})
        assert +found.clicks == {HitClass.MACHINE: 1}
        assert session.scalars(select(Hit)).all() == []


def test_counting_from_several_places_at_once_loses_nothing(database, wave):
    with database.reading() as session:
        target = target_of(session)

    def count():
        for _ in range(20):
            with database.writing() as session:
                tracking.count_hits(session, [seen(target, link) for link in (2, 0, 1)])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(select(func.sum(HitCount.count))) == 4 * 20 * 3


@pytest.fixture
def letter(database, wave):
    """A letter's key, and the mailbox it goes to."""
    with database.reading() as session:
        message = session.scalars(select(Message).order_by(Message.id).limit(1)).one()
        contact = session.scalars(select(Contact).where(Contact.address_key == message.address_key)).one()
        return message.id, contact.id


def read(database, letter, *hits_of_it):
    """Let a letter be opened and its links be followed: whatever comes together, once."""
    with database.writing() as session:
        come(session, letter, *hits_of_it)


def decide(database, contact, at=NOW):
    with database.writing() as session:
        details = {"reference": "DPO 2021/4", "given_by": "Déléguée à la protection des données"}
        mailbox = session.get_one(Contact, contact)
        return tracking.record_decision(session, mailbox, **details, taken_on=date(2021, 5, 1), now=at, actor=AUTHOR).id


def kept(database):
    """How many hits are kept one by one, once the clock has passed."""
    with database.writing() as session:
        move_all(session)
        return session.scalar(select(func.count()).select_from(Hit))


def waiting(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(NewHit))


def test_a_letter_s_own_hits_are_kept_only_while_a_basis_holds(database, letter):
    key, contact = letter
    read(database, key, signals())
    assert kept(database) == 0
    basis = decide(database, contact)
    read(database, key, signals(), signals(1))
    assert kept(database) == 2
    end(database, basis)
    read(database, key, signals())
    assert kept(database) == 2
    decide(database, contact, at=NOW + timedelta(days=1))
    read(database, key, signals())
    assert kept(database) == 2, "a new agreement counts from the next wave on, not for letters that left before"
    received(database)
    with database.reading() as session:
        (found,) = tracking.measured_counts(session, session.scalars(select(Mailing.id)))
        assert (found.opens, found.clicks) == ({HitClass.HUMAN: 1}, {HitClass.HUMAN: 1})
    assert classes(database) == [(0, HitClass.HUMAN), (1, HitClass.HUMAN)]


def end(database, basis):
    with database.writing() as session:
        tracking.withdraw_basis(session, session.get_one(TrackingBasis, basis), now=NOW, actor=AUTHOR)


def test_what_waits_goes_with_the_basis_and_no_other_letter_s(database, letter):
    key, contact = letter
    basis = decide(database, contact)
    with database.reading() as session:
        other = session.scalars(select(Message).where(Message.id != key).order_by(Message.id)).first()
        box = session.scalars(select(Contact.id).where(Contact.address_key == other.address_key)).one()
    decide(database, box)
    for one in (key, other.id):
        read(database, one, signals(), signals(1))
    end(database, basis)
    assert waiting(database) == 2
    assert kept(database) == 2


def test_what_came_waits_for_nobody_s_count_and_is_in_one_place_at_any_moment(database, letter):
    key, contact = letter
    decide(database, contact)
    read(database, key, signals(), signals(1), signals(1))
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        assert arrivals.move_hits(session) == 3
        raise ZeroDivisionError  # killed before the commit
    assert waiting(database) == 3
    with database.reading() as session:
        assert arrivals.is_any(session)
        assert session.scalars(select(Hit)).all() == []
    assert (kept(database), waiting(database)) == (3, 0)
    with database.writing() as session:
        assert not arrivals.is_any(session)
        assert arrivals.move_hits(session) == 0


def test_the_pixel_of_a_group_that_was_not_known_counts_and_a_token_of_nobody_does_not(database, wave):
    with database.writing() as session:
        name = session.scalars(select(Tracker.public_id)).one()
        scanner = signals()._replace(agent=Agent.SCANNER)
        arrivals.append_hits(session, [Arrival(name, signals()), Arrival(name, scanner), Arrival("0" * 16, signals())])
        assert arrivals.move_hits(session) == 3
    with database.reading() as session:
        assert dict(session.execute(select(HitCount.hit_class, HitCount.count)).all()) == {
            HitClass.HUMAN: 1,
            HitClass.MACHINE: 1,
        }
    assert (kept(database), waiting(database)) == (0, 0)


def test_moving_from_several_places_at_once_counts_each_hit_once(database, letter):
    key, contact = letter
    decide(database, contact)
    with database.reading() as session:
        group = session.scalars(select(Tracker.public_id)).one()
        own = session.get_one(Message, key).public_id

    def come_and_move():
        for _ in range(10):
            with database.writing() as session:
                arrivals.append_hits(session, [Arrival(name, signals()) for name in (group, own)])
            with database.writing() as session:
                arrivals.move_hits(session, 3)

    threads = [threading.Thread(target=come_and_move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(database) == 40
    with database.reading() as session:
        assert session.scalar(select(func.sum(HitCount.count))) == 40


def test_a_burst_is_judged_again_when_its_next_hit_comes(database, letter):
    key, contact = letter
    decide(database, contact)
    for link in (1, 2):
        read(database, key, signals(link))
    assert classes(database) == [(1, HitClass.MACHINE), (2, HitClass.MACHINE)]


def classes(database):
    """The class of each stored click once the clock has passed, by link, in the order of their times."""
    with database.writing() as session:
        move_all(session)
    with database.reading() as session:
        return list(session.execute(select(Hit.link, Hit.hit_class).order_by(Hit.at, Hit.id)).all())


def test_links_followed_in_one_batch_are_a_burst_and_the_opening_is_not(database, letter):
    key, contact = letter
    decide(database, contact)
    read(database, key, signals(), signals(1), signals(2))
    machine = HitClass.MACHINE
    assert classes(database) == [(0, HitClass.HUMAN), (1, machine), (2, machine)]


def test_the_third_link_within_ten_seconds_unmasks_all_and_a_slow_reader_stays_a_person(database, letter):
    key, contact = letter
    decide(database, contact)
    person, machine = HitClass.HUMAN, HitClass.MACHINE
    for link, after in ((1, 0), (2, 30), (1, 60), (2, 64), (3, 68)):
        read(database, key, signals(link, NOW + timedelta(seconds=after)))
    assert classes(database) == [(1, person), (2, person), (1, machine), (2, machine), (3, machine)]


def test_a_burst_is_seen_across_two_passes_of_the_clock(database, letter):
    key, contact = letter
    decide(database, contact)
    for link in (1, 2):
        read(database, key, signals(link))
        judged = classes(database)
    assert judged == [(1, HitClass.MACHINE), (2, HitClass.MACHINE)]


def test_a_letter_that_is_asked_for_without_end_is_judged_slice_by_slice(database, letter):
    key, contact = letter
    decide(database, contact)
    read(database, key, *(signals(1, NOW + timedelta(milliseconds=number)) for number in range(10)))
    counts = []
    for _ in range(4):
        with database.writing() as session:
            counts.append(arrivals.move_hits(session, 4))
    assert counts == [4, 4, 2, 0]
    read(database, key, signals(2, NOW + timedelta(milliseconds=500)))
    assert {hit_class for _, hit_class in classes(database)} == {HitClass.MACHINE}


def test_a_click_that_is_not_moved_yet_settles_no_doubt(database, letter):
    key, contact = letter
    decide(database, contact)
    doubt(database, key)
    read(database, key, signals(1))
    assert settled(database, key) == (0, MessageState.IN_DOUBT, "")
    assert kept(database) == 1
    assert settled(database, key) == (1, MessageState.ACCEPTED, Proof.HIT)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 30)), max_size=12))
def test_bursts_are_those_that_comparing_each_with_each_finds(seconds):
    clicks = sorted(
        (Click(key, 1, link, NOW + timedelta(seconds=after)) for key, (link, after) in enumerate(seconds)),
        key=lambda one: one.at,
    )
    told = [signals(one.link, one.at) for one in clicks]
    assert arrivals._in_bursts(clicks) == [
        one.id for one, seen in zip(clicks, told, strict=True) if is_burst(seen, told)
    ]


def test_many_tokens_are_looked_up_at_once(database, letter):
    with database.reading() as session:
        tracker = session.scalars(select(Tracker)).one()
        group, name = (bytes.fromhex(one.public_id) for one in (tracker, session.get_one(Message, letter[0])))
        links, to = {}, {1: "https://programme.example/"}
        of_group = {group: trackers.Target(tracker.id, to)}
        found = trackers.targets_of(session, [group, bytes(8), name], links)
        assert found == {**of_group, name: trackers.Target(None, to)}
        assert list(links.values()) == [to]
        assert trackers.latest_trackers(session, 0, 9, {}) == of_group
        assert trackers.latest_trackers(session, tracker.id, 9, {}) == {}


def doubt(database, letter, fenced_at=NOW):
    with database.writing() as session:
        row = session.get_one(Message, letter)
        row.state, row.fence_id, row.fenced_at, row.settled_at = MessageState.IN_DOUBT, "f", fenced_at, fenced_at


def settled(database, letter):
    """Let the clock look at doubts; what became of the letter's."""
    with database.writing() as session:
        count = tracking.settle_doubts(session, now=AFTER)
    with database.reading() as session:
        row = session.get_one(Message, letter)
        return count, row.state, row.reply_text


@pytest.mark.parametrize("link", [0, 1])
def test_a_hit_that_names_a_letter_settles_its_doubt_as_the_clock_passes(database, letter, link):
    key, contact = letter
    decide(database, contact)
    doubt(database, key)
    read(database, key, signals(link))
    assert kept(database) == 1
    with database.reading() as session:
        assert session.get_one(Message, key).state is MessageState.IN_DOUBT
    assert settled(database, key) == (1, MessageState.ACCEPTED, Proof.HIT)
    assert settled(database, key)[0] == 0


def test_a_hit_of_a_group_settles_nobody_s_doubt(database, letter):
    key, _ = letter
    doubt(database, key)
    with database.writing() as session:
        tracking.count_hits(session, [seen(target_of(session))])
    read(database, key, signals())
    assert kept(database) == 0
    assert settled(database, key) == (0, MessageState.IN_DOUBT, "")


def test_a_machine_s_hit_and_one_before_the_fence_settle_nothing(database, letter):
    key, contact = letter
    decide(database, contact)
    doubt(database, key)
    read(database, key, signals(1), signals(2), signals(at=NOW - timedelta(minutes=1)))
    assert kept(database) == 3
    assert settled(database, key) == (0, MessageState.IN_DOUBT, "")


def test_old_events_keep_only_their_number(database, letter):
    key, contact = letter
    decide(database, contact)
    read(database, key, signals(at=NOW - tracking.KEPT - timedelta(days=1)), signals(1))
    assert kept(database) == 2
    received(database)
    with database.reading() as session:
        before = tracking.measured_counts(session, session.scalars(select(Mailing.id)))
    (row,) = [row for row in RULES if row.model is Hit]
    assert [forget_by_rule(database, row, lambda: NOW, threading.Event()) for _ in range(2)] == [1, 0]
    assert kept(database) == 1
    with database.reading() as session:
        assert tracking.measured_counts(session, session.scalars(select(Mailing.id))) == before


@pytest.mark.long
def test_who_is_measured_alone_is_in_no_group_and_hides_nobody(database, people, strand):
    settle(database, 22)
    with database.reading() as session:
        keys = session.scalars(select(Contact.id).order_by(Contact.id).limit(3)).all()
    bases_ = [decide(database, key) for key in keys]
    launch(database, approved(database, tracking=TrackingMode.INDIVIDUAL, letter="[x](https://x.example/)"), at=AFTER)
    with database.reading() as session:
        assert session.scalars(select(Tracker)).all() == []
    assert _mentions(database) == {TrackingMode.INDIVIDUAL.mention: 3, TrackingMode.NONE.mention: 19}
    with database.writing() as session:
        tracking.withdraw_basis(
            session, session.get_one(TrackingBasis, bases_[0]), now=AFTER + timedelta(minutes=1), actor=AUTHOR
        )
    assert _mentions(database) == {TrackingMode.INDIVIDUAL.mention: 2, TrackingMode.NONE.mention: 20}
    decide(database, keys[0], at=AFTER + timedelta(hours=1))
    assert _mentions(database)[TrackingMode.INDIVIDUAL.mention] == 2, "an agreement counts from the next wave on"


def _mentions(database):
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        due = [one for batch in session.scalars(select(Batch.id)) for one in due_in(session, batch, now=AFTER)]
        made = Composer(SENDING, lambda: AFTER)(session, mailing, due)
        values = [Values.from_json(one.content).values["mention_mesure"].text for one in made.values()]
        return Counter(values)


def test_a_basis_needs_its_proof(database, letter):
    _, key = letter
    with database.writing() as session:
        contact = session.get_one(Contact, key)
        given = {"given_by": "A. Petit", "taken_on": date(2021, 5, 1), "now": NOW, "actor": AUTHOR}
        words = {"wording": "J’accepte.", "channel": "formulaire"}
        for gap in ({"wording": " "}, {"channel": ""}, {"given_by": ""}, {"taken_on": date(2099, 1, 1)}):
            with pytest.raises(InputError):
                tracking.record_consent(session, contact, **given | words | gap)
        with pytest.raises(InputError):
            tracking.record_decision(session, contact, reference="", **given)
        contact.mailbox_kind = MailboxKind.PERSONAL
        with pytest.raises(Refused):
            tracking.record_decision(session, contact, reference="DPO 2021/4", **given)
        basis = tracking.record_consent(session, contact, **given | words)
        with pytest.raises(Refused):
            tracking.record_consent(session, contact, **given | words)
        tracking.withdraw_basis(session, basis, now=NOW, actor=AUTHOR, channel="téléphone")
        with pytest.raises(Refused):
            tracking.withdraw_basis(session, basis, now=NOW, actor=AUTHOR)
        assert (basis.withdrawn_at, basis.withdrawn_by, basis.withdrawn_through) == (NOW, AUTHOR, "téléphone")


def test_a_decision_ends_when_the_mailbox_turns_out_to_be_a_person_s(database, letter):
    message, key = letter
    decide(database, key)
    with database.writing() as session:
        assert tracking.measurable_messages(session, [message]) == {message}
        session.get_one(Contact, key).mailbox_kind = MailboxKind.PERSONAL
        session.flush()
        assert tracking.measurable_messages(session, [message]) == set()
