"""What each recipient did, on its page and in files: the same rows as the command, filtered, sorted, in pages."""

import csv
import io
import re
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import audiences, lifecycle
from outreach.campaigns.results import reactions
from outreach.delivery.models import Message, MessageState, MessageSubject
from outreach.engagement.replies.kinds import Answer
from outreach.engagement.replies.models import Response
from outreach.engagement.tracking.models import TrackingMode
from outreach.engagement.tracking.reactions import Reaction, authorities
from tests import factories
from tests.conftest import NOW
from tests.pages import elements, links, text_of
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]
S = MessageState
PAGE = "/campaigns/1/recipients"


@pytest.fixture
def came(launched, sample_database):
    """A wave with an answer, a joining, and a refusal that the relay explained; returns its rows by FASE number."""
    settle(sample_database, 1, S.REFUSED)
    with sample_database.writing() as session:
        why = {"reply_code": 550, "reply_status": "5.1.1", "reply_text": "5.1.1 <b>inconnu</b>"}
        session.execute(update(Message).where(Message.state == S.REFUSED).values(**why))
    end(sample_database)
    with sample_database.writing() as session:
        strand = session.get_one(Campaign, 1).strand_id
        first, second = session.scalars(select(Message).where(Message.state == S.ACCEPTED).order_by(Message.id)).all()[
            :2
        ]
        at = NOW + timedelta(minutes=30)
        session.add(
            Response(
                message_id=first.id,
                authority_id=first.authority_id,
                strand_id=strand,
                answer=Answer.DECLINED,
                given_at=at,
            )
        )
        school = session.scalars(select(MessageSubject.school_id).where(MessageSubject.message_id == second.id)).first()
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, word=Word.DECLARED)))
    return rows_of(sample_database)


def rows_of(database, reaction=None):
    with database.reading() as session:
        asked = reactions.asked_of(lifecycle.campaign_numbered(session, 1), now=NOW)
        return reactions.letters(session, asked, authorities(asked, reaction) if reaction else None)


def counts_of(page):
    """The links that filter by reaction: what each counts, by its query."""
    shown = {}
    for link in elements(page, "nav[@aria-label='Filtrer par réaction']//a"):
        shown[link.get("href").partition("?")[2]] = int(re.sub(r"\D", "", text_of(link).partition("(")[2]))
    return shown


def table_of(author, kind, query=""):
    data = author.get(f"{PAGE}/export.{kind}?{query}").data
    if kind == "xlsx":
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [book.get_sheet_by_name(name).to_python() for name in ("Visés", "Définitions")]
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    gap = lines.index([])
    return lines[:gap], lines[gap + 1 :]


@pytest.mark.long
def test_page_files_and_command_have_the_same_numbers(author, came, sample_database):
    page = author.get(PAGE)
    counts = counts_of(page)
    assert counts[""] == len({row.fase for row in came}) == sum(count for query, count in counts.items() if query)
    silent = rows_of(sample_database, Reaction.NONE)
    assert counts["reaction=none"] == len({row.fase for row in silent})
    for query, expected in (("", came), ("reaction=none", silent)):
        for kind in ("csv", "xlsx"):
            (headers, *lines), about = table_of(author, kind, query)
            told = [dict(zip(headers, line, strict=True)) for line in lines]
            assert [
                (int(row["FASE"]), row["Adresse"], int(row["Déclarent adhérer"]), int(row["Adhésions confirmées"]))
                for row in told
            ] == [(row.fase, row.mailbox, row.declared, row.joined_since) for row in expected]
            terms = dict(line[:2] for line in about)
            assert {"Campagne", "Date", "N’ont ni répondu ni adhéré", "Heures"} <= set(terms)
            assert terms["Date"].endswith("heure de Bruxelles")


@pytest.mark.long
def test_each_letter_says_what_became_of_it_and_what_was_done(author, came):
    (declined,) = (row for row in came if row.answers)
    (joined,) = (row for row in came if row.declared)
    shown = {text_of(body): body for body in elements(author.get(f"{PAGE}?reaction=reacted"), "tbody")}
    assert len(shown) == 2
    told = " ".join(shown)
    assert declined.authority in told
    assert joined.authority in told
    assert "Nous n’adhérons pas 15 mai 2021 à 11 h 30" in told.replace("\u00a0", " ")
    refused = text_of(elements(author.get(f"{PAGE}?outcome=refused"), "tbody")[0]).replace("\u00a0", " ")
    assert "Refusé : l’adresse n’existe pas" in refused
    assert "Réponse du serveur d’envoi : 550 5.1.1 <b>inconnu</b>" in refused
    (headers, *lines), _ = table_of(author, "csv", "answer=declined")
    assert dict(zip(headers, *lines, strict=True))["Répondu"] == "2021-05-15 11:30"


@pytest.mark.long
def test_filters_and_sorts_are_kept_by_links_and_files(author, came):
    page = author.get(f"{PAGE}?sort=-answered&network=Officiel+subventionné+communal&wave=1")
    assert {text.partition("(")[0] for _, text in links(page, f"{PAGE}?sort=-answered&network=")} >= {"Tous "}
    assert all("sort=-answered" in address for address, _ in links(page, f"{PAGE}/export."))
    first = elements(author.get(f"{PAGE}?sort=-answered"), "tbody")[0]
    (declined,) = (row for row in came if row.answers)
    assert declined.authority in text_of(first)
    (joined,) = (row for row in came if row.declared)
    assert joined.authority in text_of(elements(author.get(f"{PAGE}?sort=-declared"), "tbody")[0])


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "name"), [("reaction=none", "N’ont ni répondu ni adhéré"), ("answer=declined", "Nous n’adhérons pas")]
)
def test_the_listed_are_written_to_as_many_as_the_button_says_under_what_was_filtered(author, came, query, name):
    (words,) = (words for _, words in links(author.get(f"{PAGE}?{query}")) if words.startswith("Écrire"))
    begun = author.get(author.begin(f"{PAGE}/campaign?{query}").location)
    count = re.search(r"\d+", words)
    assert f"<dt>Visés</dt><dd>{count[0] if count else 1}</dd>" in begun.text
    assert f'value="{name} : ' in begun.text.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.long
def test_openings_have_columns_only_where_boxes_are_measured_one_by_one(author, came, sample_database):
    assert "sort=-opened" not in author.get(PAGE).text
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).tracking = TrackingMode.INDIVIDUAL
    page = author.get(f"{PAGE}?opening=never")
    assert "Personne dans ce cas" in page.text
    assert "Non mesuré" in author.get(f"{PAGE}?sort=-clicked").text


@pytest.mark.long
def test_those_who_have_not_reacted_are_written_to_by_their_rule_and_others_as_a_list(author, came, sample_database):
    for query, is_rule in (("?reaction=none", True), ("?reaction=reacted", False)):
        page = author.get(PAGE + query)
        (count,) = re.findall(r"Écrire à ces (\d+) PO", text_of(page))
        made = author.send(f"{PAGE}/campaign{query}", page=PAGE + query)
        assert made.status_code == 302
        with sample_database.reading() as session:
            begun = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
            assert ("reacted" in begun.criteria, "list" in begun.criteria) == (is_rule, not is_rule)
            meant = audiences.count(session, begun, now=NOW)
        assert meant.authorities == int(count)
