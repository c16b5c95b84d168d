import csv
import io
import json

import pytest
from python_calamine import CalamineWorkbook

from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket
from outreach.alerts import episodes
from outreach.alerts.episodes import AlertChange, AlertSighting
from outreach.alerts.models import AlertKind
from outreach.campaigns.models import Wave
from outreach.delivery import workers
from outreach.roles import RoleName
from tests.conftest import NOW, STORY_DAY
from tests.pages import cells, elements, links, text_of
from tests.tampering import unguard
from tests.web.test_mailbox import planned

ORDER = list(Bucket)


def table(page, number):
    """The cells of a strand's table: rows of label and numbers, as a person reads them."""
    (section,) = elements(page, f"section[@aria-labelledby='strand-{number}']")
    _, *rows = cells(section, without={"ds-sr-only", "share"})
    return [[label, *(int(count.replace(" ", "")) for count in counts if count)] for label, *counts in rows]


def expected(found, number):
    order = [Bucket.JOINED, Bucket.DECLARED, Bucket.IN_PREPARATION, Bucket.TENDER_LAUNCHED, Bucket.DECLINED,
             Bucket.INFORMED, Bucket.NOT_CONCERNED, Bucket.NONE]  # fmt: skip
    return [
        [row.label, row.authorities, row.schools, *(row.strands[number][bucket] for bucket in order)]
        for row in (*found.rows, found.total)
    ]


@pytest.mark.parametrize("day", ["2021-05-15", "2021-01-20", "2020-12-01"])
def test_page_files_and_function_agree_cell_by_cell(author, sample_database, day):
    with sample_database.reading() as session:
        programme = programmes.the_programme(session)
        found = situation.situation(session, programme, STORY_DAY.fromisoformat(day))
    page = author.get(f"/?as_of={day}")
    for number in (1, 2):
        assert table(page, number) == expected(found, number)
    flat = [
        [day, row.label, row.code or "", row.authorities, row.schools, number]
        + [row.strands[number][bucket] for bucket in ORDER]
        for row in (*found.rows, found.total) for number in (1, 2)
    ]  # fmt: skip
    content = author.get(f"/situation/export.csv?as_of={day}").data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(content), delimiter=";"))[1:]
    assert lines[0][-1].startswith("0,")
    assert [line[:-1] for line in lines] == [[str(cell) for cell in row] for row in flat]
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(f"/situation/export.xlsx?as_of={day}").data))
    assert book.sheet_names == ["Situation", "Définitions", "À propos"]
    assert [row[:-1] for row in book.get_sheet_by_index(0).to_python()[1:]] == flat
    assert json.loads(json.dumps(found.as_json()))["total"]["strands"]["1"]["joined"] == flat[-2][6]


def test_the_sentence_of_the_answer(author):
    page = author.get("/?as_of=2021-05-15").text.replace("\u202f", " ").replace("\xa0", " ")
    assert "Au 15 mai 2021, 48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet." in page


@pytest.mark.long
def test_every_figure_leads_to_as_many_rows(author):
    leading = links(author.get("/?as_of=2021-05-15"), "/situation/", without={"ds-sr-only"})
    figures = {(address, text) for address, text in leading if text.isdigit()}
    assert len(figures) > 40
    for address, number in figures:
        assert "as_of=2021-05-15" in address
        said = text_of(author.get(address))
        assert any(f". {number} {noun}" in said for noun in ("école", "pouvoir")), address


@pytest.mark.parametrize("place", ["/situation/export.csv", "/situation/schools", "/situation/authorities"])
def test_files_and_rows_never_answer_for_another_day(author, place):
    response = author.get(f"{place}?as_of=31/02/2021")
    assert response.status_code == 400
    assert "n’est pas une date" in response.text


@pytest.mark.parametrize("day", ["demain", "2999-01-01", "31/02/2021", "\x00"])
def test_a_day_that_cannot_be_is_refused_in_words(author, day):
    page = author.get("/", query_string={"as_of": day})
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.text


@pytest.mark.parametrize("query", ["strand=9", "strand=x", "status=x", "network=%00", "page=99"])
def test_strange_questions_get_an_answer(author, query):
    assert author.get(f"/situation/schools?{query}").status_code == 200


def test_without_a_programme_the_page_says_what_comes_next(author, signed_in, sample_database):
    with sample_database.writing() as session:
        unguard(session, "adherence_records")
        for table_name in ("adherence_records", "joining_lists", "prerequisites", "strands", "programmes"):
            session.connection().exec_driver_sql(f"DELETE FROM {table_name}")  # noqa: S608
    assert "l’administration en charge un" in author.get("/").text
    assert links(signed_in("administrator").get("/"), "/administration/programmes")
    assert author.get("/directory/9300/statuses").status_code == 404


def test_alarms_stand_on_the_home_page_of_those_who_can_act(signed_in, sample_database):
    with sample_database.writing() as session:
        for kind in (AlertKind.RETURNS_UNREADABLE, AlertKind.CLOCK_SILENT, AlertKind.LETTERS_IN_DOUBT):
            change = AlertChange(AlertSighting(kind, "1", NOW), has_ended=False)
            assert episodes.apply(session, change, now=NOW)
    lost = text_of(signed_in(RoleName.ADMINISTRATOR).get("/"))
    assert "Boîte des retours illisible Depuis le 15 mai 2021 à 11 h : La boîte des retours ne se lit pas" in lost
    assert "Service d’envoi muet" in lost
    assert "Courriels en doute" not in lost
    assert "2 choses vous attendent" in lost
    assert lost.index("Service d’envoi muet") < lost.index("Premiers pas")
    doubted = text_of(signed_in(RoleName.AUTHOR).get("/"))
    assert "Courriels en doute Depuis le 15 mai 2021 à 11 h : Des courriels d’une campagne sont en doute" in doubted
    assert "Boîte des retours illisible" not in doubted
    assert "1 chose vous attend" in doubted
    assert "vous attend" not in text_of(signed_in(RoleName.READER).get("/directory"))


def test_an_alarm_about_a_wave_leads_to_its_campaign_by_title(author, sample_database):
    wave = planned(sample_database, NOW)
    with sample_database.writing() as session:
        change = AlertChange(AlertSighting(AlertKind.LETTERS_IN_DOUBT, str(wave), NOW), has_ended=False)
        assert episodes.apply(session, change, now=NOW)
        campaign = session.get_one(Wave, wave).campaign
        led = (f"/campaigns/{campaign.id}/progress", campaign.title)
    (alarm,) = elements(author.get("/"), "section[@aria-labelledby='alarm-1']")
    assert links(alarm) == [led]


def test_the_home_page_says_that_the_clock_is_silent_though_nothing_was_written(signed_in, sample_database):
    with sample_database.writing() as session:
        workers.clock_passed(session, "", now=NOW)
    page = text_of(signed_in(RoleName.ADMINISTRATOR).get("/"))
    assert "Service d’envoi muet Depuis le 15 mai 2021 à 11 h : " in page
    with sample_database.reading() as session:
        assert episodes.going_on(session) == []
