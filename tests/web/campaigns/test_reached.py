"""Proof of reach: one query, so that pages, files, commands, a note and the criterion count the same authorities."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from outreach.campaigns import audiences
from outreach.campaigns.ladder import reached
from outreach.campaigns.models import Campaign
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.delivery.models import Message, MessageState
from outreach.notes import gathering
from outreach.notes.content import read_figures
from outreach.notes.drafts import NoteRequest
from outreach.reach import steps
from outreach.reach.models import ReachChannel, StepReason, StepState
from outreach.reach.proof import PROOFS
from outreach.segments.criteria import listed
from outreach.segments.kinds.reached import ReachedBy, ReachKind
from outreach.settings import Settings
from tests.conftest import NOW, STORY_DAY
from tests.factories import AUTHOR
from tests.pages import links, text_of
from tests.responses.test_answers import give

FIXED = ("authorities", "proved", "unproved")


@pytest.fixture(autouse=True)
def in_spring(app, monkeypatch):
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW)


@pytest.fixture
def mixed(launched_sample):
    """The launched campaign with every end: answered, accepted, posted on paper, called, and without any proof."""
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.authority_id)).all()
        each = list({letter.authority_id: letter for letter in letters}.values())
        for letter in letters:
            _left(letter, MessageState.ACCEPTED)
        for letter in (one for one in letters if one.authority_id in {one.authority_id for one in each[2:9]}):
            _left(letter, MessageState.REFUSED)
        for place, letter in enumerate(each[2:7]):
            channel = ReachChannel.PAPER if place < 2 else ReachChannel.CALL
            of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
            told = {"rung": 1, "channel": channel, "reason": StepReason.REFUSED}
            step = steps.open_step(session, **of, **told, now=NOW, actor=AUTHOR)
            if place == 0:
                steps.move(session, step, StepState.PRINTED, now=NOW, actor=AUTHOR)
                steps.move(session, step, StepState.TRIED, now=NOW, actor=AUTHOR, day=NOW.date())
            if place == 4:
                steps.move(session, step, StepState.TRIED, now=NOW, actor=AUTHOR)
        first = each[0].id
    give(launched_sample, first, "help", now=NOW)
    return launched_sample


def _left(letter, state):
    letter.state, letter.settled_at, letter.fence_id, letter.fenced_at = state, NOW, "f", NOW


def run(database, settings, *words):
    operation = Operation()
    operation.settings, operation.now = settings, NOW
    operation.opened = operation.database = database
    return json.loads(CliRunner().invoke(commands, [*words, "--json"], obj=operation).stdout)


def test_pages_files_commands_a_note_and_the_criterion_count_the_same(author, mixed, settings):
    with mixed.reading() as session:
        found = reached.of(session, session.get_one(Campaign, 1), now=NOW)
        note = gathering.gather(session, NoteRequest(STORY_DAY, "Bilan"), now=NOW).content
        criterion = [_counted(session, kind) for kind in ReachKind]
    told = found.as_json()
    assert {"answered", "accepted", "posted", "called"} <= set(told["by"])
    assert (told["unproved"] >= 4, sum(told["by"].values())) == (True, told["proved"])
    assert criterion == [told["proved"], told["unproved"]]

    assert run(mixed, settings, "campaign", "reach", "1") == told
    (of_actions,) = run(mixed, settings, "report", "actions")["reached"]
    assert {name: of_actions[name] for name in told} == told
    parts = of_actions["networks"].values()
    assert [sum(part[name] for part in parts) for name in FIXED] == [told[name] for name in FIXED]

    for page in ("/", "/situation/actions", "/campaigns/1/progress", "/campaigns/1/reached"):
        assert spaced(found.sentence) in spaced(text_of(author.get(page))), (page, text_of(author.get(page))[-3000:])
    assert links(author.get("/"), "/campaigns/1/reached")

    rows = list(csv.DictReader(io.StringIO(author.get("/campaigns/1/reached/export.csv").text), delimiter=";"))
    proofs = [row["Preuve"] for row in rows]
    assert {kind.value: proofs.count(kind.label) for kind in PROOFS if kind.label in proofs} == told["by"]
    assert (len(rows), proofs.count("")) == (told["authorities"], told["unproved"])
    for place in ("/situation/export.xlsx", "/situation/actions.xlsx"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(place).data))
        *_, total = book.get_sheet_by_name("Atteints").to_python()
        assert total[7:10] == [told[name] for name in FIXED], place
        assert total[10:] == [told["by"].get(kind.value, 0) for kind in PROOFS]

    (frozen,) = note.reached
    assert ({name: getattr(frozen, name) for name in FIXED}, dict(frozen.by)) == (
        {name: told[name] for name in FIXED},
        told["by"],
    )
    assert numbers(frozen.sentence)[:2] == [told["proved"], told["authorities"]]
    assert frozen.sentence in note.answer
    assert read_figures(note.figures()) == note


def numbers(sentence):
    return [int(one) for one in re.findall(r"\d+", re.sub(r"« .*? »", "", sentence.replace("\xa0", " ")))]


def _counted(session, kind):
    scope = audiences.scope_of(session, session.get_one(Campaign, 1), now=NOW)
    return len(session.scalars(listed(scope, ReachedBy(mailings=(1,), reach=kind))).all())


def test_a_past_day_has_no_proof_and_a_note_on_it_none(author, mixed):
    assert "Atteints, avec preuve" not in text_of(author.get("/?as_of=2021-05-01"))
    with mixed.reading() as session:
        asked = NoteRequest(STORY_DAY - timedelta(days=1), "Bilan")
        content = gathering.gather(session, asked, now=NOW).content
    assert content.reached == ()
    assert "Atteint, avec preuve" not in {one.term for one in content.definitions}


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")
