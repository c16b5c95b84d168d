"""What spam filters may object to in composed letters: found in each, told with the authorities it concerns."""

import pytest
from sqlalchemy import select

from outreach.campaigns.lifecycle import campaign_numbered
from outreach.campaigns.review import checks
from outreach.campaigns.review.spam_signs import BIGGEST, SpamReader, SpamSign
from outreach.directory.models import Authority, School
from outreach.measuring.models import TrackingMode
from tests.campaigns.conftest import SENDING, draft, people, settle, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]
PO = (1, "A")


def signs(html, own="", subject="", size=0, **links):
    reader = SpamReader(own, **links)
    for _ in range(2):  # a piece that was read before counts again
        reader.read(PO, subject, html, size)
    assert all(one.authorities == {PO: None} for one in reader.offenders.values())
    return {sign: list(one.found) for sign, one in reader.offenders.items()}


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<b>ÉCOLE SPÉCIALISÉE</b>", {SpamSign.CAPITALS: ["SPÉCIALISÉE"]}),
        ("<b>École spécialisée, IPES, SEGEC, UCLOUVAIN, XXXVIII, C.E.B.E.S.A., B2ABCDEF</b>", {}),
        ("<b>L&#39;OFFRE DU JOUR</b>", {SpamSign.WORD: ["offre"]}),
        ("<b>Collège gratuit !!</b>", {SpamSign.WORD: ["gratuit", "!!"]}),
        ('<p style="color:#ABCDEF">Aucun signe</p>', {}),
        ('<a href="https://a.example/x" style="">https://www.a.example/y</a>', {}),
        ('<a href="https://a.example/x">b.example</a>', {SpamSign.LINK: ["b.example"]}),
        ('<a href="https://a.example/x">https://b.example/&amp;c</a>', {SpamSign.LINK: ["https://b.example/&c"]}),
        ('<a href="mailto:x@a.example">x@a.example</a> <a href="tel:+32">02.123.45</a>', {}),
        ('<a href="mailto:x@b.example">x@a.example</a>', {SpamSign.LINK: ["x@a.example"]}),
        ('<a href="https://a.example">la page du programme, volet 1.2</a>', {}),
    ],
)
def test_capitals_words_and_links_that_show_another_address_are_signs(html, found):
    assert signs(html) == found


def test_what_the_author_wrote_is_remarked_on_where_it_stands_and_is_no_sign_here():
    assert signs("<p>Offre URGENTE</p>", own="Une offre urgente") == {}


def test_a_link_whose_clicks_are_counted_leads_to_the_service():
    html, counted = '<a href="https://a.example/x">a.example/x</a>', ["https://a.example/x"]
    assert signs(html, counted=counted, service="courriel.example") == {SpamSign.LINK: ["a.example/x"]}


def test_a_long_subject_and_a_big_message_are_signs():
    assert signs("", subject="x" * 90, size=BIGGEST) == {}
    assert signs("", subject="x" * 91, size=BIGGEST + 1) == {SpamSign.SUBJECT: [], SpamSign.SIZE: []}


def test_the_check_names_those_whose_letters_have_signs_and_blocks_nothing(database, people, strand):
    settle(database, 5)
    with database.writing() as session:
        first, second, *_ = session.scalars(select(Authority).order_by(Authority.id))
        first.corrected_name = "PO de l’École SPÉCIALISÉE"
        second.corrected_name = f"PO {'x' * 60}"
        session.scalars(select(School).order_by(School.id.desc())).first().corrected_name = "Collège gratuit"
    subject = "À répondre avant le ((date_limite)) pour ((nom_po))"
    link = "\n\n[https://programme.example](https://programme.example/x)"
    number = draft(database, subject=subject, tracking=TrackingMode.AGGREGATE)
    with database.writing() as session:
        campaign_numbered(session, number).letter += link
    with database.reading() as session:
        found = checks.look_over(session, campaign_numbered(session, number), SENDING, now=NOW)
        names = [
            f"{row.display_name} (FASE {row.fase})" for row in session.scalars(select(Authority).order_by(Authority.id))
        ]
    assert found.blocks == []
    assert [remark for remark in found.remarks if " PO : " in remark or "Tous" in remark] == [
        (
            f"1 PO : « SPÉCIALISÉE » en capitales, que des filtres prennent pour du pourriel : {names[0]} ; "
            "corrigez le nom dans l’annuaire."
        ),
        (
            f"1 PO : « gratuit » dans un nom, dont des filtres se méfient : {names[4]} ; "
            "corrigez le nom dans l’annuaire s’il est mal écrit."
        ),
        (
            "Tous les courriels : un lien affiche « https://programme.example » et mène à une autre adresse ; "
            "affichez des mots plutôt qu’une adresse."
        ),
        f"1 PO : objet de plus de 90 caractères, que des boîtes coupent : {names[1]} ; raccourcissez l’objet.",
    ]
