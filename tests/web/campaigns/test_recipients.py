"""The recipients of a wave: counts that are filters, the exact letter, the file, the authority's own history."""

import csv
import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.campaigns.letter.snapshot import SenderIdentity
from outreach.core.text import french
from outreach.delivery.letters.tokens import TokenKind
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.delivery.outbox import outbox, outcomes
from outreach.directory.models import Authority
from tests.conftest import NOW
from tests.pages import elements, links, text_of


@pytest.fixture
def launched(launched_sample):
    """A wave with letters in several states; returns the tally."""
    with launched_sample.writing() as session:
        rows = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).all()
        for row in rows[:5]:
            row.state, row.fence_id, row.fenced_at, row.settled_at, row.reply_code = (
                MessageState.ACCEPTED,
                "f",
                NOW,
                NOW,
                250,
            )
        for row in rows[5:8]:
            row.state, row.settled_at, row.reply_code, row.reply_text = (
                MessageState.REFUSED,
                NOW,
                550,
                "5.1.1 <b>inconnu</b>",
            )
        rows[8].attempts = 2
        session.flush()
        return outbox.tallies(session, [rows[0].mailing_id])[rows[0].mailing_id]


@pytest.mark.sweep
def test_every_count_is_a_filter_that_lists_as_many(author, launched):
    filters = links(author.get("/campaigns/1/waves/1"), "/campaigns/1/waves/1?outcome=")
    shown = {
        address.partition("outcome=")[2]: int(re.search(r"\(([\d ]+)\)", text)[1].replace(" ", ""))
        for address, text in filters
    }
    assert shown == {
        "accepted": 5, "refused": 3, "deferred": 1,
        "pending": launched.pending, "withdrawn": launched.withdrawn.total(),
    }  # fmt: skip
    assert sum(shown.values()) == launched.intended
    for name, count in shown.items():
        lines = author.get(f"/campaigns/1/waves/1/export.csv?outcome={name}").data.decode("utf-8-sig").splitlines()
        assert len(lines) - 1 == count


@pytest.mark.long
def test_a_letter_put_off_says_how_often_it_was_tried_and_when_it_is_next(author, app, launched, sample_database):
    deferred = "/campaigns/1/waves/1?outcome=deferred"
    again = app.extensions["outreach.settings"].instant() + timedelta(minutes=5)
    told = {
        again: f"2 essais, prochain vers {plain(french.hour(again))}",
        NOW: "2 essais, prochain sous peu",
    }
    for due_at, sentence in told.items():
        with sample_database.writing() as session:
            session.execute(update(Message).where(Message.attempts > 0).values(due_at=due_at))
        assert sentence in text_of(author.get(deferred))
    (row,) = exported(author, "deferred")
    assert (row["Essais"], row["Prochain essai"]) == ("2", "2021-05-15T11:00:00+02:00")
    assert {(one["Essais"], one["Prochain essai"]) for one in exported(author, "accepted")} == {("", "")}
    author.send("/campaigns/1/pause", page="/campaigns/1/progress")
    assert "2 essais, prochain à la reprise" in text_of(author.get(deferred))


@pytest.mark.long
def test_an_accepted_letter_shows_what_the_relay_said_when_it_is_not_the_usual(author, launched, sample_database):
    accepted = select(Message).where(Message.state == MessageState.ACCEPTED).order_by(Message.id)
    with sample_database.writing() as session:
        for row, code in zip(session.scalars(accepted), (250, 251, 252, 250, 250), strict=True):
            row.reply_code, row.reply_text = code, f"2.1.5 reply to {code}"
    page = text_of(author.get("/campaigns/1/waves/1?outcome=accepted"))
    assert [f"{code} 2.1.5 reply" in page for code in (250, 251, 252)] == [False, True, True]
    assert "251 2.1.5 reply to 251" in {row["Réponse du serveur d’envoi"] for row in exported(author, "accepted")}


def exported(client, outcome):
    content = client.get(f"/campaigns/1/waves/1/export.csv?outcome={outcome}").data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content), delimiter=";"))


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.long
def test_those_left_out_are_filtered_by_reason(author, launched):
    answer = author.get("/campaigns/1/waves/1?outcome=withdrawn")
    page, left_out = text_of(answer), launched.withdrawn.total()
    letters = launched.intended - left_out
    assert f"{letters} courriels, {left_out} écartés." in page
    assert links(answer, "/campaigns/1/letters/") == [], "none of them was sent"
    (row, *_) = elements(author.get("/campaigns/1/progress/waves"), "tbody/tr")
    assert [text_of(cell) for cell in row if cell.get("data-label") == "Courriels"] == [f"{letters}"]
    for name, count in launched.withdrawn.items():
        rows = author.get(f"/campaigns/1/waves/1/export.csv?outcome=withdrawn&reason={name}").data.decode("utf-8-sig")
        assert len(list(csv.reader(io.StringIO(rows), delimiter=";"))) - 1 == count
    assert "Écarté : déjà adhéré" in page.replace("\u00a0", " ")


@pytest.mark.long
def test_the_exact_letter_of_a_recipient_is_shown_and_of_no_other_campaign(author, launched):
    page = author.get("/campaigns/1/waves/1?outcome=refused")
    assert "<b>inconnu" in text_of(page)
    assert text_of(page).count(" Refusé ") == launched.refused
    (address, _), *_ = links(page, "/campaigns/1/letters/")
    letter = author.get(address)
    assert [text_of(heading) for heading in elements(letter, "h2")][:1] == ["Courriel refusé"]
    html = FlaskClient.open(author, f"{address}/html")
    assert "Madame, Monsieur," in html.text
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "Pouvoirs organisateurs" in [text_of(link) for link in elements(letter, "a[@aria-current='page']")]
    assert author.get("/campaigns/1/letters/999999").status_code == 404
    beyond = author.application.url_map.bind("x").match(f"/campaigns/1/letters/{2**31 + 1}")
    assert beyond == ("campaigns.received", {"number": 1, "message": 2**31 + 1})
    assert author.get("/campaigns/1/waves/9").status_code == 404


@pytest.mark.long
def test_a_letter_that_came_back_later_says_when(author, launched, sample_database):
    with sample_database.writing() as session:
        row = session.scalars(
            select(Message).where(Message.state == MessageState.ACCEPTED).order_by(Message.id)
        ).first()
        outcomes.come_back(session, row, status="5.1.1", said="550 5.1.1 inconnu", now=NOW, actor="x")
        authority = session.get_one(Authority, row.authority_id).fase
    page = text_of(author.get("/campaigns/1/waves/1?outcome=refused"))
    assert "revenu le 15/05/2021" in page
    assert "Refusés (4)" in page
    assert "adresse à corriger" in text_of(author.get(f"/directory/{authority}/contacts"))
    sheet = author.get(f"/directory/{authority}").text
    assert f"Boîte en échec : po{authority:06}@" in text_of(sheet)
    assert f'href="/directory/{authority}/contacts">Corriger l’adresse</a>' in sheet
    history = text_of(author.get(f"/directory/{authority}/history"))
    assert "revenu le 15/05/2021 : 550 5.1.1 inconnu" in history


@pytest.mark.long
def test_the_authority_s_history_tells_its_letters(author, launched):
    page = author.get("/campaigns/1/waves/1?outcome=accepted")
    history = next(address for address, _ in links(page, "/directory/") if address.endswith("/history"))
    assert "première vague à po00" in text_of(author.get(history))


@pytest.mark.long
def test_a_letter_whose_words_are_gone_says_since_when_to_staff_and_to_its_reader(
    author, launched, app, sample_database
):
    with sample_database.writing() as session:
        letter = session.scalars(select(Message).where(Message.fence_id == "f")).first()
        session.get_one(Mailing, letter.mailing_id).emptied_at = NOW
        number, name = letter.id, letter.public_id
    keys = SenderIdentity.of(app.extensions["outreach.settings"]).keys
    online = f"/v/{keys.make(TokenKind.VIEW, bytes.fromhex(name))}"
    for address in (f"/campaigns/1/letters/{number}", f"/campaigns/1/letters/{number}/html", online):
        answer = author.get(address)
        assert answer.status_code == 409
        assert "n’est plus conservé depuis le 15 mai 2021" in text_of(answer)
