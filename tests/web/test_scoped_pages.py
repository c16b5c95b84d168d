"""What accounts of federations and networks get: every route, against what the register says by hand."""

import csv
import io
import re
from collections import Counter
from html import unescape

import hypothesis
import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text
from werkzeug.exceptions import HTTPException

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.core.text.roles import RoleName
from outreach.directory.models import Authority, Contact, School
from outreach.web.sign_in.sessions import KEY, TOKEN
from outreach.web.ui import request
from tests.access.scopes.pruned import members
from tests.access.scopes.test_engine import talked_sample
from tests.architecture.test_sweeps import OPEN, SAMPLES, addresses, texts
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import check, elements, links, text_of

__all__ = ["talked_sample"]
ALL_SCOPES = [
    *(("federation", code) for code in ("SeGEC", "FELSI", "CECP", "CPEONS")),
    *(("network", code) for code in ("WBE", "COCOF")),
]
OF_EACH_KIND = ("CECP", "WBE")  # the others are of a kind with one of these
EVERY = [pytest.param(*one, marks=() if one[1] in OF_EACH_KIND else pytest.mark.deep) for one in ALL_SCOPES]
UNGUARDED = {"account.sign_in_again", "second_factor.check", "second_factor.set_up"}  # steps of signing in
NUMBERS = re.compile(r"(?<![\w.])\d{4,6}(?![\w.])")
ADDRESSES = re.compile(r"[\w.+'-]+@[\w.-]+\w")
LED = re.compile(r'<\w+\b[^>]* (?P<of>href|src|action|data-hx-get|hx-get)="(?P<to>[/?][^"]*)"[^>]*>')
OF_ONE = 3 if hypothesis.settings.get_current_profile_name() == "all" else 1  # addresses
ELSEWHERE = ("/static", "/n/")  # the page of a note is the same for everybody
PIECES = re.compile(r"<[^>]*>|[\r\n;\"]+")


def signed_in(app, role, code):
    """A client signed in as somebody of a federation or a network."""
    client, now = app.test_client(), app.extensions["outreach.settings"].instant()
    with app.extensions["outreach.database"].writing() as session:
        accounts.ensure_roles(session)
        person = accounts.add_user(
            session,
            NOW,
            AUTHOR,
            email=f"conseil.{(code or role).lower()}@federation.example",
            name=f"Conseil {code}",
            roles=[RoleName(role)],
            password_hash="x",
            scope=code,
        )
        session.flush()
        key = accounts.begin_session(session, person.id, "Firefox sous Linux", has_factor=True, now=now)
        cookie = {"_user_id": person.fs_uniquifier, "_fresh": True, KEY: key, TOKEN: f"{person.id}.x"}
    with client.session_transaction() as kept:
        kept.update(cookie)
    return client


class Scope:
    """The members of a scope as the register's rows have them, and what may be said of nobody else."""

    def __init__(self, database, role, code):
        with database.reading() as session:
            inside, schools, self.levels = members(session, role, code)
            authorities = session.scalars(select(Authority)).unique().all()
            self.own = {one.fase for one in authorities if one.id in inside}
            every = session.scalars(select(School)).all()
            self.schools = {one.fase for one in every if one.id in schools}
            self.strange = sorted({one.fase for one in authorities} - self.own)
            self.school_elsewhere = next(one.fase for one in every if one.id not in schools)
            seen = [*(one for one in authorities if one.id in inside), *(one for one in every if one.id in schools)]
            unseen = [
                *(one for one in authorities if one.id not in inside),
                *(one for one in every if one.id not in schools),
            ]
            ours = {text.casefold() for one in seen for text in (one.name, one.display_name)}
            names = {text for one in unseen for text in (one.name, one.display_name)}
            self.names = {name for name in names if name.casefold() not in ours}
            sites = session.execute(
                text("SELECT u.school_id, s.fase FROM school_sites u JOIN sites s ON s.id = u.site_id")
            )
            shown = {str(fase) for school, fase in sites if school in schools}  # a number is a key in its series only
            self.numbers = {str(one.fase) for one in unseen} - {str(one.fase) for one in seen} - shown
            self.numbers -= {one.postcode for one in seen}
            contacts = session.execute(select(Contact.authority_id, Contact.address)).all()
            self.addresses = {each for key, each in contacts if key not in inside}
            self.listed = set(
                session.scalars(
                    text(
                        "SELECT DISTINCT a.fase FROM listings o JOIN authorities a ON a.id = o.authority_id"
                        f" WHERE o.until IS NULL AND o.school_id IN ({', '.join(map(str, schools)) or 'NULL'})"
                    )
                )
            )

    def leaks(self, said):
        """What an answer says of those who are no members."""
        pieces = {" ".join(piece.split()) for piece in PIECES.split(said)}
        found = self.numbers & set(NUMBERS.findall(said)) | self.addresses & set(ADDRESSES.findall(said))
        found |= self.names & pieces
        return found | {name for name in list(self.names)[::9] if name in said}


@pytest.mark.long
@pytest.mark.sweep
@pytest.mark.parametrize(("role", "code"), EVERY)
def test_no_open_route_says_anything_of_who_is_no_member(app, launched_sample, role, code):
    scope, client = Scope(launched_sample, role, code), signed_in(app, role, code)
    app.config["WTF_CSRF_ENABLED"] = False
    own, school = min(scope.listed), min(scope.schools)
    opened = {}
    for fase, one in ((own, school), (scope.strange[0], scope.school_elsewhere)):
        samples = {**SAMPLES, "fase": str(fase), "school": str(one), "key": "volet-1"}
        for method, endpoint, address in addresses(app, samples):
            if endpoint not in request.PAGES | request.WRITES:
                continue
            of_school = address.replace(str(fase), str(one)) if endpoint == "schools.index" else address
            response = FlaskClient.open(client, of_school, method=method)
            if fase != own and "<number:fase>" in str(app.url_map._rules_by_endpoint[endpoint][0].rule):
                assert response.status_code == 404, f"{address}: {response.status_code}"
            for said in texts(response):
                assert scope.leaks(said) <= {str(fase), str(one)} - (
                    {str(own), str(school)} if fase == own else set()
                ), address
            if response.status_code == 200:
                opened[endpoint] = address
                if response.data[:9].lower() == b"<!doctype":
                    check(response.text, response.headers)
    assert opened.keys() >= request.PAGES, request.PAGES - opened.keys()


@pytest.mark.long
def test_every_other_route_refuses_and_says_nothing_of_who_is_no_member(app, launched_sample):
    """Whom an account may see decides nothing here: the door asks only whether it is of a scope, not of which."""
    scope, client = Scope(launched_sample, "federation", "CECP"), signed_in(app, "federation", "CECP")
    app.config["WTF_CSRF_ENABLED"] = False
    refused = set()
    fase, one = str(scope.strange[0]), str(scope.school_elsewhere)
    samples = {**SAMPLES, "fase": fase, "school": one, "key": "volet-1"}
    for method, endpoint, address in addresses(app, samples):
        if endpoint in OPEN | UNGUARDED or endpoint in request.OWN | request.GUIDE | request.PAGES | request.WRITES:
            continue
        response = FlaskClient.open(client, address, method=method)
        # A session opens nothing to programs, and `x` sends no joinings.
        refusal = {"api": 401, "hooks": 404}.get(endpoint.partition(".")[0], 403)
        assert response.status_code == refusal, f"{method} {address}: {response.status_code}"
        for said in texts(response):
            assert scope.leaks(said) <= {fase, one}, address
        refused.add((method, endpoint))
    assert len(refused) > 100


@pytest.mark.long
@pytest.mark.parametrize(("role", "code"), EVERY)
def test_counts_and_files_are_those_of_the_register(app, launched_sample, role, code):
    scope, client = Scope(launched_sample, role, code), signed_in(app, role, code)
    rows = list(csv.reader(io.StringIO(client.get("/directory/export.csv").data.decode("utf-8-sig")), delimiter=";"))
    at = rows[0].index("FASE") if "FASE" in rows[0] else next(i for i, name in enumerate(rows[0]) if "FASE" in name)
    assert {int(row[at]) for row in rows[1:]} == scope.listed
    said = text_of(client.get("/directory"))
    assert f"{len(scope.listed)} pouvoir" in said.replace("\u202f", "").replace(" ", " ")
    for address in ("/situation/schools.csv?strand=1", "/situation/schools.csv?strand=1&as_of=2021-03-01"):
        found = list(csv.reader(io.StringIO(client.get(address).data.decode("utf-8-sig")), delimiter=";"))
        at = next(i for i, name in enumerate(found[0]) if "FASE" in name and "cole" in name)
        assert {int(row[at]) for row in found[1:]} <= scope.schools
    with launched_sample.reading() as session:
        wanted = session.scalar(
            text(
                "SELECT count(DISTINCT s.id) FROM schools s JOIN teachings t ON t.school_id = s.id AND t.until IS NULL"
                " JOIN strands v ON v.number = 1 JOIN listings o ON o.school_id = s.id AND o.until IS NULL"
                " JOIN (SELECT 'M' AS letter, 'nursery' AS level UNION SELECT 'P', 'primary'"
                " UNION SELECT 'S', 'secondary') w"
                " ON w.letter = substr(t.education_type, 1, 1) AND ',' || v.levels || ',' LIKE '%,' || w.level || ',%'"
                f" WHERE w.level IN ({', '.join(repr(one) for one in scope.levels)})"
                f" AND s.fase IN ({', '.join(map(str, scope.schools))})"
            )
        )
    now = list(
        csv.reader(io.StringIO(client.get("/situation/schools.csv?strand=1").data.decode("utf-8-sig")), delimiter=";")
    )
    assert len(now) - 1 == wanted


@pytest.mark.long
@pytest.mark.parametrize(("role", "code"), [ALL_SCOPES[0], pytest.param(*ALL_SCOPES[4], marks=pytest.mark.deep)])
def test_whatever_an_open_page_leads_to_opens(app, talked_sample, role, code):
    """Links, pictures, what a script asks for, and forms. Of each view so many addresses for each name of an argument,
    for the first federation and network; refusals are pages, too, and an issuer adds a button."""
    held = {"oidc_issuer": "https://issuer.example", "oidc_client_id": "x"}
    app.extensions["outreach.settings"] = app.extensions["outreach.settings"].model_copy(update=held)
    client, refused, opened = signed_in(app, role, code), ["/campaigns", "/directory/99999", "/nothing"], set()
    todo, seen = [*refused, "/", "/account", "/situation/actions"], Counter()
    while todo:
        method, _, address = todo.pop(0).rpartition(" ")
        where, _, asked = address.partition("#")[0].partition("?")
        endpoint = endpoint_of(app, method or "GET", where)
        named = {
            (endpoint, where if endpoint.startswith("guide.") else "", one.partition("=")[0])
            for one in asked.split("&")
        }
        if where.startswith(ELSEWHERE) or all(seen[each] >= OF_ONE for each in named):
            continue
        seen.update(named)
        if method == "POST":
            assert endpoint in request.WRITES | request.OWN, f"{role}: a form leads to {address}"
            continue
        response = FlaskClient.open(client, address, follow_redirects=True)  # what is on it, the first test checks
        assert response.status_code == 200 or address in refused, f"{role}: {response.status_code} {address}"
        opened.add(endpoint)
        if response.data[:9].lower() == b"<!doctype":
            todo += led(address, response.text)
    assert len(opened) > 25, opened


def endpoint_of(app, method, path):
    try:
        return app.url_map.bind("").match(path, method)[0]
    except HTTPException:
        return path


def led(address, page):
    """Where a page leads: each as a browser asks for it, with its method before it unless that is GET."""
    for found in LED.finditer(page):
        to = unescape(found["to"])
        to = f"{address.partition('?')[0]}{to}" if to.startswith("?") else to
        is_sent = found["of"] == "action" and 'method="post"' in found[0].lower()
        yield f"POST {to}" if is_sent else to


@pytest.mark.long
def test_a_page_of_who_is_no_member_is_as_one_that_is_not_there(app, launched_sample):
    scope, client = Scope(launched_sample, "federation", "CECP"), signed_in(app, "federation", "CECP")
    stranger, nobody = scope.strange[0], 99999
    for place in ("", "/contacts", "/statuses", "/schools.csv"):
        answers = [client.get(f"/directory/{fase}{place}") for fase in (stranger, nobody)]
        assert [one.status_code for one in answers] == [404, 404]
        assert text_of(answers[0]).replace(str(stranger), "") == text_of(answers[1]).replace(str(nobody), "")


@pytest.mark.journey
@pytest.mark.long
def test_a_search_finds_no_stranger_and_no_word_of_one(app, launched_sample):
    scope, client = Scope(launched_sample, "federation", "CPEONS"), signed_in(app, "federation", "CPEONS")
    with launched_sample.reading() as session:
        strangers = session.scalars(select(Authority).where(Authority.fase.in_(scope.strange[::40]))).unique().all()
        asked = [(one.fase, one.name, str(one.fase)) for one in strangers]
        mailbox = session.scalar(select(Contact.address).where(Contact.authority_id == strangers[0].id))
    for fase, *words in [*asked, (asked[0][0], mailbox), (asked[0][0], mailbox[:-4] + "x")]:
        for word in words:
            said = client.get("/directory", query_string={"q": word})
            assert f"/directory/{fase}" not in said.text
            assert not scope.leaks(text_of(said).replace(word, ""))


@pytest.mark.long
def test_a_frame_that_leads_nowhere_else(app, launched_sample):
    client = signed_in(app, "federation", "CECP")
    page = client.get("/")
    assert [label for _, label in links(page, "/") if label in {"Réponses", "Campagnes", "Administration"}] == []
    refused = client.get("/campaigns")
    assert refused.status_code == 403
    assert request.CLOSED.split(":", maxsplit=1)[0].strip() in text_of(refused)


@pytest.mark.long
def test_a_first_day_says_what_is_seen_and_where_to_propose(app, launched_sample):
    client = signed_in(app, "federation", "SeGEC")
    page = client.get("/")
    assert "ne comptent que ce qui est de votre fédération, SeGEC" in text_of(page)
    account = text_of(client.get("/account"))
    assert "une personne qui valide ou administre" not in account
    assert "rappels" not in account
    assert elements(client.get("/directory"), "select[@name='federation']") == []
    of_network = signed_in(app, "network", "COCOF").get("/directory")
    assert elements(of_network, "select[@name='federation']")
    assert elements(of_network, "input[@name='network']") == [], "it has one"
    notes, proposals = client.get("/notes"), client.get("/proposals")
    assert "Aucune note publiée." in text_of(notes)
    assert [text_of(here) for here in elements(notes, "nav//a[@aria-current]")] == ["Notes"]
    assert "« Proposer une adresse » sous « Contacts »" in text_of(proposals)


@pytest.mark.long
def test_the_guide_is_open_and_begins_with_what_scopes_see(app, launched_sample):
    client = signed_in(app, "federation", "SeGEC")
    leads = [client.get(page) for page in ("/", "/calendar", "/proposals", "/account/second-factor")]
    leads = [next(address for address, label in links(page, "/help") if label == "Aide") for page in leads]
    chapter = "/help/federations"
    assert leads == [chapter, chapter, f"{chapter}#proposer-une-correction", "/help/second-facteur"]
    page = client.get(chapter)
    assert [text_of(here) for here in elements(page, "nav//a[@aria-current]")] == ["Aide"]
    (picture,) = [one.get("src") for one in elements(page, "main//img")]
    assert client.get(picture).mimetype == "image/png"
    assert client.get("/help").status_code == 200
    assert "Ce que voient les fédérations" in text_of(client.get("/help?q=membres"))


def test_the_mailboxes_of_a_sheet_have_no_bar_with_one_tab(app, launched_sample):
    fase, bar = min(Scope(launched_sample, "federation", "SeGEC").listed), "Contacts du pouvoir organisateur"
    path = f"/directory/{fase}/contacts"
    assert bar not in signed_in(app, "federation", "SeGEC").get(path).text
    assert bar in signed_in(app, "reader", "").get(path).text


def test_a_mailbox_that_fails_is_proposed_anew_and_not_corrected(app, launched_sample):
    client = signed_in(app, "federation", "SeGEC")
    (found, *_) = re.findall(r"/directory/(\d+)\"", client.get("/directory?reach=bounced").text)
    said = client.get(f"/directory/{found}")
    assert [label for _, label in links(said, f"/directory/{found}/contacts")] == ["Contacts", "Proposer une adresse"]


@pytest.mark.long
def test_the_sheet_says_why_it_is_seen(app, launched_sample):
    scope = Scope(launched_sample, "federation", "CECP")
    said = text_of(signed_in(app, "federation", "CECP").get(f"/directory/{min(scope.listed)}"))
    assert (
        "Vous voyez ce PO parce que CECP le représente aujourd’hui pour ses écoles de niveau maternel et primaire."
        in said
    )
    said = text_of(signed_in(app, "network", "WBE").get("/directory")).split()
    assert said


def test_only_views_that_read_and_that_every_role_may_open_are_open(app):
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint in request.PAGES:
            assert rule.methods <= {"GET", "HEAD", "OPTIONS"}, rule.endpoint
            assert view.roles == (RoleName.READER,), rule.endpoint
        if rule.endpoint in request.WRITES:
            assert view.roles == (RoleName.READER,), rule.endpoint
    assert {*request.PAGES, *request.OWN, *request.GUIDE, *request.WRITES} <= {
        rule.endpoint for rule in app.url_map.iter_rules()
    }


def test_the_door_taken_out_once_lets_something_through(app, launched_sample, monkeypatch):
    client = signed_in(app, "federation", "CECP")
    monkeypatch.setattr(request, "PAGES", request.PAGES | {"responses.index", "accounts.index"})
    assert client.get("/administration/accounts").status_code == 200
    with launched_sample.reading() as session:
        everybody = session.scalars(select(User.email)).all()
    said = client.get("/administration/accounts").text
    assert not [address for address in everybody if address in said and "conseil" not in address]  # the views hold


@pytest.mark.journey
@pytest.mark.long
def test_no_file_has_a_sheet_or_a_word_of_whom_campaigns_reached_which_a_federation_is_not_told(app, launched_sample):
    lines = "Ont réagi", "Présumés atteints"
    for role, code, is_told in (("reader", "", True), ("federation", "SeGEC", False)):
        client = signed_in(app, role, code)
        for name in ("export", "actions"):
            book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"/situation/{name}.xlsx").data))
            sheets = {sheet.partition(",")[0]: sheet for sheet in book.sheet_names}
            assert ("Atteints" in sheets) == is_told, (role, name)
            if name == "export":
                terms = {cell for row in book.get_sheet_by_name(sheets["Définitions"]).to_python() for cell in row}
                assert [one in terms for one in lines] == [is_told] * len(lines)
        for page in ("/", "/situation/schools?strand=1"):
            assert all((one in text_of(client.get(page))) == is_told for one in lines), (page, role)
