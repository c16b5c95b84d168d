"""Five years of a service whose clock deletes what is over: nothing overdue stays, and every proof holds."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.adherence import programmes
from outreach.core import audit
from outreach.core.settings import read
from outreach.delivery.models import Message
from outreach.engagement.replies import Response
from outreach.operations import retention
from outreach.operations.retention import Archives, count_over, forget_by_rule
from outreach.reports import files, notes
from outreach.reports.notes import NoteApproval
from outreach.reports.notes._freezing import Gathered
from tests.audit.test_seals import seal
from tests.conftest import NOW
from tests.engagement.replies.test_answers import AUTHOR
from tests.operations.retention.test_forgetting import DELETING, add
from tests.reports.notes.conftest import ROWS, approve_in
from tests.reports.notes.contents import content
from tests.reports.notes.quick import finisher

SEASON = timedelta(days=91.5)
SEASONS, YEARS = 4, 5


def live_a_season(database, now, number):
    """What a season leaves: rows of every table from which rows are deleted, acts, once a year a note."""
    with database.writing() as session:
        audit.record_entry(session, now, AUTHOR, f"Acte de la saison {number}.", "a:1")
    for rule in DELETING:
        with database.reading() as session:
            held = session.scalar(select(func.count()).select_from(rule.model))
        if held == 0:  # what came before has gone: as much comes again
            add(database, rule, now - min(rule.period, SEASON) / 2)
    if number % SEASONS == 0:
        with database.writing() as session:
            programme = programmes.get_programme(session)
            gathered = Gathered(replace(content(), title=f"Note {number}"), ROWS, programme.id, now.date(), now, None)
            key = notes.freeze_note(session, gathered, now=now, actor=AUTHOR).id
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
            rules = retention.in_force(session)
        gone += sum(
            forget_by_rule(three_answered, rule, lambda now=now: now, threading.Event(), archives) for rule in rules
        )
        with three_answered.reading() as session:
            assert {rule.name: count_over(session, rule, now=now) for rule in rules} == {rule.name: 0 for rule in rules}
    with three_answered.reading() as session:
        assert audit.verify_seals(session).fault == ""
        assert files.find_faults(session) == []
        assert session.scalar(select(func.count()).select_from(NoteApproval)) == YEARS
        assert set(session.scalars(select(Response.comment))) == {""}
    assert gone > 100
