"""What programs write: a joining list, once under each name, left out where it cannot be read, undone as any other."""

from datetime import date

import pytest
from sqlalchemy import func, select

from outreach.adherence import programmes
from outreach.adherence.imports import JoiningLists, StatedJoining
from outreach.adherence.imports._rows import STATUSES
from outreach.adherence.models import AdherenceRecord, JoiningList, RecordWithdrawal, Status
from outreach.core import tables
from outreach.directory.reference import fold
from outreach.integrations import idempotency
from outreach.integrations.idempotency import IdempotentRequest
from outreach.web.api.shapes import JoiningsOutput
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.web.api.conftest import Program, made

PATH = "/adherence-lists"


@pytest.fixture
def schools(sample_database):
    """The FASE numbers of three schools that have no status in the first strand."""
    from outreach.adherence.models import Status
    from outreach.adherence.situation import standing_of_schools
    from outreach.directory.models import School

    with sample_database.reading() as session:
        programme = programmes.get_programme(session)
        rows = standing_of_schools(NOW.date(), [programme.strands[0]])
        found = select(School.fase).join(rows, rows.c.school_id == School.id).where(rows.c.status == Status.NONE)
        return session.scalars(found.order_by(School.fase).limit(3)).all()


def joining(school, **more):
    return {"school": school, "strand": 1, "status": "joined", "day": "2021-05-10", **more}


def test_every_status_has_a_word_that_a_list_reads():
    for status in Status:
        assert STATUSES[fold(StatedJoining(1, 1, status, NOW.date()).cells[2])] is status


@pytest.mark.postgresql
def test_a_list_is_recorded_once_under_its_name(program, sample_database, schools):
    values = {"items": [joining(school, source="Plateforme") for school in schools] + [joining(1)]}
    first = program.post(PATH, values, **{"Idempotency-Key": "a"})
    assert first.status_code == 200, first.text
    JoiningsOutput.model_validate_json(first.data)
    left_out = [(one["row"], one["field"]) for one in first.json["rejected"]]
    assert (first.json["changes"], left_out) == (3, [(4, "school")])
    again = program.post(PATH, values, **{"Idempotency-Key": "a"})
    assert again.json == first.json
    other = program.post(PATH, {"items": values["items"][:1]}, **{"Idempotency-Key": "a"})
    assert (other.status_code, other.json["type"]) == (409, "urn:outreach:conflict")
    known = program.post(PATH, values, **{"Idempotency-Key": "b"})
    assert (known.json["id"], known.json["unchanged"]) == (None, 3)
    with sample_database.reading() as session:
        last = session.scalars(select(JoiningList).order_by(JoiningList.id.desc())).first()
        assert (last.id, last.received_by) == (first.json["id"], "api_key:1")
        theirs = AdherenceRecord.list_id == last.id
        assert session.scalar(select(func.count(AdherenceRecord.id)).where(theirs)) == 3
    with sample_database.writing() as session:
        tables.undo_import(session, JoiningLists(NOW.date()), now=NOW, actor=AUTHOR)
        assert session.scalar(select(func.count(RecordWithdrawal.record_id))) == 3


def test_a_joining_after_the_closing_is_left_out_with_the_day(program, sample_database, schools):
    with sample_database.writing() as session:
        programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 9)
    items = [joining(schools[0]), joining(schools[1], day="2021-05-09")]
    content = program.post(PATH, {"items": items}, **{"Idempotency-Key": "late"}).json
    assert (content["changes"], [one["row"] for one in content["rejected"]]) == (1, [1])
    assert "a fermé le 9 mai 2021" in content["rejected"][0]["message"].replace("\xa0", " ")


def test_a_key_that_reads_does_not_write_and_is_told_what_to_do(app, sample_database, schools):
    other = Program(
        app.test_client(), made(sample_database, app.extensions["outreach.settings"].instant(), "Lecture", writes=False)
    )
    assert other.get("/networks").status_code == 200
    refused = other.post(PATH, {"items": [joining(schools[0])]}, **{"Idempotency-Key": "a"})
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert "Demandez à l’administration du service une clé qui écrit" in refused.json["detail"]
    with sample_database.reading() as session:
        assert session.scalar(select(func.count(IdempotentRequest.id))) == 0
        assert session.scalar(select(func.count()).where(JoiningList.received_by.startswith("api_key:"))) == 0


@pytest.mark.one_example
@pytest.mark.parametrize(
    "told",
    [
        {},
        {"items": []},
        {"items": [{"school": 1}]},
        {"items": [joining(1, day="x")]},
        {"items": [joining(1), joining(2, programme="autre")]},
        {"items": [joining(1, day=0)]},
        {"items": [joining("1")]},
        [],
    ],
)
def test_what_is_no_list_is_refused_and_nothing_is_kept(program, sample_database, told):
    refused = program.post(PATH, told, **{"Idempotency-Key": "a"})
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    with sample_database.reading() as session:
        assert session.scalar(select(func.count(IdempotentRequest.id))) == 0


def test_a_list_may_be_complete_until_a_day_for_networks(program, schools):
    fields = {"items": [joining(schools[0])], "complete_until": "2021-05-12", "covers": ["WBE"]}
    first = program.post(PATH, fields, **{"Idempotency-Key": "a"})
    said = first.json["coverage"]
    assert (said["complete_until"], said["covers"]) == ("2021-05-12", ["WBE"]), first.text
    assert said["label"].startswith("complète jusqu’au")
    alone = program.post(PATH, {**fields, "covers": []}, **{"Idempotency-Key": "b"})
    assert alone.status_code == 400


def test_a_write_without_a_name_or_that_is_no_json_is_refused(program, schools):
    values = {"items": [joining(schools[0])]}
    assert program.post(PATH, values).status_code == 400
    assert program.post(PATH, values, **{"Idempotency-Key": "x" * 256}).status_code == 400
    form = program.client.post(f"/api/v1{PATH}", data=values, headers=program.headers)
    assert form.status_code == 415
    pieces = {**program.headers, "Idempotency-Key": "b", "Transfer-Encoding": "chunked"}
    refused = program.client.post(f"/api/v1{PATH}", json=values, headers=pieces)
    assert (refused.status_code, refused.json["type"]) == (411, "urn:outreach:length-required")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"items":' * 30_000])
def test_a_body_of_too_many_levels_is_refused(program, body):
    named = {**program.headers, "Idempotency-Key": "a"}
    refused = program.client.post(f"/api/v1{PATH}", data=body, headers=named, content_type="application/json")
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")


def test_a_key_that_writes_too_often_waits(program, schools, monkeypatch):
    monkeypatch.setattr(idempotency, "MOST", 2)
    values = {"items": [joining(schools[0])]}
    for name in "ab":
        assert program.post(PATH, values, **{"Idempotency-Key": name}).status_code == 200
    refused = program.post(PATH, values, **{"Idempotency-Key": "c"})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert program.post(PATH, values, **{"Idempotency-Key": "a"}).status_code == 200
