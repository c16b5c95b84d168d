"""With two programmes nothing is told of one, or recorded in one, that nobody named; every strand says whose it is."""

import json
import re
from collections import defaultdict

import pytest
from sqlalchemy import select

from outreach.adherence import programmes, situation
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import AdherenceRecord, JoiningList
from outreach.campaigns.models import Campaign
from outreach.core import audit, tables
from outreach.core.tables import open_import
from outreach.core.text import french
from outreach.directory.models import School, Teaching
from outreach.directory.register._edition_imports import states
from outreach.engagement import replies
from outreach.engagement.replies import Response
from outreach.integrations import webhooks_out
from tests import factories
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.web.api.conftest import CODE, ROOT

PROBLEM = "application/problem+json"
LIST = "fase;volet;statut;date\n80001;1;adhéré;01/05/2021\n80002;1;refus;02/05/2021\n"


@pytest.fixture
def codes(filled, launched_sample):
    """The codes of two programmes with joinings each, undone ones too; campaigns and answers are of the first.

    Of the answers one was handled, another was set aside, a third was reopened.
    """
    kind = JoiningLists(NOW.date())
    with launched_sample.writing() as session:
        first, second, third, *_ = session.scalars(select(Response).order_by(Response.id))
        replies.act_on_response(session, first, now=NOW, actor=AUTHOR)
        for one in (second, third):
            replies.set_response_aside(session, one, now=NOW, actor=AUTHOR, note="vu")
        replies.reopen_response(session, third, now=NOW, actor=AUTHOR)
        other = programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=AUTHOR)
        for text in (LIST, LIST.replace("8000", "8001")):
            sent = open_import(text.encode(), HEADERS)
            tables.take_over(session, kind, sent, now=NOW, actor=AUTHOR, programme_id=other.id)
        tables.undo_import(session, kind, now=NOW, actor=AUTHOR)
    audit.number_waiting(launched_sample)
    with launched_sample.reading() as session:
        return [programme.code for programme in programmes.all_programmes(session)]


def operations(app):
    """Every operation of the document, with its method and an address of something that there is."""
    document = app.test_client().get(f"{ROOT}/openapi.json").json
    for path, methods in document["paths"].items():
        address = re.sub(r"\{(\w+)\}", lambda found: CODE[found[1]], path).removeprefix(ROOT)
        for method, operation in methods.items():
            yield method, address, operation


def said(codes):
    return french.typeset(", ".join(f"« {code} »" for code in codes))


def takes_programme(operation):
    return "programme" in {one["name"] for one in operation["parameters"]}


def unnamed(told, named=False):
    """The objects of an answer in which a strand stands, and no programme there or around it."""
    if isinstance(told, list):
        return [one for each in told for one in unnamed(each, named)]
    if not isinstance(told, dict):
        return []
    named = named or "programme" in told or {"code", "strands"} <= told.keys()
    here = [told] if not named and {"strand", "strands"} & told.keys() else []
    return here + [one for each in told.values() for one in unnamed(each, named)]


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.postgresql
def test_no_read_takes_a_programme_that_nobody_named(app, filled, codes):
    seen = set()
    for method, address, operation in operations(app):
        if method != "get":
            continue
        without = filled.get(address)
        if not takes_programme(operation) or address == "/notes":  # of which each names its own, and no strand
            assert (without.status_code, unnamed(without.json)) == (200, []), address
            continue
        assert (without.status_code, without.mimetype) == (409, PROBLEM), address
        assert said(codes) in without.json["detail"], address
        assert without.json["programmes"] == codes, address
        assert filled.get(f"{address}?programme=autre").status_code == 404, address
        for code in codes:
            told = filled.get(f"{address}?programme={code}")
            items = [told.json["from"]] if "from" in told.json else told.json.get("items", [told.json])
            assert {one["programme"] for one in items} <= {code}, address
        seen.add(address)
    assert seen == {
        "/situation",
        "/situation/difference",
        "/segments",
        "/campaigns",
        "/responses",
        "/adherence-records",
    }


@pytest.mark.long
def test_no_write_takes_a_programme_that_nobody_named(app, filled, codes, launched_sample):
    written = {address: operation for method, address, operation in operations(app) if method == "post"}
    assert [*written] == ["/adherence-lists"]
    fields = {"items": [{"school": 80003, "strand": 1, "status": "joined", "day": "2021-05-10"}]}
    for number, more in enumerate(({}, {"dry_run": True}, {"programme": ""})):
        refused = filled.post("/adherence-lists", {**fields, **more}, **{"Idempotency-Key": f"a{number}"})
        assert (refused.status_code, refused.mimetype) == (409, PROBLEM)
        assert said(codes) in refused.json["detail"]
        assert refused.json["programmes"] == codes
    unknown = filled.post("/adherence-lists", {**fields, "programme": "autre"}, **{"Idempotency-Key": "b"})
    assert unknown.status_code == 404
    with launched_sample.reading() as session:
        assert not session.scalars(select(JoiningList).where(JoiningList.received_by.startswith("api_key:"))).all()
    for code in codes:
        taken = filled.post("/adherence-lists", {**fields, "programme": code}, **{"Idempotency-Key": code})
        assert (taken.status_code, taken.json["changes"]) == (200, 1), taken.text
        with launched_sample.reading() as session:
            last = session.get_one(JoiningList, taken.json["id"])
            assert (last.programme.code, taken.json["programme"]) == (code, code)
            assert taken.json["programme_name"] == last.programme.name


def test_one_programme_need_not_be_named_and_may_be(program, sample_database):
    with sample_database.reading() as session:
        (only,) = programmes.all_programmes(session)
    for path in ("/situation", "/adherence-records", "/notes"):
        assert program.get(path).json == program.get(f"{path}?programme={only.code}").json, path


@pytest.mark.long
def test_each_programme_has_rows_and_figures_of_its_own(filled, codes, launched_sample):
    for path, model in (("/adherence-records", AdherenceRecord), ("/campaigns", Campaign)):
        with launched_sample.reading() as session:
            wanted = {
                programme.code: len(
                    session.scalars(
                        select(model.id).where(model.strand_id.in_([s.id for s in programme.strands]))
                    ).all()
                )
                for programme in programmes.all_programmes(session)
            }
        assert {code: len(filled.every(path, programme=code)) for code in codes} == wanted
    for code in codes:
        with launched_sample.reading() as session:
            found = situation.count_situation(session, programmes.get_programme(session, code), NOW.date()).as_json()
        told = filled.get(f"/situation?programme={code}&as_of={found['as_of']}").json["total"]["strands"]
        assert {n: one["joined"] for n, one in told.items()} == {
            n: one["joined"] for n, one in found["total"]["strands"].items()
        }


def test_a_cursor_that_was_saved_before_goes_on_after_a_second_programme_came(program, sample_database):
    page = program.get("/adherence-records?limit=7").json
    with sample_database.writing() as session:
        (first,) = programmes.all_programmes(session)
        known = set(session.scalars(select(AdherenceRecord.id)))
        other = programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=AUTHOR)
        for programme in (other, first):
            sent = open_import(LIST.encode(), HEADERS)
            tables.take_over(session, JoiningLists(NOW.date()), sent, now=NOW, actor=AUTHOR, programme_id=programme.id)
        ours = AdherenceRecord.strand_id.in_([strand.id for strand in first.strands])
        after = set(session.scalars(select(AdherenceRecord.id).where(ours)))
        code = first.code
    seen, cursor = [one["id"] for one in page["items"]], page["next"]
    assert re.fullmatch("c[0-9a-f]+", cursor), "programs keep what earlier versions gave"
    while cursor is not None:
        page = program.get(f"/adherence-records?programme={code}&limit=250&cursor={cursor}").json
        seen, cursor = seen + [one["id"] for one in page["items"]], page["next"]
    assert seen == sorted(after)
    assert known < after


RESPONSE = {"response", "authority", "programme", "strand", "answer", "status"}
BODIES = {  # the names in `data` of each kind of event, as the feed and what is pushed have them
    "register.authority": {"authority", "network"},
    "register.school": {"school", "listings", "teachings"},
    "register.applied": {"edition", "edition_on", "schools"},
    "programme.stated": {"code", "name", "strands", "prerequisites"},
    "adherence.recorded": {"record", "school", "programme", "strand", "status", "word", "effective_on"},
    "adherence.withdrawn": {"record", "school", "programme", "strand"},
    "wave.launched": {"campaign", "wave", "programme", "strand"},
    "response.received": {*RESPONSE, "schools"},
    "response.handled": {*RESPONSE, "follow_up"},
    "response.reopened": RESPONSE,
    "address.excluded": {"exclusion", "reason", "authorities"},
}


@pytest.mark.long
def test_what_is_pushed_is_what_the_feed_has_under_the_names_of_the_interface(filled, codes, launched_sample):
    with launched_sample.writing() as session:
        target = webhooks_out.make_endpoint(
            session, name="Entrepôt", url="https://entrepot.example/", now=NOW, actor=AUTHOR
        )
        target.after, number = 0, target.id
    pushed = []

    def deliver(_url, _identity, body, _now):
        pushed.extend(json.loads(body))
        return "Réponse 204."

    while webhooks_out.push_next(launched_sample, number, "https://campagnes.example", deliver, lambda: NOW):
        pass
    assert {one["type"].removeprefix("outreach."): {*one["data"]} for one in pushed} == BODIES
    named = {(one["id"], json.dumps(one["data"])) for one in pushed}
    events = []
    while batch := filled.get(f"/events?limit=1000&after={len(events)}").json:
        events += batch
    assert {(one["id"], json.dumps(one["data"])) for one in events} == named


def test_a_school_that_teaches_two_types_of_one_level_has_the_level_once(sample_database):
    with sample_database.reading() as session:
        taught = defaultdict(list)
        for key, kind in session.execute(select(Teaching.school_id, Teaching.education_type).where(Teaching.current())):
            taught[key].append(kind.level)
        twice = next(key for key, levels in taught.items() if len(set(levels)) < len(levels))
        (state,) = states(session, {twice: session.get_one(School, twice).fase})
    levels = [one["level"] for one in state["teachings"]]
    assert sorted(levels) == sorted({one.value for one in taught[twice]})


@pytest.mark.long
def test_every_event_that_names_a_strand_names_its_programme(filled, codes, launched_sample):
    events = []
    while batch := filled.get(f"/events?limit=1000&after={len(events)}").json:
        events += batch
    kinds = {"adherence.recorded", "adherence.withdrawn", "wave.launched", "response.received", "programme.stated"}
    kinds |= {"response.handled", "response.reopened"}
    assert {f"outreach.{kind}" for kind in kinds} <= {one["type"] for one in events}
    assert unnamed(events) == []
    came = [one["data"]["follow_up"] for one in events if one["type"] == "outreach.response.handled"]
    assert came == ["acted", "set_aside", "set_aside"]
    told = [one["follow_up"] for one in filled.every("/responses", programme=codes[0])[:3]]
    assert told == [
        {"code": "acted", "label": "demande traitée"},
        {"code": "set_aside", "label": "classée sans suite : vu"},
        None,
    ]
