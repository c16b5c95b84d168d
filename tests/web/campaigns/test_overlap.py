"""Two campaigns to the same authorities within a week: the approver ticks it off, or an exception leaves them out."""

import re
from datetime import UTC, datetime

import pytest

from outreach.campaigns.planning import AudienceRule
from tests import factories
from tests.pages import elements, text_of
from tests.web.campaigns.test_campaigns import begun, dated

__all__ = ["begun"]
WARNED = re.compile(r"(\d+) des (\d+) PO de ce public reçoivent aussi un autre courriel dans les sept jours")


@pytest.mark.journey
@pytest.mark.long
def test_those_of_another_campaign_are_ticked_off_or_left_out_while_the_approval_stays(
    app, author, signed_in, begun, sample_database
):
    some, at = (
        AudienceRule(criteria={"network": ["WBE", "Libre confessionnel"]}),
        datetime(2027, 5, 20, 7, 30, tzinfo=UTC),
    )
    now = app.extensions["outreach.settings"].instant()
    other = factories.plan(sample_database, at, now=now, title="Rappel", segment=some)
    dated(author, begun)
    page = author.get(f"{begun}/check")
    shared, written = map(int, WARNED.search(text_of(page)).groups())
    assert 0 < shared < written < shared * 10
    assert elements(page, f"a[@href='/campaigns/{other}']")
    author.send(f"{begun}/submission", page=f"{begun}/dates")

    approver = signed_in("approver")
    page = approver.get(f"{begun}/check")
    (tick,) = elements(page, "input[@name='overlap']")
    assert (tick.get("value"), tick.get("form"), "required" in tick.attrib) == (str(shared), "approval", True)
    refused = approver.send(f"{begun}/approval", {"then": "plan"}, page=f"{begun}/check")
    assert refused.status_code == 422
    assert "cochez que vous l’avez vu" in text_of(elements(refused, "a[@href='#overlap']")[0])
    approver.send(f"{begun}/approval", {"overlap": str(shared)}, page=f"{begun}/check")
    said = f"validée en sachant que {shared} PO reçoivent un autre courriel dans les sept jours, par"
    assert said in text_of(approver.get(f"{begun}/check"))

    author.send(f"{begun}/overlap", page=f"{begun}/check")
    page = text_of(author.get(f"{begun}/check"))
    assert f"{shared} PO écartés : une autre campagne leur écrit dans les sept jours" in page
    assert f"À {written - shared} pouvoirs organisateurs" in page
    assert not WARNED.search(page)
    assert said in page, "the approval stays"
    approver.send(f"{begun}/exceptions/1/withdrawal", page=f"{begun}/check")
    assert WARNED.search(text_of(approver.get(f"{begun}/check")))
    refused = approver.send(f"{begun}/exceptions", {"fases": "1 x", "because": ""}, page=f"{begun}/check")
    assert (refused.status_code, "Dites pourquoi." in refused.text) == (422, True)
    refused = approver.send(f"{begun}/exceptions", {"fases": "99999", "because": "Appel"}, page=f"{begun}/check")
    assert "Aucun pouvoir organisateur ne porte le numéro FASE 99999" in text_of(refused)
