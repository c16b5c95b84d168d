"""Five years of a service whose clock deletes what is over: nothing overdue stays, and every proof holds."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach import audit
from outreach.adherence import programmes
from outreach.audit import seals
from outreach.delivery.models import Message
from outreach.notes import freezing, known_notes
from outreach.notes.freezing import Gathered
from outreach.notes.models import NoteApproval
from outreach.responses.models import Response
from outreach.retention import changes
from outreach.retention.archives import Archives
from outreach.retention.forgetting import count_over, forget
from outreach.settings import read
from tests.audit.test_seals import seal
from tests.conftest import NOW
from tests.notes.conftest import ROWS, approve_in
from tests.notes.contents import content
from tests.notes.quick import finisher
from tests.responses.test_answers import AUTHOR
from tests.retention.test_forgetting import DELETING, add

SEASON = timedelta(days=91.5)
SEASONS, YEARS = 4, 5


def live_a_season(database, now, number):
    """What a season leaves: rows of every table from which rows are deleted, acts, once a year a note."""
    with database.writing() as session:
        audit.record(session, now, AUTHOR, f"Acte de la saison {number}.", "a:1")
    for rule in DELETING:
        with database.reading() as session:
            held = session.scalar(select(func.count()).select_from(rule.model))
        if held == 0:  # what came before has gone: as much comes again
            add(database, rule, now - min(rule.period, SEASON) / 2)
    if number % SEASONS == 0:
        with database.writing() as session:
            programme = programmes.named(session)
            gathered = Gathered(replace(content(), title=f"Note {number}"), ROWS, programme.id, now.date(), now, None)
            key = freezing.freeze(session, gathered, now=now, actor=AUTHOR).id
        approve_in(database, key, finish=finisher(None), now=now)


@pytest.mark.long
def test_after_five_years_nothing_is_overdue_and_every_proof_holds(three_answered, tmp_path):
    archives = Archives.of(read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_SORTING_LIST": "TT-2027-04"}))
    with three_answered.writing() as session:
        session.execute(update(Message).where(Message.fence_id.is_(None)).values(state="expired"))
    gone = 0
    for number in range(SEASONS * YEARS):
        now = NOW + number * SEASON
        live_a_season(three_answered, now, number)
        seal(three_answered, now)
        with three_answered.reading() as session:
            rules = changes.in_force(session)
        gone += sum(forget(three_answered, rule, lambda now=now: now, threading.Event(), archives) for rule in rules)
        with three_answered.reading() as session:
            assert {rule.name: count_over(session, rule, now=now) for rule in rules} == {rule.name: 0 for rule in rules}
    with three_answered.reading() as session:
        assert seals.verify(session).fault == ""
        assert known_notes.faults(session) == []
        assert session.scalar(select(func.count()).select_from(NoteApproval)) == YEARS
        assert set(session.scalars(select(Response.comment))) == {""}
    assert gone > 100
