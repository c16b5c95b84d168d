"""Pages of notes: a draft that only its author sees, its preview, freezing, a second person's decision, publishing."""

import pytest
from sqlalchemy import select

from outreach.access.form_drafts import Draft
from outreach.reports import files, notes
from outreach.reports.notes import Note, NoteDraft, NoteFile
from outreach.reports.notes._content import FigureChange
from outreach.reports.notes._models import NoteRecount
from tests.pages import elements, form_of, links, text_of
from tests.reports.notes import quick as quick_files

NEW = "/notes/drafts/new"
ASKED = {
    "title": "Un premier bilan",
    "as_of": "2021-05-15",
    "networks": "WBE",
    "question": "Toutes les écoles de WBE ont-elles adhéré ?",
    "text": "Le plan est **bien** reçu.\r\n\r\n- un\r\n- deux",
    "hand_figures-0-label": "Connexions à la plateforme",
    "hand_figures-0-value": "près de 100 000",
    "hand_figures-0-source": "Statistiques",
    "hand_figures-0-dated": "10/05/2021",
}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(files, "make_finisher", quick_files.finisher)


def drafted(author, **changes):
    return author.send(NEW, ASKED | changes, page=NEW)


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_a_note_from_its_draft_to_its_publication(author, signed_in, quick):
    approver = signed_in("approver")
    preview = drafted(author).headers["Location"]
    page = author.get(preview)
    said = text_of(page)
    assert "14 des 147 écoles de WBE (9,5 %) ont adhéré" in said
    assert "près de 100 000" in said
    assert "<strong>bien</strong>" in page.text
    assert approver.get(preview).status_code == 403
    frozen = author.post(f"{preview}/freezing", data=form_of(page, f"{preview}/freezing")).headers["Location"]
    assert "la validation revient à une autre personne" in text_of(author.get(frozen))
    again = author.post(f"{preview}/freezing", data=form_of(page, f"{preview}/freezing"))
    assert (again.status_code, author.get(preview).status_code) == (404, 404), "a draft is frozen once"
    assert author.send(f"{frozen}/approval", page="/account").status_code == 403
    assert [place for place, _ in links(approver.get("/today"), frozen)][:1] == [frozen], "it awaits a decision"
    empty = approver.send(f"{frozen}/refusal", {"reason": " "}, page=frozen)
    assert (empty.status_code, "Dites pourquoi" in text_of(empty)) == (422, True)
    unfit = approver.send(f"{frozen}/approval", {"approved_as": "x" * 201}, page=frozen)
    assert [link.get("href") for link in elements(unfit, "div[@id='error-summary']//a")] == ["#approved_as"]
    approved = approver.send(f"{frozen}/approval", {"approved_as": "Direction"}, page=frozen)
    assert approved.headers["Location"] == frozen
    shown = approver.get(frozen)
    number = text_of(shown).split("Publier la note ")[1][:8]
    assert {place.rpartition(".")[2] for place, _ in links(shown, f"{frozen}/note.")} == {"docx", "json"}
    saved = author.get(f"{frozen}/note.docx")
    assert (saved.data, f"note-{number}.docx" in saved.headers["Content-Disposition"]) == (b"PK", True)
    assert author.get(f"{frozen}/note.pdf").status_code == 404
    assert approver.send(f"{frozen}9/publication", {"number": number}, page=frozen).status_code == 404
    assert approver.send(f"{frozen}/publication", {"number": number}, page=frozen).status_code == 302
    assert f"Note {number} publiée." in text_of(author.get(frozen))
    listed = text_of(author.get("/notes?state=published"))
    assert "Un premier bilan" in listed
    assert number in listed
    correcting = author.get(f"{NEW}?corrects={number}")
    assert form_of(correcting)["title"] == "Un premier bilan"
    again = author.post(NEW, data=form_of(correcting))
    assert (again.status_code, "Dites pourquoi la note est corrigée" in text_of(again)) == (422, True)
    second = author.post(NEW, data=form_of(correcting) | {"reason": "Un chiffre."}).headers["Location"]
    assert f"Cette note corrige la note {number}" in text_of(author.get(second))


@pytest.mark.long
def test_an_older_notes_csv_stays_where_it_was(author, signed_in, quick, sample_database):
    preview = drafted(author).headers["Location"]
    frozen = author.post(f"{preview}/freezing", data=form_of(author.get(preview), f"{preview}/freezing")).location
    signed_in("approver").send(f"{frozen}/approval", {"approved_as": "Direction"}, page=frozen)
    with sample_database.writing() as session:
        key = session.scalars(select(Note.id)).one()
        session.add(NoteFile(note_id=key, kind="csv", sha256="0" * 64, content=b"PK of before"))
    ((place, name),) = links(author.get(frozen), f"{frozen}/note.csv")
    kept = author.get(place)
    assert ("CSV (ZIP)" in name, kept.data) == (True, b"PK of before")
    assert ".zip" in kept.headers["Content-Disposition"]


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"as_of": "2999-01-01"}, "as_of", "entre 2000 et 2099"),
        ({"as_of": "2019-01-01"}, "as_of", "s’ouvre le"),
        ({"known_at": "2021-05-14 08:00"}, "known_at", "précède"),
        ({"known_at": "demain"}, "known_at", "moment"),
        ({"networks": "Marsien"}, "networks", "Marsien"),
        ({"hand_figures-0-source": ""}, "hand_figures", "source"),
    ],
)
def test_a_refused_form_says_why_under_its_field_and_keeps_what_was_typed(
    author, sample_database, changes, field, said
):
    page = drafted(author, **changes)
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert said in text_of(page)
    assert form_of(page)["text"] == ASKED["text"]
    assert form_of(page)["hand_figures-0-value"] == "près de 100 000"
    with sample_database.reading() as session:
        assert not session.scalars(select(NoteDraft)).all()


@pytest.mark.long
def test_figures_that_changed_since_the_preview_are_read_again_before_they_are_frozen(author):
    preview = drafted(author).headers["Location"]
    page = author.send(f"{preview}/freezing", {"seen": "0" * 64}, page=preview)
    assert page.status_code == 409
    assert "Des chiffres ont changé depuis l’aperçu" in text_of(page)
    assert author.post(f"{preview}/freezing", data=form_of(page, f"{preview}/freezing")).status_code == 302


@pytest.mark.long
def test_a_draft_is_changed_and_deleted_by_its_author(author):
    preview = drafted(author).headers["Location"]
    form = form_of(author.get(f"{preview}/text"))
    assert (form["title"], form["hand_figures-0-dated"]) == ("Un premier bilan", "2021-05-10")
    assert author.post(f"{preview}/text", data=form | {"title": "Autre"}).headers["Location"] == preview
    assert "Autre" in text_of(author.get("/notes"))
    assert author.send(f"{preview}/deletion", page=preview).status_code == 302
    assert "Autre" not in text_of(author.get("/notes"))


@pytest.mark.journey
@pytest.mark.long
def test_a_draft_saved_elsewhere_since_is_not_replaced_unawares(author):
    """As by a text that an ended session kept: what was typed stays, and replaces the other only when sent again."""
    address = f"{drafted(author).headers['Location']}/text"
    older, later = form_of(author.get(address)), form_of(author.get(address))
    assert author.post(address, data=later | {"title": "Plus tard"}).status_code == 302
    page = author.post(address, data=older | {"title": "Plus tôt"})
    assert (page.status_code, form_of(page)["title"]) == (409, "Plus tôt")
    assert "enregistré ailleurs" in text_of(page)
    assert form_of(author.get(address))["title"] == "Plus tard"
    assert author.post(address, data=form_of(page)).status_code == 302
    assert form_of(author.get(address))["title"] == "Plus tôt"


@pytest.mark.long
def test_the_list_says_whether_it_is_filtered(author):
    assert "Aucune note figée." in text_of(author.get("/notes"))
    assert "Aucune note dans cet état." in text_of(author.get("/notes?state=frozen"))
    preview = drafted(author).headers["Location"]
    author.post(f"{preview}/freezing", data=form_of(author.get(preview), f"{preview}/freezing"))
    assert '<a href="/notes" aria-current="page">Toutes (1)</a>' in author.get("/notes").text
    assert '<a href="/notes">Toutes (1)</a>' in author.get("/notes?state=frozen").text


def test_a_form_makes_a_hundred_rows_of_figures_at_most(author):
    numbers = ["²", "9" * 5000, "-1", "100", *range(30)]
    page = drafted(author, **{f"hand_figures-{number}-label": "x" for number in numbers})
    assert (page.status_code, "20 chiffres au plus" in text_of(page)) == (422, True)
    kept = [name for name in form_of(page) if name.endswith("-label")]
    assert len(kept) == 31, "those named, and a free one"


def offers_of(author, address):
    """What the drafts on offer on a page would change, and the addresses that go on with them."""
    page = author.get(address)
    lines = [text_of(one) for one in elements(page, "section[@id='draft-offers']//li")]
    return lines, [place for place, _ in links(page, f"{address}?draft")]


def typing(author, address, **changes):
    """Type on a page as its script keeps it."""
    fields = form_of(author.get(address), address) | changes
    assert author.post(f"{address}/draft", data=fields).status_code == 204
    return fields


@pytest.mark.journey
@pytest.mark.long
def test_what_is_typed_in_a_new_note_is_offered_on_return_until_that_note_is_saved(author, signed_in):
    typing(author, NEW, **{"title": "Tapé", "networks": "WBE", "hand_figures-0-label": "Connexions"})
    told, resuming = offers_of(author, NEW)
    assert told == ["Titre, rien → « Tapé »", "Réseaux", "Chiffres donnés à la main"]
    assert offers_of(signed_in("approver"), "/notes")[0] == []
    form = form_of(author.get(resuming[0]), NEW)
    assert (form["title"], form["networks"], form["hand_figures-0-label"]) == ("Tapé", "WBE", "Connexions")
    typing(author, NEW, title="Une autre note")
    assert author.post(NEW, data=form | ASKED).status_code == 302
    assert offers_of(author, NEW)[0] == ["Titre, rien → « Une autre note »"]


@pytest.mark.journey
@pytest.mark.long
def test_what_is_typed_over_a_draft_of_a_note_is_offered_and_ignored_and_goes_with_the_draft(author, sample_database):
    preview = drafted(author).headers["Location"]
    edit = f"{preview}/text"
    typing(author, edit, title="Retapé", question="")
    assert offers_of(author, edit)[0] == ["Titre, « Un premier bilan » → « Retapé »", "La question, dans ses mots"]
    assert offers_of(author, NEW)[0] == [], "it is about the other one"
    removal = f"{edit}/draft/removal"
    ignored = author.post(removal, data=form_of(author.get(edit), removal))
    assert (ignored.headers["Location"], offers_of(author, edit)[0]) == (edit, [])
    typing(author, edit, title="Encore")
    author.send(f"{preview}/deletion", page=preview)
    with sample_database.reading() as session:
        assert session.scalars(select(Draft)).all() == []


@pytest.mark.long
def test_what_was_typed_before_a_draft_of_a_note_was_saved_elsewhere_is_not_offered(author):
    edit = f"{drafted(author).headers['Location']}/text"
    form = form_of(author.get(edit), edit)
    typing(author, edit, title="Ici")
    assert author.post(edit, data=form | {"title": "Ailleurs"}).status_code == 302
    assert offers_of(author, edit)[0] == []


def outdate(database, page):
    """Have the note of a page be one whose figures an older version counted."""
    with database.writing() as session:
        session.add(NoteRecount(note_id=int(page.rpartition("/")[2])))


def frozen_by(author):
    preview = drafted(author).headers["Location"]
    page = author.get(preview)
    return author.post(f"{preview}/freezing", data=form_of(page, f"{preview}/freezing")).headers["Location"]


@pytest.mark.journey
@pytest.mark.long
def test_a_note_counted_by_older_definitions_is_frozen_again_before_it_is_approved(
    author, signed_in, quick, sample_database
):
    approver, earlier = signed_in("approver"), frozen_by(author)
    read = approver.get(earlier)
    outdate(sample_database, earlier)
    assert elements(approver.get(earlier), f"form[@action='{earlier}/approval']") == []
    refused = approver.post(f"{earlier}/approval", data=form_of(read, f"{earlier}/approval"))
    assert "définitions qui ont changé" in text_of(refused)
    assert approver.send(f"{earlier}/recount", page="/account").status_code == 403, "authors count again"
    later = author.send(f"{earlier}/recount", page=earlier).headers["Location"]
    assert "Recomptée" in text_of(author.get(earlier))
    assert [place for place, _ in links(author.get(earlier), later)] == [later]
    assert [place for place, _ in links(approver.get("/today"), "/notes/")] == [later], "the earlier one awaits nobody"
    assert text_of(author.get("/notes?state=recounted")).count("Un premier bilan") == 1
    assert approver.send(f"{later}/approval", page=later).status_code == 302


@pytest.mark.journey
@pytest.mark.long
def test_the_author_of_a_signed_note_is_offered_its_correction_with_each_figure(
    author, signed_in, quick, sample_database, monkeypatch
):
    note = frozen_by(author)
    assert links(author.get("/today"), note) == []
    signed_in("approver").send(f"{note}/approval", page=note)
    outdate(sample_database, note)
    changed = FigureChange("« Invitation », volet 1 : atteints, avec preuve", "307 sur 985", "non reconstituable")
    monkeypatch.setattr(notes, "changed_figures", lambda *_: (changed,))
    assert note in [place for place, _ in links(author.get("/today"), note)]
    page = author.get(note)
    rows = [text_of(row) for row in elements(page, "section[@aria-labelledby='recounted']//tbody/tr")]
    assert [(changed.before in row, changed.after in row) for row in rows] == [(True, True)]
    (address, *_) = [place for place, label in links(page, "/notes/drafts/new") if "Corriger la note" in label]
    corrected = author.send(NEW, form_of(author.get(address), NEW) | {"reason": "Définitions"}, page=address)
    assert corrected.status_code == 302
