"""Text outlives a session: only its author goes on with it, only from our own pages, and nothing is done twice."""

import random
from string import ascii_letters, digits

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import delete, select, update

from outreach.access.accounts import StaffSession, User
from outreach.campaigns.models import Campaign
from outreach.operations.demo import people
from outreach.web.sign_in.sessions import MOST_BY_ACCOUNT
from tests.pages import actions, elements, form_of, text_of
from tests.web.campaigns.test_campaigns import begun

__all__ = ["begun"]
OURS = {"Origin": "http://localhost"}
WRITTEN = 'Une heure de travail "> <script>alert(1)</script>\r\n\r\nEt la suite.'
KEEPING = {
    *("campaigns.leave_out", "campaigns.note_campaign_call"),
    *("campaigns.save_audience", "campaigns.save_letter", "campaigns.preview", "campaigns.send_test"),
    *("campaigns.add_reminder", "campaigns.save_reminder", "closures.add", "deputies.name"),
    "programmes.state",
    *("campaigns.save_dates", "campaigns.change_audience", "campaigns.change_dates", "history.note_call"),
    *("school_reports.report", "letters.change", "letters.preview", "letters.send"),
    *("adherence.record", "directory.add_contact"),
    *(
        "directory.correct_contact",
        "names.correct_name",
        "postal.correct_address",
        "exclusions.end",
        "exclusions.exclude",
        "exclusions.lift",
    ),
    *("responses.act", "responses.set_aside", "campaigns.send_back"),
    *("measure.record_consent", "measure.record_decision", "reachability.confirm"),
    *("replies.change", "replies.preview", "replies.send", "texts.save", "statements.save"),
    *("notes.create", "notes.save", "notes.ask"),
}


@pytest.fixture
def written(author, begun):
    """The letter's form, as its author sends it."""
    return {**form_of(author.get(f"{begun}/letter"), "letter-form"), "letter": WRITTEN}


@pytest.fixture
def ended(author, written, sample_database):
    """The author's browser, whose session has ended on the server since the form was opened."""
    with sample_database.writing() as session:
        session.execute(delete(StaffSession))
    return author


def letter_of(database):
    with database.reading() as session:
        return session.scalars(select(Campaign.letter)).one()


def sign_in(client, page, password, role="author"):
    form = {**form_of(page, "/sign-in/kept"), "email": people.person_for(role).email, "password": password}
    return client.post("/sign-in/kept", data=form, headers=OURS)


@pytest.mark.long
@pytest.mark.parametrize("has_cookie", [True, False])
def test_the_same_person_signs_in_reads_the_text_and_sends_it(
    ended, begun, written, password, sample_database, has_cookie
):
    if not has_cookie:
        ended.delete_cookie("outreach")
    asked = ended.post(f"{begun}/letter", data=written, headers=OURS)
    assert asked.status_code == 400
    assert "Une heure" not in text_of(asked)
    wrong = sign_in(ended, asked, "faux")
    assert "ne convient pas" in text_of(wrong)
    shown = sign_in(ended, wrong, password)
    assert (shown.status_code, actions(shown)) == (200, [f"{begun}/letter"])
    assert "Une heure de travail" in text_of(shown)
    assert len(elements(shown, "script")) == len(elements(asked, "script"))
    assert len(elements(shown, "button")) == 1
    assert "Une heure" not in letter_of(sample_database)
    sent = ended.post(f"{begun}/letter", data=form_of(shown), headers=OURS)
    assert sent.location == f"{begun}/dates"
    assert letter_of(sample_database) == WRITTEN.replace("\r\n", "\n")


@pytest.mark.journey
@pytest.mark.long
def test_after_too_many_attempts_the_text_is_still_there(ended, begun, written, password):
    page = ended.post(f"{begun}/letter", data=written, headers=OURS)
    for _ in range(MOST_BY_ACCOUNT + 1):
        page = sign_in(ended, page, "faux")
    assert page.status_code == 429
    assert form_of(page, "/sign-in/kept")["kept"]


@pytest.mark.one_example
@pytest.mark.parametrize("mark", ["3.of-another-session", "nobody's"])
def test_a_stale_token_in_a_session_that_goes_on_shows_the_text_at_once(
    author, begun, written, sample_database, app, mark
):
    with author.session_transaction() as cookie:  # as signing in again in another tab does
        cookie["csrf_token"] = mark
    shown = author.post(f"{begun}/letter", data=written, headers=OURS)
    assert shown.status_code == 400
    assert "Une heure" not in letter_of(sample_database)
    assert author.post(f"{begun}/letter", data=form_of(shown), headers=OURS).location == f"{begun}/dates"


@pytest.mark.long
def test_somebody_else_gets_neither_the_text_nor_its_effect(
    ended, signed_in, begun, written, password, sample_database
):
    page = ended.post(f"{begun}/letter", data=written, headers=OURS)
    entered = sign_in(ended, page, password, "approver")
    assert entered.location == "/today"
    assert "ouvert par une autre personne" in text_of(ended.get("/directory"))
    refused = ended.post(f"{begun}/letter", data=written, headers=OURS)
    assert refused.status_code == 400
    assert "ouvert par une autre personne" in text_of(refused)
    assert "Une heure" not in refused.text + letter_of(sample_database)


def test_whoever_has_to_change_the_password_first_keeps_the_text(author, begun, written, sample_database):
    with sample_database.writing() as session:
        session.execute(update(User).values(must_change_password=True))
    shown = author.post(f"{begun}/letter", data=written, headers=OURS)
    assert "Changez d’abord votre mot de passe" in text_of(shown)
    assert form_of(shown)["letter"].startswith("Une heure de travail")


@pytest.mark.journey
@pytest.mark.long
def test_a_form_that_is_not_known_to_come_from_our_pages_keeps_nothing(ended, begun, written):
    for origin in ("https://evil.test", "null", "http://localhost.evil.test", "http://localhost:81", "", None):
        headers = {} if origin is None else {"Origin": origin}
        for fields in (written, {**written, "csrf_token": written["csrf_token"] + "x"}):
            refused = ended.post(f"{begun}/letter", data=fields, headers=headers)
            assert (refused.status_code, "kept" in refused.text) in {(400, False), (302, False)}, origin


@pytest.mark.long
def test_a_token_that_names_nobody_or_is_forged_keeps_nothing(app, client, begun, written):
    nobodys = form_of(client.get("/sign-in"))["csrf_token"]
    forged = URLSafeTimedSerializer("a key of somebody else's", salt="wtf-csrf-token").dumps("1.x")
    for token in (nobodys, forged, "", "x" * 1000):
        refused = client.post(f"{begun}/letter", data={**written, "csrf_token": token}, headers=OURS)
        assert (refused.status_code, "kept" in refused.text) in {(400, False), (302, False)}


@pytest.mark.long
def test_a_kept_text_that_was_changed_is_not_read(ended, begun, written, password):
    page = ended.post(f"{begun}/letter", data=written, headers=OURS)
    form = {**form_of(page, "/sign-in/kept"), "email": people.person_for("author").email, "password": password}
    for kept in (form["kept"][:-1], form["kept"].replace(form["kept"][:4], "eyJw"), "", form["csrf_token"]):
        changed = ended.post("/sign-in/kept", data={**form, "kept": kept}, headers=OURS)
        assert changed.location == "/sign-in"
    foreign = ended.post("/sign-in/kept", data=form, headers={"Origin": "https://evil.test"})
    assert (foreign.status_code, ended.get("/directory").status_code) == (400, 302)


@pytest.mark.long
def test_a_stale_token_at_the_second_sign_in_keeps_the_text_too(ended, app, begun, written, password):
    page = ended.post(f"{begun}/letter", data=written, headers=OURS)
    with ended.session_transaction() as cookie:
        cookie.clear()
    again = sign_in(ended, page, password)
    assert again.status_code == 400
    assert sign_in(ended, again, password).status_code == 200


@pytest.mark.journey
@pytest.mark.long
def test_only_these_views_keep_text_and_no_other_does(app, ended, written):
    """A new view keeps nothing until it is named here; what approves, sends, or changes passwords or files never is."""
    views = app.view_functions.items()
    assert {name for name, view in views if hasattr(view, "keeping")} == KEEPING
    for address in ("submission", "approval", "waves", "pause", "cancellation", "waves/1/doubts"):
        refused = ended.post(f"/campaigns/1/{address}", data=written, headers=OURS)
        assert (refused.status_code, refused.location[:8]) == (302, "/sign-in"), address
    for address in ("/account/password", "/account/sessions/end", "/adherence/lists"):
        assert ended.post(address, data=written, headers=OURS).status_code == 302, address


def test_a_test_letter_comes_back_as_text_and_is_not_sent(ended, begun, written, password):
    page = ended.post(f"{begun}/letter/test", data={**written, "to": "x@fwb.example"}, headers=OURS)
    assert actions(sign_in(ended, page, password)) == [f"{begun}/letter/preview"]


def test_the_preview_says_so_and_leaves_the_page_as_it_is(ended, begun, written):
    part = ended.post(f"{begun}/letter/preview", data=written, headers={**OURS, "HX-Request": "true"})
    assert part.status_code == 400
    assert 'id="preview"' in part.text
    assert "HX-Redirect" not in part.headers


@pytest.mark.long
def test_the_longest_form_goes_through_whole_and_a_million_bytes_are_refused(ended, begun, written, password):
    text = "".join(random.Random(1).choices(ascii_letters + digits, k=470_000)) + " é\r\n«"
    page = ended.post(f"{begun}/letter", data={**written, "letter": text}, headers=OURS)
    assert form_of(sign_in(ended, page, password))["letter"].replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert ended.post(f"{begun}/letter", data={**written, "letter": "x" * 1_000_000}, headers=OURS).status_code == 413


def test_a_stale_form_about_what_does_not_exist_is_answered_as_any_other(app, author, begun):
    app.config["TESTING"] = app.config["PROPAGATE_EXCEPTIONS"] = False
    form = form_of(author.get(f"{begun}/letter"), "letter-form")
    with author.session_transaction() as cookie:
        cookie["csrf_token"] = "of another session"
    assert author.post("/campaigns/99999/audience", data=form, headers=OURS).status_code == 404


@pytest.mark.journey
@pytest.mark.long
def test_each_keeping_view_tells_what_it_keeps(app, author, begun, password, sample_database):
    with author.session_transaction() as cookie:
        cookie["csrf_token"] = "of another session"
    with app.test_request_context():
        stale = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token")
    with sample_database.reading() as session:
        person = session.scalars(select(StaffSession.user_id).order_by(StaffSession.id.desc())).first()
    token = stale.dumps(f"{person}.x")
    for address, fields, words in (
        (f"{begun}/audience", {"asked": "1", "network": "WBE", "concerns": "open"}, "WBE"),
        (f"{begun}/dates", {"day": "2027-05-18", "hour": "9:30"}, "Jour de la première vague 2027-05-18"),
        ("/directory/9300/calls", {"kind": "phone", "note": "Rappeler"}, "Ce qui a été dit Rappeler"),
        ("/directory/9300/statuses", {"status": "informed", "note": "Vu"}, "Note ou motif (facultatif) Vu"),
        ("/directory/9300/contacts", {"address": "a@b.example"}, "Adresse de courriel a@b.example"),
        ("/directory/exclusions/1", {"note": "Demandé"}, "Raison Demandé"),
        ("/responses/1/action", {"note": "Fait"}, "Note Fait"),
        ("/campaigns/1/return", {"why": "Trop long"}, "Ce qu’il faut changer Trop long"),
    ):
        page = author.post(address, data={**fields, "csrf_token": token}, headers=OURS)
        assert page.status_code == 400, address
        assert words in text_of(page), address
        assert actions(page) == [address]
    for view in ("preview", "sending"):  # a reply is written on, and read once more before it leaves
        fields = {"letter": "Bonjour", "key": "0" * 32, "csrf_token": token}
        page = author.post(f"/responses/1/reply/{view}", data=fields, headers=OURS)
        assert "Texte du courriel Bonjour" in text_of(page)
        assert actions(page) == ["/responses/1/reply"], view
    ticked = {"note": "Fait", "news": "1", "csrf_token": token}
    page = author.post("/responses/1/action", data=ticked, headers=OURS)
    assert "news" not in form_of(page, "/responses/1/action"), "a letter leaves with what is ticked on its own page"
