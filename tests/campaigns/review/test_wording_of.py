"""What the check says of a letter's links, and of a subject that its fields make long."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from outreach.campaigns import review
from outreach.campaigns.planning import campaign_numbered
from outreach.directory.models import Authority
from outreach.engagement.tracking import TrackingMode
from tests.campaigns.conftest import SENDING, draft, people, settle, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]


@pytest.mark.parametrize(
    ("link", "mode", "shown"),
    [
        ("[https://www.a.example/y](https://a.example/x)", TrackingMode.NONE, ""),
        ("[b.example](https://a.example/x)", TrackingMode.NONE, "b.example"),
        ("[x@a.example](mailto:x@a.example)", TrackingMode.AGGREGATE, ""),
        ("[x@a.example](mailto:x@b.example)", TrackingMode.NONE, "x@a.example"),
        ("[02.123.45](tel:+3202)", TrackingMode.NONE, ""),
        ("[la page du programme, volet 1.2](https://a.example)", TrackingMode.AGGREGATE, ""),
        ("[a.example/x](https://a.example/x)", TrackingMode.AGGREGATE, "a.example/x"),
    ],
)
def test_a_link_that_shows_another_address_than_it_leads_to_is_remarked_on(link, mode, shown):
    letter = SimpleNamespace(subject="", letter=f"Lisez {link}.", tracking=mode)
    told = [remark for remark in review.wording_of(letter, SENDING) if remark.startswith("Un lien affiche")]
    assert [f"« {shown} »" in remark for remark in told] == [True] * bool(shown)


def test_those_are_named_whose_subject_is_long_once_its_fields_are_filled(database, people, strand):
    settle(database, 5)
    with database.writing() as session:
        long = session.scalars(select(Authority).order_by(Authority.id)).first()
        long.corrected_name, fase = f"PO {'x' * 60}", long.fase
    number = draft(database, subject="À répondre avant le ((date_limite)) pour ((nom_po))")
    with database.reading() as session:
        found = review.check_campaign(session, campaign_numbered(session, number), SENDING, now=NOW)
    said = "objet de plus de 90 caractères, que des boîtes coupent"
    assert [remark for remark in found.remarks if " PO : " in remark] == [
        f"1 PO : {said} : PO {'x' * 60} (FASE {fase}) ; raccourcissez l’objet."
    ]
    assert found.blocks == []
