"""Who was reached: pages, files, commands, a note and the criterion count the same authorities."""

import io
import json
import re
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.campaigns import evidence, planning
from outreach.campaigns.counting import Reach
from outreach.campaigns.counting import _counts as counts
from outreach.campaigns.evidence import ReachChannel, StepReason, StepState
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.results import Figure
from outreach.campaigns.results import _reached as reached
from outreach.campaigns.segments import ReachedBy, listed_authorities
from outreach.campaigns.segments._mailing_criteria import ReachKind
from outreach.core.settings import Settings
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Authority
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from outreach.reports.notes._content import read_figures
from tests.commands import invoke
from tests.conftest import NOW, STORY_DAY
from tests.engagement.replies.test_answers import give
from tests.factories import AUTHOR
from tests.pages import links, text_of
from tests.web.campaigns.test_authorities import tables_of


@pytest.fixture(autouse=True)
def in_spring(app, monkeypatch):
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW)


@pytest.fixture
def mixed(launched_sample):
    """The launched campaign with every end: answered, accepted, posted on paper, called, and none of these."""
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
            fields = {"rung": 1, "channel": channel, "reason": StepReason.REFUSED}
            step = evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR)
            if place == 0:
                evidence.move_step(session, step, StepState.PRINTED, now=NOW, actor=AUTHOR)
                evidence.move_step(session, step, StepState.TRIED, now=NOW, actor=AUTHOR, day=NOW.date())
            if place == 4:
                evidence.move_step(session, step, StepState.TRIED, now=NOW, actor=AUTHOR)
        first = each[0].id
        session.scalars(select(Wave).where(Wave.number == 1)).one().state = WaveState.FINISHED
    give(launched_sample, first, "help", now=NOW)
    return launched_sample


def _left(letter, state):
    letter.state, letter.settled_at, letter.fence_id, letter.fenced_at = state, NOW, "f", NOW


def run(database, settings, *words):
    return json.loads(invoke(database, settings, *words, "--json").stdout)


def test_the_number_of_who_has_not_reacted_is_that_of_the_list_that_it_leads_to(author, mixed):
    with mixed.writing() as session:  # one got her letter, said nothing, and then picked up the telephone
        query = select(Message).where(Message.state == MessageState.ACCEPTED).order_by(-Message.authority_id)
        letter = session.scalars(query).first()
        of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
        fields = {"rung": 1, "channel": ReachChannel.CALL, "reason": StepReason.SILENT}
        evidence.move_step(
            session,
            evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR),
            StepState.TRIED,
            now=NOW,
            actor=AUTHOR,
        )
        called = session.get_one(Authority, letter.authority_id).fase
        session.execute(update(Wave).where(Wave.state == WaveState.PLANNED).values(state=WaveState.CANCELLED))
    ((address, said),) = links(author.get("/campaigns/1/progress"), "/campaigns/1/authorities?figure=silent")
    (file,) = {one for one, _ in links(author.get(address), "/campaigns/1/authorities/export.csv")}
    silent = {row["FASE"] for row in tables_of(author, file)[0]}
    assert int(said.partition(" ")[0]) == len(silent) > 0
    assert str(called) not in silent


@pytest.mark.journey
@pytest.mark.long
def test_pages_files_commands_a_note_and_the_criterion_count_the_same(author, mixed, settings):
    with mixed.reading() as session:
        campaign = session.get_one(Campaign, 1)
        counted = counts.of_authorities(session, campaign, now=NOW)
        sentence = reached.sentence(counted.authorities)
        todo = reached.still_to_do(counted.authorities, reached.count_open_steps(session, campaign))
        note = notes.gather_note(session, NoteRequest(STORY_DAY, "Bilan"), now=NOW).content
        criterion = _counted(session, ReachKind.PROVED)
    values = {key: counted.authorities[key] for key in reached.KEYS}
    assert (values["reached"], criterion) == (2, 2), "an answer and a call; neither the relay nor a posting proves it"
    assert values["left"] >= 4
    assert sum(values[key] for key in reached.KEYS[1:]) == values["to_reach"]

    of_command = run(mixed, settings, "campaign", "counts", "1")
    assert {key: of_command[key] for key in values} == values
    assert of_command.keys() == {"campaign", "programme", "strand", "as_of", "schools", *counts.KEYS}
    assert of_command["schools"].keys() == {*counts.KEYS}
    (of_actions,) = run(mixed, settings, "report", "actions")["reached"]
    assert {name: of_actions[name] for name in values} == values
    parts = of_actions["networks"].values()
    assert {name: sum(part[name] for part in parts) for name in values} == values

    assert spaced(sentence) in spaced(text_of(author.get("/situation/actions")))
    assert todo.startswith(", dont ")
    told_there = re.sub(" (?=[,.])", "", spaced(text_of(author.get("/campaigns/1/progress"))))
    assert f"{spaced(sentence).rstrip('.')}{spaced(todo)}." in told_there
    assert links(author.get("/situation/actions"), "/campaigns/1/authorities?figure=to_reach")

    for figure in (Figure.TO_REACH, *map(Figure, Reach)):
        rows, *_ = tables_of(author, f"/campaigns/1/authorities/export.csv?figure={figure}")
        assert len(rows) == values[figure]
        assert all(bool(row["Preuve"]) == (row["Où il en est"] == Figure.REACHED.label) for row in rows)
    for place in ("/situation/export.xlsx", "/situation/actions.xlsx"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(place).data))
        headers, *_, total = book.get_sheet_by_name("Atteints").to_python()
        assert {key: total[headers.index(Figure(key).label)] for key in values} == values, place

    (frozen,) = note.reached
    assert frozen.sentence in note.answer
    assert numbers(frozen.sentence) == [count for count in values.values() if count]
    assert read_figures(note.figures()) == note


def numbers(sentence):
    return [int(one) for one in re.findall(r"\d+", re.sub(r"« .*? »", "", sentence.replace("\xa0", " ")))]


def _counted(session, kind):
    scope = planning.context_of(session, session.get_one(Campaign, 1), now=NOW)
    return len(session.scalars(listed_authorities(scope, ReachedBy(mailings=(1,), reach=kind))).all())


@pytest.mark.long
def test_a_past_day_has_no_proof_and_a_note_on_it_none(author, mixed):
    assert "Qui est atteint" not in text_of(author.get("/situation/actions?as_of=2021-05-01"))
    with mixed.reading() as session:
        note_request = NoteRequest(STORY_DAY - timedelta(days=1), "Bilan")
        content = notes.gather_note(session, note_request, now=NOW).content
    assert content.reached == ()
    assert "Ont réagi" not in {one.term for one in content.definitions}


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")
