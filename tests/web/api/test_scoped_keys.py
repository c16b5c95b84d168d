"""Keys of federations and networks: each list has what the register says is theirs, and every other route is closed."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import exists, select, text

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns.models import Campaign, Wave
from outreach.core.tables import ListState
from outreach.directory.models import (
    Authority,
    EducationType,
    Level,
    Membership,
    Ownership,
    RegisterImport,
    School,
    Teaching,
)
from outreach.integrations import api_keys
from outreach.web.api import blueprint
from outreach.web.api.specification import SHAPES
from tests.access.scopes.pruned import members
from tests.factories import AUTHOR
from tests.programmes import NURSERY
from tests.web.api.conftest import Program, routes
from tests.web.test_scoped_pages import ALL_SCOPES

DAY = timedelta(1)
OF_EACH_KIND = ("SeGEC", "WBE")
SCOPES = [pytest.param(*one, marks=() if one[1] in OF_EACH_KIND else pytest.mark.deep) for one in ALL_SCOPES]


@pytest.mark.journey
@pytest.mark.one_example
@pytest.mark.parametrize(("role", "code"), SCOPES)
def test_a_key_reads_its_members_and_nothing_else(app, sample_database, role, code):
    with sample_database.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        wanted = {"name": code, "role": f"{role}:{code}", "days": 90}
        program = Program(app.test_client(), api_keys.make(session, **wanted, now=now, actor=AUTHOR)[1])
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


@pytest.mark.journey
@pytest.mark.long
def test_what_a_key_of_a_federation_reads_has_the_stated_shape(app, launched_sample):
    """A generated client reads by it: a campaign has another shape than the one a reader's key gets."""
    with launched_sample.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        wanted = {"name": "SeGEC", "role": "federation:SeGEC", "days": 90}
        program = Program(app.test_client(), api_keys.make(session, **wanted, now=now, actor=AUTHOR)[1])
    seen = set()
    for method, endpoint, address in routes(app):
        if method == "GET" and endpoint in blueprint.SCOPED & SHAPES.keys():
            answer = program.get(address)
            assert answer.status_code in {200, 404}, address
            if answer.status_code == 200:
                SHAPES[endpoint].model_validate_json(answer.data)
                seen.add(endpoint)
    assert seen >= {"api.campaign", "api.campaigns", "api.authorities", "api.current_situation"}


@pytest.mark.long
def test_a_key_of_a_federation_reads_the_programmes_that_concern_its_members(app, sample_database):
    with sample_database.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        programmes.load_programme(session, NURSERY, now=now, actor=AUTHOR)
        made = {
            code: api_keys.make(session, name=code, role=f"federation:{code}", days=90, now=now, actor=AUTHOR)[1]
            for code in ("CECP", "CPEONS")
        }
    of = {code: Program(app.test_client(), key) for code, key in made.items()}
    listed = {code: [one["code"] for one in program.get("/programmes").json["items"]] for code, program in of.items()}
    assert "premiers-mots" in listed["CECP"]
    assert listed["CPEONS"] == ["mes-outils-numeriques"], "its members have no nursery school"
    assert of["CPEONS"].get("/situation").json["programme"] == "mes-outils-numeriques"
    assert of["CPEONS"].get("/situation?programme=premiers-mots").status_code == 404


def moved(session, day):
    """A school that the register gave on a day from CPEONS to SeGEC, as an edition does it; it had joined before."""
    federation = dict(session.execute(text("SELECT code, id FROM federations")).all())
    of = {
        code: session.scalar(
            select(Ownership)
            .join(Membership, Membership.authority_id == Ownership.authority_id)
            .join(Teaching, Teaching.school_id == Ownership.school_id)
            .where(Membership.federation_id == federation[code], Membership.level == Level.SECONDARY)
            .where(Teaching.education_type == EducationType.SECONDARY_ORDINARY, Ownership.current())
            .where(~exists().where(AdherenceRecord.school_id == Ownership.school_id))
            .order_by(Ownership.id)
            .limit(1)
        )
        for code in ("CPEONS", "SeGEC")
    }
    noon = datetime.combine(day, time(12), UTC)
    edition = RegisterImport(edition_on=day, sha256="x", grid="[]", outcome="", state=ListState.APPLIED)
    edition.received_at = edition.applied_at = noon
    edition.received_by = edition.applied_by = AUTHOR
    session.add(edition)
    session.flush()
    of["CPEONS"].until, of["CPEONS"].closed_by = day, edition.id
    session.flush()
    school = of["CPEONS"].school_id
    session.add(
        Ownership(school_id=school, authority_id=of["SeGEC"].authority_id, since=day, until=None, opened_by=edition.id)
    )
    joined = {
        "effective_on": day - 10 * DAY,
        "recorded_at": noon - 9 * DAY,
        "source": "",
        "reason": "",
        "recorded_by": "x",
    }
    (strand,) = [one for one in programmes.get_programme(session).strands if one.number == 1]
    session.add(AdherenceRecord(school_id=school, strand_id=strand.id, status="joined", word="confirmed", **joined))
    runs = select(Ownership.id).where(Ownership.authority_id == of["CPEONS"].authority_id, Ownership.current())
    return session.get(School, school).fase, "moved" if session.scalars(runs).first() else "merged"


@pytest.mark.journey
def test_a_key_is_told_that_a_school_left_its_members_and_not_which(app, sample_database):
    now = app.extensions["outreach.settings"].instant()
    today = now.date()
    with sample_database.writing() as session:
        school, cause = moved(session, today - 5 * DAY)
        made = {
            code: api_keys.make(session, name=code, role=f"federation:{code}", days=90, now=now, actor=AUTHOR)[1]
            for code in ("CPEONS", "SeGEC")
        }

    def joined(code, first, last):
        asked = f"/situation/difference?strand=1&from={today - first * DAY}&to={today - last * DAY}"
        found = Program(app.test_client(), made[code]).get(asked).json
        assert (found["from"]["federation"], found["to"]["network"]) == (code, None)
        (cell,) = [one for one in found["totals"] if one["status"] == "joined"]
        assert cell["after"] - cell["before"] == sum(one["delta"] for one in cell["causes"])
        assert school not in {each for one in cell["causes"] for each in one["schools"]} or code == "SeGEC"
        return cell["before"], [(one["cause"], one["delta"], one["schools"]) for one in cell["causes"]]

    assert joined("CPEONS", 7, 0)[1] == [("left", -1, [])]
    assert joined("SeGEC", 7, 0)[1] == [(cause, 1, [school])]
    assert joined("CPEONS", 20, 7)[1] == [("joined_since", 1, [])], "it was a member, and may be named no more"
    total = Program(app.test_client(), made["CPEONS"]).get("/situation").json["total"]["strands"]["1"]
    assert joined("CPEONS", 0, 0) == (total["joined"], [])


def written_to(session, inside, within, levels):
    """How many members each wave wrote to, by campaign and wave, from the rows of its letters."""
    rows = session.execute(
        text(
            "SELECT w.campaign_id, w.number, m.authority_id, s.school_id, d.levels FROM waves w"
            " JOIN messages m ON m.mailing_id = w.mailing_id LEFT JOIN message_subjects s ON s.message_id = m.id"
            " JOIN campaigns c ON c.id = w.campaign_id JOIN strands d ON d.id = c.strand_id"
        )
    )
    found = {}
    for campaign, wave, authority, school, of_levels in rows:
        if authority in inside and levels.intersection(of_levels.split(",")) and (school is None or school in within):
            found.setdefault(campaign, {}).setdefault(wave, set()).add(authority)
    return {campaign: {wave: len(each) for wave, each in waves.items()} for campaign, waves in found.items()}


@pytest.mark.long
@pytest.mark.parametrize(("role", "code"), SCOPES)
def test_a_key_reads_the_campaigns_that_write_to_its_members_and_counts_these(app, launched_sample, role, code):
    with launched_sample.writing() as session:
        now = app.extensions["outreach.settings"].instant()
        wanted = {"name": code, "role": f"{role}:{code}", "days": 90}
        program = Program(app.test_client(), api_keys.make(session, **wanted, now=now, actor=AUTHOR)[1])
    with launched_sample.reading() as session:
        expected = written_to(session, *members(session, role, code))
        every = session.scalars(select(Campaign.id)).all()
        whole = {wave.number: wave.due_at for wave in session.scalars(select(Wave))}
    values = {number: program.get(f"/campaigns/{number}") for number in (*every, 9999)}
    seen = {number: one.json["waves"] for number, one in values.items() if one.status_code == 200}
    counts = {
        number: {wave["number"]: wave["meant"]["total"] for wave in waves if "sent" in wave}
        for number, waves in seen.items()
    }
    assert {number: waves for number, waves in counts.items() if waves} == expected
    assert {one["id"] for one in program.every("/campaigns")} == seen.keys()
    assert all(wave["meant"]["total"] and wave["number"] in whole for waves in seen.values() for wave in waves)
    hidden = {one.text.replace(str(number), "") for number, one in values.items() if one.status_code == 404}
    assert len(hidden) == 1, "one that writes to no member is as one that is not there"
    assert not any(one.json["answers"] or one.json["measured"] for one in values.values() if one.status_code == 200)


def test_every_view_that_is_open_to_a_scope_is_one(app):
    assert {endpoint for _, endpoint, _ in routes(app)} >= blueprint.SCOPED
