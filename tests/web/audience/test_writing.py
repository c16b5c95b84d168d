"""From any list to a campaign: the same authorities, as a rule where the list is one, else as a stored list."""

import io
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from urllib.parse import parse_qsl

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from outreach.access import accounts
from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket, Selection
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import WrittenList, begin_from_list, rule_of_directory, rule_of_figure
from outreach.campaigns.segments import And, context_at, from_store, listed_authorities
from outreach.core.text.dates import today
from outreach.directory import authorities
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.models import Level
from outreach.web.pages.directory import filters as filtering
from tests import factories
from tests.conftest import NOW
from tests.pages import links, text_of
from tests.web.test_responses import letters

__all__ = ["letters"]

NETWORKS = ("", "WBE", "Libre confessionnel")
FILTERS = [
    Filters(),
    Filters(networks=("WBE", "COCOF"), level=Level.SECONDARY),
    Filters(federation="CECP"),
    Filters(zone="Namur"),
    Filters(province="Liège", reach=ReachFilter.REACHABLE),
    Filters(reach=ReachFilter.UNREACHABLE),
    Filters(municipality="Namur"),
]
NO_RULE = [
    Filters(text="saint"),
    Filters(level=Level.PRIMARY, zone="Namur"),
    Filters(reach=ReachFilter.BOUNCED),
    Filters(networks=("WBE",), text="x"),
]


@dataclass(frozen=True, slots=True)
class Newer(Filters):
    """The filters once another one was added that no criterion knows."""

    founded: int | None = None


def meant(session, rule):
    programme = programmes.get_programme(session)
    return set(session.scalars(listed_authorities(context_at(session, programme.id, now=NOW), rule)))


def test_the_rule_of_each_figure_means_exactly_the_authorities_behind_it(sample_database):
    with sample_database.reading() as session:
        programme, day = programmes.get_programme(session), today(NOW)
        for strand, network, bucket in product(programme.strands, NETWORKS, (None, *Bucket)):
            rule = rule_of_figure(strand, network, bucket)
            owners = set(
                situation.list_situation_schools(
                    session, programme, day, Selection(strand.number, bucket, network)
                ).keys()
            )
            assert rule is None or meant(session, rule) == owners, (strand.number, network, bucket)
            assert (rule is None) == (bucket in {Bucket.JOINED, Bucket.DECLARED})


@pytest.mark.long
def test_the_rule_of_a_filtered_directory_means_exactly_what_it_lists(sample_database):
    with sample_database.reading() as session:
        for filters in FILTERS:
            found = {row.Authority.id for row in authorities.list_authorities(session, filters).every()}
            assert found, filters
            assert meant(session, rule_of_directory(filters)) == found, filters
        for asked in ("strand1=partial", "strand1=none&strand2=none&network=WBE", "strand1=complete&province=Namur"):
            filters = filtering.asked(
                MultiDict(parse_qsl(asked)), programmes.get_programme(session).strands, today(NOW)
            )
            found = {row.Authority.id for row in authorities.list_authorities(session, filters).every()}
            assert (meant(session, rule_of_directory(filters)), bool(found)) == (found, "WBE" not in asked), asked
    assert [rule_of_directory(filters) for filters in NO_RULE] == [None] * len(NO_RULE)
    assert rule_of_directory(Newer(networks=("WBE",))) is not None
    assert rule_of_directory(Newer(networks=("WBE",), founded=1959)) is None


def button(page):
    (found,) = [(to, words) for to, words in links(page) if to.partition("?")[0].endswith("campaign")]
    return found


def begun(author, address, database):
    """Follow the link of a list, and go on; its words, and the campaign that it began."""
    to, words = button(author.get(address))
    made = author.begin(to)
    assert made.status_code == 302
    with database.reading() as session:
        campaign = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        assert made.location == f"/campaigns/{campaign.id}/audience"
        return words, campaign


REMINDS = "Nous n’avons pas encore votre réponse"


@pytest.mark.full
@pytest.mark.long
def test_those_who_received_a_letter_and_have_not_answered_are_reminded(author, sample_database, letters):
    address = "/situation/schools?strand=1&status=solicited&network=WBE"
    assert "111 écoles" in text_of(author.get(address)).replace("\xa0", " ")
    words, campaign = begun(author, address, sample_database)
    assert (words, REMINDS in campaign.letter) == ("Écrire à ce PO", True)


@pytest.mark.long
def test_a_list_of_all_without_an_answer_is_a_rule_and_no_reminder(author, sample_database):
    _, campaign = begun(author, "/situation/schools?strand=1&status=none", sample_database)
    assert '"school_status":{"strand":1,"statuses":["none"],"which":"any"}' in campaign.criteria
    assert REMINDS not in campaign.letter


@pytest.mark.long
@pytest.mark.parametrize(
    "address",
    ["/situation/schools?strand=1&status=joined", "/directory?q=saint"],
)
def test_a_list_that_is_no_rule_is_stored(author, sample_database, address):
    words, campaign = begun(author, address, sample_database)
    rule = from_store(campaign.criteria)
    with sample_database.reading() as session:
        members = segments.list_members(session, segments.list_numbered(session, rule.list)).keys()
        assert f"Écrire à ces {len(members)} PO" in words.replace("\u202f", "")
        assert meant(session, rule) == set(members)


def test_the_date_that_is_proposed_is_at_a_full_or_half_hour(sample_database):
    with sample_database.writing() as session:
        author, at = accounts.user_named(session, factories.AUTHOR), NOW + timedelta(days=3, minutes=7)
        made = begin_from_list(session, WrittenList("Tous", And(())), factories.invitation(), now=at, author=author)
        assert (made.starts_at > at, made.starts_at.minute) == (True, 30)
        written = WrittenList("Recherche «\u00a0saint\u00a0», « x »", None, [1])
        made = begin_from_list(session, written, factories.invitation(), now=at, author=author)
        assert made.title == "Recherche “saint”, “x”"
        assert planning.criterion_sentence(session, from_store(made.criteria)).endswith("« Recherche “saint”, “x” ».")


@pytest.mark.long
def test_a_reader_sees_no_button_and_begins_nothing(signed_in):
    reader = signed_in("reader")
    for address in ("/situation/schools", "/situation/authorities", "/directory"):
        assert "Écrire à" not in reader.get(address).text
        assert "XLSX" in reader.get(address).text


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("/situation/schools?strand=1&status=none&network=WBE", "/situation/schools.xlsx"),
        ("/situation/authorities?strand=2&network=COCOF", "/situation/authorities.xlsx"),
    ],
)
def test_the_lists_of_the_situation_are_exported_as_they_are_counted(author, page, file):
    rows = CalamineWorkbook.from_filelike(io.BytesIO(author.get(f"{file}?{page.partition('?')[2]}").data))
    listed_rows = rows.get_sheet_by_index(0).to_python()
    assert rows.sheet_names == ["Écoles" if "schools" in file else "Pouvoirs organisateurs", "Définitions", "À propos"]
    total = text_of(author.get(page)).replace(" ", "")
    noun = "école" if "schools" in file else "pouvoirorganisateur"
    assert f"{len(listed_rows) - 1}{noun}" in total


def test_words_of_a_search_that_no_name_may_hold_are_refused(author):
    refused = author.send("/directory/campaign?q=e\u0301\u0301\u0301\u0301\u0301", page="/account")
    assert (refused.status_code, "porte trop de signes" in refused.text) == (400, True)
