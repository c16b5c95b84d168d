"""The history of an authority: what is noted there, what it tells."""

from datetime import timedelta

import pytest

from tests.application import planned
from tests.conftest import NOW
from tests.pages import actions, elements, links, text_of
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
PAGE = "/directory/9300/history"
CALLS = "/directory/9300/calls"


def call(**changes):
    return {"kind": "phone", "day": "12/05/2021", "person": "Mme Petit", "note": "Elle rappelle.", **changes}


def test_a_call_is_noted_told_and_taken_back(author):
    assert author.send(CALLS, call(note="Elle rappelle.\r\nEn juin."), page=PAGE).status_code == 302
    page = author.get(PAGE)
    assert "L’échange est noté." in page.text
    assert '<time datetime="2021-05-12">12 mai 2021</time>' in page.text
    assert "Appel téléphonique avec Mme Petit." in page.text
    (address,) = [action for action in actions(page) if action.endswith("/withdrawal")]
    assert author.send(address, page=PAGE).status_code == 302
    page = author.get(PAGE).text
    assert "Noté par erreur\u00a0: repris le" in page
    assert "Elle rappelle." in page
    assert author.send(address, page=PAGE).status_code == 409


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("day", "31/12/2098", "La date est dans l’avenir"),
        ("day", "hier", "n’est pas une date"),
        ("day", "", "Indiquez une date"),
        ("note", " ", "Écrivez ce qui a été dit."),
        ("note", "x" * 2003, "de 3"),
        ("note", "a\x00b", "interdit"),
        ("person", "x" * 201, "200 caractères"),
        ("person", "\x1b[1m", "interdit"),
        ("kind", "x", "Choisissez la nature"),
    ],
)
def test_what_cannot_be_noted_says_why_by_its_field_and_keeps_the_rest(author, field, typed, words):
    page = author.send(CALLS, call(**{field: typed}), page=PAGE)
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert f'id="{field}-error"' in page.text
    assert words in page.text.replace("\u202f", " ").replace("\u00a0", " ")
    for name, value in call().items():
        if name not in {field, "kind"}:
            assert value in page.text
    assert elements(page, "details[@open]") != []
    assert "Appel téléphonique avec" not in author.get(PAGE).text


def test_a_note_of_two_thousand_characters_with_ends_of_lines_is_taken(author):
    assert author.send(CALLS, call(note="ligne\r\n" * 333), page=PAGE).status_code == 302


def test_who_only_reads_sees_calls_and_notes_none(signed_in, author):
    author.send(CALLS, call(note="<script>alert(1)</script>"), page=PAGE)
    page = signed_in("reader").get(PAGE).text
    assert "&lt;script&gt;" in page
    assert "Noter un appel" not in page
    assert "Reprendre cette note" not in page


@pytest.mark.long
def test_what_is_planned_stands_above_what_happened(author, sample_database):
    assert "Aucune vague planifiée ne vise" in author.get(PAGE).text
    planned(sample_database, NOW + timedelta(days=3))
    page = author.get("/directory/9001/history").text
    said = text_of(page)
    assert page.index(">À venir<") < page.index(">Historique</h2>")
    assert "18 mai 2021 à 11 h · planifiée Campagne « Invitation" in said
    assert "première vague : courriel à po009001@adm.fwb.example." in said
    assert 'href="/campaigns/1"' in page
    assert '<a href="/directory" aria-current="page">' in page


@pytest.mark.long
def test_letters_and_answers_are_told_and_lead_to_what_they_speak_of(author, client, wbe):
    client.post(wbe, data={"answer": "help", "comment": "<b>Qui appeler ?</b>"})
    page = author.get("/directory/9001/history")
    assert "<b>Qui appeler" in text_of(page)
    assert "« Besoin d’aide » attend le service." in text_of(page)
    (response, _), *_ = links(page, "/responses/")
    (letter, _), *_ = links(page, "/campaigns/1/letters/")
    assert [author.get(address).status_code for address in (response, letter)] == [200, 200]
