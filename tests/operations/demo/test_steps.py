"""The first steps of a demonstration: on the page until each was taken, by whoever took it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.access.accounts import User
from outreach.adherence import programmes, records
from outreach.adherence.models import JoiningList, Status, Word
from outreach.campaigns import planning, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.core.settings import ROOT, read
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, MessageState
from outreach.directory.authorities import authority_by_fase
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.operations.demo import people, steps
from outreach.operations.demo.steps import FirstStep
from outreach.web.app import create_app
from tests.application import app, author, client, password, signed_in, standing, while_writing
from tests.conftest import NOW, STORY_DAY
from tests.pages import PageClient

__all__ = ["app", "author", "client", "password", "signed_in", "standing", "while_writing"]
AUTHOR, APPROVER = (people.person_for(role).email for role in (RoleName.AUTHOR, RoleName.APPROVER))
PANEL = "Premiers pas"


def test_nothing_to_do_where_nothing_was_loaded(database):
    with database.reading() as session:
        assert steps.taken(session) == {}


def take_all(database, sending):
    """Take the steps one after the other; yields which are taken after each."""

    def taken(session):
        session.flush()
        return {step for step, is_taken in steps.taken(session).items() if is_taken}

    with database.writing() as session:
        yield taken(session)
        stated = planning.get_definition("merci-et-suite", ROOT / "campaigns")
        writer = session.scalars(select(User).where(User.email == AUTHOR)).one()
        campaign = planning.create_campaign(session, stated, now=NOW, author=writer)
        planning.submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
        yield taken(session)
        planning.approve_campaign(session, campaign, now=NOW, actor=APPROVER)
        yield taken(session)
        wave = planning.schedule_campaign(session, campaign, NOW + timedelta(minutes=1), now=NOW, actor=AUTHOR)
        yield taken(session)
        waves.advance_wave(session, wave.id, sending, now=wave.due_at)
        yield taken(session)
        first = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        first.state, first.fence_id, first.fenced_at, first.settled_at = MessageState.ACCEPTED, "f", NOW, NOW
        yield taken(session)
        replies.give_answers(session, first, Given({}, Answer.HELP), now=NOW)
        yield taken(session)
        authority, programme = authority_by_fase(session, 9001), programmes.get_programme(session)
        standings = records.list_standings(session, authority, programme, STORY_DAY)
        silent, other = [row.school for row in standings if row.strands[1].status is Status.NONE][:2]
        strand = programme.strands[0]
        for school, word in ((silent, Word.CONFIRMED), (other, Word.DECLARED), (other, Word.CONFIRMED)):
            named = {"status": Status.JOINED, "word": word, "effective_on": STORY_DAY, "source": "Réponse"}
            by = {"now": NOW, "today": STORY_DAY, "actor": AUTHOR}
            records.record_adherence(session, authority, programme, strand, [school], **named, **by)
            yield taken(session)


@pytest.mark.long
def test_each_step_is_read_from_the_row_it_leaves(sample_database, tmp_path):
    sending = SenderIdentity.of(read({"OUTREACH_DATA": str(tmp_path)}))
    assert list(take_all(sample_database, sending)) == [
        set(),
        {FirstStep.SUBMIT},
        {FirstStep.SUBMIT, FirstStep.APPROVE},
        {FirstStep.SUBMIT, FirstStep.APPROVE},
        {FirstStep.SUBMIT, FirstStep.APPROVE},
        {FirstStep.SUBMIT, FirstStep.APPROVE, FirstStep.SEND},
        all_but_confirmed := {FirstStep.SUBMIT, FirstStep.APPROVE, FirstStep.SEND, FirstStep.ANSWER},
        all_but_confirmed,
        all_but_confirmed,
        set(FirstStep),
    ]


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_the_story_began_and_the_clock_goes_on_with_is_nobody_s_step(sample_database, tmp_path):
    with sample_database.writing() as session:
        before = session.scalar(select(func.min(JoiningList.applied_at))) - timedelta(days=1)
        stated = planning.get_definition("merci-et-suite", ROOT / "campaigns")
        writer = session.scalars(select(User).where(User.email == AUTHOR)).one()
        campaign = planning.create_campaign(session, stated, now=before, author=writer)
        planning.submit_campaign(session, campaign, now=before, actor=AUTHOR)
        planning.approve_campaign(session, campaign, now=before, actor=APPROVER)
        wave = planning.schedule_campaign(session, campaign, NOW, now=before, actor=AUTHOR)
        waves.advance_wave(session, wave.id, SenderIdentity.of(read({"OUTREACH_DATA": str(tmp_path)})), now=NOW)
        session.execute(update(Message).values(state=MessageState.ACCEPTED, reason=None, fence_id="f"))
        session.flush()
        assert set(steps.taken(session).values()) == {False}


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_panel_names_what_is_left_and_goes_when_all_is_done(author, app, sample_database):
    page = author.get("/").text
    assert PANEL in page
    assert page.count(">Fait<") == 0
    for link in ("/mailbox?q=repondre", "/responses?tray=joined", "/campaigns?state=draft"):
        assert f'href="{link}"' in page
    taking = take_all(sample_database, SenderIdentity.of(app.extensions["outreach.settings"]))
    for _ in range(6):
        next(taking)
    taking.close()
    assert author.get("/").text.count(">Fait<") == 0, "nothing was committed"
    list(take_all(sample_database, SenderIdentity.of(app.extensions["outreach.settings"])))
    assert PANEL not in author.get("/").text


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite"])
def test_where_letters_leave_the_machine_there_is_no_panel(app, sample_database, password):
    settings = app.extensions["outreach.settings"].model_copy(update={"smtp_url": "smtp://relais.example:25"})
    relayed = create_app(settings, sample_database)
    relayed.test_client_class = PageClient
    visitor = relayed.test_client()
    assert visitor.sign_in(AUTHOR, password).status_code == 302
    page = visitor.get("/")
    assert page.status_code == 200
    assert PANEL not in page.text
