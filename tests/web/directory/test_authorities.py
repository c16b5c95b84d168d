import csv
import io

import pytest
from markupsafe import escape

from outreach.core.text.addresses import judge
from outreach.delivery import deliverability
from outreach.delivery.deliverability._domains import DomainVerdict
from outreach.directory import authorities, contacts
from outreach.directory.models import MailboxKind
from tests.pages import actions, elements, form_of, links, text_of


@pytest.mark.full
def test_the_page_shows_the_counts_of_the_register(author):
    page = text_of(author.get("/directory"))
    assert "985 pouvoirs organisateurs, dont 312 avec secondaire" in page
    assert "2 726 écoles, dont 649 secondaires" in page


def test_filters_stand_in_the_address_and_come_back_in_the_form(author):
    page = author.get("/directory?network=WBE&network=COCOF&level=secondary&zone=Bruxelles&q=royal")
    assert page.text.count("checked") == 2
    assert '<option value="secondary" selected>' in page.text
    assert '<option value="Bruxelles" selected>' in page.text
    assert 'value="royal"' in page.text
    chips = [chip.get("href") for chip in elements(page, "a[@data-removable]")]
    assert len(chips) == 5
    assert "/directory?level=secondary&zone=Bruxelles&q=royal&network=COCOF" in chips
    assert "/directory?network=WBE&network=COCOF&level=secondary&zone=Bruxelles" in chips


def test_an_order_that_no_column_has_is_refused_in_words(author):
    page = author.get("/directory?sort=;drop")
    assert (page.status_code, "choisissez l’en-tête d’une de ses colonnes" in text_of(page)) == (400, True)


@pytest.mark.full
def test_the_last_page_is_shown_for_a_page_too_far(author):
    assert "lignes 951 à 985" in author.get("/directory?page=500").text


def test_an_unknown_authority_is_a_page_that_says_so(author):
    response = author.get("/directory/1")
    assert response.status_code == 404
    assert "Aucun pouvoir organisateur ne porte le numéro FASE 1." in response.text


@pytest.mark.one_example
@pytest.mark.parametrize("tab", ["", "/contacts", "/history"])
@pytest.mark.parametrize("fase", [9001, 9002, 9300, 9990])
def test_every_tab_of_a_sheet_opens(author, fase, tab):
    assert author.get(f"/directory/{fase}{tab}").status_code == 200


@pytest.mark.full
def test_a_big_authority_shows_twenty_schools_a_page(author):
    assert "lignes 1 à 20 sur 332" in author.get("/directory/9001").text
    assert "lignes 321 à 332 sur 332" in author.get("/directory/9001?page=17").text


def test_csv_opens_in_excel_and_starts_no_formula(author, sample_database):
    with sample_database.writing() as session:
        authorities.authority_by_fase(session, 9001).name = "=HYPERLINK(1)"
    response = author.get("/directory/export.csv?network=WBE")
    assert response.data.startswith(b"\xef\xbb\xbf")
    _, row = csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";")
    assert (row[1], row[-1]) == ("'=Hyperlink(1)", "'=HYPERLINK(1)")
    assert row[12] == "po009001@adm.fwb.example"


def test_an_address_is_added_from_the_sheet(author):
    form = {"address": " <mailto:direction@ecole.be> ", "name": "Direction", "kind": "impersonal"}
    response = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert response.status_code == 302
    page = text_of(author.get("/directory/9300/contacts"))
    assert "Des espaces autour de l’adresse ont été retirés." in page
    assert "« <mailto:direction@ecole.be> » est lu « direction@ecole.be »." in page
    assert "direction@ecole.be" in page
    assert "Adresse direction@ecole.be ajoutée." in author.get("/directory/9300/history").text


@pytest.mark.one_example
@pytest.mark.parametrize("address", ["", "x", "a@ecole.be\r\nBcc: b@x.be", "a@localhost", "po009300@adm.fwb.example"])
def test_a_refused_address_keeps_what_was_typed_and_says_why(author, address):
    form = {"address": address, "name": "Une personne", "kind": "personal"}
    response = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert response.status_code == 422
    assert 'href="#address"' in response.text
    assert 'aria-invalid="true"' in response.text
    assert 'value="Une personne"' in response.text


def test_an_address_that_smuggles_a_header_leaves_a_trace_in_the_log(author, caplog):
    form = {"address": "a@ecole.be\r\nBcc: b@x.be", "kind": "impersonal"}
    author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert "line break was refused, of account" in caplog.text
    assert "nadia" not in caplog.text


@pytest.mark.one_example
@pytest.mark.parametrize("address", ["/directory/9300/contacts/new", "/directory/9300/contacts/1", "/adherence/lists"])
def test_a_reader_does_not_open_the_forms_that_change(signed_in, address):
    assert signed_in("reader").get(address).status_code == 403


def test_two_addresses_in_one_field_are_offered_one_by_one(author):
    form = {"address": "a@ecole.be; b@ecole.be", "kind": "impersonal"}
    response = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert response.status_code == 422
    for address in ("a@ecole.be", "b@ecole.be"):
        offered = f"/directory/9300/contacts/new?address={address}"
        assert offered in response.text
        assert f'value="{address}"' in author.get(offered).text


@pytest.mark.long
@pytest.mark.parametrize("address", ["Secrétariat <a@ecole.be>", "noreply@ecole.be", "directiоn@ecole.be"])
def test_what_was_understood_is_shown_before_it_is_kept(author, address):
    form = {"address": address, "kind": "impersonal", "name": ""}
    first = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert "Vérifiez avant d’enregistrer" in first.text
    assert "noreply" in address or "a@ecole.be" not in author.get("/directory/9300/contacts").text
    understood = form_of(first)["address"]
    again = {**form, "address": understood, "confirmed": understood}
    assert author.send("/directory/9300/contacts", again, page="/directory/9300/contacts/new").status_code == 302


@pytest.mark.long
def test_a_slip_in_a_domain_and_an_address_in_use_elsewhere_are_asked_about_before_they_are_kept(author):
    page, form = (
        "/directory/9300/contacts/new",
        {"kind": "impersonal", "name": "", "address": "po009302@adm.fwb.example"},
    )
    shared = author.send("/directory/9300/contacts", form, page=page)
    assert (shared.status_code, "Déjà utilisée par PO 9302." in shared.text) == (200, True)
    slip = author.send("/directory/9300/contacts", {**form, "address": "a@gmial.com"}, page=page)
    assert "« gmail.com » ?" in slip.text.replace("\u00a0", " ").replace("\u202f", " ")
    taken = author.send(
        "/directory/9300/contacts", {**form, "address": "a@gmial.com", "meant": "a@gmail.com"}, page=page
    )
    assert taken.status_code == 302
    assert "a@gmail.com" in author.get("/directory/9300/contacts").text


def test_the_sheet_says_of_an_address_that_its_domain_takes_no_mail_and_who_else_uses_it(author, sample_database, now):
    with sample_database.writing() as session:
        ours, other = (authorities.authority_by_fase(session, fase) for fase in (9300, 9302))
        for authority in (ours, other):
            contacts.add(session, authority, judge("a@absente.be"), now=now, actor="x", kind=MailboxKind.IMPERSONAL)
        deliverability.record_domains(session, {"absente.be": DomainVerdict.NO_DOMAIN}, now=now)
    page = author.get("/directory/9300/contacts").text.replace("\u00a0", " ")
    assert "Le domaine absente.be n’existe pas (vérifié le 15 mai 2021)." in page
    assert "Déjà utilisée par PO 9302." in page


def first_contact(client):
    """The number of the contact that an authority's page shows first."""
    linked = links(client.get("/directory/9300/contacts"), "/directory/9300/contacts/")
    numbers = (address.rpartition("/")[2] for address, _ in linked)
    return next(number for number in numbers if number.isdigit())


def is_without_address(client):
    return links(client.get("/directory?q=9300&reach=no_address"), "/directory/9300") != []


@pytest.mark.journey
@pytest.mark.long
def test_an_address_is_retired_after_a_page_that_says_what_is_lost_and_put_back_by_one_button(author, signed_in):
    place, number = "/directory/9300/contacts", first_contact(author)
    page = author.get(f"{place}/{number}/retirement")
    assert "po009300@adm.fwb.example" in text_of(page)
    assert "C’est sa seule adresse" in text_of(page)
    assert (place, "La garder") in links(page)
    assert author.get(f"/directory/9301/contacts/{number}/retirement").status_code == 404
    assert signed_in("reader").get(f"{place}/{number}/retirement").status_code == 403
    assert not is_without_address(author)
    author.send(f"{place}/{number}/retirement")
    assert is_without_address(author)
    restoration = f"{place}/{number}/restoration"
    assert actions(author.get(place))[-1] == restoration
    assert author.send(restoration.replace("9300", "9301"), page=place).status_code == 404
    assert author.send(restoration, page=place).location == place
    assert not is_without_address(author)
    assert author.send(restoration, page=f"{place}/new").status_code == 409
    assert restoration not in actions(author.get(place))


@pytest.mark.journey
@pytest.mark.long
def test_the_second_person_confirms_an_address_in_mixed_writing(author, signed_in):
    form = {"address": "directiоn@ecole.be", "kind": "impersonal", "name": "", "confirmed": "directiоn@ecole.be"}
    author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert "Confirmer" not in author.get("/directory/9300/contacts").text
    approver = signed_in("approver")
    page = approver.get("/directory/9300/contacts")
    (review,) = [action for action in actions(page) if action.endswith("/review")]
    assert author.send(review, page="/directory/9300/contacts/new").status_code == 409
    assert approver.send(review, page="/directory/9300/contacts").status_code == 302
    assert "À vérifier" not in approver.get("/directory/9300/contacts").text


def test_a_reader_sees_no_button_that_changes(signed_in):
    page = signed_in("reader").get("/directory/9300/contacts").text
    assert "Ajouter une adresse" not in page
    assert "Retirer" not in page


@pytest.mark.one_example
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "\u202eegnahC", 'Jean « le » "grand"'])
def test_a_name_is_printed_as_text(author, sample_database, name):
    with sample_database.writing() as session:
        authorities.authority_by_fase(session, 9300).name = name
    for address in ("/directory?q=9300", "/directory/9300"):
        page = author.get(address).text
        assert "<script>alert" not in page
        assert str(escape(name)) in page


@pytest.mark.one_example
@pytest.mark.parametrize("number", ["99999999999", "99999999999999999999", "-1", "abc"])
def test_a_number_no_database_holds_is_a_missing_page(author, number):
    assert author.get(f"/directory/{number}").status_code == 404
    assert author.get(f"/directory/9300/contacts/{number}").status_code == 404


def test_a_piece_of_page_asked_for_by_a_stranger_sends_the_whole_page_to_sign_in(client):
    response = client.get("/directory?network=WBE", headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_a_search_and_a_zone_speak_of_the_same_school(author):
    page = author.get("/directory?q=saint&zone=Huy-Waremme&network=WBE").text
    assert "Aucun pouvoir organisateur ne correspond" in page


def test_pages_are_never_kept(author, client):
    assert author.get("/directory").headers["Cache-Control"] == "no-store"
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"


def test_of_an_argument_given_twice_the_first_counts(author):
    assert "lignes 51 à 100" in author.get("/directory?page=2&page=3").text


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Jean\r\nBcc: x@y.be", "interdit"),
        ("\u202eegnahC", "interdit"),
        ("Z" * 201, "200"),
        ("Z" + "\u0301" * 500, "trop de signes"),
        ("Z" + "\u0301" * 50, "trop de signes"),
        ("Marie\u00a0Dupont \U0001f469\u200d\U0001f467", ""),
    ],
)
def test_the_name_of_a_contact_is_a_line_of_words_or_refused_by_its_field(author, name, words):
    form = {"address": "direction@ecole.be", "kind": "personal", "name": name}
    response = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    if words:
        assert response.status_code == 422
        assert 'href="#name"' in response.text
        assert words in response.text
    else:
        assert response.status_code == 302
        assert f"<bdi>{name}</bdi>" in author.get("/directory/9300/contacts").text


def test_an_address_that_our_refused_letters_come_back_to_is_no_contact(author):
    form = {"address": "b-abc@courriel.fwb.example", "kind": "impersonal", "name": ""}
    response = author.send("/directory/9300/contacts", form, page="/directory/9300/contacts/new")
    assert response.status_code == 422
    assert "relève lui-même" in response.text


@pytest.mark.one_example
@pytest.mark.parametrize("address", ["=cmd@ecole.be", "-a@ecole.be", "+a@ecole.be"])
def test_an_address_that_would_start_a_formula_is_kept_and_leaves_as_text(author, address):
    old = first_contact(author)
    form = {"address": address, "kind": "impersonal", "name": ""}
    assert author.send(f"/directory/9300/contacts/{old}", form).status_code == 302
    page = author.get("/directory/export.csv?q=9300").data.decode("utf-8-sig")
    _, row = csv.reader(io.StringIO(page), delimiter=";")
    assert row[12] == f"'{address}"


def test_a_sentence_says_what_the_list_shows_and_each_filter_is_taken_away(author):
    words = "network=WBE&municipality=Namur&level=secondary&strand1=partial&reach=reachable&q=athenee"
    page = author.get(f"/directory?{words}")
    said = (
        "1 pouvoir organisateur du réseau WBE, dont une partie des écoles concernées a adhéré au volet 1, "
        "avec une boîte utilisable, avec une école de l’enseignement secondaire à Namur, où figure « athenee »"
    )
    assert said in text_of(page)
    chips = [text_of(chip) for chip in elements(page, "a[@data-removable]")]
    assert len(chips) == 6
    assert "Retirer le filtre Volet 1 : Une partie des écoles" in chips
    assert '<option value="partial" selected>' in page.text


def test_a_word_with_a_typo_is_said_with_what_was_searched_in_its_place(author):
    page = text_of(author.get("/directory?q=andrelecht"))
    assert "« andrelecht » ne donne rien. Voici ce que donne « anderlecht »." in page
    assert "où figure « anderlecht »" in page


@pytest.mark.full
@pytest.mark.long
def test_a_sheet_begins_with_the_standing_and_has_four_tabs(author, signed_in):
    page = author.get("/directory/9001")
    assert "14 de ses 147 écoles ont adhéré" in text_of(page).split("Au registre")[0]
    (tabs,) = elements(page, "nav[@aria-label='Fiche du pouvoir organisateur']")
    assert len(links(tabs)) == 4
    (call,) = [address for address, text in links(page) if text.startswith("Appeler")]
    assert elements(author.get(call), "details[@id='call'][@open]")
    measured = author.get("/directory/9001/measure")
    (within,) = elements(measured, "nav[@aria-label='Contacts du pouvoir organisateur']")
    assert {address for address, _ in links(within)} == {
        f"/directory/9001/{place}" for place in ("contacts", "reachability", "measure")
    }
    assert not [text for _, text in links(signed_in("reader").get("/directory/9001")) if text.startswith("Appeler")]


def test_who_calls_reads_the_numbers_that_are_known(author):
    typed = {"address": "direction@ecole.be", "phone": "02 555 12 34", "kind": "impersonal"}
    author.send("/directory/9300/contacts", typed, page="/directory/9300/contacts/new")
    page = author.get("/directory/9300/history?call=1")
    assert [text for address, text in links(page) if address.startswith("tel:")] == ["02 555 12 34"]
    assert "Aucun numéro de téléphone" in text_of(author.get("/directory/9001/history?call=1"))
