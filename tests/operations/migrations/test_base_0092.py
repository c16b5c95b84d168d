"""What 0.3.0 left behind is carried over: every row, every proof, every page, and the sending that was under way."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import func, select

from outreach.campaigns import experiments, planning, results
from outreach.campaigns.experiments import DrawAttempt
from outreach.campaigns.experiments._design import Mismatch
from outreach.campaigns.experiments._models import DrawnEffect
from outreach.campaigns.models import Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.planning import _experiment_plan as experiment_plan
from outreach.campaigns.results import verify_ledger
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.settings import ROOT
from outreach.delivery.models import Gate, Mailing, Message, MessageState
from outreach.integrations import webhooks_in
from outreach.operations import migrations
from outreach.operations.demo import mailbox, people
from outreach.reports.files import NoteVerdict, find_faults, known_notes, verify_file
from outreach.reports.notes import NoteFile
from outreach.web.app import create_app
from tests.journeys.test_story import World
from tests.operations.migrations import base_0092 as base
from tests.operations.migrations.base_0092 import AT, base_0092, installed_base, settings_of_base, upgraded_base
from tests.operations.migrations.test_populated import dumped
from tests.operations.migrations.told import REVISIONS, file_of, held
from tests.pages import PageClient

__all__ = ["base_0092", "installed_base", "settings_of_base", "upgraded_base"]
SINCE = REVISIONS[REVISIONS.index(base.REVISION) + 1 :]
UNDER_WAY = {MessageState.QUEUED, MessageState.HANDING}


@pytest.mark.long
@pytest.mark.postgresql
def test_every_row_is_there_after_the_upgrade_and_back_as_it_was_after_the_way_back(base_0092):
    assert dumped(base_0092) == base.rows()
    assert [table for table, rows in base.rows().items() if not rows] == ["staged_authorities"]
    before, _ = held(base_0092)
    migrations.upgrade(base_0092.engine)
    after, _ = held(base_0092)
    moved = {table for revision in SINCE for table in getattr(file_of(revision), "LOSES", ())}
    fewer = {table for table, rows in before.items() if len(after.get(table, ())) < len(rows)}
    assert fewer <= moved
    migrations.check(base_0092.engine)
    migrations.downgrade(base_0092.engine, base.REVISION)
    forgotten = {table for revision in SINCE for table in getattr(file_of(revision), "FORGETS", ())}
    assert _but(dumped(base_0092), forgotten) == _but(base.rows(), forgotten)


def _but(rows, tables):
    return {table: each for table, each in rows.items() if table not in tables}


@pytest.mark.postgresql
def test_ledger_journal_notes_and_draws_prove_themselves_after_the_upgrade(upgraded_base):
    with Session(upgraded_base.engine) as session:
        assert verify_ledger(session, now=AT) == []
        assert audit.verify_seals(session).fault == ""
        assert find_faults(session) == []
        known = known_notes(session)
        files = session.scalars(select(NoteFile)).all()
        assert {file.kind for file in files} >= {"pdf", "csv", "json", "docx", "xlsx"}
        assert {verify_file(file.content, known).verdict for file in files} == {NoteVerdict.VALID}
        drawn = session.scalars(select(DrawAttempt).where(DrawAttempt.drawn_at.is_not(None))).all()
        assert {attempt.campaign_id for attempt in drawn} == {base.TOLD, base.TOLD_AND_CLOSED, base.DRAWN}
        assert [experiments.find_mismatches(session, attempt) for attempt in drawn] == [[]] * 3
        for number in (base.TO_ALL, base.DRAWN, base.PAUSED, base.WITH_EXCEPTIONS):
            assert planning.is_approved(session, session.get_one(Campaign, number)), "an approval stays valid"


def test_a_sender_stays_of_the_programme_that_its_joinings_were_taken_for(upgraded_base):
    """The one that was loaded first, of the three that there are."""
    with Session(upgraded_base.engine) as session:
        assert {one.name: one.programme.code for one in webhooks_in.all_sources(session)} == {
            "subsides": "mes-outils-numeriques"
        }


@pytest.mark.postgresql
@pytest.mark.parametrize("number", [base.TOLD, base.TOLD_AND_CLOSED])
def test_a_draw_that_was_told_stays_as_told_and_a_stranger_repeats_it(upgraded_base, number, tmp_path):
    with Session(upgraded_base.engine) as session:
        kept = session.get_one(DrawnEffect, number).shown
        shown = results.public_draw(session, number)
        order = experiments.order_of(session, shown.attempt)
        outcome = experiments.told_frozen(session, session.get_one(Campaign, number))
    assert (shown.given["told"], shown.given["approver_bytes"] != "", shown.unsaid) == (kept["told"], True, [])
    again = redrawn(tmp_path, shown.given)
    assert again["seed"] == shown.attempt.seed
    assert [(one["name"], tuple(one["order"])) for one in again["strata"]] == [(one.name, one.order) for one in order]
    # A stranger has small strata put together, and comes near; the formula on each of them gives what was told.
    assert shown.has_joint_groups
    assert kept["low"] < again["estimate"] < kept["high"]
    alone = [
        {"strata": one.strata, "comparison": place, **table._asdict()}
        for one in experiments.tables_of(outcome)
        for place, table in enumerate(one.tables, start=1)
    ]
    again = redrawn(tmp_path, shown.given | {"tables": alone})
    assert [again[name] for name in ("estimate", "low", "high")] == [
        pytest.approx(kept[name]) for name in ("estimate", "low", "high")
    ]


def redrawn(folder, given):
    """What the published program says of a public file."""
    file = folder / "draw.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    alone = [sys.executable, "-I", "-S", str(ROOT / "docs" / "redraw.py"), str(file)]
    return json.loads(subprocess.run(alone, cwd=folder, check=True, capture_output=True, text=True).stdout)


@pytest.mark.postgresql
def test_a_draw_that_awaits_its_approval_is_made_by_the_formula_of_all(upgraded_base):
    with upgraded_base.writing() as session:
        campaign = session.get_one(Campaign, base.DRAWN_AND_SUBMITTED)
        submitted = experiments.open_attempt(session, campaign.id)
        sealed = submitted.commitment, submitted.plan_digest, submitted.list_digest
        experiment_plan.draw(session, campaign, now=AT)
        drawn = experiments.draw_of(session, campaign.id)
        assert (drawn.commitment, drawn.plan_digest, drawn.list_digest) == sealed
        found = experiments.find_mismatches(session, drawn)
        assert (drawn.approver_bytes, found) == ("", [Mismatch.AUDIT]), "the approval's audit is not written here"
    with Session(upgraded_base.engine) as session:
        kept = experiments.draw_of(session, base.FOLLOWS_A_DRAW)
        assert kept.campaign_id == base.DRAWN


class Going(World):
    """The base's installation where it goes on."""

    def __init__(self, database, url, folder):
        super().__init__(database, url, folder)
        self.environment["OUTREACH_ALLOWED_RECIPIENTS"] = "@adm.fwb.example,@ecole-fictive.example,@fwb.example"

    def on_the_way(self):
        with self.database.reading() as session:
            waits = Message.state.in_(UNDER_WAY), Mailing.gate == Gate.OPEN, Message.due_at <= AT
            query = select(func.count()).select_from(Message).join(Mailing, Mailing.id == Message.mailing_id)
            return session.scalar(query.where(*waits))


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.relay
def test_a_sending_under_way_goes_on_and_writes_to_nobody_twice(installed_base, fresh_url, settings_of_base):
    installed, before = Going(installed_base, fresh_url, settings_of_base.data), waves(installed_base)
    running = {wave for wave, (campaign, state, _) in before.items() if state is WaveState.RUNNING}
    assert {before[wave][0] for wave in running} == set(base.RUNNING)
    installed.work(AT)
    sent, after = Counter(letter.to for letter in received(installed)), waves(installed_base)
    for wave, (_, state, letters) in before.items():
        settled = {key: was for key, was in letters.items() if was not in UNDER_WAY}
        assert settled.items() <= after[wave][2].items(), "what was settled stays so"
        if state is WaveState.PAUSED:
            assert after[wave] == before[wave], "what was paused waits"
    for wave in running:
        _, state, letters = after[wave]
        assert (state, UNDER_WAY & set(letters.values())) == (WaveState.FINISHED, set())
        left = [
            key for key, now in letters.items() if now is MessageState.ACCEPTED and before[wave][2][key] in UNDER_WAY
        ]
        assert len(left) > 20
        with installed_base.reading() as session:
            addresses = session.scalars(select(Message.address).where(Message.id.in_(left))).all()
        assert all(sent[address] for address in addresses)
    with installed_base.reading() as session:
        assert verify_ledger(session, now=AT) == []


def received(installed):
    """What arrived at the sink."""
    return mailbox.page(mailbox.letters_in(installed.box))


def waves(database):
    """Of each launched wave, by its key: its campaign, its state, and the state of each letter."""
    found = {}
    with database.reading() as session:
        query = select(Wave, Message.id, Message.state).join(Message, Message.mailing_id == Wave.mailing_id)
        for wave, key, state in session.execute(query):
            found.setdefault(wave.id, (wave.campaign_id, wave.state, {}))[2][key] = state
    return found


@pytest.fixture
def chief(installed_base, settings_of_base):
    """An administrator who is signed in to the upgraded base."""
    app = create_app(settings_of_base, installed_base)
    app.test_client_class = PageClient
    client = app.test_client()
    password = people.password(settings_of_base.data)
    assert client.sign_in(base.PEOPLE["administrator"], password).status_code == 302
    return client


@pytest.mark.long
@pytest.mark.sweep
@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_pages_of_draws_open(chief):
    for number in (base.TOLD, base.TOLD_AND_CLOSED, base.DRAWN, base.FOLLOWS_A_DRAW):
        for page in (f"/campaigns/{number}/effect", f"/campaigns/{number}/check", f"/t/{number}", f"/t/{number}.json"):
            assert chief.get(page).status_code == 200, page
    assert chief.get(f"/campaigns/{base.DRAWN_AND_SUBMITTED}/effect").status_code == 200
    assert chief.get(f"/t/{base.DRAWN_AND_SUBMITTED}").status_code == 404
    assert chief.get(f"/campaigns/{base.TOLD}/effect/export.xlsx").status_code == 200


@pytest.mark.long
@pytest.mark.sweep
@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_pages_of_campaigns_in_every_state_open(chief, installed_base):
    with installed_base.reading() as session:
        campaigns = session.scalars(select(Campaign)).all()
        begun = {wave.campaign_id for wave in session.scalars(select(Wave).where(Wave.mailing_id.is_not(None)))}
    assert {campaign.state for campaign in campaigns} == set(CampaignState)
    opened = Counter()
    for campaign in campaigns:
        page = "progress" if campaign.id in begun else "check"
        opened[chief.get(f"/campaigns/{campaign.id}/{page}").status_code] += 1
    assert opened == {200: len(campaigns)}
