"""Pages of an effect: locked, computed once, its files and curves; and the page that everybody sees."""

import io
import json
import re
import zipfile
from itertools import chain

import pytest
from sqlalchemy import select

from outreach.campaigns import planning
from outreach.core.sandbox import pdf
from outreach.core.text import french
from outreach.delivery.models import Message, MessageState, Reason
from tests.campaigns.effects.drawn import departures, draw, leave, tell
from tests.campaigns.effects.test_effects import AFTER, DAY, LAST
from tests.pages import actions, elements, links, text_of
from tests.web.api.conftest import Program, made
from tests.web.campaigns.test_campaigns import begun

__all__ = ["begun"]
HEXADECIMAL = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def number(sample_database):
    """The number of a campaign whose three departures left, on the sample's own programme."""
    number = draw(sample_database)
    for departure in (1, 2, 3):
        leave(sample_database, number, departure)
    return number


@pytest.fixture
def covered(sample_database, number):
    """Many joined after departure 1, some after departure 2, and a list tells all of it."""
    one, two, _ = departures(sample_database, number)
    joined = dict.fromkeys(one[:12], DAY) | dict.fromkeys(two[:9], DAY.replace(day=DAY.day + 14))
    tell(sample_database, joined, LAST, at=AFTER)
    return number


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_an_effect_is_locked_then_computed_once(author, covered):
    page = f"/campaigns/{covered}/effect"
    assert "Calculer l’effet" in text_of(author.get(page))
    assert author.get(f"{page}/export.xlsx").status_code == 409
    assert author.send(page, {}, page=page).location == page
    shown = author.get(page)
    assert "L’effet est calculé et figé." in text_of(shown)
    for told in (
        "Oui.",
        "de plus sur 100",
        "Ce que ce chiffre ne dit pas",
        "Pour le statisticien",
        "Qui est compté",
        "Tirés au sort",
    ):
        assert told in text_of(shown)
    folded = " ".join(text_of(one) for one in elements(shown, "details"))
    for told in ("intervalle de 95", "Les deux comparaisons", "Code de contrôle de la liste"):
        assert told in folded
        assert told not in text_of(elements(shown, "section[@aria-labelledby='figure']")[0])
    assert text_of(elements(shown, "p[@class='verdict']")[0]) == "Oui."
    assert len(elements(shown, "p[@class='lead']/strong")) >= 5, "its numbers are in bold"
    public = text_of(author.get(f"/t/{covered}"))
    assert "Les deux comparaisons" in public
    assert max(len(one["strata"]) for one in json.loads(author.get(f"/t/{covered}.json").data)["tables"]) > 1
    assert "refait l’ordre et, à peu près, le chiffre avec lui seul. Des groupes y sont réunis" in public
    kept = json.loads(author.get(f"{page}/export.json").data)
    assert [one["state"] for one in kept["programme"]["draws"]] == ["ready"]
    said = "".join(text_of(elements(shown, f"p[@class='{one}']")[0]) for one in ("verdict", "lead"))
    assert "".join(kept["told"].split()) == said.replace(" ", "")  # bold parts have spaces around them there
    assert author.get(f"{page}/export.csv").data.decode("utf-8-sig").startswith("Groupe")
    assert len(zipfile.ZipFile(io.BytesIO(author.get(f"{page}/slides.zip").data)).namelist()) == 2
    assert author.get(f"{page}/export.xlsx").status_code == 200
    written = author.get(f"/notes/drafts/new?effect={covered}")
    assert "de plus sur 100" in written.text
    (day,) = elements(written, "input[@name='as_of']")
    said = {"as_of": day.get("value"), "effect": str(covered)}
    draft = text_of(author.get(author.send("/notes/drafts/new", said).location))
    for told in ("L’effet du courriel", "Écart, en PO sur 100", "figé d’après la liste", kept["told"]):
        assert " ".join(told.split()) in " ".join(draft.split())


@pytest.mark.full
@pytest.mark.long
def test_before_its_day_a_page_says_what_is_awaited_and_shows_no_effect(author, number):
    page = author.get(f"/campaigns/{number}/effect")
    assert not elements(page, "p[@class='verdict']")
    assert "complète jusqu’au" in text_of(page).replace("\xa0", " ")
    assert not elements(page, "svg")
    assert f"/campaigns/{number}/effect" not in actions(page)


BESIDE = "Ces nombres ne disent pas l’effet : il sera donné dès qu’une liste ira jusqu’au"


@pytest.mark.full
@pytest.mark.long
def test_pages_with_counts_by_departure_say_once_when_the_effect_is_told(author, number):
    for page in ("progress", "progress/waves"):
        said = text_of(author.get(f"/campaigns/{number}/{page}")).replace("\xa0", " ")
        assert said.count("ne disent pas l’effet") == said.count(BESIDE) == 1, page


@pytest.mark.full
@pytest.mark.long
def test_the_one_page_summary_says_once_when_the_effect_is_told(author, number, monkeypatch):
    written = []
    monkeypatch.setattr(pdf, "set_pdf", lambda _, document, *__, **___: written.append(document["lead"]) or b"%PDF")
    assert author.get(f"/campaigns/{number}/summary.pdf").status_code == 200
    assert [lead.replace("\xa0", " ").count(BESIDE) for lead in written] == [1]


@pytest.mark.full
@pytest.mark.long
def test_pages_with_counts_by_departure_say_nothing_more_once_the_effect_may_be_told(author, covered):
    for page in ("progress", "progress/waves"):
        assert "ne disent pas l’effet" not in text_of(author.get(f"/campaigns/{covered}/{page}"))


@pytest.mark.full
@pytest.mark.long
def test_before_its_day_a_draw_has_the_chart_and_the_filter_of_waves(author, number):
    assert "wave" in [one.get("name") for one in elements(author.get(f"/campaigns/{number}/authorities"), "select")]
    assert author.get(f"/campaigns/{number}/slides.zip").status_code == 200
    assert "Vague;FASE;" in author.get(f"/campaigns/{number}/authorities/export.csv").text


@pytest.mark.full
@pytest.mark.long
def test_before_its_day_lists_of_a_wave_say_who_joined_or_answered(app, author, client, number, sample_database):
    settings = app.extensions["outreach.settings"]
    with sample_database.writing() as session:
        wave = planning.campaign_numbered(session, number).waves[0]
        some = session.scalars(select(Message).where(Message.mailing_id == wave.mailing_id).limit(2)).all()
        for letter, reason in zip(some, (Reason.JOINED, Reason.ANSWERED), strict=True):
            letter.state, letter.reason = MessageState.WITHDRAWN, reason
            letter.settled_at = letter.settled_at or letter.dated_at
        place = wave.number
    program, page = Program(client, made(sample_database, settings.instant())), f"/campaigns/{number}/waves/{place}"
    listed = program.every(f"{page}/recipients")
    labels = [Reason.JOINED.label, Reason.ANSWERED.label]
    assert sorted(one["explanation"] for one in listed if one["outcome"] == "withdrawn") == sorted(labels)
    listed = f"/campaigns/{number}/authorities"
    assert [one for one in labels if one not in author.get(f"{listed}/export.csv?wave={place}").text] == []
    for reason in ("joined", "answered"):
        for path in (listed, f"{listed}/export.csv"):
            assert author.get(f"{path}?wave={place}&outcome=withdrawn&reason={reason}").status_code == 200


@pytest.mark.full
@pytest.mark.long
def test_a_sheet_says_with_which_departure_a_letter_left(author, number, sample_database):
    for place, fases in enumerate(departures(sample_database, number), 1):
        said = text_of(author.get(f"/directory/{fases[0]}/history")).replace("\xa0", " ")
        assert french.wave(0, place).replace("\xa0", " ") in said


@pytest.mark.full
@pytest.mark.long
def test_everybody_sees_all_that_repeats_a_draw_and_no_name(client, number, sample_database):
    page = client.get(f"/t/{number}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    text = text_of(page).replace("\xa0", " ")
    assert "Tirage n° 1, aucun annulé." in text
    assert "Les deux comparaisons" not in text
    for stated in (
        "sorti du registre",
        "au moins une adhésion",
        '"reminders": "7"',
        "partage une boîte",
    ):
        assert stated in text
    assert len(set(HEXADECIMAL.findall(page.text))) >= 6
    assert "import hashlib" in page.text or "from hashlib import sha256" in page.text
    given = json.loads(client.get(f"/t/{number}.json").data)
    assert sorted(fase for _, fase in given["list"]) == sorted(chain(*departures(sample_database, number)))
    assert all(re.search(rf"\b{fase}\b", text) for _, fase in given["list"])
    assert (given["seed"] in page.text, given["nonce"] in page.text, given["tables"]) == (True, True, [])
    assert "PO 9" not in text
    assert [address for address, _ in links(page) if "/directory" in address] == []


def test_nobody_sees_a_draw_before_its_approval(client, begun):
    assert client.get("/t/1").status_code == 404
    assert client.get("/t/99").status_code == 404
    assert client.get("/t/99.json").status_code == 404


def test_a_campaign_that_is_not_drawn_has_no_such_page(author, begun):
    assert author.get(f"{begun}/effect").status_code == 404
