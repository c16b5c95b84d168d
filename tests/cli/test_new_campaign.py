"""`campaign new`: it names a programme where there are several, and takes a strand."""

import json
from datetime import timedelta
from functools import partial

import pytest

from outreach.adherence import programmes
from outreach.campaigns import planning
from tests import factories
from tests.commands import invoke
from tests.conftest import NOW
from tests.programmes import PROGRAMME

pytestmark = pytest.mark.only_one


@pytest.fixture
def new(sample_database):
    told = ("campaign", "new", "invitation-volet-1", "--json", "--as", factories.AUTHOR)
    return partial(invoke, sample_database, {}, *told)


def test_with_one_programme_a_ready_made_campaign_is_about_its_own_strand_or_another(new):
    assert json.loads(new().stdout)["strand"] == 1
    content = json.loads(new("--strand", "2").stdout)
    assert (content["programme"], content["strand"]) == ("mes-outils-numeriques", 2)
    assert "n’a pas de volet 3" in new("--strand", "3").stdout


def test_with_several_it_creates_nothing_before_one_is_named(new, sample_database):
    with sample_database.writing() as session:
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=factories.AUTHOR)
    refused = new()
    assert refused.exit_code == 1
    assert "nommez-en un par son code" in refused.stdout
    of_another = new("--programme", "plan-lecture")
    assert (of_another.exit_code, "par --strand" in of_another.stdout) == (1, True)
    content = json.loads(new("--programme", "plan-lecture", "--strand", "2").stdout)
    assert (content["campaign"], content["programme"], content["strand"]) == (1, "plan-lecture", 2)
    assert json.loads(new("--programme", "mes-outils-numeriques").stdout)["strand"] == 1
    with sample_database.reading() as session:
        first, second = (planning.campaign_numbered(session, number) for number in (1, 2))
        assert (first.circular, bool(second.circular)) == ("7103", True)


def test_a_strand_that_has_closed_invites_nobody(new, sample_database):
    with sample_database.writing() as session:
        programmes.get_programme(session).strands[0].closed_on = NOW.date() - timedelta(1)
    refused = new()
    assert (refused.exit_code, "Le volet 1 a fermé le 14 mai 2021" in refused.stdout.replace("\xa0", " ")) == (1, True)
    assert new("--strand", "2").exit_code == 0
    with sample_database.writing() as session:
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=factories.AUTHOR)
    said = new("--programme", "mes-outils-numeriques").stdout.replace("\xa0", " ")
    assert "Le volet 1 du programme « Mes outils numériques » a fermé" in said
