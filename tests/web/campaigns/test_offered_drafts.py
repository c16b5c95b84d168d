"""A person's draft on the pages of a campaign's steps: offered, taken up, ignored, and gone once it is saved."""

import re

import pytest
from sqlalchemy import func, select

from outreach.access import form_drafts
from outreach.access.form_drafts import Draft
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import content_hash
from outreach.core import audit
from tests.pages import actions, elements, form_of, links, text_of, tree_of
from tests.web.campaigns.test_campaigns import begun, typed

__all__ = ["begun"]
OFFER = "n’a pas été enregistré"


@pytest.fixture
def drafted(author, begun):
    """A campaign of which the author has typed a letter that is not saved."""
    fields = {**typed(author, begun), "letter": "Presque fini </textarea><script>"}
    assert author.post(f"{begun}/letter/draft", data=fields).status_code == 204
    return begun


def resumed(author, address):
    """The page that goes on with the draft that a page offers first."""
    return author.get(links(author.get(address), f"{address}?")[0][0])


def of_database(database):
    """How many drafts there are, the campaign's digest, and how many entries its audit has."""
    with database.reading() as session:
        campaign = session.scalars(select(Campaign)).one()
        counted = session.scalar(select(func.count()).select_from(Draft))
        return counted, content_hash(campaign), len(audit.entries_about(session, f"campaign:{campaign.id}"))


@pytest.mark.long
def test_a_draft_is_offered_taken_up_and_gone_once_it_is_saved(author, drafted, sample_database):
    before = of_database(sample_database)
    assert OFFER in text_of(author.get(f"{drafted}/letter"))
    page = resumed(author, f"{drafted}/letter")
    assert OFFER not in text_of(page)
    assert elements(page, "form[@data-unsaved]")
    form = form_of(page, "letter-form")
    assert form["letter"] == "Presque fini </textarea><script>"
    assert of_database(sample_database) == before
    assert author.post(f"{drafted}/letter", data={**form, "letter": "Fini"}).location == f"{drafted}/dates"
    assert of_database(sample_database)[0] == 0
    assert OFFER not in text_of(author.get(f"{drafted}/letter"))


@pytest.mark.long
def test_a_draft_is_ignored_by_its_button(author, drafted, sample_database):
    page = author.get(f"{drafted}/letter")
    ignored = author.post(actions(page)[0], data=form_of(page, actions(page)[0]))
    assert ignored.location == f"{drafted}/letter"
    assert of_database(sample_database)[0] == 0


@pytest.mark.long
def test_what_is_typed_while_a_draft_is_on_offer_is_kept_beside_it(author, drafted, sample_database):
    page = author.get(f"{drafted}/letter")
    fields = {**form_of(page, "letter-form"), "letter": "Recommencé"}
    assert author.post(f"{drafted}/letter/draft", data=fields).status_code == 204
    resuming = [address for address, _ in links(author.get(f"{drafted}/letter"), f"{drafted}/letter?")]
    typed = {form_of(author.get(address), "letter-form")["letter"] for address in resuming}
    assert typed == {"Recommencé", "Presque fini </textarea><script>"}
    assert OFFER in text_of(author.get(resuming[0])), "the other one is still on offer"
    form = form_of(author.get(resuming[0]), "letter-form")
    assert author.post(f"{drafted}/letter/draft", data={**form, "letter": "Encore"}).status_code == 204
    assert of_database(sample_database)[0] == 2, "what goes on with a draft takes its place"


@pytest.mark.journey
@pytest.mark.long
def test_nobody_else_sees_a_draft_and_who_only_reads_keeps_none(author, drafted, signed_in):
    reader = signed_in("reader")
    resuming = links(author.get(f"{drafted}/letter"), f"{drafted}/letter?")[0][0]
    for client in (reader, signed_in("approver")):
        for address in (f"{drafted}/letter", resuming):
            assert "Presque fini" not in client.get(address).text
            assert OFFER not in text_of(client.get(address))
    token = form_of(reader.get("/account"))["csrf_token"]
    assert reader.post(f"{drafted}/letter/draft", data={"csrf_token": token, "letter": "x"}).status_code == 403


@pytest.mark.long
def test_a_draft_of_what_somebody_has_changed_since_is_shown_and_not_saved_over_it(author, drafted):
    author.send(f"{drafted}/dates", {"day": "18/05/2027", "hour": "9:30", "reminders": "", "deadline_days": "30"})
    form = form_of(resumed(author, f"{drafted}/letter"), "letter-form")
    refused = author.post(f"{drafted}/letter", data=form)
    assert refused.status_code == 422
    assert "Quelqu’un a modifié" in refused.text


@pytest.mark.journey
@pytest.mark.long
def test_drafts_of_the_other_steps_come_back_too(author, begun):
    dates = {**form_of(author.get(f"{begun}/dates")), "day": "19/05/2027", "reminders": "9"}
    audience = {
        **form_of(author.get(f"{begun}/audience")),
        "whom": "some",
        "network": "WBE",
        "line": "1:not_written_since",
        "1.days": "41",
    }
    token = form_of(author.get("/account"))["csrf_token"]
    for step, fields in (("dates", dates), ("audience", audience)):
        assert author.post(f"{begun}/{step}/draft", data={**fields, "csrf_token": token}).status_code == 204
        assert OFFER in text_of(author.get(f"{begun}/{step}"))
    assert form_of(resumed(author, f"{begun}/dates"))["reminders"] == "9"
    form = form_of(resumed(author, f"{begun}/audience"), "choices")
    assert (form["network"], form["1.days"]) == ("WBE", "41")
    assert author.send(f"{begun}/audience", form).location == f"{begun}/letter"
    assert OFFER not in text_of(author.get(f"{begun}/audience"))


def pressed(author, page, **button):
    """The page that a button of the audience's form leads to."""
    (form,) = elements(page, "form[@id='choices']")
    sent = author.post(form.get("action"), data={**form_of(page, "choices"), **button})
    assert sent.status_code == 303
    return author.get(sent.location)


@pytest.mark.long
def test_a_script_is_shown_what_it_asked_though_an_older_request_is_kept_after_it(author, begun):
    saved = author.get(f"{begun}/audience")
    older = form_of(saved, "choices") | {"find": "namur"}
    pressed = older | {"add": "province|root|Namur"}
    shown = author.post(f"{begun}/audience/choices", data=pressed, headers={"HX-Request": "true"})
    author.post(f"{begun}/audience/choices", data=older, headers={"HX-Request": "true"})
    assert shown.status_code == 200, "it need not ask for what may be gone meanwhile"
    assert "en province de Namur" in text_of(elements(shown, "p[@id='said']")[0])
    assert "Province des écoles : Namur" in text_of(elements(shown, "ul[@id='offers']")[0])
    assert focused(shown) == "words-1"


def focused(page):
    (element,) = [one for one in tree_of(page).iter() if "autofocus" in one.attrib]
    return element.get("id")


def written(page):
    """To how many authorities the audience on a page writes."""
    return int(re.sub(r"\D", "", text_of(elements(page, "tr[@class='sum end']/td")[0])))


def choices(page):
    form = form_of(page, "choices")
    return {name: value for name, value in form.items() if name not in {"csrf_token", "draft_page", "find", "why"}}


@pytest.mark.journey
@pytest.mark.long
def test_a_button_of_the_audience_keeps_what_it_shows_and_takes_the_focus(author, begun, sample_database):
    before = of_database(sample_database)
    saved = author.get(f"{begun}/audience")
    page = pressed(author, saved, add="province|root|Namur")
    assert "en province de Namur" in text_of(elements(page, "p[@id='said']")[0])
    assert focused(page) == "words-1"
    assert elements(page, "li[@id='condition-1']/details")[0].get("open") == ""
    assert elements(page, "span[@data-said='kept']")[0].get("hidden") is None
    page = pressed(author, page, add="zone")  # it is not complete
    assert (focused(page), len(elements(page, "li[@class='condition']"))) == ("words-2", 2)
    assert "Complétez la condition" not in text_of(page), "it was added just now"
    for button, place in (
        ({"search": "1", "find": "commune"}, "find"),
        ({"title": "Autre nom"}, "recount"),
        ({"why": "9001"}, "why"),
    ):
        page = pressed(author, page, **button)
        assert focused(page) == place
    assert "reçoit ce courriel" in text_of(elements(page, "section[@id='results']")[0]), "why is answered"
    page = pressed(author, page, remove="1")
    assert focused(page) == "words-1"
    assert choices(resumed(author, f"{begun}/audience")) == choices(page), "what is on the page is what is kept"
    page = pressed(author, page, remove="1")
    assert focused(page) == "adding"
    assert OFFER not in text_of(page)
    assert of_database(sample_database) == (1, *before[1:])


@pytest.mark.journey
@pytest.mark.long
def test_a_draft_says_what_it_would_change_and_is_offered_only_if_it_does_and_is_newer(author, signed_in, begun):
    saved = author.get(f"{begun}/audience")
    page = pressed(author, pressed(author, saved, add="province|root|Namur"), title="Autre nom")
    offer = elements(author.get(f"{begun}/audience"), "section[@id='draft-offers']//li")
    assert [text_of(one) for one in offer] == [
        f"{written(saved)} → {written(page)} PO",
        "nom « Autre nom »",
        "condition ajoutée, « au moins une école en province de Namur »",
    ]
    assert OFFER not in text_of(author.get(f"{begun}/audience", query_string=choices(saved))), "that page is newer"
    back = {**form_of(saved, "choices"), "draft_page": form_of(page, "choices")["draft_page"]}
    author.post(f"{begun}/audience/choices", data=back)
    assert OFFER not in text_of(author.get(f"{begun}/audience")), "it would change nothing"
    pressed(author, page)
    author.send(f"{begun}/dates", {"day": "18/05/2027", "hour": "9:30", "reminders": "", "deadline_days": "30"})
    assert OFFER in text_of(author.get(f"{begun}/audience")), "nobody saved another audience since"
    signed_in("author").send(f"{begun}/audience", {**form_of(saved, "choices"), "title": "Un nom"}, f"{begun}/audience")
    author.post(f"{begun}/audience/draft", data=form_of(page, "choices"))
    assert OFFER in text_of(author.get(f"{begun}/audience")), "typed after somebody saved"


@pytest.mark.long
def test_a_draft_that_is_older_than_what_somebody_saved_is_not_offered(author, drafted, sample_database):
    address = links(author.get(f"{drafted}/letter"), f"{drafted}/letter?")[0][0]
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).subject = "Un autre objet"
    assert OFFER not in text_of(author.get(f"{drafted}/letter"))
    assert form_of(author.get(address), "letter-form")["letter"].startswith("Presque fini")


@pytest.mark.journey
@pytest.mark.long
def test_buttons_of_the_other_steps_keep_what_they_show(author, begun):
    form = {**form_of(author.get(f"{begun}/letter"), "letter-form"), "letter": "Bonjour", "subject": "Objet neuf"}
    for at, button in (("go-next", {"go": "9002"}), ("refresh", {}), ("whole", {"whole": "1"})):
        shown = author.post(f"{begun}/letter/preview?at={at}", data={**form, **button})
        assert at == "whole" or focused(shown) == at
        assert elements(shown, "span[@data-said='kept']")[0].get("hidden") is None
    offer = elements(author.get(f"{begun}/letter"), "section[@id='draft-offers']//li")
    assert [text_of(one).partition(",")[0] for one in offer] == ["Objet du courriel", "Texte du courriel"]
    assert form_of(resumed(author, f"{begun}/letter"), "letter-form")["letter"] == "Bonjour"
    live = author.post(f"{begun}/letter/preview", data={**form, "letter": "En direct"}, headers={"HX-Request": "true"})
    assert elements(live, "span[@data-said='kept']")[0].get("hidden") == ""
    dates = {**form_of(author.get(f"{begun}/dates")), "day": "2027-05-19", "reminders": "9"}
    token = form_of(author.get("/account"))["csrf_token"]
    shown = author.get(author.post(f"{begun}/dates/choices", data={**dates, "csrf_token": token}).location)
    assert "Relance 1, après 9 jours" in text_of(shown)
    assert OFFER not in text_of(shown)
    lines = [text_of(one) for one in elements(author.get(f"{begun}/dates"), "section[@id='draft-offers']//li")]
    assert lines == ["Jour de la première vague, rien → « 2027-05-19 »", "Relances, « 14, 24 » → « 9 »"]


@pytest.mark.long
def test_a_draft_that_is_too_long_is_refused_and_the_one_before_stays(author, drafted):
    fields = {**form_of(author.get(f"{drafted}/letter"), "letter-form"), "letter": "x" * form_drafts.MOST_BYTES}
    assert author.post(f"{drafted}/letter/draft", data=fields).status_code == 400
    assert OFFER in text_of(author.get(f"{drafted}/letter"))
