"""The results of a campaign on its page, as a file and on the command line: one function, the same figures."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import planning, results
from outreach.campaigns.counting._counts import KEYS
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import Figure
from outreach.core.sandbox import pdf
from outreach.core.settings import ROOT
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject
from outreach.engagement import replies
from outreach.engagement.replies import Acknowledgement, Answer, Given, Response
from outreach.engagement.tracking import Measured
from outreach.web.pages.campaigns.results import measured_of
from tests import factories
from tests.application import ASKED_AT, planned
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import cells, elements, links, text_of
from tests.programmes import NAME, PROGRAMME
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]
CHANGING = "parcours.svg", "vagues.svg", "jours.svg"  # of the slides, those that joinings change
ACCEPTED = Message.state == MessageState.ACCEPTED


@pytest.fixture
def came(launched, sample_database):
    settle(sample_database, 5)
    end(sample_database)
    with sample_database.reading() as session:
        return results.campaign_results(session, planning.campaign_numbered(session, 1), now=NOW)


@pytest.mark.long
def test_the_file_of_results_says_every_figure(author, came):
    lines = author.get("/campaigns/1/results/export.csv").data.decode("utf-8-sig").splitlines()
    values = dict(zip(lines[0].split(";"), lines[-1].split(";"), strict=True))
    by_day = {Figure.PRESUMED, Figure.UNREAD, Figure.TOO_EARLY}  # the page is read later than NOW
    assert all(values[figure.label] == str(came.total.count(figure)) for figure in {*Figure} - by_day)
    assert sum(int(values[one.label]) for one in by_day) == sum(came.total.count(one) for one in by_day)
    assert author.get("/campaigns/1/results/export.xlsx").status_code == 200


@pytest.mark.long
def test_the_chain_subtracts_down_to_those_delivered_and_says_what_the_results_count(author, came, sample_database):
    page = author.get("/campaigns/1/progress")
    (chain,) = elements(page, "table[@class='chain']")
    rows = {row[0]: row for row in cells(chain, without={"ds-sr-only"})}
    for figure in (Figure.CONCERNED, Figure.RECIPIENTS, Figure.HANDED_OVER, Figure.ANSWERED, Figure.JOINED_SINCE):
        row = rows["Reçoivent" if figure is Figure.RECIPIENTS else figure.label]
        assert row[1].replace("\u202f", "") == str(came.total.count(figure))
    apart = sum(int(count) for count in re.findall(r"\d+", rows["Reçoivent"][3].replace("\u202f", "")))
    assert came.total.count(Figure.CONCERNED) - apart == came.total.count(Figure.RECIPIENTS)
    with sample_database.reading() as session:
        (reminder, *_) = [one for one in planning.campaign_numbered(session, 1).waves if one.reminder]
        acted = results.list_actions(session, programmes.get_programme(session), now=ASKED_AT)
        (planned,) = [one for one in acted.planned if one.at == reminder.due_at]
    (said,) = [words for _, words in links(page, "/campaigns/1/progress/waves") if "aujourd’hui" in words]
    assert said.startswith(f"{sum(planned.meant.values())} "), "as Situation says"
    assert not elements(page, "figure"), "no curve of nothing"
    assert ["Groupe", "Remis", "Clics", "Ouvertures (indicatif)"] in [cells(one)[0] for one in elements(page, "table")]
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get("/campaigns/1/results/export.xlsx").data))
    way = dict(line[:2] for line in book.get_sheet_by_name("Parcours").to_python()[1:])
    assert way["Remis"] == came.total.count(Figure.HANDED_OVER)


def test_clicks_are_set_beside_the_letters_delivered_by_the_word_of_the_other_figures():
    table = measured_of([Measured("Groupe", 28)])
    sure = ("sûrs", "incertains", "automatiques"), ("sûres", "incertaines", "automatiques")
    clicks, openings = (
        [f"{what} {who}" for who in each] for what, each in zip(("Clics", "Ouvertures"), sure, strict=True)
    )
    assert table.headers == ["Groupe", "Remis", *clicks, *openings]
    assert Measured("Groupe", 28).as_json()["delivered"] == 28


@pytest.mark.long
def test_results_of_letters_without_a_picture_say_that_openings_are_not_measured(author, came, sample_database):
    with sample_database.writing() as session:
        mailing = session.scalars(select(Mailing)).one()
        mailing.letter = json.dumps({**json.loads(mailing.letter), "tracking": "clicks"})
    settle(sample_database, 10**6)
    page = author.get("/campaigns/1/progress")
    assert ["Groupe", "Remis", "Clics"] in [cells(table)[0] for table in elements(page, "table")]
    assert "Les ouvertures ne sont pas mesurées : ces courriels sont partis sans image." in text_of(page)
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get("/campaigns/1/results/export.xlsx").data))
    (name,) = (name for name in book.sheet_names if name.startswith("Clics"))
    assert book.get_sheet_by_name(name).to_python()[0] == [
        *("Groupe", "Remis", "Clics sûrs", "Clics incertains", "Clics automatiques")
    ]
    assert "Ouvertures" not in book.get_sheet_by_name("Jour par jour").to_python()[0]
    assert Measured("Groupe", 28).as_json(openings=False)["opens"] is None


@pytest.fixture
def answered(sample_database, came):
    """Answers of two authorities to whom a letter was delivered."""
    with sample_database.writing() as session:
        for letter in session.scalars(select(Message).where(ACCEPTED).order_by(Message.id).limit(2)):
            replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)


@pytest.mark.long
def test_who_answered_stands_by_kind_and_who_only_took_note_is_no_part_of_them(author, answered, came, sample_database):
    with sample_database.writing() as session:
        (letter,) = session.scalars(select(Message).where(ACCEPTED).order_by(Message.id).offset(2).limit(1))
        details = {"authority_id": letter.authority_id, "strand_id": 1, "given_at": NOW}
        response = Response(message_id=letter.id, answer=Answer.INFORMED, **details)
        session.add(response)
        session.flush()
        session.add(Acknowledgement(response_id=response.id))
    told = text_of(author.get("/campaigns/1/progress"))
    share = round(200 / came.total.count(Figure.CONCERNED))
    said = f"{share} % des concernés : 2 demandent de l’aide. En plus, 1 n’a fait qu’en prendre connaissance"
    assert said in told
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get("/campaigns/1/results/export.xlsx").data))
    told = dict(book.get_sheet_by_name("Réponses").to_python()[1:])
    assert (told[Answer.INFORMED.label], told["En plus, pris connaissance sans répondre"]) == (0, 1)


@pytest.mark.long
def test_the_slides_are_one_file_with_title_day_and_source_and_the_whole_campaign_one_page(
    author, answered, monkeypatch
):
    monkeypatch.setattr(pdf, "set_png", lambda *_, **__: b"\x89PNG")
    saved = author.get("/campaigns/1/slides.zip")
    assert saved.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(saved.data)) as archive:
        keys = "parcours", "reseaux", "reponses", "vagues", "jours"
        assert archive.namelist() == [f"campagne-1-{key}.{kind}" for key in keys for kind in ("svg", "png")]
        for key in keys:
            said = archive.read(f"campagne-1-{key}.svg").decode()
            assert 'viewBox="0 0 1280 720"' in said
            assert "Démonstration, chiffres fictifs. Source" in said
            assert "Campagne «\u00a0" in said
    page = author.get("/campaigns/1/summary.pdf")
    assert page.headers["Content-Type"] == "application/pdf"
    assert len(re.findall(rb"/Type/Page\b", page.data)) == 1


@pytest.mark.long
def test_the_page_of_a_campaign_names_its_own_programme(author, answered, sample_database, monkeypatch):
    written = []
    monkeypatch.setattr(
        pdf, "set_pdf", lambda _, document, *__, **___: written.append(document["programme"]) or b"%PDF"
    )
    with sample_database.writing() as session:
        second = programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
        planning.campaign_numbered(session, 1).strand_id = second.strands[1].id
    assert author.get("/campaigns/1/summary.pdf").status_code == 200
    assert [one.replace("\xa0", " ") for one in written] == [f"{NAME}, volet 2"]


@pytest.mark.long
def test_a_campaign_that_has_not_left_has_neither_chart_nor_page(author, sample_database):
    planned(sample_database, NOW + timedelta(days=5))
    assert author.get("/campaigns/1/slides.zip").status_code == 409
    page = author.get("/campaigns/1/summary.pdf")
    assert (page.status_code, "n’est pas encore partie" in text_of(page)) == (409, True)


def test_the_reference_of_commands_names_every_figure():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"- `counts` is what.*?(?=^- A campaign)", text, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", listed)) == {"counts", "schools", *KEYS}


def test_every_figure_has_a_name_and_a_meaning():
    assert all(figure.label and figure.meaning.endswith(".") for figure in Figure)


@pytest.mark.long
def test_the_list_of_campaigns_says_what_came_and_the_authorities_of_a_figure_are_written_to(author, came):
    answered, recipients, joined = (
        came.total.count(figure) for figure in (Figure.ANSWERED, Figure.RECIPIENTS, Figure.JOINED_SINCE)
    )
    (row,) = cells(elements(author.get("/campaigns"), "table")[0])[1:]
    assert row[1] == f"{answered} réponse sur {recipients} destinataires {joined} adhésion confirmée"
    address = "/campaigns/1/authorities?figure=recipients"
    assert f"Écrire à ces {recipients} PO" in text_of(author.get(address))
    made = author.begin(address.replace("?", "/campaign?"))
    assert f"Visés {recipients} " in text_of(author.get(made.location))


@pytest.mark.journey
@pytest.mark.long
def test_a_list_that_comes_late_with_earlier_days_changes_nothing_that_is_told_and_one_of_the_day_does(
    author, answered, sample_database, monkeypatch
):
    """The curve, the way, the waves, drawings, the one page, files, the API's figures and the list of recipients."""

    def joined(day, half):
        with sample_database.writing() as session:
            strand = session.get_one(Campaign, 1).strand_id
            schools = session.scalars(select(MessageSubject.school_id).join(Message).where(ACCEPTED).distinct()).all()
            for school in sorted(schools)[half::2]:
                details = {"word": Word.CONFIRMED, "effective_on": day, "recorded_at": NOW}
                session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, **details)))

    def told():
        page = author.get("/campaigns/1/progress")
        files = ("results/export.csv", "authorities/export.csv")
        book = CalamineWorkbook.from_filelike(io.BytesIO(author.get("/campaigns/1/results/export.xlsx").data))
        said = {name: author.get(f"/campaigns/1/{name}").data for name in files}
        with zipfile.ZipFile(io.BytesIO(author.get("/campaigns/1/slides.zip").data)) as archive:
            said |= {name: archive.read(name) for name in archive.namelist() if name.endswith(CHANGING)}
        said |= {name: book.get_sheet_by_name(name).to_python() for name in ("Parcours", "Par vague", "Jour par jour")}
        said["came"] = text_of(elements(page, "div[@id='moment']")[0], without={"side"})  # whom a reminder writes to
        said["summary"] = author.get("/campaigns/1/summary.pdf").data
        with sample_database.reading() as session:
            campaign = planning.campaign_numbered(session, 1)
            counts = results.campaign_as_json(session, campaign, now=NOW)["counts"]
        # What a late list may change is who had joined, and nothing else.
        said["api"] = [[counts[key] for key in KEYS if key != "had_joined"] for counts in (counts, counts["schools"])]
        lines = list(csv.reader(io.StringIO(said["results/export.csv"].decode("utf-8-sig")), delimiter=";"))
        place = lines[0].index(Figure.HAD_JOINED.label)
        said["results/export.csv"] = [line[:place] + line[place + 1 :] for line in lines]
        return said

    monkeypatch.setattr(pdf, "set_pdf", lambda _template, known, *_, **__: json.dumps(known).encode())
    monkeypatch.setattr(pdf, "set_png", lambda *_, **__: b"")
    before = told()
    joined(NOW.date() - timedelta(days=1), 0)
    assert told() == before
    joined(NOW.date(), 1)
    after = told()
    assert {name for name in before if after[name] == before[name]} == set()
    for name in (
        "Par vague",
        "Jour par jour",
        "authorities/export.csv",
        "campagne-1-vagues.svg",
        "campagne-1-jours.svg",
    ):
        said = after[name].decode() if isinstance(after[name], bytes) else str(after[name])
        assert "Ont adhéré" not in said, f"{name}: what is declared and what is confirmed is never one word"
        assert "dhésions confirmées" in said
