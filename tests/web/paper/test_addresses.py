import pytest

from tests.pages import form_of, text_of

PAGE = "/directory/9300/postal"


@pytest.mark.long
def test_an_address_is_corrected_shown_in_the_list_and_taken_back(author):
    form = form_of(author.get(PAGE), PAGE)
    sent = {**form, "street": "Rue des Postes", "number": "7", "box": "12", "postcode": "5000", "locality": "Namur"}
    assert author.post(PAGE, data=sent).status_code == 302
    shown = text_of(author.get("/directory/postal?state=corrected").text)
    assert "Rue des Postes 7 bte 12, 5000 Namur" in shown
    saved = author.get("/directory/postal/export.csv?state=corrected").text
    assert "Rue des Postes,7,12,5000,Namur" in saved.replace(";", ",").replace('"', "")
    author.post(f"{PAGE}/withdrawal", data={"csrf_token": form["csrf_token"]})
    assert "Rue des Postes" not in text_of(author.get("/directory/postal?state=corrected").text)


def test_an_address_without_a_postal_code_is_refused_beside_its_field(author):
    form = form_of(author.get(PAGE), PAGE)
    refused = author.post(PAGE, data={**form, "postcode": "12"})
    assert refused.status_code == 422
    assert "quatre chiffres" in text_of(refused.text)


def test_mail_that_came_back_makes_an_address_unfit(author):
    token = form_of(author.get(PAGE), PAGE)["csrf_token"]
    author.post(f"{PAGE}/return", data={"csrf_token": token})
    assert "NPAI" in text_of(author.get("/directory/postal").text)
    assert "Un courrier est revenu le" in text_of(author.get(PAGE).text)


def test_a_reader_sees_the_list_and_corrects_nothing(signed_in):
    reader = signed_in("reader")
    page = reader.get("/directory/postal?state=all&of=schools").text
    assert "Corriger" not in text_of(page)
    assert reader.get(PAGE).status_code == 403
