"""« Demander une note »: pages counted from sign-in to a note that is asked for, answered and approved."""

import pytest

from outreach.reports import files
from tests.pages import elements, form_of, links, text_of
from tests.reports.notes import quick as quick_files

QUESTION = "Toutes les écoles de WBE ont-elles adhéré ? À défaut, qu’est-il prévu ?"
SIGN_IN = 1  # page, which each client of these tests has opened


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(files, "make_finisher", quick_files.finisher)


def ask(reader):
    ((address, _),) = links(reader.get("/"), "/notes/requests/new")
    form = form_of(reader.get(address), "/notes/requests/new")
    return reader.post("/notes/requests/new", data=form | {"question": QUESTION}).headers["Location"]


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_a_note_is_asked_for_on_three_pages_answered_on_four_and_approved_on_one(signed_in, quick):
    reader, author, approver = (signed_in(role) for role in ("reader", "author", "approver"))
    address = ask(reader)  # from the home page
    response = reader.get(address)
    assert "Attend la rédaction" in text_of(response)
    assert SIGN_IN + len(["/today", address]) <= 3
    assert author.get("/notes").status_code == 200
    assert [place for place, _ in links(author.get("/today"), address)][:1] == [address]
    page = author.get(address)
    assert "Non : 14 des 147 écoles de WBE (9,5 %) ont adhéré au premier volet" in text_of(page)
    freezing = f"{address}/freezing"
    note = author.post(freezing, data=form_of(page, freezing)).headers["Location"]
    assert SIGN_IN + len(["/today", address, note]) <= 4
    assert author.post(freezing, data=form_of(page, freezing)).status_code == 409
    assert [place for place, _ in links(author.get("/today"), address)] == []
    shown = approver.get(note)  # the one page, which the mail opens
    approving = f"{note}/approval"
    assert approver.post(approving, data=form_of(shown, approving)).status_code == 302
    ready = reader.get(address)
    assert "La note est validée sous le numéro " in text_of(ready)
    assert [place for place, _ in links(ready, note)] == [note]
    assert "note prête" in text_of(reader.get("/notes"))


def test_the_form_is_one_screen_and_the_rest_is_folded_away_until_it_has_a_fault(signed_in):
    reader = signed_in("reader")
    page = reader.get("/notes/requests/new?network=WBE")
    (folded,) = elements(page, "details")[-1:]
    assert folded.get("open") is None
    shown = [one.get("name") for one in elements(page, "form//details//*[@name]")]
    assert not {"question", "as_of", "compare", "networks"} & set(shown)
    assert {"title", "text", "known_at"} <= set(shown)
    form = form_of(page, "/notes/requests/new")
    empty = reader.post("/notes/requests/new", data=form | {"question": " "})
    assert (empty.status_code, "Écrivez la question" in text_of(empty)) == (422, True)
    late = reader.post("/notes/requests/new", data=form | {"question": "x", "known_at": "demain"})
    assert (
        elements(late, "form//details")[-1].get("open") == "open"
        or "open" in elements(late, "form//details")[-1].attrib
    )
    assert form_of(late, "/notes/requests/new")["known_at"] == "demain"


@pytest.mark.journey
@pytest.mark.long
def test_an_author_completes_a_question_as_a_draft_or_sends_it_back(signed_in):
    reader, author = signed_in("reader"), signed_in("author")
    address = ask(reader)
    draft = author.send(f"{address}/draft", page=address).headers["Location"]
    form = form_of(author.get(draft), draft)
    assert (form["question"], form["networks"]) == (QUESTION, "WBE")
    preview = author.post(draft, data=form | {"title": "Un bilan"}).headers["Location"]
    freezing = f"{preview}/freezing"
    frozen = author.post(freezing, data=form_of(author.get(preview), freezing))
    assert frozen.status_code == 302
    assert "Note à valider" in text_of(reader.get(address))
    other = ask(reader)
    refused = author.send(f"{other}/return", {"reason": ""}, page=other)
    assert (refused.status_code, "Dites pourquoi" in text_of(refused)) == (422, True)
    assert author.send(f"{other}/return", {"reason": "Pour quel jour ?"}, page=other).status_code == 302
    assert "Pour quel jour ?" in text_of(reader.get(other))
    third = ask(reader)
    assert reader.send(f"{third}/withdrawal", page=third).status_code == 302


@pytest.mark.full
@pytest.mark.long
def test_the_answer_can_be_copied_from_a_note_s_page_and_from_the_situation(signed_in):
    reader = signed_in("reader")
    for page, name in ((reader.get(ask(reader)), "answer-text-field"), (reader.get("/?network=WBE"), "answer-text")):
        (button,) = [one for one in elements(page, "button") if one.get("data-copy") == "answer-text"]
        (field,) = [one for one in elements(page, "textarea") if one.get("id") == name]
        assert button.get("hidden") is not None, "a script shows it"
        assert "14 des 147 écoles de WBE" in (field.text or "").replace("\xa0", " ")
