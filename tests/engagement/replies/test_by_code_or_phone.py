"""An answer by the code of a letter on paper, or by phone, counts wherever one from the mail counts."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from outreach.adherence import programmes
from outreach.campaigns import channels, counting, planning, results, waves
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import CallOutcome, EscalationStep, Evidence, ReachAnswer, letters_answered
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.results import ReachedFilters
from outreach.campaigns.results import _reactions as reactions
from outreach.campaigns.segments import ReactedTo, listed_authorities
from outreach.core.settings import ROOT
from outreach.core.text.dates import today
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Authority, Contact
from outreach.engagement.replies import Answer, Given, Response
from outreach.engagement.replies import _recording as recording
from outreach.engagement.tracking import Asked, Reaction, of_authorities, of_mailboxes
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_climbing import AT, became, with_ladder
from tests.campaigns.conftest import AUTHOR, SENDING, people, settle, strand
from tests.conftest import state_from

__all__ = ["people", "strand"]
MAIL, CODE, PHONE = 1, 2, 3  # the keys of the authorities, by how each answers
LATER = AT + timedelta(days=4)
NAMED = re.compile(r"\bResponse\.message_id\b")
COUNTS_NOTHING = {
    "outreach/operations/retention/_erasure.py": "empties the words of an address that is erased",
    "outreach/campaigns/channels/_due_steps.py": "asks for schools, which other tests hold",
    "outreach/campaigns/waves/_answering.py": "undoes those of one form",
    "outreach/campaigns/review/_plan.py": "learns how long after a letter that left answers come",
}


@state_from("programmed")
def answered_each_way(database, _settings):
    """Three authorities gave the same answer: from the mail, by the code on paper (the mail was refused), by phone
    (there is no mailbox)."""
    settle(database, 3)
    with database.writing() as session:
        session.execute(delete(Contact).where(Contact.authority_id == PHONE))
        session.execute(Authority.__table__.update().values(address="Rue Haute 7", locality="Namur", postcode="5000"))
        session.get_one(Authority, PHONE).address = ""
    with_ladder(database, "paper:1:failed call:3:failed")
    became(database, MessageState.ACCEPTED, MessageState.REFUSED)
    climb(database, AT + timedelta(days=1))
    with database.writing() as session:
        (wave,) = session.scalars(select(Wave))
        channels.make_batch(
            session, wave.campaign, wave, SENDING, sheet=False, now=AT + timedelta(days=1), actor=AUTHOR
        )
    climb(database, AT + timedelta(days=3))
    with database.writing() as session:
        by = {letter.authority_id: letter for letter in session.scalars(select(Message))}
        _answer(session, by[MAIL], is_by_code=False)
        _answer(session, by[CODE], is_by_code=True, step=channels.paper_letter_of(session, by[CODE]).step_id)
        step = session.scalars(
            select(EscalationStep).where(EscalationStep.authority_id == PHONE).order_by(-EscalationStep.id)
        ).first()
        noted = NotedCall(CallOutcome.REACHED, answer=Answer.IN_PREPARATION)
        campaign = session.get_one(Campaign, 1)
        channels.note_call(session, campaign, step.id, noted, SENDING, now=LATER, actor=AUTHOR)


def _answer(session, message, *, is_by_code, step=None):
    question = recording.question_of(session, message, now=LATER)
    given = Given({school.id: Answer.IN_PREPARATION for school in question.open()}, is_by_code=is_by_code)
    return waves.receive_answer(session, message, given, SENDING, now=LATER, step=step)


class Asking:
    """What the places below are asked with."""

    def __init__(self, session):
        self.session, self.campaign = session, session.get_one(Campaign, 1)
        self.mailings, self.now = planning.launched_mailings(self.campaign), LATER
        self.asked = Asked(self.mailings, today(LATER))
        self.letters = {
            one.authority_id: one for one in session.scalars(select(Message).where(Message.mailing_id == 1))
        }

    def keys(self, query):
        return set(self.session.scalars(query))

    def of_each(self, found):
        """The authorities of whose letter something is found."""
        return {key for key, letter in self.letters.items() if found(self.session, letter)}


def _reacted(one):
    each = of_authorities(one.asked)
    found = one.session.execute(select(each.c.authority_id, each.c.reaction, each.c.answered_at)).all()
    return {key for key, reaction, at in found if reaction == Reaction.REACTED and at}


def _mailboxes(one):
    each = of_mailboxes(one.asked)
    return one.keys(select(each.c.authority_id).where(each.c.answered_at.is_not(None)))


def _proved(one):
    rows = results.list_reached(one.session, one.campaign, ReachedFilters(results.Figure.REACHED), now=one.now).every()
    return {row.key for row in rows if row.evidence is Evidence.ANSWERED}


def _criterion(one):
    scope = planning.context_of(one.session, one.campaign, now=one.now)
    return one.keys(
        listed_authorities(scope, ReactedTo(mailings=(1,), reaction="answered", answers=(Answer.IN_PREPARATION,)))
    )


def _figures(one):
    assert results.campaign_results(one.session, one.campaign, now=one.now).answers[Answer.IN_PREPARATION] == 3
    return set(
        results.list_reached(one.session, one.campaign, ReachedFilters(results.Figure.ANSWERED), now=LATER).keys()
    )


def _course(one):
    told = results.campaign_course(
        one.session, one.campaign, results.campaign_results(one.session, one.campaign, now=LATER), [], now=LATER
    )
    return set(range(1, told.days[-1].answered + 1))


def _listed(one):
    filters = ReachedFilters(answer=Answer.IN_PREPARATION)
    return set(results.list_reached(one.session, one.campaign, filters, now=one.now).keys())


def _actions(one):
    """Of a wave those to whom its letter left: not the one who has no mailbox."""
    (done,) = results.list_actions(one.session, programmes.get_programme(one.session), now=LATER).done
    assert sum(done.sent.values()) == len({MAIL, CODE})
    return set(range(1, sum(done.answered.values()) + 1)) | {PHONE}


def _letters(one):
    rows = one.session.execute(reactions._given(one.asked)).all()
    of = {letter.id: key for key, letter in one.letters.items()}
    return {of[message] for message, *_ in rows}


def _overall(one):
    return set(range(1, results.overall_figures(one.session, [1], now=LATER)[1].answered + 1))


def _schools(one):
    each = counting.classify_campaign(one.session, one.campaign, now=one.now).schools
    return one.keys(select(each.c.authority_id).where(each.c.answered == 1))


PLACES = {
    "outreach/campaigns/counting/_classes.py": [_schools],
    "outreach/engagement/tracking/_reactions.py": [_reacted, _mailboxes],
    "outreach/campaigns/segments/_mailing_criteria.py": [_criterion],
    "outreach/engagement/replies/_recording.py": [
        lambda one: one.of_each(recording.of_message),
        lambda one: one.of_each(lambda session, letter: recording.earlier_answers(session, letter, one.mailings).last),
        lambda one: one.keys(recording.authorities_that_answered(one.mailings)),
    ],
    "outreach/campaigns/evidence/_proof.py": [
        _proved,
        lambda one: {key for key, _ in one.session.execute(letters_answered(one.mailings))},
    ],
    "outreach/campaigns/results/_funnel.py": [_course],
    "outreach/campaigns/results/_reached.py": [_listed],
    "outreach/campaigns/results/_history.py": [
        lambda one: one.of_each(lambda session, letter: results.mailbox_file(session, letter, now=LATER).answers)
    ],
    "outreach/campaigns/results/_actions.py": [_actions],
    "outreach/campaigns/results/_reactions.py": [_letters],
    "outreach/campaigns/results/_progress.py": [_overall],
    "outreach/campaigns/results/_figures.py": [_figures],
    "outreach/campaigns/waves/_receipts.py": [lambda one: one.of_each(waves.last_receipt)],
}


def test_every_place_that_asks_for_the_letter_of_an_answer_is_walked():
    named = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "outreach").rglob("*.py")
        if "migrations" not in path.parts and NAMED.search(path.read_text(encoding="utf-8"))
    }
    assert named == {*PLACES, *COUNTS_NOTHING}


@pytest.mark.long
def test_an_answer_counts_in_every_place_whichever_way_it_came(answered_each_way):
    with answered_each_way.reading() as session:
        one = Asking(session)
        for place, walks in PLACES.items():
            for number, walk in enumerate(walks):
                assert walk(one) == {MAIL, CODE, PHONE}, (place, number)
        rungs = session.scalars(select(ReachAnswer)).all()
        told = {session.get_one(Response, row.response_id).authority_id for row in rungs}
        assert told == {CODE, PHONE}, "each names the rung that it came by"
        assert one.letters[PHONE].reason is Reason.NO_ADDRESS


@pytest.mark.long
def test_whoever_answered_by_code_or_phone_gets_no_reminder(answered_each_way):
    with answered_each_way.reading() as session:
        campaign = session.get_one(Campaign, 1)
        found = planning.addressees_among(session, campaign, [MAIL, CODE, PHONE], now=LATER)
        assert {one.reason for one in found} == {Reason.ANSWERED}
