"""Pages of an effect: locked, computed once by a job, its files and curves; and the page that everybody sees."""

import json
import re

import pytest
from sqlalchemy import select, update

from outreach.campaigns import lifecycle
from outreach.campaigns.effects import locking
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Authority
from tests.campaigns.effects.drawn import departures, draw, leave, tell
from tests.campaigns.effects.test_effects import AFTER, DAY, LAST
from tests.pages import actions, elements, links, text_of
from tests.web.api.conftest import Program, made
from tests.web.campaigns.test_campaigns import begun
from tests.web.test_jobs import do

__all__ = ["begun", "do"]
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


def test_an_effect_is_locked_then_computed_once_by_a_job(author, do, covered):
    page = f"/campaigns/{covered}/effect"
    assert "Prêt" in text_of(author.get(page))
    assert author.get(f"{page}/export.xlsx").status_code == 409
    assert "/jobs/" in author.send(page, {}, page=page).location
    assert do().said == "L’effet est calculé et figé."
    shown = author.get(page)
    for told in (
        "Figé",
        "PO de plus sur 100",
        "Qui est compté",
        "À côté du chiffre",
        "Tirés au sort",
        "aucune liste",
        "(cette page)",
    ):
        assert told in text_of(shown)
    for told in ("intervalle de 95", "tels que tirés", "au moins une adhésion venue d’une liste"):
        assert told in text_of(shown)
    assert "Les deux nombres sont les bornes d’un intervalle de 95" in text_of(author.get(f"/t/{covered}"))
    kept = json.loads(author.get(f"{page}/export.json").data)
    assert "pool" not in kept
    assert [one["state"] for one in kept["programme"]["draws"]] == ["ready"]
    assert kept["told"] in shown.text.replace("&#39;", "'")
    assert author.get(f"{page}/export.csv").data.decode("utf-8-sig").startswith("Strate")
    assert b"<svg" in author.get(f"{page}/adhesions.svg").data
    assert author.get(f"{page}/export.xlsx").status_code == 200
    written = author.get(f"/notes/drafts/new?effect={covered}")
    assert "PO de plus sur 100" in written.text
    (day,) = elements(written, "input[@name='as_of']")
    said = {"as_of": day.get("value"), "effect": str(covered)}
    draft = text_of(author.get(author.send("/notes/drafts/new", said).location))
    for told in ("L’effet du courriel", "Écart, en PO sur 100", "figé d’après la liste", kept["told"]):
        assert " ".join(told.split()) in " ".join(draft.split())


def test_before_its_day_a_page_says_what_is_awaited_and_counts_nothing(author, number):
    page = author.get(f"/campaigns/{number}/effect")
    assert "Verrouillé" in text_of(page)
    assert "complète jusqu’au" in text_of(page).replace("\xa0", " ")
    assert not elements(page, "svg")
    assert f"/campaigns/{number}/effect" not in actions(page)
    assert "wave" not in [one.get("name") for one in elements(author.get(f"/campaigns/{number}/recipients"), "select")]
    assert "vagues" not in author.get(f"/campaigns/{number}").text.split("charts/")[1:]


def test_before_its_day_no_list_of_a_wave_says_who_joined_or_answered(app, author, client, number, sample_database):
    settings = app.extensions["outreach.settings"]
    with sample_database.writing() as session:
        wave = lifecycle.campaign_numbered(session, number).waves[0]
        some = session.scalars(select(Message).where(Message.mailing_id == wave.mailing_id).limit(2)).all()
        for letter, reason in zip(some, (Reason.JOINED, Reason.ANSWERED), strict=True):
            letter.state, letter.reason = MessageState.WITHDRAWN, reason
            letter.settled_at = letter.settled_at or letter.dated_at
        place = wave.number
    program, page = Program(client, made(sample_database, settings.instant())), f"/campaigns/{number}/waves/{place}"
    listed = program.every(f"{page}/recipients")
    assert [one["reason"] for one in listed if one["outcome"] == "withdrawn"] == ["", ""]
    for shown in (author.get(page).text, author.get(f"{page}/export.csv").data.decode("utf-8-sig")):
        assert not [one for one in locking.TELLING if one.label in shown]
    for reason in ("joined", "answered"):
        asked = f"?outcome=withdrawn&reason={reason}"
        for path in (f"{page}{asked}", f"{page}/export.csv{asked}"):
            assert author.get(path).status_code == 409


def test_the_first_page_says_why_waves_of_a_draw_have_no_count_yet(author, number):
    assert "se comptent au jour de son chiffre" in text_of(author.get("/"))


def test_once_its_day_has_come_the_file_of_recipients_says_the_wave_of_each(author, covered):
    assert ";Vague;" in author.get(f"/campaigns/{covered}/recipients/export.csv").data.decode("utf-8-sig")


def test_before_its_day_no_row_of_recipients_says_which_departure_it_left_with(author, number, sample_database):
    """Failures alone are listed: with all letters, the rows of each departure could be counted."""
    page = f"/campaigns/{number}/recipients"
    with sample_database.writing() as session:
        named = Authority.fase.in_([fases[0] for fases in departures(sample_database, number)])
        failed = update(Message).where(Message.authority_id.in_(select(Authority.id).where(named)))
        session.execute(failed.values(state=MessageState.REFUSED, reply_code=550))
    assert author.get(f"{page}/export.csv?sort=sent").status_code == 400
    head = author.get(f"{page}/export.csv").data.decode("utf-8-sig").partition("\n")[0].strip().split(";")
    assert {"Vague", "Parti"} & set(head) == set()
    assert {"Réponse", "Ont adhéré"} <= set(head)
    listed = author.get(page)
    rows = " ".join(text_of(table) for table in elements(listed, "tbody"))
    assert rows.count("Refusé") == 3
    assert "N’ont pas réagi (" not in text_of(listed)
    assert "départ" not in rows.casefold()
    for fases in departures(sample_database, number):
        assert "du départ" not in text_of(author.get(f"/directory/{fases[0]}/history")).replace("\xa0", " ")


def test_everybody_sees_how_a_draw_was_made_and_no_list_of_it(client, number, sample_database):
    page = client.get(f"/t/{number}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    told = text_of(page).replace("\xa0", " ")
    assert "Tirage n° 1, aucun annulé." in told
    assert "Les deux nombres" not in told
    for stated in (
        "sorti du registre",
        "au moins une adhésion",
        "7 jours après la lettre",
        "8 chances sur 10",
        "partage une boîte (2)",
    ):
        assert stated in told
    assert len(set(HEXADECIMAL.findall(page.text))) >= 6
    assert "import hashlib" in page.text or "from hashlib import sha256" in page.text
    for fases in departures(sample_database, number):
        assert not [fase for fase in fases if re.search(rf"\b{fase}\b", told)]
    assert "PO 9" not in told
    assert [address for address, _ in links(page) if "/directory" in address] == []


def test_nobody_sees_a_draw_before_its_approval(client, begun):
    assert client.get("/t/1").status_code == 404
    assert client.get("/t/99").status_code == 404


def test_a_campaign_that_is_not_drawn_has_no_such_page(author, begun):
    assert author.get(f"{begun}/effect").status_code == 404
