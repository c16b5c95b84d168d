"""A status recorded by hand is withdrawn by rows of its own, and from then on nothing counts it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.adherence import programmes, records
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status, Word
from outreach.campaigns import planning
from outreach.core.audit import entries_about
from outreach.core.settings import ROOT
from outreach.core.text.errors import NotFound, Refused
from outreach.directory.models import Authority
from tests.campaigns.conftest import APPROVER, AUTHOR, draft, people, settle, strand
from tests.conftest import NOW, STORY_DAY

__all__ = ["people", "strand"]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def session(database, people, strand):
    """Two authorities (keys 1 and 2) with two schools each, and a campaign for both."""
    settle(database, 2, schools=2)
    draft(database)
    with database.writing() as opened:
        yield opened


def record(session, authority, status=Status.JOINED, now=NOW, word=Word.CONFIRMED, source="Réunion"):
    programme = programmes.get_programme(session)
    held = session.get_one(Authority, authority)
    schools = records.eligible_schools(session, held, programme.strands, STORY_DAY)
    details = {"status": status, "word": word, "effective_on": STORY_DAY, "now": now, "today": STORY_DAY}
    records.record_adherence(
        session, held, programme, programme.strands[0], schools, actor=AUTHOR, source=source, **details
    )
    session.flush()


def of(session, authority, act=records.of_authority, *details, **by):
    return act(session, session.get_one(Authority, authority), programmes.get_programme(session), *details, **by)


def withdraw(session, authority, number, now=LATER):
    withdrawn = of(session, authority, records.withdraw_hand_record, number, now=now, actor=APPROVER)
    session.flush()
    return withdrawn


def statuses(session, authority):
    programme = programmes.get_programme(session)
    rows = records.list_standings(session, session.get_one(Authority, authority), programme, STORY_DAY)
    return [row.strands[1].status for row in rows]


def written(session):
    return planning.count_campaign_audience(session, planning.campaign_numbered(session, 1), now=NOW).written


def test_a_withdrawn_record_counts_no_more_for_the_status_or_a_letter_and_its_row_stays(session):
    record(session, 1)
    assert (statuses(session, 1), written(session)) == ([Status.JOINED] * 2, 1)
    (entry,) = of(session, 1)
    withdraw(session, 1, entry.number)
    assert (statuses(session, 1), written(session)) == ([Status.NONE] * 2, 2)
    (kept,) = of(session, 1)
    assert (kept.status, kept.withdrawn_by, kept.withdrawn_at) == (Status.JOINED, APPROVER, LATER)
    counted = select(func.count()).select_from(AdherenceRecord), select(func.count()).select_from(RecordWithdrawal)
    assert [session.scalar(query) for query in counted] == [2, 2]
    told = entries_about(session, "authority:9001")[0]
    assert (told.actor, told.sentence) == (
        APPROVER,
        f"Enregistrement annulé : volet 1, 2 écoles, « Adhéré » (confirmé) au 15/05/2021, enregistré par {AUTHOR}.",
    )


def test_what_was_known_before_holds_again_and_is_told_before_it_is_done(session):
    record(session, 1, Status.IN_PREPARATION)
    record(session, 1, Status.JOINED, now=LATER)
    newest, older = of(session, 1)
    falls = of_falls(session, newest)
    assert {(fall.before.status, fall.after.status) for fall in falls} == {(Status.JOINED, Status.IN_PREPARATION)}
    withdraw(session, 1, newest.number)
    assert statuses(session, 1) == [Status.IN_PREPARATION] * 2
    withdraw(session, 1, older.number)
    assert statuses(session, 1) == [Status.NONE] * 2


def of_falls(session, entry):
    return records.changes_without(session, programmes.get_programme(session), entry, STORY_DAY)


def test_a_record_is_withdrawn_once_and_only_by_way_of_its_own_authority(session):
    record(session, 1)
    (entry,) = of(session, 1)
    for number in (entry.number, 10**9):
        with pytest.raises(NotFound):
            withdraw(session, 2, number)
    withdraw(session, 1, entry.number)
    with pytest.raises(Refused, match="déjà annulé"):
        withdraw(session, 1, entry.number)


def test_what_an_authority_declared_from_a_letter_is_its_own_word(session):
    record(session, 1, Status.DECLINED, word=Word.DECLARED, source=records.FROM_A_LETTER)
    assert of(session, 1) == []
    record(session, 1, Status.JOINED, word=Word.DECLARED, source="Réunion", now=LATER)
    assert [entry.status for entry in of(session, 1)] == [Status.JOINED]


def test_whoever_reads_statuses_leaves_withdrawn_records_out():
    """`AdherenceRecord.stands` is the one condition. Those that list records, withdrawn or not, tell which are."""
    reads = re.compile(r"AdherenceRecord\.(?:status|word)\b|select\(AdherenceRecord")
    tells = {"_by_hand.py", "_records.py"}
    asks = re.compile(r"AdherenceRecord\.(?:stands|was_known)\(")
    modules = [path for path in (ROOT / "outreach").rglob("*.py") if reads.search(path.read_text(encoding="utf-8"))]
    assert len(modules) > len(tells)
    careless = {path.name for path in modules if not asks.search(path.read_text(encoding="utf-8"))}
    by_key = {
        "_joining_lists.py",
        "_change_events.py",
        "_explained.py",
    }  # of records that their callers wrote, or chose
    assert careless <= tells | by_key
    assert all(
        "RecordWithdrawal" in (ROOT / "outreach/adherence/records" / name).read_text(encoding="utf-8") for name in tells
    )
