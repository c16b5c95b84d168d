"""What is told of each letter that is measured by itself: opened, clicked, never, machines apart; of no other."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import results
from outreach.campaigns.results._openings import LetterOpenings
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.tracking import Agent, HitClass, Signals, TrackingMode
from outreach.engagement.tracking import _bases as bases
from tests.arriving import come, move_all
from tests.campaigns.conftest import AUTHOR, approved, launch, settle
from tests.conftest import NOW

AFTER = NOW + timedelta(minutes=1)
DAY = timedelta(days=1)
LATER = NOW + 5 * DAY
GIVEN = {"given_by": "A. Petit", "taken_on": date(2021, 5, 1), "wording": "J’accepte.", "channel": "formulaire"}


@pytest.fixture
def letters(database, people, strand):
    """The keys of three letters of an individual wave, all accepted: those to the first two mailboxes have a basis."""
    settle(database, 3)
    with database.writing() as session:
        for held in session.scalars(select(Contact).order_by(Contact.id).limit(2)):
            bases.record_consent(session, held, **GIVEN, now=NOW, actor=AUTHOR)
    return sent(database, TrackingMode.INDIVIDUAL)


def sent(database, mode):
    launch(database, approved(database, tracking=mode, letter="[x](https://x.example/)"), at=AFTER)
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": AFTER, "settled_at": AFTER, "reply_code": 250}
    with database.writing() as session:
        session.execute(update(Message).values(left))
        return session.scalars(select(Message.id).order_by(Message.address_key)).all()


def hit(database, letter, link, at, hit_class=HitClass.HUMAN):
    agent = {HitClass.HUMAN: Agent.BROWSER, HitClass.UNDETERMINED: Agent.PROXY, HitClass.MACHINE: Agent.SCANNER}
    with database.writing() as session:
        come(session, letter, Signals(link, at, agent[hit_class], is_head=False))
        move_all(session)


def told(database, letters, now=LATER):
    with database.reading() as session:
        found = results.of_letters(session, letters, now=now)
    return {letters.index(key): ", ".join(seen.in_words) for key, seen in found.items()}


@pytest.mark.postgresql
@pytest.mark.long
def test_each_measured_letter_says_what_was_seen_and_no_other_letter_anything(database, letters):
    assert told(database, letters) == {0: "jamais ouvert", 1: "jamais ouvert"}
    hit(database, letters[0], 0, NOW + DAY, HitClass.MACHINE)
    assert told(database, letters)[0] == "jamais ouvert, à part, 1\u00a0accès automatique"
    hit(database, letters[0], 0, NOW + 2 * DAY)
    hit(database, letters[0], 0, NOW + 4 * DAY)
    hit(database, letters[0], 1, NOW + 3 * DAY)
    hit(database, letters[2], 0, NOW + 2 * DAY)
    assert told(database, letters) == {
        0: "ouvert le 17 mai (probable), cliqué le 18 mai, à part, 1\u00a0accès automatique",
        1: "jamais ouvert",
    }
    assert told(database, letters, now=LATER + tracking.KEPT) == {}


@pytest.mark.postgresql
@pytest.mark.long
def test_after_a_withdrawal_nothing_is_added_and_the_letter_says_so(database, letters):
    hit(database, letters[0], 0, NOW + DAY, HitClass.UNDETERMINED)
    with database.writing() as session:
        for held in session.scalars(select(Contact).order_by(Contact.id).limit(2)).all():
            bases.withdraw_basis(session, bases.in_force(session, held), now=NOW + 2 * DAY, actor=AUTHOR)
    for letter in letters:
        hit(database, letter, 0, NOW + 3 * DAY)
    ended = "accord retiré le 17 mai : plus rien n’est enregistré depuis"
    assert told(database, letters) == {
        0: f"peut-être ouvert le 16 mai (serveur d’images), {ended}",
        1: f"rien de vu avant, {ended}",
    }


@pytest.mark.long
def test_letters_of_a_wave_that_counts_by_group_say_nothing_of_one_mailbox(database, people, strand):
    settle(database, 1)
    with database.writing() as session:
        bases.record_consent(session, session.scalars(select(Contact)).one(), **GIVEN, now=NOW, actor=AUTHOR)
    assert told(database, sent(database, TrackingMode.AGGREGATE)) == {}


def test_a_click_without_an_opening_is_told_alone():
    assert LetterOpenings(clicked=NOW).in_words == ["cliqué le 15 mai"]
