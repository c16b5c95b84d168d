"""The demonstration's story: true to the ledger, the same every time, told once."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.situation import Bucket, count_situation
from outreach.campaigns import planning, results
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, CampaignState, WaveState
from outreach.campaigns.planning import Audiences
from outreach.campaigns.planning import _audiences as audiences
from outreach.cli.samples import load_sample
from outreach.core.settings import read
from outreach.core.text.errors import Refused
from outreach.delivery import outbox
from outreach.delivery.models import Message, Suppression
from outreach.directory.reference import NETWORKS
from outreach.engagement import replies, tracking
from outreach.engagement.replies import Answer, Response, Tray
from outreach.operations.demo import mailbox, steps, story
from outreach.web.app import create_app
from tests.conftest import NOW, STORY_DAY
from tests.operations.demo.test_finished import (
    the_effect_that_was_put_in_is_found_and_none_where_none_is,
    the_second_programme_has_letters_answers_and_joinings_of_its_own,
)
from tests.pages import PageClient


@pytest.fixture
def sending(tmp_path):
    return SenderIdentity.of(read({"OUTREACH_DATA": str(tmp_path)}))


@pytest.mark.full
@pytest.mark.long
def test_every_figure_of_the_story_holds(sample_database, sending):
    with sample_database.writing() as session:
        posted = story.tell(session, sending, now=NOW)
    with sample_database.reading() as session:
        assert results.verify_ledger(session, now=NOW) == []
        sent, to_all, draft = session.scalars(select(Campaign).order_by(Campaign.id))
        assert (sent.state, draft.state, list(draft.waves)) == (CampaignState.APPROVED, CampaignState.DRAFT, [])
        first, reminder = sent.waves
        assert (first.state, reminder.state) == (WaveState.FINISHED, WaveState.PLANNED)
        assert first.due_at < NOW - timedelta(days=5)
        assert reminder.due_at > NOW + timedelta(days=5)
        assert to_all.state is CampaignState.APPROVED
        assert to_all.waves[0].due_at - reminder.due_at > timedelta(days=7), "no two letters within a week"
        assert audiences.networks_of(session, to_all, now=NOW) == set(NETWORKS)
        tally = outbox.tally_mailings(session, [first.mailing_id])[first.mailing_id]
        assert (tally.total, tally.pending, tally.deferred, tally.refused) == (tally.intended, 0, 0, 2)
        assert tally.withdrawn["suppressed"] == 1
        came = results.campaign_results(session, sent, now=NOW)
        given = Counter(one.answer for one in session.scalars(select(Response)) if one.strand_id == sent.strand_id)
        assert set(given) == set(Answer) - {Answer.NOT_CONCERNED}
        assert {one for one, count in came.answers.items() if count} == set(given) - {Answer.INFORMED}
        answered = given.total()
        assert answered > tally.accepted / 5
        confirmations = [one for one in session.scalars(select(Message)) if one.mailing_id != first.mailing_id]
        assert len(confirmations) == answered - given[Answer.WRONG_CONTACT], "the wrong box gets no receipt"
        assert len(posted) == tally.accepted + len(confirmations)
        waiting = replies.count_trays(session)
        assert all(waiting[tray] for tray in Tray)
        now = count_situation(session, programmes.get_programme(session), STORY_DAY).total.strands[1]
        assert now[Bucket.JOINED] > 48
        assert now[Bucket.DECLARED] > 0
        (measured,) = tracking.measured_counts(session, [first.mailing_id])
        assert 0 < measured.clicks["human"] < measured.opens["human"] < tally.accepted
        reasons = Counter(one.reason.value for one in session.scalars(select(Suppression)))
        assert reasons == {"staff": 1, "hard_bounce": 1, "unsubscribed": 1}


@pytest.mark.long
def test_it_is_told_with_the_sample_once_its_letters_lead_somewhere_and_its_effects_are_found(database, settings):
    load_sample(database, settings, NOW, STORY_DAY, with_story=True)
    with database.reading() as session:
        assert set(steps.taken(session).values()) == {False}, "nothing of the story is a person's step"
    the_effect_that_was_put_in_is_found_and_none_where_none_is(database)
    the_second_programme_has_letters_answers_and_joinings_of_its_own(database)
    with pytest.raises(Refused, match="déjà"):
        load_sample(database, settings, NOW, STORY_DAY, with_story=True)
    with database.writing() as session, pytest.raises(Refused, match="déjà une campagne"):
        story.tell(session, SenderIdentity.of(settings), now=NOW)
    folder = mailbox.folder_of(settings.data)
    confirmation, *_, invitation = (mailbox.letter(folder, path.name) for path in mailbox.letters_in(folder))
    assert confirmation.subject.startswith("Votre réponse est enregistrée – FASE")
    assert invitation.date < confirmation.date < NOW
    first_step = [mailbox.letter(folder, path.name) for path in mailbox.letters_in(folder, "repondre")]
    assert first_step
    assert all("?choice=joined" in letter.html for letter in first_step), "a letter without buttons"
    app = create_app(settings, database)
    app.test_client_class = PageClient
    page = app.test_client().get(re.search(r'"http[^"]+(/a/[a-z2-7]{40})', invitation.html)[1])
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("relay", "day", "said"),
    [("smtp://relais.example:25", STORY_DAY, "SMTP_URL"), ("", STORY_DAY - timedelta(days=1), "--now")],
)
def test_it_is_told_on_this_machine_and_on_the_day_of_the_clock(tmp_path, relay, day, said):
    settings = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_SMTP_URL": relay})
    with pytest.raises(Refused, match=said):
        load_sample(None, settings, NOW, day, with_story=True)


@pytest.mark.parametrize("number", range(0, 366, 9))
def test_the_first_wave_left_when_letters_may_leave(number):
    now = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=number)
    first = story.first_wave(now)
    assert not planning.closing_reason(first.date(), {Audiences.SCHOOL_SIDE}, urgent=True)
    assert timedelta(days=5) < now - first < timedelta(days=75)
