"""What programs read: in the stated shapes, as pages and commands count it, without a letter's token."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import counting, planning
from outreach.delivery import outbox
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState, SuppressionReason
from outreach.delivery.outbox import listed_schools
from outreach.directory.authorities import Filters, count_authorities
from outreach.directory.models import Authority
from outreach.integrations import api_keys as keys
from outreach.integrations.api_keys import ApiKey
from outreach.reports.notes import Note
from outreach.web.api import blueprint
from outreach.web.api.limits import Reads
from outreach.web.api.specification import SHAPES
from tests import factories
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.web.api.conftest import Program, made, routes


@pytest.mark.long
@pytest.mark.sweep
def test_every_answer_has_its_stated_shape_and_no_letters_token(app, filled):
    keys, seen = Keys(app.extensions["outreach.settings"].signing_keys), set()
    for method, endpoint, address in routes(app):
        if method != "GET" or endpoint not in SHAPES:
            continue
        response = filled.get(address)
        assert response.status_code == 200, f"{address}: {response.text}"
        told = SHAPES[endpoint].model_validate_json(response.data)
        if not address.startswith("/notes"):
            assert getattr(told, "items", True), f"{address} has nothing to show"
        words = re.findall(r"(?<![a-z0-9])[a-z2-7]{40}(?![a-z0-9])", response.text, re.IGNORECASE)
        assert not any(keys.read(word, kind) for word in words for kind in TokenKind), address
        seen.add(endpoint)
    assert seen >= {"api.recipients", "api.responses", "api.exclusions", "api.current_situation"}


@pytest.mark.sweep
def test_every_route_but_the_contents_wants_a_key(app, program):
    for method, endpoint, address in routes(app):
        for header in ({}, {"Authorization": "Bearer outreach_x"}, {"Authorization": "Basic eA=="}):
            response = app.test_client().open(f"/api/v1{address}", method=method, headers=header)
            if endpoint in blueprint.OPEN:
                assert response.status_code == 200
                continue
            assert response.status_code == 401, address
            assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.journey
@pytest.mark.long
def test_every_fault_has_one_shape(app, program):
    asked = [
        ("/authorities?network=%00", "GET"),
        ("/unknown", "GET"),
        ("/campaigns/99", "GET"),
        ("/authorities/1/schools", "GET"),
    ]
    for method, _, address in routes(app):
        asked += [(f"{address}?nonsense=1", method), (address, "DELETE"), (f"{address}?cursor=%00", method)]
    seen = set()
    for address, method in asked:
        response = app.test_client().open(f"/api/v1{address}", method=method, headers=program.headers)
        if response.status_code == 200:
            assert address.partition("?")[0] in {"/", "/openapi.json"}
            continue
        assert response.mimetype == "application/problem+json", address
        content = response.json
        assert set(content) == {"type", "title", "status", "detail"}
        assert (content["status"], content["type"][:13]) == (response.status_code, "urn:outreach:")
        assert content["title"]
        assert content["detail"].endswith((".", "»."))
        assert response.status_code != 405 or "GET" in response.headers["Allow"] or "POST" in response.headers["Allow"]
        seen.add(response.status_code)
    assert {400, 404, 405} <= seen


@pytest.mark.long
def test_a_situation_is_the_one_that_pages_count(program, sample_database):
    day = "2021-05-15"
    with sample_database.reading() as session:
        programme = programmes.get_programme(session)
        listed = listed_schools(NOW.replace(hour=22))
        found = situation.count_situation(session, programme, NOW.date(), listed=listed).as_json()
        authorities = count_authorities(session, Filters()).authorities
        records = session.scalar(select(func.count(AdherenceRecord.id)))
    assert program.get(f"/situation?as_of={day}").json == {"programme": programme.code, **found}
    assert program.get("/situation?as_of=0001-01-01").status_code == 409
    late = program.get("/situation?as_of=2099-12-31")
    assert (late.status_code, late.json["detail"]) == (409, "Cette date est dans l’avenir.")
    every = program.every("/authorities", limit=100)
    assert len({one["fase"] for one in every}) == len(every) == authorities
    assert len(program.every("/adherence-records")) == records


def test_rows_that_come_meanwhile_move_none_to_another_page(program, sample_database):
    first = program.get("/exclusions?limit=2").json
    assert first == {"items": [], "next": None}
    for number in range(5):
        _exclude(sample_database, f"a{number}@ecole.example")
    page = program.get("/exclusions?limit=2").json
    _exclude(sample_database, "new@ecole.example")
    rest = program.get(f"/exclusions?limit=250&cursor={page['next']}").json
    seen = [one["email"] for one in page["items"] + rest["items"]]
    assert seen == [*(f"a{number}@ecole.example" for number in range(5)), "new@ecole.example"]
    assert rest["next"] is None


def _exclude(database, address):
    with database.writing() as session:
        outbox.suppress_address(session, address, SuppressionReason.STAFF, now=NOW, actor="x")


def test_a_note_is_not_there_before_its_publication(program, sample_database):
    with sample_database.writing() as session:
        programme = programmes.get_programme(session)
        fields = {"title": "Secret", "as_of": NOW.date(), "known_at": NOW, "figures": "{}", "text": ""}
        by = {"sha256": "1" * 64, "frozen_at": NOW, "frozen_by": factories.AUTHOR}
        session.add(Note(programme=programme, **fields, **by))
    assert program.get("/notes").json == {"items": [], "next": None}


def test_an_answer_that_has_not_changed_is_not_sent_again(program):
    first = program.get("/networks")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = program.get("/networks", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = program.get("/programmes", **{"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_a_key_that_asks_too_much_waits_and_another_does_not(app, program, sample_database, monkeypatch):
    at = [0.0]
    monkeypatch.setattr(blueprint, "COUNTED", Reads(3, lambda: at[0]))
    now = app.extensions["outreach.settings"].instant()
    other = Program(app.test_client(), made(sample_database, now, "Entrepôt"))
    left = [program.get("/networks").headers["RateLimit"] for _ in range(3)]
    assert left == [f'"reads";r={number};t=60' for number in (2, 1, 0)]
    at[0] = 20.0
    refused = program.get("/networks")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    assert other.get("/networks").status_code == 200
    at[0] = 60.0
    assert program.get("/networks").status_code == 200


def test_a_request_that_is_refused_counts_as_well(app, program, sample_database, monkeypatch):
    """A write that is refused leaves no row by which it would count among the writes of an hour."""
    monkeypatch.setattr(blueprint, "COUNTED", Reads(2, lambda: 0.0))
    statuses = [program.post("/adherence-lists", {}, **{"Idempotency-Key": "a"}).status_code for _ in range(4)]
    assert statuses == [400, 400, 429, 429]
    with sample_database.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        scoped = {"name": "CECP", "role": "federation:CECP", "days": 9}
        other = Program(app.test_client(), keys.make(session, **scoped, now=now, actor=AUTHOR)[1])
    assert [other.get("/exclusions").status_code for _ in range(4)] == [403, 403, 429, 429]


def test_the_last_use_of_a_key_is_noted_after_the_answer_once_a_minute(app, program, sample_database, monkeypatch):
    def used():
        with sample_database.reading() as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    settings = app.extensions["outreach.settings"]
    assert used() is None
    program.get("/networks")
    first = used()
    assert first is not None
    program.get("/networks")
    assert used() == first
    later = settings.model_copy(update={"clock_offset": settings.clock_offset + 61})
    monkeypatch.setitem(app.extensions, "outreach.settings", later)
    program.get("/networks")
    assert used() - first >= timedelta(seconds=60)


def test_an_ended_key_opens_nothing(program, sample_database):
    assert program.get("/networks").status_code == 200
    with sample_database.writing() as session:
        keys.end(session, 1, now=NOW, actor=factories.AUTHOR)
    assert program.get("/networks").status_code == 401


def test_the_document_names_every_route_and_every_fault_as_a_problem(app, program):
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    stated = {re.sub(r"\{\w+\}", "1", path) for path in document["paths"]}
    assert len(stated) == len(SHAPES)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"][0].isupper(), path
            assert {"200", "400", "401", "429"} <= set(operation["responses"])
            for code, answer in operation["responses"].items():
                if int(code) >= 400:
                    assert [*answer["content"]] == ["application/problem+json"], path
            assert all(parameter["schema"] for parameter in operation["parameters"])
    page = app.test_client().get("/api/v1/")
    assert page.text.count("<section") == sum(map(len, document["paths"].values()))


KEYS = {  # what stands under a name, wherever it stands
    **dict.fromkeys(("fase", "authority", "school", "strand", "campaign", "list", "rows"), "integer"),
    **dict.fromkeys(("name", "label", "title", "programme", "network", "email", "url"), "string"),
    **dict.fromkeys(("effective_on", "opened_on", "complete_until", "day", "until"), "date"),
    **dict.fromkeys(("due_at", "next_try_at", "recorded_at", "given_at", "outcome_at", "time"), "date-time"),
}


def kinds(shape):
    """The kinds of value that a property may have, but for null."""
    if "anyOf" in shape:
        return {kind for one in shape["anyOf"] for kind in kinds(one)} - {"null"}
    return {shape.get("format") or shape.get("type") or shape["$ref"]}


def test_one_name_means_one_thing_and_every_operation_has_one(app):
    document = app.test_client().get("/api/v1/openapi.json").json
    found = {}
    for shape in document["components"]["schemas"].values():
        for name, value in shape.get("properties", {}).items():
            found.setdefault(name, set()).update(kinds(value))
    assert {name: found[name] for name in KEYS} == {name: {kind} for name, kind in KEYS.items()}
    named = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len({*named}) == len(named)
    assert all(re.fullmatch(r"(get|list|send)([A-Z][a-z]+)+", name) for name in named), named
    patterns = re.findall(r'"pattern": ?"([^"]*)"', app.test_client().get("/api/v1/openapi.json").text)
    assert patterns
    assert max(map(len, patterns)) < 40, "days and moments are types"


@pytest.mark.long
def test_a_campaign_says_what_it_is_and_its_counts_are_those_of_the_command(app, filled, launched_sample):
    now = app.extensions["outreach.settings"].instant()
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
    with launched_sample.writing() as session:
        session.execute(update(Message).where(Message.reason.is_(None)).values(left))
    (listed,), content = filled.get("/campaigns").json["items"], filled.get("/campaigns/1").json
    numbers = listed.pop("counts")
    assert content.items() >= listed.items()
    assert content["counts"].items() >= numbers.items()
    assert {*numbers} == {"recipients", "answered", "joined_since"}
    assert numbers["recipients"] > 0
    with launched_sample.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        counted = counting.of_campaign(session, campaign, now=now).as_json()
        (programme,) = programmes.all_programmes(session)
        said = campaign.title, programme.code, campaign.strand.number
    assert {**content["counts"], "as_of": None} == {**counted, "as_of": None}
    assert (content["title"], content["programme"], content["strand"]) == said
    assert content["audience"] == "Pouvoirs organisateurs : au moins une école secondaire."
    assert [(wave["state"], wave["label"]) for wave in content["waves"][:2]] == [
        ("running", "En cours"),
        ("planned", "Planifiée"),
    ]


def test_the_numbers_of_a_page_of_campaigns_cost_no_statement_more_however_many_they_are(app, filled, launched_sample):
    def statements():
        seen = []

        def note(_connection, _cursor, statement, *_more):
            seen.append(statement)

        event.listen(launched_sample.engine, "before_cursor_execute", note)
        items = filled.get("/campaigns").json["items"]
        event.remove(launched_sample.engine, "before_cursor_execute", note)
        return items, len(seen)

    with launched_sample.writing() as session:
        factories.campaign(session, factories.invitation(), NOW)
    statements()
    _, before = statements()
    with launched_sample.writing() as session:
        for number in range(6):
            concerns = "joined" if number else "open"
            factories.campaign(session, factories.invitation(title=f"Suite {number}", concerns=concerns), NOW)
    items, after = statements()
    assert (len(items), after) == (8, before)
    assert [one["counts"]["joined_since"] for one in items[2:]] == [0, *[None] * 5]
    assert {one["counts"]["recipients"] for one in items[1:]} == {0}


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("known_at=2021-05-15T08:00:00Z", 200),
        ("known_at=2021-05-15T10:00:00.5%2B02:00", 200),
        ("known_at=2021-05-14&as_of=2021-05-14", 200),
        ("known_at=2021-05-14&as_of=2021-05-15", 409),
        ("known_at=0001-01-01T00:00:00%2B23:59", 409),
        ("known_at=9999-12-31T23:59:59-23:59", 409),
        ("known_at=2021-05-15T08:00:00", 400),
        ("known_at=2021-05-15 08:00", 400),
        ("known_at=1621065600", 400),
        ("as_of=2021-05-32", 400),
        ("as_of=15/05/2021", 400),
        ("as_of=1621065600", 400),
        ("as_of=", 400),
    ],
)
def test_days_and_moments_are_taken_as_the_document_writes_them(program, asked, status):
    answer = program.get(f"/situation?{asked}")
    assert (answer.status_code, answer.mimetype) == (
        status,
        "application/json" if status == 200 else "application/problem+json",
    )


def test_the_authorities_of_one_network(program, sample_database):
    with sample_database.reading() as session:
        wanted = set(session.scalars(select(Authority.fase).where(Authority.network.has(code="WBE"))))
    page = program.get("/authorities?network=WBE").json
    assert {one["fase"] for one in page["items"]} == wanted
