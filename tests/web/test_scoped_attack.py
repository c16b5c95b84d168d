"""What somebody of a federation tries: numbers, filters, files, notes, the calendar's feed, error texts, timing."""

import re

import pytest
from sqlalchemy import event, select

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.access.scopes import AccessScope, ScopeKind, scoped_database
from outreach.access.scopes import _engine as engine
from outreach.adherence import programmes
from outreach.campaigns.models import Campaign
from outreach.reports.notes import Note, NoteApproval
from outreach.reports.notes._models import NotePublication
from tests.access.scopes.pruned import prune
from tests.access.scopes.test_engine import talked_sample
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import links, text_of
from tests.web.test_scoped_pages import Scope, signed_in

__all__ = ["talked_sample"]
SCOPES = [("federation", "CECP")]
SCOPES += [pytest.param(*one, marks=pytest.mark.deep) for one in (("federation", "SeGEC"), ("network", "WBE"))]
# What each answer has of its own: what proves its forms.
OF_AN_ANSWER = re.compile(r"(?:nonce|value|content)=\"[\w.~-]{16,}\"")


@pytest.fixture
def cecp(app, launched_sample):
    return signed_in(app, "federation", "CECP")


@pytest.mark.long
def test_filters_by_what_is_another_federation_s_find_nobody(app, launched_sample, cecp):
    scope = Scope(launched_sample, "federation", "CECP")
    for asked in ("federation=SeGEC", "federation=CPEONS", "network=WBE", "level=secondary", "reach=bounced"):
        said = cecp.get(f"/directory?{asked}").text
        found = {int(one) for one in re.findall(r"/directory/(\d+)\"", said)}
        assert found <= scope.own, asked
        assert asked in {"level=secondary", "reach=bounced"} or not found, asked


@pytest.mark.journey
def test_strange_queries_tell_nothing_and_break_nothing(app, launched_sample, cecp):
    scope = Scope(launched_sample, "federation", "CECP")
    for asked in (
        *("/?as_of=2021-03-01&by=federation", "/?known_at=2021-05-01T10:00&by=zone", "/?network=WBE&network=COCOF"),
        *("/situation/schools?strand=1&network=WBE", "/situation/schools?strand=9&status=joined"),
        *("/directory?page=99999", "/directory?sort=-name&count=exact", "/situation/actions?q=premier"),
        *(
            "/calendar?month=2021-05&view=list",
            "/calendar?month=2021-06",
            "/notes?state=frozen",
            "/proposals?state=waiting",
        ),
    ):
        answer = cecp.get(asked)
        assert answer.status_code in {200, 400, 404, 422}, asked
        assert not scope.leaks(text_of(answer)), asked


@pytest.mark.long
def test_no_note_before_its_publication_and_no_campaign_that_writes_to_no_member(app, launched_sample, cecp):
    with launched_sample.writing() as session:
        fields = {"title": "Note secrète", "as_of": NOW.date(), "known_at": NOW, "figures": "{}", "text": ""}
        by = {"sha256": "0" * 64, "frozen_at": NOW, "frozen_by": AUTHOR}
        session.add(Note(programme=programmes.get_programme(session), **fields, **by))
        (title,) = session.scalars(select(Campaign.title)).all()
    assert cecp.get("/notes/1").status_code == 403
    for path in ("/notes", "/notes/export.csv", "/", "/calendar?month=2021-05", "/calendar?month=2021-05&view=list"):
        said = cecp.get(path).text
        assert "Note secrète" not in said, path
        assert title not in said, path  # its strand is of secondary schools, which CECP does not represent
    assert title in signed_in(app, "federation", "SeGEC").get("/calendar?month=2021-05").text


@pytest.mark.long
def test_a_published_note_is_read_on_its_public_page_which_counts_no_federation(app, launched_sample, cecp):
    with launched_sample.writing() as session:
        fields = {"title": "Premier bilan", "as_of": NOW.date(), "known_at": NOW}
        said = {"figures": '{"by": "FELSI : 1 sur 1"}', "text": "Le collège Untel a refusé."}
        by = {"sha256": "0" * 64, "frozen_at": NOW, "frozen_by": AUTHOR}
        note = Note(programme=programmes.get_programme(session), **fields, **said, **by)
        session.add(note)
        session.flush()
        approved = {"approved_at": NOW, "approved_as": "validation", "number": "2021-001", "position": 1, "year": 2021}
        sealed = {"signature": "x", "public_key": "x", "previous_sha256": "", "rank": 1}
        session.add(NoteApproval(note_id=note.id, **approved, **sealed))
        session.add(NotePublication(note_id=note.id, published_at=NOW, published_by=AUTHOR))
        number = note.id
    assert ("/n/2021-001", "Premier bilan") in links(cecp.get("/notes"), "/n/")
    assert "Filtrer par état" not in cecp.get("/notes").text, "there is one state alone"
    for path in (f"/notes/{number}", *(f"/notes/{number}/note.{kind}" for kind in ("pdf", "json", "xlsx"))):
        assert cecp.get(path).status_code == 403, path
    with scoped_database(launched_sample, AccessScope(ScopeKind.FEDERATION, "CECP")).reading() as session:
        seen = session.get_one(Note, number)
        assert (seen.title, seen.figures, seen.text) == ("Premier bilan", "", "")


@pytest.mark.long
def test_the_feed_is_scoped_like_its_owner(app, launched_sample):
    said = {}
    for code in ("CECP", "SeGEC"):
        signed_in(app, "federation", code)
        with launched_sample.writing() as session:
            person = session.scalars(select(User).where(User.scope_code == code).order_by(User.id.desc())).first()
            key = accounts.make_calendar_key(session, person.id, now=NOW)
        said[code] = app.test_client().get(f"/calendar.ics?key={key}").text
        assert "/campaigns/" not in said[code]
        assert "À rappeler" not in said[code]
    assert "Envoi" not in said["CECP"]


def test_a_number_of_nobody_costs_what_that_of_a_stranger_costs(app, launched_sample, cecp):
    """The time tells nothing: the same statements are asked."""
    scope = Scope(launched_sample, "federation", "CECP")
    cecp.get("/directory")
    asked, opened = [], engine._kept[launched_sample.engine]
    event.listen(opened.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    counts = []
    for fase in (scope.strange[0], 99999):
        asked.clear()
        assert cecp.get(f"/directory/{fase}").status_code == 404
        counts.append(list(asked))
    assert counts[0] == counts[1]


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize(("role", "code"), SCOPES)
def test_a_page_says_what_it_would_say_if_there_were_nobody_else(app, talked_sample, role, code):
    """No count, order or sentence depends on who is no member: what a change of theirs would show, this shows."""
    scope = Scope(talked_sample, role, code)
    own, school = sorted(scope.listed)[len(scope.listed) // 2], min(scope.schools)
    sheet = f"/directory/{own}"
    pages = (
        *("/", "/?by=federation", "/?by=zone&as_of=2021-03-01", "/?by=province", "/situation/export.csv"),
        *("/situation/schools?strand=1", "/situation/schools.csv?strand=2", "/situation/actions"),
        *("/situation/actions.csv", "/directory", "/directory?count=exact&sort=-name", "/directory?q=communal"),
        *("/directory?reach=bounced", "/directory?level=secondary&zone=1", "/directory/export.csv", sheet),
        *(f"{sheet}/contacts", f"{sheet}/statuses", f"{sheet}/schools.csv", f"/schools/{school}"),
        *("/calendar?month=2021-05&view=list", "/calendar?month=2021-06", "/notes", "/notes/export.csv", "/proposals"),
    )

    def told():
        client = signed_in(app, role, code)
        answers = {page: client.get(page) for page in pages}
        assert {answer.status_code for answer in answers.values()} <= {200, 404}
        return {page: OF_AN_ANSWER.sub("", answer.text) for page, answer in answers.items()}

    before = told()
    prune(talked_sample, role, code)
    after = told()
    assert {page for page in pages if before[page] != after[page]} == set()
