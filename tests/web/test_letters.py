"""A letter by hand from an authority's sheet: read before it leaves, approved by a second person, in four pages."""

import json

import pytest
from sqlalchemy import func, select

from outreach.campaigns import correspondence
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Purpose, SuppressionReason
from outreach.directory.authorities import authority_by_fase
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import elements, form_of, links, text_of

SHEET, PLACE = "/directory/9300", "/directory/9300/letter"
SUBJECT, TEXT = "Rendez-vous", "Bonjour **((nom_po))**,\r\n\r\nÀ lundi."


def sent(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Mailing).where(Mailing.purpose == Purpose.LETTER))


def typed(author, text=TEXT):
    """What the form sends with a text."""
    return form_of(author.get(PLACE)) | {"subject": SUBJECT, "letter": text}


@pytest.mark.journey
@pytest.mark.long
def test_a_letter_is_read_then_approved_by_a_second_person_and_pressing_twice_keeps_one(
    author, signed_in, sample_database
):
    assert f'href="{PLACE}"' in author.get(SHEET).text
    gap = author.post(f"{PLACE}/preview", data=form_of(author.get(f"{PLACE}?text=after_call")))
    assert (gap.status_code, "Complétez" in text_of(gap)) == (422, True)
    shown = author.post(f"{PLACE}/preview", data=typed(author))
    assert ("À lundi." in text_of(shown), "Une autre personne valide" in text_of(shown)) == (True, True)
    form = form_of(shown, f"{PLACE}/sending")
    assert [author.post(f"{PLACE}/sending", data=form).location for _ in range(2)] == ["/letters/1"] * 2
    assert "attend la validation" in text_of(author.get("/letters/1"))
    approver = signed_in("approver")
    assert "attend votre validation" in text_of(approver.get("/today"))
    page = approver.get("/letters/1")
    assert ("À lundi." in text_of(page), sent(sample_database)) == (True, 0)
    assert approver.post("/letters/1/approval", data=form_of(page, "/letters/1/approval")).status_code == 302
    assert sent(sample_database) == 1
    history = text_of(author.get(f"{SHEET}/history"))
    assert "Courriel du service, à" in history
    assert "attend votre validation" not in text_of(approver.get("/today"))


def test_a_letter_begins_with_a_prepared_text_its_subject_apart_in_the_editor_of_campaigns(author):
    page = author.get(f"{PLACE}?text=after_call")
    form = form_of(page)
    assert (form["subject"], form["letter"][:8]) == ("Suite à notre échange – FASE ((fase_po))", "Madame, ")
    (editor,) = elements(page, "div[@data-letter-editor]")
    (title,) = elements(page, "h1")
    assert json.loads(editor.get("data-fields"))["nom_po"]["example"] in text_of(title), (
        "its fields say this one's values"
    )


@pytest.mark.journey
@pytest.mark.long
def test_a_refused_letter_says_why_and_its_text_begins_the_next_one(author, signed_in):
    shown = author.post(f"{PLACE}/preview", data=typed(author))
    author.post(f"{PLACE}/sending", data=form_of(shown, f"{PLACE}/sending"))
    assert "/letters/1" in dict(links(author.get(f"{SHEET}/history")))
    approver = signed_in("approver")
    page = approver.get("/letters/1")
    without = approver.post("/letters/1/refusal", data=form_of(page, "/letters/1/refusal"))
    assert (without.status_code, "Dites pourquoi" in text_of(without)) == (422, True)
    approver.post("/letters/1/refusal", data=form_of(page, "/letters/1/refusal") | {"reason": "Appelez plutôt."})
    assert "refusé : Appelez plutôt." in text_of(author.get("/letters/1"))
    assert "À lundi." in form_of(author.get(f"{PLACE}?again=1"))["letter"]


def test_the_form_says_before_one_writes_that_a_mailbox_is_excluded(author, sample_database):
    with sample_database.writing() as session:
        address = correspondence.get_mailbox(session, authority_by_fase(session, 9300)).address
        outbox.suppress_address(session, address, SuppressionReason.STAFF, now=NOW, actor=AUTHOR)
    assert f"{address} est exclue depuis" in text_of(author.get(PLACE))


def test_who_only_reads_is_offered_no_letter(signed_in):
    reader = signed_in("reader")
    assert PLACE not in reader.get(SHEET).text
    assert reader.get(PLACE).status_code == 403


@pytest.mark.one_example
@pytest.mark.parametrize("form", [{}, {"key": "x"}])
def test_nothing_is_kept_that_was_not_read_on_its_page(author, form):
    assert author.send(f"{PLACE}/sending", {"subject": SUBJECT, "letter": TEXT} | form, page=PLACE).status_code == 422
    assert author.get("/letters/1").status_code == 404
