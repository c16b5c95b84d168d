"""The demonstration, played to its end: its numbers at six moments, on every page, in every file, by every command."""

import json
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
from sqlalchemy import select

from outreach.campaigns import channels
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.waves import advance_wave, due_waves, finish_waves
from outreach.cli.samples import load_sample
from outreach.core.settings import Settings
from outreach.core.text.dates import today
from outreach.delivery import bounces
from outreach.operations.demo.story import Post
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from outreach.web.sign_in.access_log_queue import EXTENSION
from tests.application import sign_in, standing  # noqa: F401 - a fixture
from tests.audit import places, recount, rows, told
from tests.conftest import state_from
from tests.factories import AUTHOR
from tests.web.api.conftest import Program, made

pytestmark = pytest.mark.only_one

IS_DEEP = hypothesis.settings.get_current_profile_name() == "all"
TOLD_ON = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@state_from("empty")
def demonstration(database, settings):
    """The demonstration of 1 December, with its story."""
    load_sample(database, settings, TOLD_ON, today(TOLD_ON), with_story=True)


class Played:
    """The demonstration's service by its own clock, and whoever looks at it."""

    def __init__(self, database, url, app):
        self.database, self.url, self.app, self.now = database, url, app, TOLD_ON
        self.sending = SenderIdentity.of(app.extensions["outreach.settings"])

    def due(self):
        """When the next wave leaves; None after the last."""
        with self.database.reading() as session:
            query = select(Wave.due_at).where(Wave.state == WaveState.PLANNED, Wave.due_at > self.now)
            return session.scalars(query.order_by(Wave.due_at)).first()

    def begin_waves(self):
        """The waves that are due are launched; no letter leaves yet."""
        with self.database.reading() as session:
            waves = due_waves(session, now=self.now)
        for wave in waves:
            going = True
            while going:
                with self.database.writing() as session:
                    going = advance_wave(session, wave, self.sending, now=self.now)

    def work(self):
        """What the work process does by itself: letters leave, returns are read, waves end, rungs open."""
        self.begin_waves()
        with self.database.writing() as session:
            post = Post(session, self.sending, now=self.now, refusals={})
            post.carry(self.now)
            post.close(self.now)
        with self.database.writing() as session:
            bounces.note_box_read(session, now=self.now)
            finish_waves(session, now=self.now)
        with self.database.reading() as session:
            due = channels.due_rungs(session, now=self.now)
        for wave, rung in due:
            with self.database.writing() as session:
                keys, _ = channels.due_candidates(session, wave, rung, after=0, now=self.now)
                channels.open_due_steps(session, wave, rung, keys, self.sending, now=self.now)

    def differences(self, *, is_between=False):
        """What any place tells otherwise than the rows, now; nothing in between, but in the deep run."""
        if is_between and not IS_DEEP:
            return []
        audit = recount.Campaigns(rows.of(self.url), self.now)
        shown = places.Places(
            sign_in(self.app, "author"), audit, behind=("recipients", "already_joined", "joined_since")
        )
        run = told.Commands(self.database, self.app.extensions["outreach.settings"]).at(self.now)
        program = Program(self.app.test_client(), made(self.database, self.now, f"Tableau {self.now}"))
        found = shown.of_list()
        for code in sorted(one["code"] for one in audit.rows["programmes"]):
            found += shown.of_actions(code, run("report", "actions", "--programme", code)) + self.in_a_note(shown, code)
        for campaign in shown.counted if self.now == TOLD_ON else self.under_way(audit):
            found += shown.of_campaign(campaign)
            found += told.of_counts(run, audit, campaign) + told.of_status(run, audit, campaign)
            counted = program.get(f"/campaigns/{campaign}").json["counts"]
            told.about(counted)
            found += told.differences(f"campaign {campaign} to programs", counted, audit.counts(campaign))
        return [f"{self.now:%d %b %H:%M} {one}" for one in found]

    def under_way(self, audit):
        """The campaigns that are not over since before the story: what came of those is compared once."""
        over = {one["campaign_id"] for one in audit.rows["waves"] if one["due_at"] < TOLD_ON - 10 * DAY}
        return [one["id"] for one in audit.rows["campaigns"] if one["id"] not in over]

    def in_a_note(self, shown, code):
        """What a note about a programme says that is frozen now."""
        note_request = NoteRequest(recount.day_of(self.now), "Bilan", code)
        with self.database.writing() as session:
            gathered = notes.gather_note(session, note_request, now=self.now)
            notes.freeze_note(session, gathered, now=self.now, actor=AUTHOR)
        return shown.of_note(json.loads(rows.of(self.url)["notes"][-1]["figures"]), code)


@pytest.mark.long
@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_the_demonstration_tells_the_same_numbers_everywhere_to_its_end(
    demonstration,
    fresh_url,
    standing,  # noqa: F811
    monkeypatch,
):
    moment = {"now": TOLD_ON}
    monkeypatch.setattr(Settings, "instant", lambda _settings: moment["now"])
    played = Played(demonstration, fresh_url, standing.anew(demonstration))

    def at(now):
        moment["now"] = played.now = now

    found = played.differences()
    at(played.due())
    played.work()
    at(played.now + 5 * MINUTE)
    found += played.differences(is_between=True)
    at(played.due())
    played.begin_waves()
    found += played.differences(is_between=True)
    played.work()
    at(played.now + 5 * MINUTE)
    found += played.differences(is_between=True)
    at(played.now + 11 * DAY)
    played.work()
    at(played.now + 5 * MINUTE)
    found += played.differences(is_between=True)
    at(played.due())
    played.work()
    at(played.now + 2 * HOUR)
    found += played.differences()
    assert played.due() is None
    assert played.app.extensions[EXTENSION].flush()
    assert found == [], "\n".join(found)
