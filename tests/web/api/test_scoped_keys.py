"""Keys of federations and networks: each list has what the register says is theirs, and every other route is closed."""

import pytest
from sqlalchemy import select

from outreach.api_keys import keys
from outreach.directory.models import Authority, School
from outreach.web.api import blueprint
from tests.factories import AUTHOR
from tests.sight.pruned import members
from tests.web.api.conftest import Program, routes
from tests.web.test_scoped_pages import SIGHTS


@pytest.mark.parametrize(("role", "code"), SIGHTS)
def test_a_key_reads_its_members_and_nothing_else(app, sample_database, role, code):
    with sample_database.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        wanted = {"name": code, "role": f"{role}:{code}", "days": 90}
        program = Program(app.test_client(), keys.make(session, **wanted, now=now, actor=AUTHOR)[1])
    with sample_database.reading() as session:
        inside, within, _ = members(session, role, code)
        authorities = {one.fase for one in session.scalars(select(Authority)) if one.id in inside}
        schools = {one.fase for one in session.scalars(select(School)) if one.id in within}
        strange = session.scalars(select(Authority.fase).where(Authority.id.not_in(inside)).limit(1)).one()
    listed = program.every("/authorities")
    assert {one["fase"] for one in listed} == authorities
    assert {one["school"] for one in program.every("/adherence-records")} <= schools
    assert program.get(f"/authorities/{strange}/schools").status_code == 404
    total = program.get("/situation").json["total"]
    assert (total["authorities"] or 0) <= len(authorities)
    assert (total["schools"] or 0) <= len(schools)
    for method, endpoint, address in routes(app):
        answer = app.test_client().open(f"/api/v1{address}", method=method, headers=program.headers, json={})
        if endpoint not in blueprint.SCOPED | blueprint.OPEN:
            assert (answer.status_code, answer.mimetype) == (403, "application/problem+json"), address


def test_every_view_that_is_open_to_a_scope_is_one(app):
    assert {endpoint for _, endpoint, _ in routes(app)} >= blueprint.SCOPED
