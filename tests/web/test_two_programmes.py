"""Where several programmes are loaded: each page, file and slide says which, and goes on with it."""

import csv
import io
import re
import zipfile
from collections import Counter
from datetime import timedelta
from itertools import takewhile
from mailbox import Maildir

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from outreach.access import accounts
from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket
from outreach.campaigns import planning, segments
from outreach.campaigns.segments import HasLevel
from outreach.core.text.dates import today
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message
from outreach.delivery.received import ReceivedMail
from outreach.directory.models import Level
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, Response
from outreach.operations import tasks
from outreach.operations.demo import mailbox
from outreach.operations.tasks import TaskKind, Whose
from outreach.web.ui.programme import KEEPS
from tests import factories
from tests.application import ASKED_AT
from tests.architecture.test_sweeps import SAMPLES, addresses
from tests.conftest import NOW
from tests.delivery.letters.test_mime import wire
from tests.factories import APPROVER, AUTHOR
from tests.needed import words_of_pdf
from tests.pages import cells, elements, form_of, links, text_of
from tests.programmes import FIRST, JOINED, NAME, NURSERY, OWN, SECOND, two_programmes
from tests.web.test_scoped_pages import signed_in as signed_in_for
from tests.web.test_situation import lead, table

__all__ = ["two_programmes"]
CODES = f"« {FIRST} », « {SECOND} »"
ON_PAGE = f"choisissez-en un (« {OWN} », « {NAME} »)"  # a page says them by name
NAMES = ("Mes outils numériques", FIRST, NAME, SECOND)


def said(response):
    return " ".join(text_of(response).replace("\xa0", " ").replace("\u202f", " ").split())


def current(page):
    for chosen in elements(page, "select[@name='programme']/option[@selected]"):
        return text_of(chosen)
    (chosen,) = elements(page, "nav[@aria-label='Programmes']//a[@aria-current='page']")
    return text_of(chosen)


def test_the_situation_is_that_of_the_programme_in_the_address(author, two_programmes):
    page = author.get(f"/?programme={SECOND}")
    assert current(page) == NAME
    assert table(page, 1)[-1][2] == len(JOINED)
    assert f"volet du programme « {NAME} »" in lead(page)
    answers = author.get(f"/?programme={SECOND}&network=WBE")
    (answer, _) = [text_of(one) for one in elements(answers, "p[@class='quotable']")]
    assert f"du programme « {NAME} »" in answer.replace("\xa0", " ")
    whole = "".join(elements(answers, "textarea[@id='answer-text']")[0].itertext()).replace("\xa0", " ")
    assert f"volet du programme « {NAME} »" in whole


@pytest.mark.long
@pytest.mark.parametrize("what", ["schools", "authorities"])
def test_a_list_behind_a_figure_has_the_switch(author, two_programmes, what):
    page = author.get(f"/situation/{what}?programme={SECOND}&strand=2&network=WBE")
    assert current(page) == NAME
    (other,) = [one.get("href") for one in elements(page, TABS) if not one.get("aria-current")]
    assert current(author.get(other)) == "Mes outils numériques"
    assert "network=WBE" in other


@pytest.mark.journey
@pytest.mark.long
def test_links_forms_and_files_of_a_page_keep_its_programme(author, two_programmes):
    seen, todo = set(), [f"/?programme={SECOND}"]
    while todo:
        address = todo.pop()
        place = address.partition("?")[0]
        if place in seen:
            continue
        seen.add(place)
        response = author.get(address)
        assert response.status_code == 200, address
        assert NAME in (said(response) if "html" in response.mimetype else _of_file(response)), address
        if "html" in response.mimetype:
            over = {one.get("href") for one in elements(response, TABS)}
            for led in (led for led, _ in links(response, "/situation/") if led not in over):
                assert f"programme={SECOND}" in led, f"{address} leads to {led}"
                todo.append(led)
            for form in elements(response, "form[@method='get']"):
                asked = elements(form, "input[@name='programme']") + elements(form, "option[@selected]")
                assert SECOND in [one.get("value") for one in asked], address
            for form in elements(response, "form[@method='post']"):
                to = form.get("action") or ""
                assert f"programme={SECOND}" in to or "/situation" not in to, address
    assert len(seen) > 12, seen


def _of_file(response):
    if response.mimetype == "application/zip":
        archive = zipfile.ZipFile(io.BytesIO(response.data))
        for drawn in (archive.read(one).decode() for one in archive.namelist() if one.endswith("svg")):
            assert all(NAME in re.search(rf"<{tag}>(.*?)</{tag}>", drawn)[1] for tag in ("title", "desc"))
            (source,) = [one for one in re.findall(r"<text[^>]*>([^<]*)</text>", drawn) if "Source" in one]
            assert NAME in source
        return NAME
    assert f"_{SECOND}_" in response.headers["Content-Disposition"]
    if response.mimetype == "text/csv":
        header, *rows = csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";")
        assert header[-2:] == ["Programme", "Code du programme"]
        return {cell for row in rows for cell in row[-2:]} | {NAME}
    book = CalamineWorkbook.from_filelike(io.BytesIO(response.data))
    *tables, about = (book.get_sheet_by_index(place).to_python() for place in range(len(book.sheet_names)))
    ends = [[NAME, SECOND], ["Programme", "Code du programme"]]
    assert all(row[-2:] == ends[not place] for rows in tables for place, row in enumerate(rows))
    return [str(cell) for row in about for cell in row]


@pytest.mark.one_example
@pytest.mark.parametrize(
    "address",
    [
        "/situation/export.csv",
        "/situation/export.xlsx",
        "/situation/actions.csv",
        "/situation/schools.csv?strand=1",
        "/situation/slides.zip",
    ],
)
def test_a_file_takes_no_programme_by_itself(author, two_programmes, address):
    refused = author.get(address)
    assert (refused.status_code, ON_PAGE in said(refused)) == (409, True)
    assert author.get("/?programme=autre").status_code == 404
    unknown = author.get(address + ("&" if "?" in address else "?") + "programme=autre")
    assert (unknown.status_code, CODES in said(unknown)) == (404, True)


@pytest.mark.long
def test_a_page_without_one_shows_that_of_ones_latest_work_or_the_latest_to_open(author, signed_in, two_programmes):
    assert current(author.get("/")) == "Mes outils numériques", "the author's campaign is about it"
    assert current(signed_in("reader").get("/")) == NAME, "its second strand opened last"
    assert current(author.get("/situation/actions")) == "Mes outils numériques"


@pytest.mark.long
def test_the_switch_of_a_federation_has_the_programmes_that_concern_its_members(app, two_programmes):
    with two_programmes.writing() as session:
        programmes.load_programme(session, NURSERY, now=NOW, actor=AUTHOR)
    offered = {}
    for code in ("FELSI", "CECP", "CPEONS"):
        page = signed_in_for(app, "federation", code).get("/")
        offered[code] = [text_of(one) for one in elements(page, "select[@name='programme']/option")]
        with two_programmes.reading() as session:
            every = [one.name for one in programmes.all_programmes(session)]
        assert set(offered[code]) <= set(every)
    assert len({tuple(each) for each in offered.values()}) > 1, offered
    assert "Premiers mots" not in offered["CPEONS"], "its members have no nursery school"


def test_with_one_programme_a_page_has_no_switch(author):
    page = author.get("/")
    assert elements(page, "select[@name='programme']") == []
    assert "programme=" not in page.text
    assert "du programme" not in said(page)


def test_the_figures_are_counted_of_the_programme_that_is_said(two_programmes):
    with two_programmes.reading() as session:
        of = {
            one.code: situation.count_situation(session, one, today(NOW)) for one in programmes.all_programmes(session)
        }
    assert of[SECOND].programme == NAME
    assert of[SECOND].total.strands[1][Bucket.JOINED] == len(JOINED) != of[FIRST].total.strands[1][Bucket.JOINED]


@pytest.mark.journey
@pytest.mark.long
def test_a_note_is_about_the_programme_that_its_form_names(author, signed_in, two_programmes):
    page = author.get(f"/notes/drafts/new?programme={SECOND}")
    assert current(page) == NAME
    form = form_of(page)
    assert form["programme"] == SECOND
    values = {"title": "Lire", "as_of": "2021-05-15", "question": "Combien ?"}
    unnamed = author.post("/notes/drafts/new", data=form | values | {"programme": ""})
    assert (unnamed.status_code, ON_PAGE in said(unnamed)) == (409, True)
    preview = author.get(author.post("/notes/drafts/new", data=form | values).headers["Location"])
    assert f"volet du programme « {NAME} »" in said(preview)
    freezing = next(one.get("action") for one in elements(preview, "form") if "freezing" in one.get("action"))
    author.post(freezing, data=form_of(preview, freezing))
    listed = author.get("/notes?programme=_all")
    assert [row[1] for row in cells(elements(listed, "main")[0])[1:]] == [NAME]
    assert "Lire" in said(author.get(f"/notes?programme={SECOND}"))
    assert "Lire" not in said(author.get(f"/notes?programme={FIRST}"))
    assert current(author.get("/")) == NAME, "the author's latest work is about it"


@pytest.mark.long
def test_a_note_is_asked_for_about_the_programme_of_the_page(signed_in, two_programmes):
    reader = signed_in("reader")
    ((offered, _),) = links(reader.get(f"/?programme={SECOND}"), "/notes/requests/new")
    asking = reader.get(offered)
    (action,) = {one.get("action") for one in elements(asking, "form") if "/notes/requests" in one.get("action")}
    address = reader.post(action, data=form_of(asking, action) | {"question": "Combien ?"}).headers["Location"]
    assert f"volet du programme « {NAME} »" in said(reader.get(address))


def statuses_of(database, code):
    with database.reading() as session:
        return situation.count_situation(
            session, programmes.get_programme(session, code), ASKED_AT.date()
        ).total.strands[1]


@pytest.mark.journey
@pytest.mark.long
def test_a_joining_list_names_its_programme_by_the_field_or_by_its_column(author, two_programmes):
    page = author.get("/adherence/lists")
    (field,) = elements(page, "select[@name='programme']")
    assert [one.get("value") for one in elements(field, "option[@selected]")] == [], "a list takes none by itself"
    assert [one.get("value") for one in elements(field, "option")] == ["", FIRST, SECOND]
    content = "fase;volet;statut;date\n80004;1;adhéré;11/05/2021\n".encode()
    unnamed = author.send("/adherence/lists", {"file": (io.BytesIO(content), "a.csv")})
    assert (unnamed.status_code, ON_PAGE in said(unnamed)) == (422, True)
    (fault,) = elements(unnamed, "div[@id='error-summary']//a")
    assert fault.get("href") == "#programme"
    named = author.send("/adherence/lists", {"file": (io.BytesIO(content), "a.csv"), "programme": SECOND})
    page = author.get(named.location)
    assert f"programme « {NAME} »" in said(page)
    action = f"{named.location}/application"
    applied = author.get(author.post(action, data=form_of(page, action)).location)
    assert f"La liste du programme « {NAME} » est appliquée" in said(applied)
    assert statuses_of(two_programmes, SECOND)[Bucket.JOINED] == len(JOINED) + 1
    column = f"fase;volet;statut;date;programme\n80005;1;adhéré;11/05/2021;{NAME}\n".encode()
    both = column + f"80006;1;adhéré;11/05/2021;{FIRST}\n".encode()
    refused = author.send("/adherence/lists", {"file": (io.BytesIO(both), "b.csv")})
    assert (refused.status_code, f"la ligne 3 de « {FIRST} »" in said(refused)) == (422, True)
    page = author.get(author.send("/adherence/lists", {"file": (io.BytesIO(column), "b.csv")}).location)
    assert f"programme « {NAME} »" in said(page)
    assert NAME in said(author.get("/adherence/lists"))
    chosen = elements(author.get(f"/adherence/lists?programme={SECOND}"), "option[@selected]")
    assert [one.get("value") for one in chosen] == [SECOND], "kept from the page before"


@pytest.mark.long
def test_a_status_is_recorded_in_the_programme_of_its_page(author, two_programmes):
    before = {code: statuses_of(two_programmes, code) for code in (FIRST, SECOND)}
    place = f"/directory/9300/statuses?programme={SECOND}"
    page = author.get(place)
    assert current(page) == NAME
    (action,) = {one.get("action") for one in elements(page, "form") if "/statuses" in one.get("action")}
    assert f"programme={SECOND}" in action
    form = form_of(page, action)
    typed = {"strand": "1", "school": "all", "status": "declined", "word": "confirmed", "source": "Appel téléphonique"}
    unnamed = author.post("/directory/9300/statuses", data=form | typed)
    assert (unnamed.status_code, ON_PAGE in said(unnamed)) == (409, True)
    recorded = author.post(action, data=form | typed)
    assert (recorded.status_code, f"programme={SECOND}" in recorded.location) == (302, True), said(recorded)
    shown = author.get(recorded.location)
    assert f"Volet 1 du programme « {NAME} » : « Refus » est enregistré" in said(shown)
    assert statuses_of(two_programmes, FIRST) == before[FIRST]
    assert statuses_of(two_programmes, SECOND)[Bucket.DECLINED] > before[SECOND][Bucket.DECLINED]
    ((undoing, _),) = links(shown, "/directory/9300/statuses/")
    page = author.get(undoing)
    assert f"Volet 1, programme « {NAME} »" in said(page)
    assert author.get(undoing.partition("?")[0]).status_code == 409, "another programme has other numbers"
    withdraw = next(one.get("action") for one in elements(page, "form") if "/withdrawal" in one.get("action", ""))
    author.post(withdraw, data=form_of(page, withdraw))
    assert statuses_of(two_programmes, SECOND) == before[SECOND]


def test_the_sheet_of_an_authority_says_where_it_stands_in_each_programme(author, two_programmes):
    page = author.get("/directory/9300")
    stands = [text_of(one) for one in elements(page, "dl[@class='facts']//dt") if "olet" in text_of(one)]
    assert stands[:2] == ["Mes outils numériques, volet 1", "Mes outils numériques, volet 2"]
    assert f"{NAME}, volet 1" in stands
    assert {led for led, _ in links(page, "/directory/9300/statuses?")} >= {
        f"/directory/9300/statuses?programme={code}" for code in (FIRST, SECOND)
    }


@pytest.mark.long
def test_a_filter_of_authorities_is_of_the_programme_that_it_says(author, two_programmes):
    page = author.get(f"/directory?programme={SECOND}&strand1=complete")
    assert current(page) == NAME
    assert f"ont adhéré au volet 1 du programme « {NAME} »" in said(page)
    (chip, *_) = [text_of(one).replace("\xa0", " ") for one in elements(page, "a[@class='ds-chip']")]
    assert f"Volet 1 du programme « {NAME} » : Toutes les écoles" in chip
    whole = author.get(f"/directory?programme={FIRST}&strand1=complete")
    assert said(whole) != said(page)
    for led, _ in links(page, "/directory/export."):
        assert f"programme={SECOND}" in led
        assert author.get(led).status_code == 200
    assert author.get("/directory/export.csv").status_code == 200, "it says nothing of a programme"
    refused = author.get("/directory/export.csv?strand1=complete")
    assert (refused.status_code, ON_PAGE in said(refused)) == (409, True)


ADHERENCE = re.compile(r"adhér|volet \d", re.IGNORECASE)  # what a page says that speaks of a strand
OF_NONE = {  # why a page or a part of one that speaks of joining names no programme
    "campaigns.live": "a part of the page of a campaign, which names it",
    "campaigns.received_html": "the letter as it left, in a page that names it",
    "guide.index": "help",
    "guide.topic": "help",
    "programmes.begin": "the form of one that is to come",
    "programmes.programme": "the one that it changes, in its fields",
    "static": "of no campaign",
}
ELSEWHERE = ("api.", "public")  # tests/web/api/test_programmes.py, tests/web/public


LISTS = ("/campaigns", "/calendar", "/responses", "/segments", "/today", "/notes")
TABS = "nav[@aria-label='Programmes']//a"


@pytest.mark.long
@pytest.mark.parametrize("address", LISTS)
def test_each_list_has_the_switch_and_goes_on_with_what_is_chosen(author, two_programmes, address):
    assert [text_of(one) for one in elements(author.get(address), TABS)] == [
        "Tous les programmes",
        "Mes outils numériques",
        NAME,
    ]
    page = author.get(f"{address}?programme={SECOND}")
    assert current(page) == NAME
    assert f"Programme « {NAME} »" in said(page)
    for form in elements(page, "form[@method='get'][@role='search']"):
        assert elements(form, f"input[@name='programme'][@value='{SECOND}']"), "a search stays with it"
    bar = {led for led, _ in links(page) if led.partition("?")[0] in {*LISTS, "/", "/directory"}}
    assert {f"{place}?programme={SECOND}" for place in ("/campaigns", "/calendar", "/responses", "/directory")} <= bar
    assert current(author.get(f"{address}?programme=_all")) == "Tous les programmes"


@pytest.mark.long
@pytest.mark.journey
def test_each_list_is_narrowed_to_the_programme_that_is_chosen(author, two_programmes):
    made = author.begin("/campaigns/begin?definition=blank", title="Lire au printemps", strand=f"{SECOND}/1").location
    number = made.split("/")[2]
    with two_programmes.writing() as session:
        campaign = planning.campaign_numbered(session, int(number))
        campaign.starts_at = NOW + timedelta(days=9)
    for place in ("/campaigns", "/calendar?month=2021-05"):
        joined = "&" if "?" in place else "?"
        whole, own, theirs = (
            said(author.get(place)),
            said(author.get(f"{place}{joined}programme={SECOND}")),
            said(author.get(f"{place}{joined}programme={FIRST}")),
        )
        assert "Lire au printemps" in whole
        assert "Lire au printemps" in own
        assert "Lire au printemps" not in theirs
        assert "Invitation au premier volet" in whole
        assert "Invitation au premier volet" in theirs
        assert "Invitation au premier volet" not in own
    assert "Lire au printemps" not in read(author.get(f"/campaigns/export.csv?programme={FIRST}"))


def test_what_awaits_a_person_is_narrowed_but_for_what_is_of_no_programme(two_programmes):
    with two_programmes.writing() as session:
        first, second = programmes.all_programmes(session)
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id).limit(2)).all()
        for each in letters:
            replies.give_answers(session, each, Given({}, request=Answer.HELP), now=NOW)
        campaign = factories.campaign(session, factories.invitation(title="Lire", programme=SECOND), NOW)
        planning.submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
        session.flush()
        author, approver = Whose(AUTHOR, frozenset({RoleName.AUTHOR})), Whose(APPROVER, frozenset({RoleName.APPROVER}))
        found = {}
        for one in (first, second, None):
            fields = {"now": NOW, "within": 5, "programme": one}
            kinds = Counter(line.kind for line in tasks.list_tasks(session, author, **fields).tasks)
            theirs = tasks.list_tasks(session, approver, **fields).tasks
            assert all(f"Programme « {NAME} »." in line.reason for line in theirs)
            theirs = [line.title for line in theirs]
            tray = replies.list_responses(session, None, programme=one).count()
            assert sum(replies.count_trays(session, programme=one).values()) == tray
            found[one and one.code] = kinds[TaskKind.ANSWER], kinds[TaskKind.MAILBOX], theirs, tray
    assert found == {FIRST: (2, 1, [], 2), SECOND: (0, 1, ["Lire"], 0), None: (2, 1, ["Lire"], 2)}


def test_the_task_of_a_mail_names_the_programme_of_its_letter(two_programmes):
    with two_programmes.writing() as session:
        first, second = programmes.all_programmes(session)
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        of = {"authority_id": letter.authority_id, "message_id": letter.id, "attached_by": "mark"}
        said = dict.fromkeys(("digest", "sender", "sender_key", "sender_name", "subject", "text", "folded"), "x")
        session.add(ReceivedMail(received_at=NOW, is_automatic=False, **of, **said))
        session.flush()
        author, told = Whose(AUTHOR, frozenset({RoleName.AUTHOR})), {}
        for one in (first, second, None):
            found = tasks.list_tasks(session, author, now=NOW, within=5, programme=one).tasks
            told[one] = [line.reason for line in found if line.kind is TaskKind.REPLY]
        assert told[second] == []
        assert told[first] == told[None]
        assert f"Programme « {first.name} »." in told[None][0]


@pytest.mark.long
def test_a_calendar_says_of_which_programme_its_events_are(two_programmes):
    with two_programmes.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
        response = session.scalars(select(Response)).one()
        replies.recall_response(session, response, day=today(NOW) + timedelta(days=1), now=NOW, actor=AUTHOR)
        told = [one.title for one in tasks.feed_events(session, accounts.user_named(session, AUTHOR), now=NOW)]
    told = [one for one in told if not one.startswith("Fermé")]
    assert {one.partition(" : ")[0] for one in told} == {"Envoi", "Dernier jour pour répondre", "À rappeler"}
    assert [one for one in told if "Mes outils numériques, volet 1" not in one] == []


@pytest.mark.long
def test_what_is_told_of_an_authority_names_the_programme(author, two_programmes):
    with two_programmes.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
        response = session.scalars(select(Response)).one()
        replies.set_response_aside(session, response, now=NOW, actor=AUTHOR)
        fase = response.authority.fase
    (history,) = elements(author.get(f"/directory/{fase}/history"), "main")
    lines = [text_of(one).replace("\xa0", " ") for one in elements(history, "li") if "ourriel" in text_of(one)]
    assert len(lines) > 1
    assert [one for one in lines if "Mes outils numériques, volet 1" not in one] == []


def test_segments_are_those_that_campaigns_of_the_programme_took_and_those_of_none(two_programmes):
    with two_programmes.writing() as session:
        first, second = programmes.all_programmes(session)
        for name in ("Du premier", "Du second", "De personne"):
            segments.save_segment(session, name, HasLevel((Level.SECONDARY,)), now=NOW, actor=AUTHOR)
        kept = {segment.name: segment for segment, _ in segments.all_segments(session)}
        for name, code in (("Du premier", FIRST), ("Du second", SECOND)):
            campaign = factories.campaign(session, factories.invitation(programme=code), NOW)
            planning.take_segment(session, campaign, kept[name], now=NOW, actor=AUTHOR)
        session.flush()
        shown = {
            one and one.code: {
                row.segment.name: row.campaigns for row in planning.list_segments(session, {}, programme=one).every()
            }
            for one in (first, second, None)
        }
    assert shown[FIRST] == {"Du premier": 1, "De personne": 0}
    assert shown[SECOND] == {"Du second": 1, "De personne": 0}
    assert len(shown[None]) == 3


@pytest.mark.long
def test_every_file_that_says_of_which_programme_a_row_is_has_its_name_and_its_code(app, signed_in, two_programmes):
    """Whichever way: all of them, or the one that the address names."""
    found = set()
    for query in ("", f"?programme={SECOND}"):
        for endpoint, address, response in answers(app, signed_in, query, is_file):
            of_software = endpoint.startswith(("api_keys.", "pushes."))  # a programme that reads or receives
            if response.status_code == 200 and response.mimetype == "text/csv" and not of_software:
                header, *rows = csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";")
                said = [one for one in header if "rogramme" in one]
                assert said in ([], ["Programme", "Code du programme"], ["programme"]), address  # the last: to be sent
                first = takewhile(bool, rows)  # a file may hold more tables, each under an empty line
                pairs = {tuple(row[header.index(one)] for one in said) for row in first if said}
                assert pairs <= {("Mes outils numériques", FIRST), (NAME, SECOND), (FIRST,), (SECOND,)}, address
                found |= {endpoint} if said else set()
                assert said or not endpoint.startswith("campaigns."), f"{address} is about one campaign, or names each"
    assert found >= {"campaigns.export", "notes.export", "responses.export", "situation.export"}


def test_the_sheet_of_an_authority_goes_on_with_the_programme_that_one_came_with(author, two_programmes):
    listed = author.get(f"/directory?programme={SECOND}&q=9300")
    ((sheet, _),) = [one for one in links(listed) if one[0].startswith("/directory/9300")]
    assert sheet == f"/directory/9300?programme={SECOND}"
    tabs = elements(author.get(sheet), "nav[@aria-label='Fiche du pouvoir organisateur']//a")
    assert len(tabs) > 3
    assert all(one.get("href").endswith(f"?programme={SECOND}") for one in tabs)
    statuses = next(one.get("href") for one in tabs if text_of(one) == "Statuts")
    assert current(author.get(statuses)) == NAME
    history = next(one.get("href") for one in tabs if text_of(one) == "Historique")
    assert f"/directory/9300/statuses?programme={SECOND}" in [led for led, _ in links(author.get(history))]


def test_notes_are_those_of_the_programme_of_ones_latest_work_unless_all_are_asked_for(
    author, signed_in, two_programmes
):
    assert current(author.get("/notes")) == "Mes outils numériques", "the author's campaign is about it"
    assert current(signed_in("reader").get("/notes")) == NAME, "its second strand opened last"
    assert f"Programme « {NAME} »" in said(signed_in("reader").get("/notes"))


def read(response):
    """The words of an answer, as far as it has some."""
    if response.mimetype.endswith("sheet"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(response.data))
        return " ".join(
            str(cell) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row
        )
    if response.mimetype == "application/pdf":
        return words_of_pdf(response.data, "-layout").replace("\xa0", " ")
    if response.mimetype.endswith("json"):
        return response.text
    if not response.mimetype.startswith(("text/", "image/svg")):
        return ""
    words = re.sub(
        r"<(script|style).*?</\1>|<option.*?</option>|<nav(?! class=.crumbs).*?</nav>",
        "",
        response.text,
        flags=re.DOTALL,
    )
    return re.sub(r"<[^>]*>", " ", words).replace("\xa0", " ")


def answers(app, signed_in, query="", is_asked=lambda _endpoint, _address: True):
    """What each address that is asked answers to whoever may read it: its endpoint, the address, the response."""
    clients, seen = [signed_in(role) for role in ("author", "administrator")], set()
    for key, what, kind in (("volet-1", "schools", "csv"), ("adhesions", "authorities", "xlsx")):
        for method, endpoint, address in addresses(app, {**SAMPLES, "key": key, "what": what, "kind": kind}):
            if method == "GET" and not endpoint.startswith(ELSEWHERE) and is_asked(endpoint, address):
                for client in clients if address not in seen else ():
                    response = FlaskClient.open(client, address + query)
                    if response.status_code != 403:
                        yield endpoint, address, response
                        break
                seen.add(address)


def keeps(endpoint, _address):
    return endpoint in KEEPS


def is_file(_endpoint, address):
    return "csv" in address


@pytest.mark.long
def test_whatever_shows_figures_of_a_programme_says_of_which(app, signed_in, two_programmes):
    exact = signed_in("author").get("/campaigns/1/letter/exact?view=text")
    (_, subject), (letter,) = elements(exact, "dd/bdi")[:2], elements(exact, "pre")
    folder = mailbox.folder_of(app.extensions["outreach.settings"].data)
    Maildir(folder, create=True)
    kept = folder / "new" / "volet-1"  # as `answers` names one
    kept.write_bytes(wire(text_of(subject), text_of(letter)))
    silent, refused, told = set(), set(), 0
    for endpoint, address, response in answers(app, signed_in):
        assert response.mimetype != "text/csv" or is_file(endpoint, address), "the next test reads each"
        if response.status_code == 409 and ON_PAGE in read(response):
            refused.add(endpoint)
        elif response.status_code == 200 and endpoint not in OF_NONE and ADHERENCE.search(said_by := read(response)):
            told += 1
            if not any(one in said_by for one in NAMES):
                silent.add(address)
    kept.unlink()
    assert silent == set()
    assert refused >= {"situation.export", "situation.slides", "situation.export_list", "situation.export_actions"}
    assert told > 10


@pytest.mark.long
def test_whatever_is_about_the_programme_of_its_address_says_that_one(app, signed_in, two_programmes):
    found = {
        (endpoint, NAME in read(response) or f"_{SECOND}_" in response.headers.get("Content-Disposition", ""))
        for endpoint, _, response in answers(app, signed_in, f"?programme={SECOND}", keeps)
        if response.status_code == 200 and response.mimetype != "image/png"
    }
    assert {endpoint for endpoint, is_said in found if not is_said} <= {"directory.export"}, "it filters by no strand"
    assert {endpoint for endpoint, _ in found} >= {one for one in KEEPS if one.startswith("situation.")} - {
        "situation.write_to_list"
    }


@pytest.mark.long
def test_a_programme_that_nobody_knows_is_refused_wherever_an_address_names_it(app, signed_in, two_programmes):
    values = {
        endpoint: (response.status_code, CODES in read(response))
        for endpoint, _, response in answers(app, signed_in, "?programme=zzz", keeps)
    }
    assert {endpoint: one for endpoint, one in values.items() if one != (404, True)} == {}
    assert len(values) > 14


@pytest.mark.parametrize("number", ["61", "x", "0"])
@pytest.mark.parametrize("address", ["/", "/situation/schools", "/situation/schools.csv", "/situation/authorities"])
def test_a_strand_that_there_is_not_is_refused_with_those_there_are(author, two_programmes, address, number):
    refused = author.get(f"{address}?programme={SECOND}&strand={number}")
    assert (refused.status_code, "Ses volets : 1, 2." in said(refused)) == (400, True)


def test_no_form_is_about_a_programme_that_nobody_named(app, signed_in, two_programmes):
    """Whatever is sent to an address that keeps a programme, without it."""
    app.config["WTF_CSRF_ENABLED"] = False
    client, values = signed_in("author"), {}
    for method, endpoint, address in addresses(app, {**SAMPLES, "what": "schools"}):
        if method == "POST" and endpoint in KEEPS:
            sent = FlaskClient.open(client, f"{address}?strand1=complete", method="POST", data={"strand": "1"})
            values[endpoint] = (sent.status_code, ON_PAGE in said(sent))
    others = {endpoint: status for endpoint, (status, has_codes) in values.items() if not (status == 409 and has_codes)}
    assert others == {"notes.ask": 422, "notes.create": 422}, "these have a field of their own, and lack others here"
    assert len(values) > 5
