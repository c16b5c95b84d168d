"""One box for everything: forty questions, of which the right answer comes first to 95 %; and what a scope finds."""

import pytest
from sqlalchemy import select

from outreach.core.text.roles import RoleName
from outreach.delivery.letters import Keys
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.operations import finding
from outreach.operations.finding import FoundKind, FoundPage
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from outreach.web.pages.staff.finding import PAGES
from tests.conftest import NOW, STORY_DAY
from tests.factories import AUTHOR
from tests.pages import elements, links
from tests.web.test_scoped_pages import signed_in as scoped

AUTHORITY, SCHOOL, CAMPAIGN, NOTE, ANSWER, PAGE = (
    *(FoundKind.AUTHORITY, FoundKind.SCHOOL, FoundKind.CAMPAIGN, FoundKind.NOTE, FoundKind.ANSWER, FoundKind.PAGE),
)
QUESTIONS = (
    ("80001", SCHOOL, 80001),
    ("FASE 80013", SCHOOL, 80013),
    ("9005", AUTHORITY, 9005),
    ("fase 9001", AUTHORITY, 9001),
    ("wallonie bruxelles enseignement", AUTHORITY, 9001),
    ("administration communale namur", AUTHORITY, 9005),
    ("ottignies administration", AUTHORITY, 9018),
    ("collège communal ciney", AUTHORITY, 9040),
    ("chimay college", AUTHORITY, 9076),
    ("province de hainaut", AUTHORITY, 9267),
    ("commission communautaire", AUTHORITY, 9272),
    ("sainte véronique trooz", AUTHORITY, 9284),
    ("enseignement catholique la bruyere", AUTHORITY, 9302),
    ("institut sainte-anne schaerbeek", AUTHORITY, 9311),
    ("saint jean baptiste fontaine l'eveque", AUTHORITY, 9347),
    ("saint-michel wanze", AUTHORITY, 9419),
    ("comité scolaire notre dame tubize", AUTHORITY, 9473),
    ("sapinière tubize", AUTHORITY, 9940),
    ("tivoli", AUTHORITY, 9960),
    ("saint eloi huy", AUTHORITY, 9990),
    ("athénée waremme", SCHOOL, 80001),
    ("athenee royal rixensart", SCHOOL, 80013),
    ("athénée la louvière", SCHOOL, 80049),
    ("école de la gare liège", SCHOOL, 80345),
    ("ecole des aubépines", SCHOOL, 80461),
    ("école du parc à tournai", SCHOOL, 80582),
    ("athénée communal mons", SCHOOL, 80528),
    ("institut provincial mouscron", SCHOOL, 81423),
    ("virton provincial", SCHOOL, 81483),
    ("école spécialisée wavre", SCHOOL, 82692),
    ("invitation", CAMPAIGN, 1),
    ("campagne premier volet", CAMPAIGN, 1),
    ("bilan de mai", NOTE, 1),
    ("état des boites", PAGE, "reachability.index"),
    ("segments", PAGE, "segments.index"),
    ("importer adhésions", PAGE, "adherence.index"),
    ("désinscrits", PAGE, "exclusions.index"),
    ("courriels reçus", PAGE, "mails.index"),
    ("propositions fédérations", PAGE, "proposals.index"),
    ("calendrier", PAGE, "calendar.index"),
)


@pytest.fixture
def session(launched_sample):
    with launched_sample.writing() as opened:
        gathered = notes.gather_note(opened, NoteRequest(STORY_DAY, "Le bilan de mai"), now=NOW)
        notes.freeze_note(opened, gathered, now=NOW, actor=AUTHOR)
        yield opened


def first(session, text):
    pages = [FoundPage(name, words, view) for view, name, words in PAGES]
    found = finding.find(session, text, pages, Keys((b"x" * 32,)))
    return (found[0].kind, found[0].where) if found else None


@pytest.mark.sweep
def test_the_right_one_comes_first_to_95_of_100_questions(session):
    wrong = {text: first(session, text) for text, *right in QUESTIONS if first(session, text) != tuple(right)}
    assert len(wrong) <= 0.05 * len(QUESTIONS), wrong


def test_an_answer_is_found_by_its_authority_and_by_who_gave_it(session):
    letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
    (given,) = replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
    name = session.get_one(Authority, letter.authority_id).display_name
    assert first(session, name) == (AUTHORITY, given.authority.fase)
    assert first(session, f"réponse {name}") == (ANSWER, given.id)


def test_the_page_leads_to_what_is_found_and_to_the_guide(author):
    page = author.get("/search?q=80001")
    assert ("/directory/schools/80001", "ATHÉNÉE ROYAL DE WAREMME") in [(to, text.upper()) for to, text in links(page)]
    assert links(author.get("/search?q=relance"), "/help/")
    assert elements(author.get("/"), "a[@class='find']")


@pytest.mark.parametrize(("role", "is_there"), [(RoleName.ADMINISTRATOR, True), (RoleName.AUTHOR, False)])
def test_only_pages_that_one_may_open_are_found(signed_in, role, is_there):
    assert bool(links(signed_in(role).get("/search?q=conservation"), "/administration/retention")) is is_there


@pytest.mark.long
def test_a_scope_finds_its_members_and_its_pages_alone(app, launched_sample):
    client = scoped(app, "federation", "CECP")
    for text, leads in (("80001", "/directory/"), ("wallonie bruxelles", "/directory/"), ("invitation", "/campaigns")):
        assert links(client.get("/search", query_string={"q": text}), leads) == [], text
    assert links(client.get("/search?q=calendrier"), "/calendar")


PLACES = {  # two clicks from the bar, in the same place for each role
    "/": ("/notes",),
    "/campaigns": ("/segments",),
    "/directory": ("/directory/register", "/directory/reachability", "/directory/exclusions", "/proposals"),
    "/responses": ("/responses/texts",),
    "/account": ("/jobs",),
}


@pytest.mark.long
@pytest.mark.parametrize("role", [RoleName.READER, RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR])
def test_lists_and_settings_are_two_clicks_from_the_bar_for_each_role(signed_in, role):
    client = signed_in(role)
    for place, led in PLACES.items():
        addresses = {address.partition("?")[0] for address, _ in links(client.get(place))}
        assert addresses >= set(led), place
