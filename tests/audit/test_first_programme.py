"""« The first programme loaded » planted into the product, place by place: the auditor tells each from what it is.

The effect of a draw, which no history comes to, has its own in `tests/campaigns/effects`.
"""

from dataclasses import replace

import pytest
from sqlalchemy.orm import object_session

from outreach.adherence.programmes import _programmes as programmes
from outreach.campaigns import planning
from tests.application import standing
from tests.audit import recount, test_ways, told
from tests.audit.test_ways import past, played

__all__ = ["past", "played", "standing"]
pytestmark = [pytest.mark.sweep, pytest.mark.long, pytest.mark.only_one]
LETTERS = 9  # a history at whose end a draft of the second programme waits


class FirstLoaded:
    """`programmes` with the fault: whichever is named, it is the one that was loaded first."""

    def __getattr__(self, name):
        return getattr(programmes, name)

    def get_programme(self, session, _code="", _among=None):
        return programmes.all_programmes(session)[0]


def stopped_by_the_first(of=planning.audience_of):
    """Whom a campaign writes to, its strand taken for that of the same number in the programme loaded first."""

    def audience_of(campaign, departure=None):
        first = programmes.all_programmes(object_session(campaign))[0]
        return replace(of(campaign, departure), strand=first.strand(campaign.strand.number))

    return audience_of


def by_command(played):
    history, audit, run = asked(played)
    day = recount.day_of(history.now)
    for programme in audit.rows["programmes"]:
        assert told.of_situation(run, audit, programme, day=day, groupings=["network"]) == []


def by_letters(played):
    _, audit, run = asked(played)
    found = [one for each in audit.rows["campaigns"] for one in told.of_audience(run, audit, each["id"])]
    for programme in audit.rows["programmes"]:
        found += told.of_actions(run, audit, programme)
    assert found == []


def asked(played):
    history, app, audited = played
    run = told.Commands(app.extensions["outreach.database"], app.extensions["outreach.settings"]).at(history.now)
    return history, audited(), run


def on_its_page(played):
    test_ways.test_the_situation_on_its_page(played, "network")


def in_files(played):
    test_ways.test_the_situation_in_files_and_to_programs(played, "network")


OF_PAGES = "outreach.web.shared.programmes.programmes"
PLACES = {
    "the situation by command": ("outreach.cli.report.programmes", FirstLoaded(), by_command),
    "the situation on its page": (OF_PAGES, FirstLoaded(), on_its_page),
    "exports": (OF_PAGES, FirstLoaded(), in_files),
    "programs": ("outreach.web.api.reads.get_programme", FirstLoaded().get_programme, in_files),
    "notes": ("outreach.reports.notes._drafts.programmes", FirstLoaded(), test_ways.test_what_a_note_freezes),
    "whom letters stop for": ("outreach.campaigns.planning._audiences.audience_of", stopped_by_the_first(), by_letters),
}


@pytest.mark.parametrize(
    ("past", "place"), [(LETTERS if "letters" in one else 3, one) for one in PLACES], indirect=["past"]
)
def test_the_first_programme_in_place_of_the_one_that_is_meant_shows(played, monkeypatch, place):
    where, fault, look = PLACES[place]
    monkeypatch.setattr(where, fault)
    with pytest.raises(AssertionError):
        look(played)
