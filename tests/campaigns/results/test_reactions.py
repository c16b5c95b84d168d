"""Who has reacted to a campaign, letter by letter, against a small directory whose truth is known."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import Status, Word
from outreach.campaigns import planning, results, waves
from outreach.campaigns.counting import _counts as counts
from outreach.campaigns.results import Figure, ReachedFilters
from outreach.campaigns.results import _reactions as reactions
from outreach.core.text.errors import NotFound
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState
from outreach.delivery.outbox import LetterOutcome
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.replies import Answer
from outreach.engagement.tracking import OPENING, Agent, Reaction, Signals, TrackingMode, reacting_authorities
from tests.arriving import come, move_all
from tests.campaigns.conftest import AUTHOR, approved, launch, settle
from tests.campaigns.results.test_figures import LATER, answer, become, behind, record, sent, seven_sent
from tests.conftest import NOW
from tests.statements import asked

__all__ = ["sent", "seven_sent"]

S, R = MessageState, Reaction


def read(database, wave=None, *, only_none=False):
    with database.reading() as session:
        of = reactions.asked_of(planning.campaign_numbered(session, 1), now=LATER, wave=wave)
        return reactions.list_reactions(session, of, reacting_authorities(of, R.NONE) if only_none else None)


def count(database, wave=None):
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        return reactions.count_reactions(session, reactions.asked_of(campaign, now=LATER, wave=wave))


def silent(database, **which):
    return {row.authority_id for row in read(database, only_none=True, **which)}


@pytest.mark.long
@pytest.mark.postgresql
def test_a_reaction_is_an_answer_or_a_joining_of_a_school_that_a_letter_named(database, strand, sent):
    one, two, three, doubtful, _refused, _withdrawn, wbe = sent
    assert silent(database) == {one, two, three, wbe}
    answer(database, strand, one, Answer.INFORMED)
    record(database, strand, sent[two][0], Word.DECLARED)
    record(database, strand, sent[three][0], status=Status.IN_PREPARATION)
    record(database, strand, sent[doubtful][0])
    assert silent(database) == {three, wbe}
    assert count(database) == {R.NONE: 2, R.REACTED: 3, R.UNREACHED: 2}
    values = {
        row.authority_id: (row.state, row.answers, row.schools, row.declared, row.joined_since)
        for row in read(database)
    }
    assert values[one] == (LetterOutcome.ACCEPTED, (Answer.INFORMED,), 2, 0, 0)
    assert values[two] == (LetterOutcome.ACCEPTED, (), 2, 1, 0)
    assert values[doubtful] == (LetterOutcome.IN_DOUBT, (), 2, 0, 1)
    assert len(values) == sum(count(database).values()) == len(sent)


def test_those_who_reacted_are_those_that_the_results_count(database, strand, sent):
    one, two, three, doubtful, refused, *_ = sent
    for school in (sent[one][0], sent[doubtful][1], sent[refused][0]):
        record(database, strand, school)
    record(database, strand, sent[two][0], Word.DECLARED)
    answer(database, strand, three, Answer.HELP)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        told = results.campaign_results(session, campaign, now=LATER)
    came = behind(database)
    reacted = came[Figure.JOINED_SINCE] | came[Figure.DECLARED] | came[Figure.ANSWERED]
    assert silent(database) == came[Figure.HANDED_OVER] - reacted
    assert count(database)[R.REACTED] == len(reacted)
    assert count(database)[R.NONE] == told.counts.authorities[counts.SILENT]


@pytest.mark.long
@pytest.mark.postgresql
def test_opening_and_clicking_are_told_of_measured_boxes_and_are_no_reaction(database, people, strand):
    first, second, third = settle(database, 3)
    with database.writing() as session:
        boxes = {box.authority_id: box for box in session.scalars(select(Contact))}
        words = {"given_by": "Paul Maes", "taken_on": NOW.date(), "wording": "J’accepte.", "channel": "téléphone"}
        for key in (first, second):
            tracking.record_consent(session, boxes[key], **words, now=NOW, actor=AUTHOR)
    launch(database, approved(database, tracking=TrackingMode.INDIVIDUAL))
    become(database, [S.ACCEPTED] * 3)
    with database.writing() as session:
        box = session.scalars(select(Contact).where(Contact.authority_id == third)).one()
        tracking.record_consent(session, box, **words, now=LATER, actor=AUTHOR)
        letters = dict(session.execute(select(Message.authority_id, Message.id)).all())
        seen = [(first, Agent.SCANNER, 0), (first, Agent.PROXY, 5), (first, Agent.BROWSER, 9), (second, Agent.NONE, 3)]
        for key, agent, minutes in seen:
            at = NOW + timedelta(minutes=minutes)
            come(session, letters[key], Signals(OPENING if minutes < 9 else 1, at, agent, is_head=False))
        move_all(session)
    values = {row.authority_id: (row.measured, row.opened, row.clicked) for row in read(database)}
    assert values == {
        first: (True, NOW + timedelta(minutes=5), NOW + timedelta(minutes=9)),
        second: (True, None, None),
        third: (False, None, None),  # its agreement counts from the next wave on
    }
    assert silent(database) == {first, second, third}


@pytest.mark.long
@pytest.mark.postgresql
def test_of_one_wave_only_what_came_since_counts(database, strand, sent):
    one, two, three, *_, wbe = sent
    answer(database, strand, one, Answer.DECLINED)
    with database.writing() as session:
        session.execute(update(Message).values(settled_at=NOW))
        waves.finish_waves(session, now=NOW)
        (wave,) = planning.campaign_numbered(session, 1).waves
        wave.state = "finished"
    launch(database, 1, NOW + timedelta(days=1))
    with database.writing() as session:
        wave = planning.campaign_numbered(session, 1).waves[1]
        queued = (Message.mailing_id == wave.mailing_id, Message.state == S.QUEUED)
        at = NOW + timedelta(days=1)
        session.execute(
            update(Message).where(*queued).values(state=S.ACCEPTED, fence_id="f", fenced_at=at, settled_at=at)
        )
    assert {row.authority_id for row in read(database, wave=2) if row.state is LetterOutcome.WITHDRAWN} == {one}
    assert {two, three, wbe} <= silent(database, wave=2)
    answer(database, strand, two, Answer.INFORMED)  # from its letter of the first wave, after it got that of the second
    assert two not in silent(database, wave=2)
    assert count(database, 2)[R.REACTED] == 1, "what was answered before a wave is no reaction to it"
    assert sum(count(database, 2).values()) == len({row.authority_id for row in read(database, wave=2)})
    assert len(read(database)) == len(read(database, wave=1)) + len(read(database, wave=2))
    with pytest.raises(NotFound):
        read(database, wave=3)


def test_a_letter_that_came_back_reached_nobody_and_says_why(database, sent):
    one, *_ = sent
    with database.writing() as session:
        letter = session.scalars(select(Message).where(Message.authority_id == one)).one()
        outbox.come_back(session, letter, status="5.1.1", said="unknown", now=LATER, actor="automatique")
    assert one not in silent(database)
    row = next(row for row in read(database) if row.authority_id == one)
    assert (row.cause, row.sent) == ("l’adresse n’existe pas", NOW)
    assert "unknown" in row.said


@pytest.mark.long
def test_every_letter_of_a_list_is_in_its_file_some_authorities_at_a_time(database, strand, sent, monkeypatch):
    monkeypatch.setattr(reactions, "AT_ONCE", 3)
    answer(database, strand, next(iter(sent)), Answer.JOINED)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        meant = reactions.asked_of(campaign, now=LATER)
        for filters in (
            ReachedFilters(),
            ReachedFilters(answer=Answer.JOINED),
            ReachedFilters(outcome=LetterOutcome.ACCEPTED),
        ):
            keys = results.list_reached(session, campaign, filters, now=LATER).keys()
            rows = list(reactions.reactions_table(session, meant, keys, filters.letters, {}).rows)
            assert len(rows) == results.count_letters(session, campaign, filters, now=LATER) == len(keys)
        assert len(list(reactions.reactions_table(session, meant, sorted(sent), (), {}).rows)) == len(sent) > 6


@pytest.mark.long
def test_the_statements_are_as_many_whatever_the_size(database, people, strand):
    counted = []
    for size in (2, 40):
        settle(database, size, schools=2)
        number = approved(database, tracking=TrackingMode.INDIVIDUAL)
        launch(database, number)
        become(database, [S.ACCEPTED] * 1000)
        with database.reading() as session:
            campaign = planning.campaign_numbered(session, number)
            meant = reactions.asked_of(campaign, now=LATER)
            with asked(database) as seen:
                reactions.count_reactions(session, meant)
                assert len(seen) == 1
                reactions.list_reactions(session, meant, reacting_authorities(meant, R.NONE))
        counted.append(len(seen))
    assert counted[0] == counted[1] == 7
