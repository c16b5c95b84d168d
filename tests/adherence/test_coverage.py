from datetime import date, timedelta

import pytest
from sqlalchemy import delete, func, select

from outreach.adherence import programmes, situation
from outreach.adherence.imports import HEADERS, JoiningLists, covered_until, first_covering, stated_coverage
from outreach.adherence.models import CoveredNetwork, JoiningList
from outreach.adherence.situation import Bucket
from outreach.core import tables
from outreach.core.audit import AuditEntry
from outreach.core.text.errors import InputError, Refused
from tests.conftest import STORY_DAY

KIND = JoiningLists(STORY_DAY)
FIRST, LATER = date(2021, 5, 1), date(2021, 5, 14)


@pytest.fixture
def silent(session):
    programme = programmes.get_programme(session)
    found = situation.list_situation_schools(session, programme, STORY_DAY, situation.Selection(1, Bucket.NONE)).page(
        1, 20
    )
    return [row.School.fase for row in found]


@pytest.fixture
def receive(session, silent, now):
    def call(until=None, *named, school=0):
        about = programmes.get_programme(session).id
        said = stated_coverage(session, until, named, STORY_DAY)
        sent = tables.open_import(f"fase;volet;statut;date\r\n{silent[school]};1;adhéré;10/05/2021".encode(), HEADERS)
        facts = {"programme_id": about, "coverage": said}
        return tables.receive_import(session, KIND, sent, now=now, actor="nadia", **facts)

    return call


@pytest.fixture
def apply(session, receive, now):
    def call(*said, at=timedelta(0), **which):
        received = receive(*said, **which)
        judged = tables.judge_import(session, KIND, received)
        tables.apply_import(session, KIND, received, judged, now=now + at, actor="nadia")
        return received

    return call


def days(session):
    covered = covered_until(session, programmes.get_programme(session))
    return {network.code: day for network, day in covered.items() if day}


def test_a_list_says_until_which_day_it_is_complete_for_which_networks(session, apply, now):
    assert days(session) == {}
    apply(FIRST, "WBE", "libre confessionnel")
    apply(LATER, "Officiel subventionné COCOF", "WBE", school=1)
    apply(FIRST, "WBE", school=2)
    assert days(session) == {"WBE": LATER, "COCOF": LATER, "Libre confessionnel": FIRST}
    for _ in range(2):
        tables.undo_import(session, KIND, now=now, actor="nadia")
    assert days(session) == {"WBE": FIRST, "Libre confessionnel": FIRST}, "what is undone covers nothing"


def test_a_list_that_says_nothing_else_new_is_applied_for_what_it_covers(session, apply, receive):
    apply()
    apply(FIRST, "WBE")
    assert days(session) == {"WBE": FIRST}
    with pytest.raises(Refused, match="rien de nouveau"):
        apply(FIRST, "WBE")


def test_the_same_file_with_another_coverage_is_another_list(receive):
    assert receive().id != receive(FIRST, "WBE").id == receive(FIRST, "WBE").id


def test_the_audit_and_the_summary_say_what_a_list_covers(session, apply):
    received = apply(FIRST, "WBE", "COCOF")
    words = "complète jusqu’au 1er mai 2021 pour WBE et Officiel subventionné COCOF"
    said = received.summary["coverage"]
    assert said.pop("label").replace("\xa0", " ") == words
    assert said == {"complete_until": FIRST.isoformat(), "covers": ["WBE", "COCOF"]}
    audited = session.scalar(select(AuditEntry.sentence).order_by(AuditEntry.id.desc()).limit(1))
    assert words in audited.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("until", "named", "fault"),
    [
        (None, ["WBE"], "jusqu’à quel jour"),
        (FIRST, [], "pour quels réseaux"),
        (STORY_DAY + timedelta(1), ["WBE"], "à venir"),
        (FIRST, ["Autre"], "« Autre » n’existe pas. Choisissez parmi : WBE"),
    ],
)
def test_half_a_statement_is_refused(session, until, named, fault):
    with pytest.raises(InputError, match=fault):
        stated_coverage(session, until, named, STORY_DAY)


def test_the_first_list_that_covers_all_networks_is_found(session, apply):
    programme = programmes.get_programme(session)
    keys = stated_coverage(session, FIRST, ["WBE", "COCOF"], STORY_DAY).networks
    apply(FIRST, "WBE", at=timedelta(1))
    assert first_covering(session, programme.id, keys, FIRST) is None
    second = apply(LATER, "COCOF", at=timedelta(2), school=1)
    apply(LATER, "WBE", "COCOF", at=timedelta(3), school=2)
    assert first_covering(session, programme.id, keys, FIRST) is second
    assert first_covering(session, programme.id, keys, LATER + timedelta(1)) is None


def test_a_list_that_is_deleted_takes_what_it_covers_with_it(session, receive):
    received = receive(FIRST, "WBE")
    session.execute(delete(JoiningList).where(JoiningList.id == received.id))
    assert session.scalar(select(func.count()).select_from(CoveredNetwork)) == 0
