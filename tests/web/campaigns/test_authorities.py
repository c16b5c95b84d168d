"""The authorities of a campaign, on one page and in one file: filters, counts, letters, a campaign to them."""

import csv
import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import counting, planning, results
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import Figure
from outreach.core.settings import Settings
from outreach.core.text import french
from outreach.delivery import outbox
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject
from outreach.directory.models import Authority
from outreach.engagement.replies import Answer, Response
from outreach.engagement.tracking import Reaction, TrackingMode, reacting_authorities
from tests import factories
from tests.application import planned
from tests.conftest import NOW
from tests.pages import elements, links, text_of
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]
S = MessageState
PAGE = "/campaigns/1/authorities"


@pytest.fixture
def letters(launched_sample):
    """A wave with letters in several states; returns the tally."""
    with launched_sample.writing() as session:
        rows = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).all()
        for row in rows[:5]:
            row.state, row.fence_id, row.fenced_at, row.settled_at, row.reply_code = S.ACCEPTED, "f", NOW, NOW, 250
        for row in rows[5:8]:
            row.state, row.settled_at, row.reply_code, row.reply_text = S.REFUSED, NOW, 550, "5.1.1 <b>inconnu</b>"
        rows[8].attempts = 2
        session.flush()
        return outbox.tally_mailings(session, [rows[0].mailing_id])[rows[0].mailing_id]


@pytest.fixture
def came(launched, sample_database):
    """A wave with an answer, a joining, and a refusal that the relay explained; returns its rows."""
    settle(sample_database, 1, S.REFUSED)
    with sample_database.writing() as session:
        why = {"reply_code": 550, "reply_status": "5.1.1", "reply_text": "5.1.1 <b>inconnu</b>"}
        session.execute(update(Message).where(Message.state == S.REFUSED).values(**why))
    end(sample_database)
    with sample_database.writing() as session:
        strand = session.get_one(Campaign, 1).strand_id
        first, second, *_ = session.scalars(select(Message).where(Message.state == S.ACCEPTED).order_by(Message.id))
        fields = {"message_id": first.id, "authority_id": first.authority_id, "strand_id": strand}
        session.add(Response(**fields, answer=Answer.DECLINED, given_at=NOW + timedelta(minutes=30)))
        school = session.scalars(select(MessageSubject.school_id).where(MessageSubject.message_id == second.id)).first()
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, word=Word.DECLARED)))
    return rows_of(sample_database)


def rows_of(database, reaction=None):
    with database.reading() as session:
        asked = results.asked_of(planning.campaign_numbered(session, 1), now=NOW)
        return results.list_reactions(session, asked, reacting_authorities(asked, reaction) if reaction else None)


def tables_of(client, address):
    """The tables of a CSV: authorities, then the letters to them, then what the words mean."""
    lines = client.get(address).data.decode("utf-8-sig").split("\r\n\r\n")
    return [list(csv.DictReader(io.StringIO(table), delimiter=";")) for table in lines]


def file_of(client, query=""):
    return tables_of(client, f"{PAGE}/export.csv?{query}")


def plain(text):
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.long
@pytest.mark.sweep
def test_every_count_of_a_campaign_leads_to_a_list_of_as_many(author, came, sample_database, monkeypatch):
    """Of every figure, of each link on the pages of a campaign, in authorities or in letters."""
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW + timedelta(hours=1))
    with sample_database.reading() as session:
        counted = counting.of_campaign(session, planning.campaign_numbered(session, 1), now=NOW + timedelta(hours=1))
    values = {figure: counted.authorities[figure] for figure in Figure}
    assert {figure: len(file_of(author, f"figure={figure}")[0]) for figure in Figure} == values
    for network in counted.networks:
        found = len(file_of(author, f"figure=recipients&network={network.code}")[0])
        assert found == network.authorities[Figure.RECIPIENTS]
    walked = set()
    for page in ("/campaigns/1/progress", "/campaigns/1/progress/waves", PAGE):
        for address, words in links(author.get(page), f"{PAGE}?", without={"ds-sr-only"}):
            count = re.search(r"\d+", words.partition("(")[2] or words)
            if count is None or address in walked or "page=" in address:
                continue
            walked.add(address)
            rows, sent, _ = tables_of(author, address.replace("?", "/export.csv?"))
            assert int(count[0]) == len(sent if "outcome=" in address else rows), (page, address)
    asked = {name for address in walked for name in re.findall(r"[?&](\w+)=", address)}
    assert asked == {"figure", "network", "answer", "wave", "outcome"}


@pytest.mark.long
def test_before_the_first_letter_the_figures_lead_to_their_lists_too(author, sample_database):
    planned(sample_database, NOW + timedelta(days=5))
    found = links(author.get("/campaigns/1/progress"), f"{PAGE}?figure=", without={"ds-sr-only"})
    assert {address.rpartition("=")[2] for address, _ in found} == {"concerned", "to_come"}
    for address, words in found:
        assert len(tables_of(author, address.replace("?", "/export.csv?"))[0]) == int(words)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("results?figure=silent&network=WBE&sort=name", "?figure=silent&network=WBE"),
        ("results", "?figure=recipients"),
        ("results/authorities.csv?figure=left", "/export.csv?figure=left"),
        ("reached?q=9001&number=7", "?q=9001&figure=to_reach"),
        ("reached/export.xlsx", "/export.xlsx?figure=to_reach"),
        ("recipients?reaction=none&wave=2", "?wave=2&reaction=none&figure=targeted"),
        ("recipients/export.csv?answer=help", "/export.csv?answer=help&figure=targeted"),
        ("waves/2?outcome=withdrawn&reason=joined", "?outcome=withdrawn&reason=joined&wave=2"),
        ("waves/2/export.csv", "/export.csv?wave=2"),
    ],
)
def test_the_lists_that_were_apart_lead_to_the_same_of_the_one(author, was, now):
    moved = FlaskClient.get(author, f"/campaigns/1/{was}")
    assert (moved.status_code, moved.location) == (301, f"{PAGE}{now}")


@pytest.mark.long
def test_page_files_and_command_have_the_same_numbers(author, came, sample_database):
    silent = rows_of(sample_database, Reaction.NONE)
    for query, expected in (("", came), ("reaction=none", silent)):
        rows, sent, about = file_of(author, query)
        assert {int(row["FASE"]) for row in rows} == {row.fase for row in expected}
        said = text_of(elements(author.get(f"{PAGE}?{query}"), "p[@role='status']")[0])
        assert said.startswith(f"{len({row.fase for row in expected})} pouvoirs")
        told = [(int(row["FASE"]), row["Adresse"], int(row["Déclarent adhérer"])) for row in sent]
        assert sorted(told) == sorted((row.fase, row.mailbox, row.declared) for row in expected)
        terms = {row["Terme"]: row["Sens"] for row in about}
        assert {"Campagne", "Date", "Remis", "N’ont ni répondu ni adhéré", "Heures"} <= set(terms)
        assert terms["Date"].endswith("heure de Bruxelles")
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(f"{PAGE}/export.xlsx").data))
    assert {"Pouvoirs organisateurs", "Courriels", "Définitions"} <= set(book.sheet_names)
    assert author.get(f"{PAGE}?network=x").status_code == 400
    assert author.get(f"{PAGE}?wave=9").status_code == 404


def test_filters_stand_behind_one_line_that_says_what_is_filtered(author, launched_sample):
    for query, said in (("", "Filtrer :"), ("network=WBE&wave=1&q=namur", "Filtré : première vague, WBE, « namur »")):
        page = author.get(f"{PAGE}?{query}")
        (folded,) = [one for one in elements(page, "details") if one.find("form[@role='search']") is not None]
        assert folded.get("open") is None
        assert text_of(folded.find("summary")).startswith(said)


@pytest.mark.long
def test_each_row_opens_its_letters_and_says_what_became_of_them(author, came):
    (declined,) = (row for row in came if row.answers)
    (joined,) = (row for row in came if row.declared)
    text = plain(text_of(elements(author.get(f"{PAGE}?reaction=reacted"), "tbody")[0]))
    assert declined.authority in text
    assert joined.authority in text
    assert "1 école déclare adhérer sur" in text
    assert "Nous n’adhérons pas 15 mai 2021 à 11 h 30" in text
    refused = plain(text_of(elements(author.get(f"{PAGE}?outcome=refused"), "tbody")[0]))
    assert ": l’adresse n’existe pas" in refused
    assert "Réponse du serveur d’envoi : 550 5.1.1 <b>inconnu</b>" in refused
    assert file_of(author, "answer=declined")[1][0]["Répondu"] == "2021-05-15 11:30"


@pytest.mark.long
def test_filters_are_kept_by_links_and_files(author, came):
    page = author.get(f"{PAGE}?sort=-name&network=WBE&wave=1")
    assert all("network=WBE" in address for address, _ in links(page, f"{PAGE}?figure="))
    files = links(page, f"{PAGE}/export.")
    assert files
    assert all("sort=-name" in address and "wave=1" in address for address, _ in files)


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "name", "is_rule"),
    [
        ("reaction=none", "N’ont ni répondu ni adhéré", True),
        ("reaction=reacted", "Ont répondu ou adhéré", False),
        ("answer=declined", "Nous n’adhérons pas", False),
        ("wave=1&outcome=accepted", "Remis, première vague", False),
    ],
)
def test_the_listed_are_written_to_by_their_rule_or_as_a_list(author, came, sample_database, query, name, is_rule):
    (words,) = (words for _, words in links(author.get(f"{PAGE}?{query}")) if words.startswith("Écrire"))
    begun = author.get(author.begin(f"{PAGE}/campaign?{query}").location)
    count = int((re.findall(r"\d+", words) or [1])[0])
    assert f"Visés {count} " in text_of(begun)
    assert f'value="{name} : ' in plain(begun.text)
    with sample_database.reading() as session:
        campaign = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        assert ("reacted" in campaign.criteria, "list" in campaign.criteria) == (is_rule, not is_rule)
        assert planning.count_campaign_audience(session, campaign, now=NOW).authorities == count


@pytest.mark.long
def test_openings_are_filtered_only_where_boxes_are_measured_one_by_one(author, came, sample_database):
    assert 'name="opening"' not in author.get(PAGE).text
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).tracking = TrackingMode.INDIVIDUAL
    page = author.get(f"{PAGE}?opening=never").text
    assert "Personne dans ce cas" in page
    assert 'name="opening"' in page


@pytest.mark.long
def test_a_letter_put_off_says_how_often_it_was_tried_and_when_it_is_next(author, app, letters, sample_database):
    deferred = f"{PAGE}?wave=1&outcome=deferred"
    again = app.extensions["outreach.settings"].instant() + timedelta(minutes=5)
    values = {again: f"2 essais, prochain vers {plain(french.hour(again))}", NOW: "2 essais, prochain sous peu"}
    for due_at, sentence in values.items():
        with sample_database.writing() as session:
            session.execute(update(Message).where(Message.attempts > 0).values(due_at=due_at))
        assert sentence in plain(text_of(author.get(deferred)))
    _, (row,), _ = file_of(author, "wave=1&outcome=deferred")
    assert (row["Essais"], row["Prochain essai"]) == ("2", "2021-05-15T11:00:00+02:00")
    assert {(one["Essais"], one["Prochain essai"]) for one in file_of(author, "outcome=accepted")[1]} == {("", "")}
    author.send("/campaigns/1/pause", page="/campaigns/1/progress")
    assert "2 essais, prochain à la reprise" in text_of(author.get(deferred))


@pytest.mark.long
def test_an_accepted_letter_shows_what_the_relay_said_when_it_is_not_the_usual(author, letters, sample_database):
    accepted = select(Message).where(Message.state == S.ACCEPTED).order_by(Message.id)
    with sample_database.writing() as session:
        for row, code in zip(session.scalars(accepted), (250, 251, 252, 250, 250), strict=True):
            row.reply_code, row.reply_text = code, f"2.1.5 reply to {code}"
    page = text_of(author.get(f"{PAGE}?outcome=accepted"))
    assert [f"{code} 2.1.5 reply" in page for code in (250, 251, 252)] == [False, True, True]
    assert "251 2.1.5 reply to 251" in {row["Réponse du serveur d’envoi"] for row in file_of(author)[1]}


@pytest.mark.long
def test_those_left_out_are_filtered_by_reason(author, letters):
    answer = author.get(f"{PAGE}?wave=1&outcome=withdrawn")
    assert f", {letters.withdrawn.total()} courriels" in text_of(answer)
    assert "Filtré : Écartés, première vague" in text_of(answer)
    assert links(answer, "/campaigns/1/letters/") == [], "none of them was sent"
    for name, count in letters.withdrawn.items():
        assert len(file_of(author, f"wave=1&outcome=withdrawn&reason={name}")[1]) == count
        assert len(file_of(author, f"reason={name}")[0]) == count
    assert "écarté : déjà adhéré" in plain(text_of(answer))


@pytest.mark.long
def test_the_exact_letter_of_a_recipient_is_shown_and_of_no_other_campaign(author, letters):
    page = author.get(f"{PAGE}?outcome=refused")
    assert "<b>inconnu" in text_of(page)
    (address, _), *_ = found = links(page, "/campaigns/1/letters/")
    assert len(found) == letters.refused
    letter = author.get(address)
    assert [text_of(heading) for heading in elements(letter, "h2")][:1] == ["Courriel refusé"]
    html = FlaskClient.open(author, f"{address}/html")
    assert "Madame, Monsieur," in html.text
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "Pouvoirs organisateurs" in [text_of(link) for link in elements(letter, "a[@aria-current='page']")]
    assert author.get("/campaigns/1/letters/999999").status_code == 404
    beyond = author.application.url_map.bind("x").match(f"/campaigns/1/letters/{2**31 + 1}")
    assert beyond == ("campaigns.received", {"number": 1, "message": 2**31 + 1})


@pytest.mark.long
def test_a_letter_that_came_back_later_says_when(author, letters, sample_database):
    with sample_database.writing() as session:
        row = session.scalars(select(Message).where(Message.state == S.ACCEPTED).order_by(Message.id)).first()
        outbox.come_back(session, row, status="5.1.1", said="550 5.1.1 inconnu", now=NOW, actor="x")
        authority = session.get_one(Authority, row.authority_id).fase
    page = text_of(author.get(f"{PAGE}?wave=1&outcome=refused"))
    assert "revenu le 15/05/2021" in page
    assert "4 courriels" in page
    assert "adresse à corriger" in text_of(author.get(f"/directory/{authority}/contacts"))
    sheet = author.get(f"/directory/{authority}").text
    assert f"Boîte en échec : po{authority:06}@" in text_of(sheet)
    assert f'href="/directory/{authority}/contacts">Corriger l’adresse</a>' in sheet
    history = text_of(author.get(f"/directory/{authority}/history"))
    assert "revenu le 15/05/2021 : 550 5.1.1 inconnu" in history


@pytest.mark.long
def test_the_authority_s_history_tells_its_letters(author, letters):
    page = author.get(f"{PAGE}?outcome=accepted")
    history = next(address for address, _ in links(page, "/directory/") if address.endswith("/history"))
    assert "première vague à po00" in text_of(author.get(history))


@pytest.mark.long
def test_a_letter_whose_words_are_gone_says_since_when_to_staff_and_to_its_reader(
    author, letters, app, sample_database
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
