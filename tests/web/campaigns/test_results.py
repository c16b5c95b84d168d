"""The results of a campaign on its page, as a file and on the command line: one function, the same figures."""

import re

import pytest

from outreach.campaigns import lifecycle
from outreach.campaigns.results import figures
from outreach.campaigns.results.figures import Figure
from tests.conftest import NOW
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]


@pytest.fixture
def came(launched, sample_database):
    settle(sample_database, 5)
    end(sample_database)
    with sample_database.reading() as session:
        return figures.of(session, lifecycle.campaign_numbered(session, 1), now=NOW)


def test_every_figure_leads_to_as_many_authorities_and_the_file_says_the_same(author, came):
    page = author.get("/campaigns/1/progress").text
    links = re.findall(r'href="(/campaigns/1/results\?figure=(\w+)(?:&amp;network=[^"]+)?)">([^<]+)<', page)
    assert {figure for _, figure, _ in links} >= {"accepted", "written", "meant"}
    for address, _, shown in links:
        listed = author.get(address.replace("&amp;", "&")).text
        total = re.search(r"<p>([\d\s\u00a0\u202f]+)pouvoir", listed)[1]
        assert re.sub(r"\D", "", total) == re.sub(r"\D", "", shown)
    lines = author.get("/campaigns/1/results/export.csv").data.decode("utf-8-sig").splitlines()
    assert lines[-1].split(";") == ["Total", *(str(count) for count in came.row().counts.values())]
    assert author.get("/campaigns/1/results/export.xlsx").status_code == 200


@pytest.mark.parametrize("query", ["", "figure=x", "page=-1", "page=99", "figure=joined_all"])
def test_a_strange_query_never_breaks_the_list(author, came, query):
    assert author.get(f"/campaigns/1/results?{query}").status_code == 200
    assert author.get("/campaigns/1/results?network=x").status_code == 400


def test_every_figure_has_a_name_and_a_meaning():
    assert all(figure.label and figure.meaning.endswith(".") for figure in Figure)
