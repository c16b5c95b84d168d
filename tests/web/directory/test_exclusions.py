"""Excluding an address by hand and letting it be written to again: who, why, and what the sheet says."""

import csv
import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.delivery import outbox
from outreach.delivery.models import Suppression, SuppressionReason, SuppressionScope
from outreach.directory.models import Authority, Contact
from tests import factories
from tests.conftest import NOW
from tests.delivery.bounces.returns import exclude_for_another
from tests.pages import elements, links, text_of

SHEET = "/directory/9300/contacts"


@pytest.fixture
def mailbox(app, sample_database):
    """The key of the authority's first mailbox, and the address of its page."""
    with sample_database.reading() as session:
        theirs = select(Contact).join(Authority).where(Authority.fase == 9300, Contact.retired_at.is_(None))
        contact = session.scalars(theirs.order_by(Contact.id)).first()
        return contact.address_key, f"{SHEET}/{contact.id}/exclusion"


def suppress(database, key, reason):
    with database.writing() as session:
        outbox.suppress_address(session, key, reason, now=NOW, actor="destinataire")


def standing(database, key):
    with database.reading() as session:
        return [(one.reason, one.scope, one.detail) for one in outbox.in_force(session, [key])]


@pytest.mark.journey
@pytest.mark.long
def test_an_address_is_excluded_with_a_reason_and_let_in_again_with_another(author, mailbox, sample_database):
    key, page = mailbox
    assert "En usage" in text_of(author.get(SHEET))
    assert "Rien n’exclut cette adresse." in text_of(author.get(page))
    assert author.send(page, {"note": "Demandé par téléphone\r\nle 12 mai"}, page=page).location == SHEET
    assert standing(sample_database, key) == [
        (SuppressionReason.STAFF, SuppressionScope.ALL, "Demandé par téléphone le 12 mai")
    ]
    sheet = text_of(author.get(SHEET))
    assert "Exclue décision du service" in sheet
    assert "Ne plus écrire" not in text_of(author.get(page))
    lifting = f"{page}/staff/lifting"
    assert author.send(lifting, {"note": "Rappelée le 20 mai"}, page=page).location == SHEET
    assert standing(sample_database, key) == []
    text = text_of(author.get("/directory/9300/history"))
    assert "Demandé par téléphone le 12 mai" in text
    assert "Rappelée le 20 mai" in text
    assert author.send(lifting, {"note": "Encore"}, page=page).status_code == 404


def test_an_unsubscription_is_told_and_lifted(author, mailbox, sample_database):
    key, page = mailbox
    suppress(sample_database, key, SuppressionReason.UNSUBSCRIBED)
    assert "Désinscrite désinscription" in text_of(author.get(SHEET))
    assert "seules les communications légales" in text_of(author.get(page))
    assert "Ne plus écrire à cette adresse" in text_of(author.get(page))
    assert author.send(f"{page}/unsubscribed/lifting", {"note": "Elle redemande"}, page=page).status_code == 302
    assert standing(sample_database, key) == []


@pytest.mark.parametrize("by", ["lifting", "entering it again"])
def test_a_mailbox_that_works_again_is_written_to_again(author, mailbox, sample_database, by):
    key, page = mailbox
    suppress(sample_database, key, SuppressionReason.HARD_BOUNCE)
    with sample_database.writing() as session:
        session.execute(update(Contact).where(Contact.address_key == key).values(bounced_at=NOW))
    if by == "lifting":
        assert author.send(f"{page}/hard_bounce/lifting", {"note": "Réparée"}, page=page).status_code == 302
    else:
        form = page.removesuffix("/exclusion")
        assert author.send(form, {"address": key, "name": "", "kind": "impersonal"}, page=form).status_code == 302
    assert standing(sample_database, key) == []
    with sample_database.reading() as session:
        in_use = select(Contact.bounced_at).where(Contact.address_key == key, Contact.retired_at.is_(None))
        assert session.scalars(in_use).all() == [None]


@pytest.mark.parametrize(
    ("note", "words"),
    [("", "Écrivez la raison"), (" \r\n ", "Écrivez la raison"), ("x" * 501, "dépasse 500"), ("a\u202eb", "interdit")],
)
def test_a_reason_is_needed_and_what_was_typed_stays(author, mailbox, sample_database, note, words):
    key, page = mailbox
    refused = author.send(page, {"note": note}, page=page)
    assert refused.status_code == 422
    assert words in text_of(refused)
    assert standing(sample_database, key) == []


def test_readers_see_why_and_change_nothing(signed_in, mailbox, sample_database):
    key, page = mailbox
    suppress(sample_database, key, SuppressionReason.COMPLAINT)
    reader = signed_in("reader")
    assert "Exclue plainte" in text_of(reader.get(SHEET))
    assert reader.get(page).status_code == 403
    with sample_database.reading() as session:
        assert session.scalars(select(Suppression.lifted_at)).all() == [None]


@pytest.fixture
def excluded(sample_database):
    """Three addresses on the list: two of one authority (one of them retired), one that is nobody's."""
    with sample_database.writing() as session:
        held = select(Contact).join(Authority).where(Authority.fase == 9300, Contact.retired_at.is_(None))
        first = session.scalars(held.order_by(Contact.id)).first()
        retired = {"added_at": NOW, "retired_at": NOW, "retired_by": "x"}
        old = Contact(authority=first.authority, **factories.contact("Ancienne@adm.fwb.example", **retired))
        session.add(old)
        keys = [first.address_key, old.address_key, "partie@adm.fwb.example"]
        reasons = [SuppressionReason.UNSUBSCRIBED, SuppressionReason.HARD_BOUNCE, SuppressionReason.STAFF]
        for minutes, (key, reason) in enumerate(zip(keys, reasons, strict=True)):
            moment = NOW + timedelta(minutes=minutes)
            outbox.suppress_address(session, key, reason, now=moment, actor="quelqu’un", detail="=1+1")
        outbox.suppress_address(session, "levée@adm.fwb.example", reasons[2], now=NOW, actor="x")
        outbox.lift_suppression(session, "levée@adm.fwb.example", reasons[2], now=NOW, actor="x")
    return keys


def listed(page):
    return [text_of(address) for address in elements(page, "th[@scope='row']/bdi[@class='mailbox']")]


def test_the_list_says_who_is_excluded_and_whose_the_address_is(author, excluded):
    first, _, nobodys = excluded
    page = author.get("/directory/exclusions")
    assert listed(page) == [nobodys, "Ancienne@adm.fwb.example", first]  # the latest first, none that was lifted
    for words in ("Toutes (3)", "Désinscription (1)", "Rejet définitif (1)", "Plainte (0)", "Décision du service (1)"):
        assert words in text_of(page)
    assert "À aucun pouvoir organisateur" in text_of(page)
    assert "FASE 9300 · adresse retirée" in text_of(page)
    assert page.text.count(">Lever<") == 3


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("reason=hard_bounce", [1]),
        ("q=ANCIENNE", [1]),
        ("q=_", []),
        ("q=adm&reason=staff", [2]),
        ("q=9300", [1, 0]),
        ("reason=no", [2, 1, 0]),
    ],
)
def test_the_list_is_filtered_and_its_file_holds_what_it_shows(author, excluded, asked, shown):
    page = author.get(f"/directory/exclusions?{asked}")
    assert [one.casefold() for one in listed(page)] == [excluded[place] for place in shown]
    content = author.get(f"/directory/exclusions/export.csv?{asked}").data.decode("utf-8-sig")
    _, *rows = csv.reader(content.splitlines(), delimiter=";")
    assert [row[0].casefold() for row in rows] == [excluded[place] for place in shown]
    assert all(row[5] == "'=1+1" for row in rows)
    if not shown:
        assert 'href="/directory/exclusions"' in page.text


def test_exclusions_for_the_refusal_of_another_address_are_a_list_of_their_own_to_be_lifted(
    author, excluded, sample_database
):
    assert "Rejets d’une autre adresse" not in text_of(author.get("/directory/exclusions"))
    exclude_for_another(sample_database, excluded[1], at=NOW + timedelta(minutes=1))
    (tab,) = addresses(author.get("/directory/exclusions?reason=staff"), "Rejets d’une autre adresse (1)")
    page = author.get(tab)
    assert [one.casefold() for one in listed(page)] == [excluded[1]]
    assert "Refusé par l’adresse à laquelle elle transmet : jeanne@commune.example" in text_of(page)
    content = author.get("/directory/exclusions/export.csv?elsewhere=1").data.decode("utf-8-sig")
    assert len(content.splitlines()) == 2
    lifting = addresses(page, "Lever")[0]
    assert author.send(lifting, {"note": "Transmet"}, page=lifting).location == "/directory/exclusions?elsewhere=1"
    assert listed(author.get("/directory/exclusions?elsewhere=1")) == []


def test_an_address_stands_once_for_an_authority_that_gave_it_again(author, excluded, sample_database):
    with sample_database.writing() as session:
        old = session.scalars(select(Contact).where(Contact.address_key == excluded[1])).one()
        kept = {name: getattr(old, name) for name in ("authority", "address", "address_key", "address_ascii", "source")}
        session.add(Contact(**kept, mailbox_kind=old.mailbox_kind, added_at=NOW, added_by="x"))
    page = text_of(author.get("/directory/exclusions?reason=hard_bounce"))
    assert page.count("FASE 9300") == 1
    assert "adresse retirée" not in page  # the contact in use speaks


def addresses(page, words):
    """Where the links with these words lead, in order."""
    return [address for address, text in links(page, without={"ds-sr-only"}) if text == words]


@pytest.mark.journey
@pytest.mark.long
def test_each_line_is_lifted_for_its_own_reason_and_leads_back_to_what_was_looked_at(author, excluded, sample_database):
    with sample_database.writing() as session:
        outbox.suppress_address(session, excluded[1], SuppressionReason.STAFF, now=NOW, actor="x")
    asked = "/directory/exclusions?reason=staff&q=adm&page=1"
    for key in (excluded[2], excluded[1]):  # nobody's, and one that was retired
        page = addresses(author.get(asked), "Lever")[0]
        assert page.endswith("?reason=staff&q=adm&page=1")
        assert "Décision du service" in text_of(author.get(page))
        refused = author.send(page, {"note": " "}, page=page)
        assert (refused.status_code, "Écrivez la raison" in text_of(refused)) == (422, True)
        assert author.send(page, {"note": "Demandé"}, page=page).location == asked
        assert f"{key} : l’exclusion (décision du service) est levée." in text_of(author.get(asked)).casefold()
        assert author.get(page).status_code == 404
    with sample_database.reading() as session:
        left = [(one.entry.address_key, one.entry.reason) for one in outbox.list_suppressions(session).every()]
    assert left == [(excluded[1], SuppressionReason.HARD_BOUNCE), (excluded[0], SuppressionReason.UNSUBSCRIBED)]


def test_a_file_names_whose_an_address_is_now(author, excluded):
    content = author.get("/directory/exclusions/export.xlsx").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[6] for row in rows] == ["FASE", "", "", 9300]  # the retired one is its authority's no more
