"""The letter's editor without a script: passages that depend on the number of schools, and the fields by group."""

import re

import pytest

from outreach.campaigns.letter import GROUPS
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import content_hash
from tests.pages import elements, form_of, text_of
from tests.web.campaigns.test_campaigns import begun, dated, typed

__all__ = ["begun"]


def shown(page):
    return [(area.get("aria-label"), (area.text or "").strip()[:20]) for area in elements(page, "textarea")]


def test_one_school_and_several_are_two_texts_and_saving_them_untouched_changes_nothing(author, begun, sample_database):
    page = author.get(f"{begun}/letter")
    assert set(GROUPS) <= {group.text for group in elements(page, "details[@class='more']//p")}
    assert [label for label, _ in shown(page)][:3] == [None, "Pour plusieurs écoles", "Pour une école"]
    assert "(% if" not in "".join(text for _, text in shown(page))
    with sample_database.reading() as session:
        before = content_hash(session.get_one(Campaign, 1))
    assert author.post(f"{begun}/letter", data=form_of(page, "letter-form")).status_code == 302
    with sample_database.reading() as session:
        assert content_hash(session.get_one(Campaign, 1)) == before


@pytest.mark.long
def test_a_passage_is_added_and_the_whole_text_stays_within_reach(author, begun):
    fields = {**typed(author, begun), "letter": "Madame, Monsieur,"}
    page = author.post(f"{begun}/letter/preview", data={**fields, "vary": "0"})
    first = elements(page, "form[@id='letter-form']//button[@type='submit']")[0]
    assert "formaction" not in first.attrib, "the Enter key saves, and adds no passage"
    assert [label for label, _ in shown(page)] == [None, "Pour plusieurs écoles", "Pour une école"]
    form = form_of(page, "letter-form")
    form["letter"][2], form["letter"][4] = "Vos écoles sont ouvertes.", "Votre école est ouverte."
    whole = author.post(f"{begun}/letter/preview", data={**form, "whole": "1"})
    assert "écoles sont ouvertes" in text_of(elements(whole, "section[@id='preview']")[0])
    (area,) = elements(whole, "textarea")
    assert "(% if plusieurs_écoles %)\nVos écoles sont ouvertes.\n(% else %)\nVotre école" in area.text
    apart = author.post(f"{begun}/letter/preview", data={**form_of(whole, "letter-form"), "whole": ["1", "no"]})
    assert len(elements(apart, "textarea")) == 3


@pytest.mark.journey
@pytest.mark.long
def test_a_reminder_to_those_never_invited_is_said_in_the_preview_and_beside_the_decision(author, begun, signed_in):
    fields = {**typed(author, begun), "subject": "Rappel avant le ((date_limite|court)) – FASE ((fase_po))"}
    said = "ce PO n’a jamais reçu de courriel du volet 1"
    assert said in text_of(author.post(f"{begun}/letter/preview", data=fields))
    assert said not in text_of(author.get(f"{begun}/letter"))
    author.send(f"{begun}/letter", fields)
    dated(author, begun)
    written = re.search(r"Demander la validation de l’envoi à (\d+) PO", text_of(author.get(f"{begun}/check")))[1]
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    page = text_of(signed_in("approver").get(f"{begun}/check"))
    assert f"Ce rappel va à {written} PO qui n’ont jamais reçu de courriel du volet 1." in page
    assert f"{written} PO n’ont jamais reçu de courriel du volet 1, et ce courriel est un rappel : " in page


@pytest.mark.long
def test_a_preheader_is_seen_as_its_recipient_will_and_saved(author, begun, sample_database):
    fields = {
        **typed(author, begun),
        "preheader": "Pour le PO FASE ((fase_po))",
        "circular_url": "https://fwb.example/1",
    }
    page = author.post(f"{begun}/letter/preview", data=fields)
    assert re.search(r"Aperçu Pour le PO FASE\s\d+", text_of(elements(page, "section[@id='preview']")[0]))
    assert author.send(f"{begun}/letter", fields).status_code == 302
    assert re.search(r"Texte d’aperçu Pour le PO FASE\s\d+", text_of(author.get(f"{begun}/check")))
    refused = author.send(f"{begun}/letter", {**fields, "preheader": "((rien))", "circular_url": "fwb.example"})
    assert refused.status_code == 422
    text = text_of(refused).replace("\u00a0", " ")
    assert "Texte d’aperçu : " in text
    assert "Adresse de la circulaire : lien refusé" in text
