"""What was done and what is planned: waves that left with what came of them, and whom the next ones mean."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence import programmes
from outreach.campaigns import counting, planning, results
from outreach.campaigns.results import WaveAction
from outreach.delivery.models import Message, MessageState
from outreach.engagement.replies import Answer, Response
from tests.campaigns.conftest import approved, launch, move, settle
from tests.campaigns.results.test_figures import become
from tests.conftest import NOW
from tests.statements import asked

S = MessageState
LATER = NOW + timedelta(hours=3)
LABELS = {"WBE": "WBE", "Libre confessionnel": "Libre confessionnel"}


def found(database, **which):
    with database.reading() as session:
        return results.list_actions(session, programmes.get_programme(session), now=LATER, **which)


@pytest.fixture
def sent(database, people, strand):
    """A campaign that left to four authorities, one of them of WBE; the first answered an hour later."""
    made = settle(database, 3) | settle(database, 1, network="WBE")
    launch(database, approved(database))
    become(database, [S.ACCEPTED, S.IN_DOUBT, S.REFUSED, S.ACCEPTED])
    with database.writing() as session:
        first = session.scalars(select(Message).order_by(Message.id)).first()
        details = {"message_id": first.id, "authority_id": first.authority_id, "strand_id": strand}
        session.add(Response(answer=Answer.HELP, given_at=NOW + timedelta(hours=1), **details))
    return made


@pytest.mark.long
def test_a_wave_that_left_counts_authorities_by_network(database, sent):
    (done,) = found(database).done
    assert (done.meant, done.sent) == ({"Libre confessionnel": 3, "WBE": 1}, {"Libre confessionnel": 3, "WBE": 1})
    assert (done.delivered, done.answered) == ({"Libre confessionnel": 1, "WBE": 1}, {"Libre confessionnel": 1})
    assert list(found(database).labels) == ["WBE", "Libre confessionnel"]


@pytest.mark.long
def test_a_letter_refused_before_its_content_was_handed_over_was_tried(database, sent):
    """The relay refused its recipient at RCPT: it never had a commit gate, and the campaign counts a recipient."""
    refused = Message.state == S.REFUSED
    at_once = {"fence_id": None, "worker_id": None, "fenced_at": None, "settled_at": NOW + timedelta(hours=2)}
    with database.writing() as session:
        session.execute(update(Message).where(refused).values(at_once))
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        whole = counting.of_campaign(session, campaign, now=LATER).authorities
    (done,) = found(database).done
    assert sum(done.sent.values()) == whole["recipients"] == 4
    (by_then,) = found(database, at=NOW + timedelta(hours=1)).done
    assert sum(by_then.sent.values()) == 3, "it was not refused yet"


def test_a_moment_of_the_past_counts_what_had_come_by_then(database, sent):
    (done,) = found(database, at=NOW + timedelta(minutes=5)).done
    assert done.answered == {}
    assert found(database, at=NOW - timedelta(days=1)).done == []


def test_a_planned_wave_says_to_whom_it_would_write_today(database, people, strand):
    settle(database, 2)
    settle(database, 1, network="WBE")
    at = NOW + timedelta(days=3)
    move(database, approved(database), planning.schedule_campaign, at)
    (planned,) = found(database).planned
    assert planned.meant == {"Libre confessionnel": 2, "WBE": 1}
    assert (planned.wave, planned.at, planned.is_planned) == ("première vague", at, True)
    assert found(database, at=NOW - timedelta(days=1)).planned == [], "nothing was planned by then"
    (known_then,) = found(database, at=NOW + timedelta(minutes=1)).planned
    assert known_then.meant is None, "whom it means is known of now only"


@pytest.mark.long
def test_years_of_waves_take_the_statements_of_one_and_none_reads_their_letters(database, people, strand):
    def statements(**at):
        with asked(database) as seen:
            found(database, limit=1, **at)
        return seen

    settle(database, 2)
    launch(database, approved(database))
    then = {"at": NOW + timedelta(hours=1)}
    of_one = statements(), statements(**then)
    for _ in range(3):
        launch(database, approved(database))
    of_many = statements(), statements(**then)
    assert [len(seen) for seen in of_many] == [len(seen) for seen in of_one]
    assert not [told for seen in of_many for told in seen if re.search(r"\.(letter|headers)\b", told)]


def test_a_limit_leaves_out_and_counts_the_rest(database, sent):
    assert (found(database, limit=0).done, found(database, limit=0).more) == ([], 1)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ({"is_planned": True, "meant": {"WBE": 1, "Libre confessionnel": 189}},
         "doit partir : à ce jour, elle écrirait à 190 pouvoirs organisateurs (WBE 1, Libre confessionnel 189)."),
        ({"is_planned": True, "meant": {"WBE": 1}},
         "doit partir : à ce jour, elle écrirait à 1 pouvoir organisateur (WBE 1)."),
        ({"is_planned": True, "meant": {}}, "doit partir : à ce jour, elle n’écrirait à personne."),
        ({"is_planned": True}, "est prévue."),
        ({"sent": {"WBE": 1}, "delivered": {"WBE": 1}, "answered": {"WBE": 1}},
         "a écrit à 1 pouvoir organisateur (WBE 1) ; 1 a répondu."),
        ({"sent": {"WBE": 2}, "delivered": {"WBE": 2}, "answered": {"WBE": 2}},
         "a écrit à 2 pouvoirs organisateurs (WBE 2) ; 2 ont répondu."),
        ({"sent": {"WBE": 2}, "delivered": {"WBE": 1}},
         "a écrit à 2 pouvoirs organisateurs (WBE 2) ; le courriel a été remis à 1, aucun n’a répondu."),
        ({"sent": {"WBE": 2}},
         "a écrit à 2 pouvoirs organisateurs (WBE 2) ; le courriel n’a été remis à aucun, aucun n’a répondu."),
        ({"sent": {}}, "n’a écrit à personne."),
    ],
)  # fmt: skip
def test_an_action_in_a_sentence(action, told):
    details = {"campaign": 1, "title": "Invitation", "strand": 1, "wave": "relance 1", "at": NOW, "is_planned": False}
    said = WaveAction(**{**details, **action}).sentence(LABELS).replace("\xa0", " ").replace("\u202f", " ")
    assert said == f"Le 15 mai 2021, la relance 1 de « Invitation » {told}"
    first = WaveAction(**{**details, **action, "wave": "première vague"}).sentence(LABELS)
    assert (
        first.replace("\xa0", " ").replace("\u202f", " ")
        == f"Le 15 mai 2021, la première vague de « Invitation » {told}"
    )
