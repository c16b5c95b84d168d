import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import insert

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.adherence.situation import Bucket, Selection, Solicitation
from outreach.campaigns import results
from outreach.campaigns.models import Wave
from outreach.campaigns.planning import known_until
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.roles import RoleName
from outreach.delivery import workers
from outreach.delivery.outbox import listed_schools
from outreach.directory.models import RegisterImport
from outreach.operations import alerts, backups
from outreach.operations.alerts import AlertCondition, AlertKind
from outreach.operations.backups._restore_tests import Rehearsed
from tests.application import ASKED_AT, planned
from tests.conftest import NOW, PLACE, STORY_DAY
from tests.directory.editions import undo
from tests.pages import cells, elements, links, text_of
from tests.tampering import unguard
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
TAG = re.compile(r"<[^>]*>")


def counted(session, day=STORY_DAY, **asked):
    """The situation as pages show it: with the schools that letters had listed."""
    listed = listed_schools(known_until(day, asked.get("known_at")))
    return situation.count_situation(session, programmes.get_programme(session), day, **asked, listed=listed)


def table(page, number):
    """The cells of a strand's table: rows of label and numbers, as a person reads them."""
    (section,) = elements(page, f"section[@aria-labelledby='strand-{number}']")
    _, *rows = cells(section, without={"ds-sr-only", "share"})
    return [[label, *(int(count.replace(" ", "")) for count in counts if count)] for label, *counts in rows]


def lead(page):
    """The sentence that stands first, as it is copied."""
    (sentence,) = elements(page, "span[@id='sentence-1']")
    return "".join(sentence.itertext()).replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.full
def test_the_account_of_a_change_adds_up_and_leads_to_its_schools(author):
    page = author.get("/?as_of=2021-01-10")
    (account,) = elements(page, "table[@class='account']")
    before, *causes, after = (int(text_of(row[-1]).replace("−", "-").replace("+", "")) for row in account.iter("tr"))
    assert before + sum(causes) == after == table(page, 1)[-1][2]
    assert causes
    (address, _), *_ = links(account)
    assert f". {abs(causes[0])} école" in text_of(author.get(address))


@pytest.mark.journey
@pytest.mark.long
def test_before_its_opening_a_strand_says_when_it_opens_and_nothing_else(author, signed_in):
    sentence, day = "Le volet 2 s’ouvre le 15 janvier 2021.", "as_of=2021-01-14"
    page = author.get(f"/?{day}&network=WBE")
    assert elements(page, "section[@aria-labelledby='strand-1']"), "the first that is open"
    assert elements(page, "select[@name='strand']/option[@value='2']")
    page = author.get(f"/?{day}&network=WBE&strand=2")
    (section,) = elements(page, "section[@aria-labelledby='strand-2']")
    assert (text_of(section).endswith(sentence), cells(section)) == (True, [])
    assert [text_of(one) for one in elements(page, "p[@class='lead']")] == [sentence]
    assert not elements(page, "table[@class='account']")
    assert not [address for address, _ in links(page, "/situation/") if "strand=2" in address]
    for place in ("schools", "authorities"):
        listed = author.get(f"/situation/{place}?{day}&strand=2&status=none&network=WBE")
        assert (listed.status_code, sentence in text_of(listed), elements(listed, "table")) == (200, True, [])
        assert not links(listed, f"/situation/{place}.")
        file = author.get(f"/situation/{place}.csv?{day}&strand=2")
        assert (file.status_code, sentence in text_of(file)) == (400, True)
        assert author.post(f"/situation/{place}/campaign?{day}&strand=2").status_code == 400
    file = author.get(f"/situation/export.csv?{day}").data.decode("utf-8-sig").replace("\xa0", " ")
    lines = [line for line in csv.DictReader(io.StringIO(file), delimiter=";") if line["Volet"] == "2"]
    figures = [name.label for name in (*Bucket, *Solicitation)]
    assert {(*(line[name] for name in figures), line["Remarque"]) for line in lines} == {
        (*[""] * len(figures), sentence)
    }
    assert author.get(f"/situation/export.xlsx?{day}").status_code == 200
    before = author.get("/?as_of=2020-01-01")
    said = text_of(before)
    assert "Le volet 1 s’ouvre le 16 novembre 2020. " in said
    assert ("écoles concernées" in said.split("Définitions")[0], elements(before, "*[@role='img']")) == (False, [])


@pytest.mark.long
def test_the_charts_are_slides_of_the_situation_that_the_page_shows(author):
    page = author.get("/?as_of=2021-05-15")
    (address,) = {href for href, _ in links(page, "/situation/slides.zip")}
    archive = zipfile.ZipFile(io.BytesIO(author.get(address).data))
    drawn = {name: archive.read(name).decode().replace("\u202f", "") for name in archive.namelist() if "svg" in name}
    assert [name.partition("situation-2021-05-15-")[2] for name in drawn] == ["adhesions.svg", "volet-1.svg"]
    assert all("Situation au samedi 15 mai 2021" in said for said in drawn.values())


@pytest.mark.full
def test_the_sentence_of_the_answer(author):
    assert lead(author.get("/?as_of=2021-05-15")) == (
        "Au 15 mai 2021, 48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet."
    )


def recorded_later(database, at):
    """A school of WBE joined before the story's day, which the service learns at a later moment."""
    with database.writing() as session:
        programme = programmes.get_programme(session)
        (row,) = situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE, "WBE")).page(
            1, 1
        )
        values = {"school_id": row.School.id, "strand_id": programme.strands[0].id, "status": Status.JOINED}
        signed = {"recorded_at": at, "recorded_by": "x", "source": "", "reason": "", "word": Word.CONFIRMED}
        session.execute(insert(AdherenceRecord).values(**values, **signed, effective_on=STORY_DAY))


@pytest.mark.full
@pytest.mark.long
def test_a_figure_that_was_given_is_found_again(author, sample_database):
    recorded_later(sample_database, datetime(2021, 6, 1, 10, tzinfo=UTC))
    now, then = author.get("/?as_of=2021-05-15"), author.get("/?as_of=2021-05-15&known_at=2021-06-01T11:59")
    assert (table(now, 1)[0][2], table(then, 1)[0][2]) == (15, 14)
    assert (
        "Au 15 mai 2021, d’après ce qui était enregistré le 1er juin 2021 à 11 h 59, "
        "48 des 649 écoles secondaires (7,4 %)" in lead(then)
    )
    leading = [address for address, _ in links(then, "/situation/")]
    assert leading
    assert all(re.search("known_(at|from)=2021-06-01T11:59", unquote(address)) for address in leading)
    for address, text in links(then, "/situation/", without={"ds-sr-only"}):
        if text == "14" and "joined" in address:
            assert ". 14 écoles" in text_of(author.get(address))
            break
    else:
        raise AssertionError("no figure leads to the 14 schools")
    file = author.get("/situation/export.csv?as_of=2021-05-15&known_at=2021-06-01T11:59")
    assert "situation-2021-05-15-connu-2021-06-01-1159_" in file.headers["Content-Disposition"]
    assert "2021-05-15;2021-06-01 11:59;WBE;WBE;1;147;1;14;" in file.text


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("known_at=hier", "« hier » n’est pas un moment"),
        ("known_at=2099-01-01", "Ce moment est dans l’avenir"),
        ("known_at=2021-02-30", "n’est pas un moment"),
        ("known_at=2021-05-01&as_of=2021-05-15", "personne ne connaissait la situation du 15 mai 2021"),
    ],
)
def test_a_moment_that_cannot_be_is_refused_in_words(author, query, refusal):
    assert refusal in text_of(author.get(f"/?{query}"))
    for place in ("/situation/export.csv", "/situation/schools"):
        refused = author.get(f"{place}?{query}")
        assert refused.status_code == 400
        assert refusal in text_of(refused)


def test_an_edition_that_was_undone_since_is_shown_as_it_was_known(author, sample_database):
    with sample_database.writing() as session:
        second = undo(session, datetime(2021, 6, 1, 10, tzinfo=UTC))
        key, moment = second.id, second.applied_at + timedelta(hours=1)
    values = {"known_at": f"{moment.astimezone(BRUSSELS):%Y-%m-%dT%H:%M}"}
    assert "d’après ce qui était enregistré" in text_of(author.get("/", query_string=values))
    with sample_database.writing() as session:
        session.get_one(RegisterImport, key).is_kept = False  # by a version before
    page = author.get("/", query_string=values)
    assert "ne peut plus être recalculée : l’édition du registre du" in text_of(page)
    assert "La situation est celle d’aujourd’hui." in text_of(page)


def test_before_the_first_edition_the_page_names_the_register_it_counts_by(author):
    assert "registre du 18 août 2020, le plus ancien connu" in text_of(author.get("/?as_of=2020-01-01"))
    file = author.get("/situation/export.xlsx?as_of=2020-01-01")
    *_, last = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_name("Définitions").to_python()
    assert last[1].replace("\xa0", " ") == "Registre du 18 août 2020, le plus ancien connu."
    assert "le plus ancien connu" not in text_of(author.get("/?as_of=2021-05-15"))


@pytest.mark.full
def test_the_answer_for_a_network_is_two_clicks_away_and_stays_with_the_day(author):
    page = author.get("/?as_of=2021-05-15")
    (opened,) = [address for address, text in links(page) if text.startswith("La réponse entière")]
    (address,) = [address for address, text in links(author.get(opened)) if text == "Répondre pour WBE"]
    answered = author.get(address)
    words = "Non : 14 des 147 écoles du réseau WBE ont adhéré ; 16 s’y préparent, 6 ont refusé, 111 n’ont pas encore"
    assert words in text_of(answered)
    (again,) = [address for address, text in links(answered) if text.endswith("Retirer la réponse pour WBE")]
    assert words not in text_of(author.get(again))


@pytest.mark.long
def test_the_page_and_its_file_tell_what_is_planned_and_whom_it_means(author, sample_database):
    planned(sample_database, NOW)
    with sample_database.reading() as session:
        acted = results.list_actions(session, programmes.get_programme(session), now=ASKED_AT)
    action, *_ = acted.planned
    for place in ("/", "/situation/actions"):
        page = author.get(place)
        assert (f"/campaigns/{action.campaign}/progress", action.title) in links(page)
        assert (
            f" {sum(action.meant.values())} " in text_of(page).split("Fait et prévu" if place == "/" else "Actions")[-1]
        )
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get("/situation/export.xlsx").data))
    assert book.sheet_names == ["Situation", "Actions", "Atteints", "Définitions", "À propos"]
    header, *rows = book.get_sheet_by_name("Actions").to_python()
    told = [dict(zip(header, row, strict=True)) for row in rows if row[8] == "Total"]
    counted = [(one.title, "", sum(one.meant.values())) for one in acted.planned]
    assert [(row["Titre"], row["Visés"], row["Écrirait à"]) for row in told] == counted


@pytest.mark.long
def test_every_figure_leads_to_as_many_rows(author):
    pages = [author.get(f"/?as_of=2021-05-15&strand={strand}") for strand in (1, 2)]
    leading = [link for page in pages for link in links(page, "/situation/", without={"ds-sr-only"})]
    figures = {(address, text) for address, text in leading if text.isdigit()}
    assert len(figures) > 40
    for address, number in sorted(figures)[::3]:
        assert "as_of=2021-05-15" in address
        page = FlaskClient.open(author, address).text  # other tests check such pages as `PageClient` does
        said = " ".join(unescape(TAG.sub(" ", page)).split())
        assert any(f". {number} {noun}" in said for noun in ("école", "pouvoir")), address


@pytest.mark.one_example
@pytest.mark.parametrize("place", ["/situation/export.csv", "/situation/schools", "/situation/authorities"])
def test_files_and_rows_never_answer_for_another_day(author, place):
    response = author.get(f"{place}?as_of=31/02/2021")
    assert response.status_code == 400
    assert "n’est pas une date" in response.text


@pytest.mark.one_example
@pytest.mark.parametrize("day", ["demain", "2999-01-01", "31/02/2021", "\x00"])
def test_a_day_that_cannot_be_is_refused_in_words(author, day):
    page = author.get("/", query_string={"as_of": day})
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.text


@pytest.mark.one_example
@pytest.mark.parametrize("query", ["strand=", "status=x", "network=%00", "page=99"])
def test_strange_questions_get_an_answer(author, query):
    assert author.get(f"/situation/schools?{query}").status_code == 200
    assert author.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["strand=9", "strand=x"])
def test_a_strand_that_there_is_not_is_no_other_one(author, query):
    for address in ("/", "/situation/schools", "/situation/schools.csv"):
        refused = author.get(f"{address}?{query}")
        assert (refused.status_code, "Ses volets" in refused.text) == (400, True)


def test_without_a_programme_the_page_says_what_comes_next(author, signed_in, sample_database):
    with sample_database.writing() as session:
        unguard(session, "adherence_records")
        for table_name in ("adherence_records", "joining_lists", "prerequisites", "strands", "programmes"):
            session.connection().exec_driver_sql(f"DELETE FROM {table_name}")  # noqa: S608
    assert "l’administration en charge un" in author.get("/").text
    assert links(signed_in("administrator").get("/"), "/administration/programmes")
    assert author.get("/directory/9300/statuses").status_code == 404


@pytest.mark.long
def test_who_has_no_list_reads_in_one_line_what_awaits_the_service(author, signed_in, client, wbe):
    client.post(wbe, data={"answer": "joined"})
    for role in (RoleName.READER, RoleName.ADMINISTRATOR):
        (line,) = elements(signed_in(role).get("/"), "p[@class='awaits']")
        assert text_of(line).startswith("1 réponse attend le service")
        assert links(line)[0][0] == "/responses"
    assert not elements(author.get("/"), "p[@class='awaits']"), "the bar says it"
    assert not elements(author.get("/?as_of=2021-05-14"), "p[@class='awaits']")


def test_a_zero_is_never_a_link_nor_bold(author):
    page = author.get("/?as_of=2021-05-15")
    zeros = [text_of(zero) for zero in elements(page, "*[@class='zero']")]
    assert zeros
    assert set(zeros) == {"0"}
    assert not [bold for bold in elements(page, "td/strong") if text_of(bold) == "0"]


def test_an_alarm_says_whom_to_call_who_has_no_hand_on_the_machine(app, signed_in, sample_database):
    with sample_database.writing() as session:
        assert alerts.begin(session, AlertCondition(AlertKind.LETTERS_IN_DOUBT, "1", NOW))
    author = signed_in(RoleName.AUTHOR)
    assert "Prévenez la personne qui exploite le service." in text_of(author.get("/"))
    settings = app.extensions["outreach.settings"]
    app.extensions["outreach.settings"] = settings.model_copy(update={"alerts_to": "exploitation@fwb.example"})
    assert "la personne qui exploite le service : exploitation@fwb.example." in text_of(author.get("/"))


@pytest.mark.long
def test_alarms_stand_on_the_home_page_of_those_who_can_act(signed_in, sample_database):
    with sample_database.writing() as session:
        for kind in (AlertKind.RETURNS_UNREADABLE, AlertKind.CLOCK_SILENT, AlertKind.LETTERS_IN_DOUBT):
            assert alerts.begin(session, AlertCondition(kind, "1", NOW))
    assert "Service d’envoi muet" not in text_of(signed_in(RoleName.ADMINISTRATOR).get("/?as_of=2021-05-14"))
    lost = text_of(signed_in(RoleName.ADMINISTRATOR).get("/"))
    assert "Boîte des retours ou des réponses illisible Depuis le 15 mai 2021 à 11 h : Une boîte" in lost
    assert "Service d’envoi muet" in lost
    assert "Courriels en doute" not in lost
    assert "2 choses vous attendent" in lost
    assert lost.index("Service d’envoi muet") < lost.index("Premiers pas")
    doubted = text_of(signed_in(RoleName.AUTHOR).get("/"))
    assert "Courriels en doute Depuis le 15 mai 2021 à 11 h : Des courriels d’une campagne sont en doute" in doubted
    assert "Boîte des retours ou des réponses illisible" not in doubted
    assert "1 chose vous attend" in doubted
    assert "vous attend" not in text_of(signed_in(RoleName.READER).get("/directory"))


@pytest.mark.long
@pytest.mark.parametrize(("role", "is_told"), [(RoleName.ADMINISTRATOR, True), (RoleName.AUTHOR, False)])
def test_administrators_read_when_a_backup_was_last_restored(app, signed_in, sample_database, tmp_path, role, is_told):
    assert "sauvegarde" not in text_of(signed_in(role).get("/")), "a demonstration has none"
    settings = app.extensions["outreach.settings"]
    app.extensions["outreach.settings"] = settings.model_copy(update={"backups": tmp_path})
    with sample_database.writing() as session:
        backups.record_restore_test(session, Rehearsed("x", NOW, []), now=NOW, seconds=1)
    proven = "Dernière restauration prouvée : 15 mai 2021 à 11 h (sauvegarde du 15 mai 2021 à 11 h)."
    assert (proven in text_of(signed_in(role).get("/"))) is is_told
    assert proven not in text_of(signed_in(role).get("/?as_of=2021-05-14"))


def test_an_alarm_about_a_wave_leads_to_its_campaign_by_title(author, sample_database):
    wave = planned(sample_database, NOW)
    with sample_database.writing() as session:
        assert alerts.begin(session, AlertCondition(AlertKind.LETTERS_IN_DOUBT, str(wave), NOW))
        campaign = session.get_one(Wave, wave).campaign
        led = (f"/campaigns/{campaign.id}/progress", campaign.title)
    (alarm,) = elements(author.get("/"), "section[@aria-labelledby='alarm-1']")
    assert links(alarm) == [led]


def test_the_home_page_says_that_the_clock_is_silent_though_nothing_was_written(signed_in, sample_database):
    with sample_database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=NOW)
    page = text_of(signed_in(RoleName.ADMINISTRATOR).get("/"))
    assert "Service d’envoi muet Depuis le 15 mai 2021 à 11 h : " in page
    with sample_database.reading() as session:
        assert alerts.going_on(session) == []
