"""What an authority opens from a letter: a GET changes nothing, one POST is enough, a wrong link tells nothing."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.campaigns.results import verify_ledger
from outreach.core.db import Database
from outreach.core.erasure._digests import MARK
from outreach.core.settings import read
from outreach.core.text.addresses import masked
from outreach.core.text.french import typeset
from outreach.delivery import outbox
from outreach.delivery.letters import INERT, Keys, TokenKind
from outreach.delivery.models import Composition, Mailing, Message, Purpose, Suppression, SuppressionReason, Worker
from outreach.directory.models import Authority
from outreach.engagement.replies import Response
from outreach.operations.retention import KEPT, RULES
from tests.conftest import NOW
from tests.pages import elements, text_of
from tests.web.campaigns.test_progress import stop_clock

JUNK = ["x" * 40, "a" * 40, "x", "x" * 10_000, "%2e%2e%2f", "é" * 40]


@pytest.fixture
def letter(app, launched_sample):
    """A letter of a launched wave: its key and its token to unsubscribe."""
    settings = app.extensions["outreach.settings"]
    with launched_sample.reading() as session:
        message = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id).limit(1)).one()
        token = Keys(settings.signing_keys).make(TokenKind.UNSUBSCRIBE, bytes.fromhex(message.public_id))
        return message.id, token


def suppressions(database):
    with database.reading() as session:
        return session.scalars(select(Suppression).order_by(Suppression.id)).all()


def test_opening_the_link_changes_nothing_and_pressing_the_button_does(client, letter, sample_database):
    identity, token = letter
    page = client.get(f"/u/{token}")
    assert page.status_code == 200
    assert suppressions(sample_database) == []
    done = client.post(f"/u/{token}")
    assert "C’est enregistré" in done.text
    (row,) = suppressions(sample_database)
    with sample_database.reading() as session:
        assert row.address_key == session.get_one(Message, identity).address_key
    assert (row.reason, row.scope, row.created_by) == ("unsubscribed", "awareness", "destinataire")


def test_whoever_chooses_nothing_is_asked_for_the_choice_that_the_form_names(client, letter, sample_database):
    _, token = letter
    text = text_of(client.post(f"/u/{token}", data={"why": "autre"}))
    assert ("Faites votre choix." in text, "Votre choix" in text, "Choisissez une réponse" in text) == (
        *(True, True, False),
    )
    assert suppressions(sample_database) == []


DOUBTS = [
    ({"state": "in_doubt"}, "accepted"),
    ({"state": "handing"}, "accepted"),
    ({"state": "queued", "resent_at": NOW}, "accepted"),
    ({"state": "queued", "fence_id": None}, "queued"),
    ({"state": "refused"}, "refused"),
]


@pytest.mark.one_example
@pytest.mark.parametrize(("values", "after"), DOUBTS)
def test_unsubscribing_by_its_own_link_proves_that_a_letter_in_doubt_arrived(
    client, letter, sample_database, values, after
):
    identity, token = letter
    with sample_database.writing() as session:
        details = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW, **values}
        session.execute(update(Message).where(Message.id == identity).values(details))
        session.add(Worker(id="w", place="x", started_at=NOW, seen_at=NOW))
        session.add(Composition(message_id=identity, revision=0, content="{}"))
    client.get(f"/u/{token}")
    with sample_database.reading() as session:
        assert session.get_one(Message, identity).state == values["state"]
    client.post(f"/u/{token}")
    with sample_database.reading() as session:
        row = session.get_one(Message, identity)
        assert (row.state, "arrivé" in row.reply_text) == (after, after == "accepted")
        assert [one for one in verify_ledger(session, now=NOW) if one.rule in {"proved", "explained"}] == []


@pytest.mark.journey
@pytest.mark.long
def test_one_click_is_answered_empty_without_redirect_or_cookie_and_a_hundred_times_make_one_row(
    client, letter, sample_database
):
    _, token = letter
    for _ in range(100):
        answer = client.post(f"/u/{token.upper()}", data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.data) == (200, b"")
        assert "Set-Cookie" not in answer.headers
    assert len(suppressions(sample_database)) == 1


@pytest.mark.one_example
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("token", JUNK)
def test_a_wrong_link_gets_the_same_neutral_page(client, letter, sample_database, method, token):
    answer = getattr(client, method)(f"/u/{token}")
    assert answer.status_code == 404
    assert "Lien inconnu" in answer.text
    assert suppressions(sample_database) == []


def test_a_token_of_another_kind_is_worth_nothing(client, letter, app, sample_database):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    for kind in set(TokenKind) - {TokenKind.UNSUBSCRIBE}:
        assert client.post(f"/u/{keys.make(kind, bytes(8))}").status_code == 404


def test_a_genuine_link_to_a_letter_that_is_gone_is_answered_as_any_other(client, app, sample_database):
    token = Keys(app.extensions["outreach.settings"].signing_keys).make(TokenKind.UNSUBSCRIBE, bytes(8))
    assert client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert suppressions(sample_database) == []


def test_without_a_database_one_is_asked_to_come_back(client, letter, app):
    app.extensions["outreach.database"] = silent = Database("postgresql://nobody@127.0.0.1:1/none")
    answer = client.post(f"/u/{letter[1]}", data={"List-Unsubscribe": "One-Click"})
    silent.dispose()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "Service indisponible" in answer.text


def test_public_pages_keep_to_themselves(client, letter):
    _, token = letter
    for address in (f"/u/{token}", "/u/wrong"):
        headers = client.get(address).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in headers


def test_the_keys_outlive_the_session_s(tmp_path):
    settings = read({"OUTREACH_DATA": str(tmp_path)})
    other = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_SECRET_KEY": "n" * 40})
    assert settings.signing_keys == other.signing_keys
    assert settings.secret_key != other.secret_key


def link(app, database, kind):
    with database.reading() as session:
        message = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id).limit(1)).one()
        return Keys(app.extensions["outreach.settings"].signing_keys).make(kind, bytes.fromhex(message.public_id))


def test_a_letter_is_read_online_as_it_was_composed(app, client, letter, sample_database):
    page = FlaskClient.open(client, f"/v/{link(app, sample_database, TokenKind.VIEW)}")
    assert page.status_code == 200
    assert "Madame, Monsieur," in page.text
    assert "Ne plus recevoir" in page.text
    assert [page.text.count(f'role="{role}"') for role in ("banner", "main", "contentinfo")] == [1, 1, 1]
    assert page.text.count("<h1") == 1
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.get(f"/v/{letter[1]}").status_code == 404  # a token of another kind
    with sample_database.writing() as session:
        session.execute(update(Message).values(address_key=f"{MARK}0"))
    assert FlaskClient.open(client, f"/v/{link(app, sample_database, TokenKind.VIEW)}").status_code == 404


@pytest.mark.long
def test_what_a_letter_s_link_names_is_in_view_and_not_chosen(app, client, letter, sample_database):
    shown = FlaskClient.open(client, f"/v/{link(app, sample_database, TokenKind.VIEW)}")
    chosen = {text_of(one): one.get("href") for one in elements(shown, "a") if "?choice=" in one.get("href")}
    assert list(chosen) == ["Nous adhérons", "En préparation", "Besoin d’aide", "Dites-le-nous"]
    for words, address in chosen.items():
        answer = words if words != "Dites-le-nous" else "Nous adhérons"
        page = client.get(address[address.index("/a/") :])
        assert f"propose la réponse « {answer} »" in text_of(page)
        assert [one for one in elements(page, "input[@name='answer']") if "checked" in one.attrib] == []
        (touched,) = elements(page, "input[@autofocus]")
        (label,) = elements(page, f"label[@for='{touched.get('id')}']")
        assert text_of(label) == answer
    token = link(app, sample_database, TokenKind.ANSWER)
    assert "Votre courriel propose" not in text_of(client.get(f"/a/{token}"))
    client.post(f"/a/{token}", data={"answer": "joined"})
    assert "Votre courriel propose" not in text_of(client.get(f"/a/{token}?choice=joined")), "it is sent"
    assert "propose la réponse « Besoin d’aide »" in text_of(client.get(f"/a/{token}?choice=help"))


@pytest.mark.full
def test_the_answer_page_names_the_authority_its_schools_and_the_person_of_contact(
    app, client, letter, sample_database
):
    page = client.get(f"/a/{link(app, sample_database, TokenKind.ANSWER)}").text
    assert ", FASE 9" in page
    assert "nadia.lambert@fwb.example" in page
    assert page.count('name="pick"') > 10


def test_a_comment_that_quotes_its_letter_s_link_keeps_no_token(app, client, letter, sample_database):
    token = link(app, sample_database, TokenKind.ANSWER)
    comment = f"{'Bonjour, ' * 6}ce lien ne va pas : https://a.example/a/{token}"
    assert client.post(f"/a/{token}", data={"answer": "help", "comment": comment}).status_code == 303
    with sample_database.reading() as session:
        assert session.scalar(select(Response.comment)) == comment.replace(token, INERT)


@pytest.mark.journey
@pytest.mark.long
def test_every_page_behind_a_letter_bears_the_name_of_its_sender(app, client, letter, sample_database):
    kinds = {"a": TokenKind.ANSWER, "u": TokenKind.UNSUBSCRIBE}
    files = {"public.answer_sheet", "public.rejected_answers"}
    other = {*files, "public.view", "public.click"}  # the letter itself, a redirect
    public = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("public.")]
    rules = [rule for rule in public if "token" in rule.arguments and rule.endpoint not in other]
    pages = []
    for rule in rules:
        token = link(app, sample_database, kinds[rule.rule[1]])
        address = rule.rule.replace("<path:token>", token)
        sent = {"data": {"answer": "help"}} if "POST" in rule.methods else {}
        pages.append((client.post if sent else client.get)(address, follow_redirects=True, **sent))
    assert len(pages) == len(rules) > 10
    for page in pages:
        (brand,) = elements(page, "header//p[@class='brand']")
        assert text_of(brand) == "Fédération Wallonie-Bruxelles – Service du numérique éducatif", page.request.path
    assert text_of(elements(client.get("/a/x"), "header//p[@class='brand']")[0]) == "Sensibilisation"


def test_unsubscribing_from_a_trial_excludes_nobody_and_says_so(app, client, letter, sample_database):
    with sample_database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    assert "Essai" in client.post(f"/u/{letter[1]}").text
    assert suppressions(sample_database) == []


@pytest.mark.long
def test_the_page_to_unsubscribe_on_names_the_authority_and_shows_the_address_masked(client, letter, sample_database):
    identity, token = letter
    with sample_database.reading() as session:
        message = session.get_one(Message, identity)
        address, authority = message.address, session.get_one(Authority, message.authority_id)
    for page in (client.get(f"/u/{token}"), client.post(f"/u/{token}"), client.post(f"/u/again/{token}")):
        said = text_of(page)
        assert authority.display_name in said
        assert f"FASE {authority.fase}" in said
        assert masked(address) in said
        assert address not in page.text


@pytest.mark.long
def test_a_mailbox_reads_when_it_unsubscribed_and_takes_it_back_by_a_button_alone(
    client, letter, sample_database, monkeypatch
):
    _, token = letter
    stop_clock(monkeypatch, NOW)
    client.post(f"/u/{token}")
    for _ in range(2):
        said = text_of(client.get(f"/u/{token}")).replace("\u00a0", " ").replace("\u202f", " ")
        assert "C’est déjà fait Pouvoir organisateur" in said
        assert "Depuis le 15 mai 2021 à 11 h, cette boîte ne reçoit plus" in said
    assert [row.lifted_at for row in suppressions(sample_database)] == [None]
    assert client.get(f"/u/again/{token}").status_code == 404
    assert "Vous recevez à nouveau nos courriels" in client.post(f"/u/again/{token}").text
    (row,) = suppressions(sample_database)
    assert (row.lifted_at, row.lifted_by) == (NOW, "destinataire")
    assert "par le lien du courriel" in row.lifted_because
    assert "Désinscrite, cette boîte" in client.get(f"/u/{token}").text
    client.post(f"/u/again/{token}")  # nothing is left to undo
    client.post(f"/u/{token}")
    assert [one.lifted_at for one in suppressions(sample_database)] == [NOW, None]


def test_undoing_an_unsubscription_leaves_any_other_exclusion_and_says_that_mail_stays_away(
    client, letter, sample_database
):
    identity, token = letter
    client.post(f"/u/{token}")
    with sample_database.writing() as session:
        key = session.get_one(Message, identity).address_key
        outbox.suppress_address(session, key, SuppressionReason.STAFF, now=NOW, actor="a@fwb.example")
    assert "Rien ne part encore vers cette boîte" in client.post(f"/u/again/{token}").text
    with sample_database.reading() as session:
        assert [row.reason for row in outbox.in_force(session, [key])] == [SuppressionReason.STAFF]


STATEMENTS = {
    "/accessibility": ("partiellement conforme", "3 mai 2019", "Aucun essai", "Médiateur de la Wallonie"),
    "/data-protection": (
        *(
            "service qui signe",
            "au moins vingt",
            "une seule boîte</strong> : 13 mois après",
            "plainte",
            "Ne plus recevoir",
        ),
        *("une copie de l’accusé", "Une feuille de réponses, telle qu’elle a été reçue</strong> : 1 jour après"),
    ),
}


def test_the_page_on_data_protection_says_how_long_each_thing_is_kept(client):
    page = text_of(client.get("/data-protection"))
    goes = [f"{rule.what} : {rule.written} après {rule.moment}, puis {rule.then}. {rule.why}" for rule in RULES]
    stays = [f"{one.what} : {one.until}. {one.why}" for one in KEPT]
    assert [line for line in goes + stays if " ".join(typeset(line).split()) not in page] == []


@pytest.mark.parametrize(("address", "words"), STATEMENTS.items())
def test_a_stranger_reads_both_statements_without_a_session_or_a_database(client, app, letter, address, words):
    _, token = letter
    for page in ("/sign-in", f"/u/{token}"):
        assert f'href="{address}"' in client.get(page).text
    app.extensions["outreach.database"] = Database("postgresql://x@127.0.0.1:1/x")
    answer = app.test_client().get(address)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert all(one in answer.text.replace("\u00a0", " ") for one in words)


@pytest.mark.parametrize("address", STATEMENTS)
def test_both_statements_are_linked_from_every_staff_page(author, address):
    assert f'href="{address}"' in author.get("/directory").text
