"""The results of a campaign on its page, as a file and on the command line: one function, the same figures."""

from urllib.parse import parse_qs, urlsplit

import pytest

from outreach.campaigns import lifecycle
from outreach.campaigns.results import figures
from outreach.campaigns.results.figures import Figure
from tests.conftest import NOW
from tests.pages import elements, links, text_of
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]


@pytest.fixture
def came(launched, sample_database):
    settle(sample_database, 5)
    end(sample_database)
    with sample_database.reading() as session:
        return figures.of(session, lifecycle.campaign_numbered(session, 1), now=NOW)


def test_every_figure_leads_to_as_many_authorities_and_the_file_says_the_same(author, came):
    counts = links(author.get("/campaigns/1/progress"), "/campaigns/1/results?figure=", without={"ds-sr-only"})
    assert {parse_qs(urlsplit(address).query)["figure"][0] for address, _ in counts} >= {
        "delivered",
        "sent",
        "recipients",
    }
    for address, count in counts:
        said = [text_of(paragraph) for paragraph in elements(author.get(address), "p")]
        assert [line.partition(" pouvoir")[0] for line in said if line.startswith(f"{count} pouvoir")] == [count]
    lines = author.get("/campaigns/1/results/export.csv").data.decode("utf-8-sig").splitlines()
    assert lines[-1].split(";") == ["Total", *(str(count) for count in came.row().counts.values())]
    assert author.get("/campaigns/1/results/export.xlsx").status_code == 200


@pytest.mark.parametrize("query", ["", "figure=x", "page=-1", "page=99", "figure=joined_all"])
def test_a_strange_query_never_breaks_the_list(author, came, query):
    assert author.get(f"/campaigns/1/results?{query}").status_code == 200
    assert author.get("/campaigns/1/results?network=x").status_code == 400


def test_every_figure_has_a_name_and_a_meaning():
    assert all(figure.label and figure.meaning.endswith(".") for figure in Figure)


def test_the_list_of_campaigns_leads_to_each_figure_and_its_authorities_are_written_to(author, came, sample_database):
    shown = links(author.get("/campaigns"), "/campaigns/1/results?figure=", without={"ds-sr-only"})
    figured = {parse_qs(urlsplit(address).query)["figure"][0]: count for address, count in shown}
    assert figured == {name: str(len(came.behind[name])) for name in ("sent", "answered", "joined")}
    address = next(address for address, _ in shown if "sent" in address)
    assert f"Écrire à ces {figured['sent']} PO" in text_of(author.get(address))
    made = author.send(address.replace("results?", "results/campaign?"), page=address)
    assert f"<dt>Destinataires</dt><dd>{figured['sent']}</dd>" in author.get(made.location).text
