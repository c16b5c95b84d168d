"""Answers from a letter's page, and the service's inbox: pressed by a person, said before done, done once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, insert, select, update

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Status, Strand, Word
from outreach.campaigns import planning, waves
from outreach.campaigns.models import Wave, WaveState
from outreach.core.audit import AuditEntry
from outreach.core.db import Way
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from outreach.directory import contacts
from outreach.directory.models import Authority, Ownership, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Response, ResponseSchool
from outreach.engagement.replies import _recording as recording
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import actions, elements, form_of, links, text_of
from tests.programmes import PROGRAMME
from tests.web.campaigns.test_progress import stop_clock


@pytest.fixture
def letters(app, launched_sample):
    """The letters of a launched wave, which left long ago: the answer address of each by its authority."""
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
    with launched_sample.writing() as session:
        session.execute(update(Message).where(Message.reason.is_(None)).values(left))
        rows = session.execute(
            select(Message.authority_id, Message.public_id).where(Message.reason.is_(None)).order_by(Message.id)
        )
        return {owner: f"/a/{keys.make(TokenKind.ANSWER, bytes.fromhex(name))}" for owner, name in rows}


@pytest.fixture
def wbe(letters, sample_database):
    with sample_database.reading() as session:
        return letters[session.scalars(select(Authority.id).where(Authority.fase == 9001)).one()]


def counted(database):
    with database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Response, AdherenceRecord))


@pytest.mark.journey
@pytest.mark.long
def test_opening_the_page_twice_with_every_button_changes_nothing(client, wbe, sample_database):
    before = counted(sample_database)
    for choice in ("joined", "in_preparation", "help", "x", ""):
        for _ in range(2):
            page = client.get(f"{wbe}?choice={choice}")
            assert page.status_code == 200
            assert "Set-Cookie" not in page.headers
    assert counted(sample_database) == before
    assert 'value="joined" checked' not in client.get(f"{wbe}?choice=joined").text, "nothing is ticked by a link"


def test_once_the_strand_has_closed_the_page_says_so_and_offers_no_joining(client, wbe, sample_database):
    with sample_database.writing() as session:
        for strand in session.scalars(select(Strand)):
            strand.closed_on = NOW.date() - timedelta(1)
    page = client.get(f"{wbe}?choice=joined")
    assert "a fermé le 14 mai 2021 : une adhésion ne s’y déclare plus." in text_of(page).replace("\xa0", " ")
    assert 'id="answer-joined"' not in page.text
    assert 'value="joined"' not in page.text
    assert 'id="answer-declined"' in page.text


@pytest.mark.full
@pytest.mark.long
def test_one_choice_for_all_schools_comes_first_and_those_ticked_may_differ(client, wbe, sample_database):
    page = client.get(wbe).text
    assert page.index("pour vos 133") < page.index("Envoyer ma réponse") < page.index("Répondre autrement pour")
    assert page.count('name="pick"') == 133
    one, *_ = asked_about(page)
    done = client.post(wbe, data={"answer": "in_preparation", "pick": one, "other": "joined"}, follow_redirects=True)
    assert done.status_code == 200
    said = text_of(done)
    assert "Nous adhérons (1 école sur 147)" in said
    assert "En préparation (132 écoles sur 147)" in said
    assert "Changer ma réponse" in said
    with sample_database.reading() as session:
        name = session.scalars(select(School).where(School.fase == int(one))).one().display_name
        assert f"Les rappels de ce volet s’arrêtent pour {name}" in said
        assert session.scalar(select(func.count()).select_from(Response)) == 2
    done = client.post(wbe, data={"answer": "joined"}, follow_redirects=True)
    assert "Nous adhérons (132 écoles sur 147)" in text_of(done), "what was answered before is not recorded again"
    assert "s’arrêtent pour les 132 écoles qui adhèrent." in text_of(done)


@pytest.mark.full
@pytest.mark.long
def test_the_list_s_own_button_asks_once_before_it_leaves_the_other_schools_out(client, wbe, sample_database):
    one, *_ = asked_about(client.get(f"{wbe}?choice=joined").text)
    form = {"answer": "joined", "pick": one, "other": "declined", "ticked": "1"}
    response = client.post(wbe, data=form)
    assert (response.status_code, counted(sample_database)[0]) == (422, 0)
    assert "une réponse est aussi choisie plus haut pour vos 133 écoles" in text_of(response).lower()
    client.post(wbe, data={**form, **form_of(response, "answer")})
    with sample_database.reading() as session:
        assert session.scalars(select(Response.answer)).all() == [Answer.DECLINED]


@pytest.mark.long
def test_the_page_asks_nothing_of_an_authority_whose_schools_all_joined(client, letters, wbe, sample_database):
    authority, few = next((key, address) for key, address in letters.items() if address != wbe)
    with sample_database.writing() as session:
        signed = {"recorded_by": "x", "source": "Appel", "reason": "", "effective_on": NOW.date(), "recorded_at": NOW}
        stands = {"strand_id": 1, "status": Status.JOINED, "word": Word.CONFIRMED, **signed}
        theirs = session.scalars(select(Ownership.school_id).where(Ownership.authority_id == authority)).all()
        session.execute(insert(AdherenceRecord), [{"school_id": school, **stands} for school in theirs])
    page = client.get(f"{few}?choice=joined")
    assert "Le service a confirmé l’adhésion de" in text_of(page)
    assert "À répondre au plus tard" not in text_of(page)
    assert re.findall(r'name="answer" value="(\w+)"', page.text) == ["help", "wrong_contact"]
    refused = client.post(few, data={"answer": "joined"})
    assert refused.status_code == 422
    assert "Aucune de vos écoles n’attend de réponse" in text_of(refused)
    assert 'href="#answer-help"' in refused.text
    assert client.post(few, data={"answer": "help"}).status_code == 303


@pytest.mark.journey
@pytest.mark.long
def test_the_page_names_the_schools_for_which_an_answer_would_replace_what_is_recorded(
    client, letters, wbe, sample_database
):
    opened = ((address, client.get(address)) for address in letters.values())
    blank = ((address, page) for address, page in opened if not elements(page, "div[@id='recorded']"))
    few, page = next((address, page) for address, page in blank if page.text.count('name="school-') > 1)
    one, *_ = schools = re.findall(r'id="school-(\d+)"', page.text)
    client.post(few, data={f"school-{one}": "declined"})
    (note,) = elements(client.get(f"{few}?choice=joined"), "div[@id='recorded']")
    said = text_of(note)
    assert f"Envoyée pour vos {len(schools)} écoles, votre réponse" in said
    assert re.search(rf"« Refus », pour 1 école : [^:]+ \(FASE {one}\)", said)
    assert [school for school in schools if school in said] == [one]
    many = elements(client.get(wbe), "div[@id='recorded']//li")
    listed = elements(client.get(wbe), "fieldset/legend")
    for group in many:
        status, count = re.match(r"« (.+) », pour (\d+) école", text_of(group)).groups()
        counted = [re.findall(r"(\d+) école", text_of(one))[-1] for one in listed if text_of(one).startswith(status)]
        assert int(count) == sum(map(int, counted)), status
    assert len(many) > 1


@pytest.mark.long
def test_a_filter_stands_in_the_address_loses_nothing_typed_and_is_kept_by_an_answer(client, wbe, sample_database):
    shown = client.get(wbe, query_string={"zone": "Hainaut Sud", "status": "none"})
    few, form = asked_about(shown.text), form_of(shown, "answer")
    assert 0 < len(few) < 133
    typed = {
        "comment": "Voir avec la direction",
        "answer": "help",
        "other": "declined",
        "pick": few[0],
        "numbers": "1-2",
    }
    elsewhere = client.post(wbe, data={**form, **typed, "zone": "Namur", "status": "declined", "show": "1"})
    assert counted(sample_database)[0] == 0
    kept = form_of(elsewhere, "answer")
    assert {"comment": typed["comment"], "answer": "help", "other": "declined", "zone": "Namur"}.items() <= kept.items()
    assert {str(few[0])} < set(kept["pick"])
    assert len(kept["pick"]) == 3
    done = client.post(wbe, data=kept)
    assert done.location.endswith("?zone=Namur&status=declined")
    assert f"{wbe}?zone=Namur&amp;status=declined" in client.get(done.location).text
    with sample_database.reading() as session:
        answered = session.scalars(select(ResponseSchool.school_id)).all()
        assert len(answered) == 3


@pytest.mark.long
def test_reloading_the_page_after_an_answer_does_not_answer_twice(client, wbe, sample_database):
    sent = client.post(wbe, data={"answer": "help"})
    assert sent.status_code == 303
    for _ in range(2):
        assert "Besoin d’aide" in text_of(client.get(sent.location))
    assert counted(sample_database)[0] == 1
    assert client.get(sent.location.replace("/a/given/", "/a/given/x")).status_code == 404


@pytest.mark.long
def test_the_page_opens_with_the_words_of_the_last_answer_and_nothing_ticked(client, letters, wbe):
    few = next(address for address in letters.values() if address != wbe)
    form = {"answer": "wrong_contact", "proposed": "direction@ecole.be", "comment": "Départ en juin."}
    client.post(few, data=form)
    for address in (few, f"{few}?choice=wrong_contact"):
        shown = form_of(client.get(address), "answer")
        assert ("answer" in shown, shown["proposed"], shown["comment"]) == (False, form["proposed"], form["comment"])
    shown = form_of(client.get(f"{few}?choice=joined"), "answer")
    assert ("answer" in shown, shown["proposed"], shown["comment"]) == (False, "", "")


@pytest.mark.full
@pytest.mark.long
def test_the_page_after_an_answer_is_its_receipt_and_staff_find_its_reference(author, client, wbe, monkeypatch):
    stop_clock(monkeypatch, NOW + timedelta(minutes=1))
    page = client.post(wbe, data={"answer": "joined"}, follow_redirects=True)
    said = text_of(page).replace("\u00a0", " ").replace("\u202f", " ")
    assert "Référence R-1 Reçue le 15 mai 2021 à 11 h 01 Volet 1" in said
    assert "au plus tard le vendredi 21 mai 2021 (5 jours ouvrables). Un courriel en garde la trace." in said
    assert page.text.count("(FASE ") == 133
    stop_clock(monkeypatch, NOW + timedelta(minutes=2))
    assert "en garde déjà la trace" in text_of(client.post(wbe, data={"answer": "joined"}, follow_redirects=True))
    stop_clock(monkeypatch, NOW + timedelta(minutes=3))
    wrong = text_of(
        client.post(wbe, data={"answer": "wrong_contact", "proposed": "direction@ecole.be"}, follow_redirects=True)
    )
    assert "vous proposez direction@ecole.be" in wrong
    assert "Aucun courriel ne confirme cette réponse" in wrong
    assert "Référence R-1" in text_of(author.get("/responses/1"))


@pytest.mark.long
def test_the_page_of_a_mailbox_that_answers_for_some_schools_shows_and_takes_these_only(client, wbe, sample_database):
    one, two, foreign, *_ = asked_about(client.get(wbe).text)
    with sample_database.writing() as session:
        authority = session.scalars(select(Authority).where(Authority.fase == 9001)).one()
        (held,) = contacts.contacts_of(session, authority)
        schools = session.scalars(select(School).where(School.fase.in_([one, two]))).all()
        contacts.answer_for(session, authority, held, schools, now=NOW, actor="nadia.lambert@fwb.example")
        theirs = {school.id for school in schools}
    page = client.get(wbe).text
    assert "pour vos 2" in text_of(page)
    assert set(re.findall(r'<select[^>]* id="school-(\d+)"', page)) == {str(one), str(two)}
    assert page.count('<th scope="row">') == 2  # these two, once: in the mailbox's own file
    before = counted(sample_database)[1]
    sent = {"answer": "in_preparation", f"school-{foreign}": "joined"}
    assert client.post(wbe, data=sent).status_code == 303
    assert client.post(wbe, data={"pick": foreign, "other": "joined"}).status_code == 422
    with sample_database.reading() as session:
        assert set(session.scalars(select(ResponseSchool.school_id))) == theirs
        assert session.scalars(select(Response.answer)).all() == ["in_preparation"]
    assert counted(sample_database) == (1, before + 2)
    client.post(wbe, data={f"school-{one}": "joined"})
    again = client.get(wbe)
    assert "Nous adhérons (1 école sur 2)" in text_of(again)
    assert {form_of(again, "answer")[f"school-{fase}"] for fase in (one, two)} == {""}
    said = {text_of(label).partition(" – ")[2] for label in elements(again, "label") if " – " in text_of(label)}
    assert said == {"votre réponse : Nous adhérons", "votre réponse : En préparation"}


def asked_about(page):
    """The FASE numbers of the schools that an answer's page lists to be ticked, in its order."""
    return [int(fase) for fase in re.findall(r'name="pick" value="(\d+)"', page)]


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choisissez une réponse"),
        ({"answer": "x"}, "Choisissez une réponse"),
        ({"answer": "joined", "comment": "x" * 2001}, "2 000 caractères"),
        ({"answer": "joined", "comment": "a\x00b"}, "interdit"),
        ({"answer": "wrong_contact", "proposed": "pas une adresse"}, "adresse"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_says_why_and_keeps_what_was_typed(client, wbe, sample_database, form, words):
    before = counted(sample_database)
    page = client.post(wbe, data=form)
    assert page.status_code == 422
    assert words in page.text.replace("\u202f", " ").replace("\u00a0", " ")
    assert counted(sample_database) == before
    place = {"wrong_contact": "proposed", "joined": "comment"}.get(form.get("answer"), "answer-informed")
    assert f'href="#{place}"' in page.text
    fault = "answer-error" if place == "answer-informed" else f"{place}-error"
    assert page.text.count(f'id="{fault}"') == page.text.count(f'describedby="{fault}"') == 1
    if form.get("answer") == "wrong_contact":
        assert 'value="pas une adresse"' in page.text


def test_a_flood_is_answered_429(client, wbe, monkeypatch):
    monkeypatch.setattr(recording, "MOST_AN_HOUR", 3)
    codes = [client.post(wbe, data={"answer": "help"}).status_code for _ in range(4)]
    assert codes == [303, 303, 303, 429]


@pytest.mark.one_example
@pytest.mark.parametrize("token", ["x", "a" * 40, "a" * 10_000, "%00", "../x"])
@pytest.mark.parametrize("path", ["/a/", "/v/"])
def test_a_wrong_link_gets_the_neutral_page(client, letters, token, path):
    assert client.get(path + token).status_code == 404
    assert client.post("/a/" + token, data={"answer": "joined"}).status_code == 404


def first_response(page):
    """The address of the response that a list shows first, without the filter it is looked at with."""
    return next(address for address, _ in links(page, "/responses/") if address[11].isdigit()).partition("?")[0]


@pytest.mark.journey
@pytest.mark.long
def test_the_inbox_leads_from_the_situation_to_a_confirmed_joining(author, client, wbe, sample_database):
    client.post(wbe, data={"answer": "joined", "comment": "<b>Enfin</b> =cmd()"})
    assert "1 chose vous attend" in text_of(author.get("/today"))
    page = author.get("/responses?tray=joined")
    assert "<b>Enfin</b>" in text_of(page)
    address = first_response(page)
    shown = text_of(author.get(address))
    assert "devient confirmée et compte dans la situation" in shown
    assert author.send(f"{address}/owner", page=address).status_code == 302
    assert "Nadia Lambert" in author.get("/responses?owner=me").text
    assert author.send(f"{address}/action", page=address).status_code == 302
    assert author.send(f"{address}/action", page="/account").status_code == 409
    assert "Rien n’attend" in author.get("/responses").text
    assert "Adhésion confirmée" in text_of(author.get("/responses?tray=handled"))


@pytest.mark.journey
@pytest.mark.long
def test_taking_over_says_whose_it_was(author, client, wbe, sample_database):
    client.post(wbe, data={"answer": "help"})
    with sample_database.writing() as session:
        replies.take_response(
            session, session.scalars(select(Response)).one(), now=NOW, actor="marc.dethier@fwb.example"
        )
    assert "Reprendre à Marc Dethier" in text_of(author.get("/responses/1"))
    author.send("/responses/1/owner", page="/responses/1")
    assert "elle était à Marc Dethier" in text_of(author.get("/responses/1"))
    assert "reprise à Marc Dethier" in text_of(author.get("/directory/9001/history"))
    author.send("/responses/1/owner", page="/account")
    assert "elle était à" not in text_of(author.get("/responses/1"))
    page = author.get("/responses/1")
    assert form_of(page, "/responses/1/colleague")["to"] == "nadia.lambert@fwb.example"
    assert author.send("/responses/1/colleague", {"to": "x@fwb.example"}, page="/responses/1").status_code == 404
    assert author.post("/responses/1/colleague", data=form_of(page, "/responses/1/colleague")).status_code == 302
    spelt = {"to": " Nadia.Lambert@FWB.example"}
    assert author.send("/responses/1/colleague", spelt, page="/responses/1").status_code == 302


def test_what_a_page_records_says_that_a_page_did(author, client, wbe, sample_database):
    client.post(wbe, data={"answer": "help"})
    author.send("/responses/1/owner", page="/responses/1")
    with sample_database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert {(entry.way, entry.run_by) for entry in last} == {(Way.PAGE, None)}


@pytest.mark.long
def test_a_handled_response_is_reopened_and_its_steps_stay(author, client, wbe):
    client.post(wbe, data={"answer": "help"})
    author.send("/responses/1/action", {"note": "Appelé."}, page="/responses/1")
    assert author.send("/responses/1/reopening", page="/responses/1").status_code == 302
    assert "Besoin d’aide (1)" in text_of(author.get("/responses"))
    page = text_of(author.get("/responses/1"))
    assert "Marquer comme traitée" in page
    assert [page.index(word) for word in ("Prise en charge le", "Traitée le", "Rouverte le")] == sorted(
        page.index(word) for word in ("Prise en charge le", "Traitée le", "Rouverte le")
    )


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_a_joining_confirmed_by_mistake_is_declared_again_and_its_response_can_be_confirmed_anew(author, client, wbe):
    client.post(wbe, data={"answer": "joined"})
    author.send("/responses/1/action", page="/responses/1")
    handled, place = author.get("/responses/1"), "/directory/9001/statuses"
    assert "Rouvrir ne défait pas la confirmation" in text_of(handled)
    assert (place, "statuts") in links(handled)
    (withdrawal,) = (address for address, _ in links(author.get(place), f"{place}/"))
    assert "Adhéré Adhéré (déclaré)" in text_of(author.get(withdrawal))
    author.send(withdrawal)
    author.send("/responses/1/reopening", page="/responses/1")
    assert "Confirmer l’adhésion de 133 écoles" in text_of(author.get("/responses/1"))


@pytest.mark.journey
@pytest.mark.long
def test_several_responses_are_read_again_and_handled_together_or_not_at_all(author, client, letters):
    for address in list(letters.values())[:3]:
        client.post(address, data={"answer": "joined"})
    client.post(list(letters.values())[3], data={"answer": "help"})
    page = author.get("/responses?ticked=1")
    assert page.text.count('name="pick"') == page.text.count(" checked>") == 3
    address = "/responses/selection?pick=1&pick=2&pick=3&pick=4&pick=x&pick=99&tray=joined"
    shown = text_of(author.get(address))
    assert "3 réponses cochées" in shown
    assert "2 réponses cochées n’attendent plus, ou se traitent une à une" in shown
    fields = {"seen": re.findall(r'name="seen" value="([^"]+)"', author.get(address).text)}
    token = form_of(author.get(address))["csrf_token"]
    stale = [fields["seen"][0], fields["seen"][1], "3:of-another-moment"]
    assert author.post("/responses/selection", data={"seen": stale, "csrf_token": token}).status_code == 409
    assert author.post("/responses/selection", data={"csrf_token": token}).status_code == 422
    assert "Adhésions à confirmer (3)" in text_of(author.get("/responses"))
    done = author.post("/responses/selection?tray=joined", data={**fields, "csrf_token": token})
    assert done.location == "/responses?tray=joined"
    page = text_of(author.get("/responses"))
    assert "3 réponses traitées" in page
    assert "Adhésions à confirmer (0)" in page
    again = author.post("/responses/selection", data={**fields, "csrf_token": token})
    assert (again.status_code, "Rien à traiter ensemble" in again.text) == (409, True)


@pytest.mark.journey
@pytest.mark.long
def test_a_response_waits_for_its_day_and_the_list_shows_who_is_to_be_called(author, client, wbe, monkeypatch):
    client.post(wbe, data={"answer": "help"})
    client.post(wbe, data={"answer": "not_concerned"})
    stop_clock(monkeypatch, NOW)
    assert "À rappeler" not in text_of(author.get("/responses"))
    assert author.send("/responses/1/recall", {"day": "2021-05-17"}, page="/responses/1").status_code == 302
    assert "À rappeler (1)" in text_of(author.get("/responses"))
    page = text_of(author.get("/responses?recall=any"))
    assert "à rappeler lundi" in page
    assert "En attente (1) Besoin d’aide (1) Mauvais contact (0) Refus et non concernés (0)" in page
    assert "Seulement les miennes · Seulement celles qui sont à rappeler" in page
    assert "Besoin d’aide" in page[page.index("Suivi par") :]
    assert "Non concerné" not in page[page.index("Suivi par") :]
    assert "Nadia Lambert" in page
    for day in ("2021-05-14", "2023-01-01", "", "x"):
        wrong = author.send("/responses/1/recall", {"day": day}, page="/responses/1")
        assert (wrong.status_code, 'href="#day"' in wrong.text) == (422, True), day
    stop_clock(monkeypatch, NOW + timedelta(days=3))
    assert "À rappeler (1, dont 1 dès aujourd’hui)" in text_of(author.get("/responses"))
    assert "à rappeler le 17 mai 2021, date passée" in text_of(author.get("/responses?recall=any"))
    author.send("/responses/1/recall", {"never": "1"}, page="/responses/1")
    assert "plus de rappel" in text_of(author.get("/responses/1"))
    assert "À rappeler" not in text_of(author.get("/responses"))


@pytest.mark.long
def test_what_is_most_urgent_comes_first(author, client, wbe):
    for answer in ("joined", "not_concerned", "wrong_contact", "help"):
        client.post(wbe, data={"answer": answer})
    page = text_of(author.get("/responses"))
    trays = ["Besoin d’aide (1)", "Mauvais contact (1)", "Refus et non concernés (1)", "Adhésions à confirmer"]
    assert sorted(trays, key=page.index) == trays
    rows = re.findall(r"Besoin d’aide\b|Ce n’est pas le bon contact|Non concerné\b", page[page.index("Suivi par") :])
    assert rows == ["Besoin d’aide", "Ce n’est pas le bon contact", "Non concerné"]


@pytest.mark.long
def test_a_wrong_contact_is_corrected_in_one_action(author, client, wbe):
    client.post(wbe, data={"answer": "wrong_contact", "proposed": "direction@ecole.be"})
    address = first_response(author.get("/responses?tray=wrong_contact"))
    assert "Remplacer par direction@ecole.be" in author.get(address).text
    done = author.send(f"{address}/action", {"note": "Vu avec eux."}, page=address)
    assert "Vu avec eux.<" in author.get(done.location).text
    assert "direction@ecole.be" in author.get("/directory/9001/contacts").text
    assert "Vu avec eux.." not in author.get("/directory/9001/history").text


@pytest.mark.long
def test_an_effect_that_changed_since_it_was_shown_is_shown_again_and_not_done(author, client, wbe, sample_database):
    client.post(wbe, data={"answer": "wrong_contact", "proposed": "direction@ecole.be"})
    shown = form_of(author.get("/responses/1"), "/responses/1/action")
    form = {"address": "direction@ecole.be", "kind": "impersonal"}
    author.send("/directory/9001/contacts", form, page="/directory/9001/contacts/new")
    again = author.post("/responses/1/action", data={**shown, "note": "vu avec eux"})
    assert again.status_code == 409
    assert "a changé depuis" in again.text
    assert 'value="vu avec eux"' in again.text
    assert "Retirer po009001@adm.fwb.example" in again.text
    assert "po009001@adm.fwb.example est retirée" in text_of(again)
    assert author.send("/responses/1/action", page="/responses/1").status_code == 302


@pytest.mark.long
def test_a_filter_is_kept_from_the_list_to_the_response_and_back(author, client, wbe):
    client.post(wbe, data={"answer": "help"})
    author.send("/responses/1/owner", page="/responses/1")
    page = author.get("/responses?tray=help&owner=me").text
    assert "Besoin d’aide (1)" in page
    address = "/responses/1?tray=help&owner=me"
    assert f'href="{address.replace("&", "&amp;")}"' in page
    assert author.send(actions(author.get(address))[0], page=address).location == "/responses?tray=help&owner=me"


def test_a_reader_reads_and_does_not_act(signed_in, client, wbe):
    client.post(wbe, data={"answer": "help"})
    reader = signed_in("reader")
    assert "Marquer comme traitée" not in reader.get("/responses/1").text
    assert reader.get("/responses").status_code == 200


def test_an_answer_to_a_trial_records_nothing_and_says_so(client, wbe, sample_database):
    with sample_database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    before = counted(sample_database)
    assert "Essai\u00a0: rien n’est enregistré" in client.post(wbe, data={"answer": "joined"}).text
    assert counted(sample_database) == before


UNSAID = "Vous pouvez encore répondre"
LAST = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)  # the ninetieth day, the fifteenth of May counted


def finish(database, *, ends):
    """Every letter left, and nobody is reminded any more; where it ends, the campaign is closed as well."""
    by = {"now": NOW, "actor": "nadia.lambert@fwb.example"}
    with database.writing() as session:
        waves.finish_waves(session, now=NOW)
        for wave in session.scalars(select(Wave).where(Wave.state == WaveState.PLANNED)):
            planning.move_wave(session, wave, WaveState.CANCELLED, **by)
    if ends:
        with database.writing() as session:
            planning.close_campaign(session, planning.in_turn(session, 1), **by)


@pytest.mark.long
@pytest.mark.parametrize(
    ("day", "ends", "words"),
    [
        (datetime(2021, 6, 14, 12, 0, tzinfo=UTC), False, None),  # the day that the letter states
        (datetime(2021, 6, 15, 12, 0, tzinfo=UTC), False, "La date limite est passée, et aucun rappel n’est prévu."),
        (datetime(2021, 5, 16, 12, 0, tzinfo=UTC), True, "Cette campagne est terminée : aucun rappel ne dépend plus"),
        (LAST, True, "Vous pouvez encore répondre jusqu’au 12 août 2021 : votre réponse est enregistrée"),
    ],
)
def test_the_answer_page_says_what_an_answer_is_still_worth(
    client, wbe, sample_database, monkeypatch, day, ends, words
):
    finish(sample_database, ends=ends)
    stop_clock(monkeypatch, day)
    said = text_of(client.get(wbe))
    assert words in said if words else UNSAID not in said
    before = counted(sample_database)
    done = client.post(wbe, data={"answer": "in_preparation"}, follow_redirects=True)
    assert "Votre réponse est enregistrée" in text_of(done)
    after = counted(sample_database)
    assert after[0] == before[0] + 1
    assert after[1] > before[1]


def test_a_late_answer_still_stops_the_reminders_that_are_planned(client, wbe, monkeypatch):
    stop_clock(monkeypatch, LAST + timedelta(days=365))
    said = text_of(client.get(wbe))
    assert "La date limite est passée. Vous pouvez encore répondre : votre réponse" in said
    assert "Les rappels prévus s’arrêtent pour vous." in said


@pytest.mark.long
@pytest.mark.parametrize("ends", [False, True])
def test_ninety_days_after_the_last_wave_the_page_gives_the_contact_only(
    app, client, wbe, sample_database, monkeypatch, ends
):
    finish(sample_database, ends=ends)
    with sample_database.writing() as session:
        letter = session.scalars(select(Message).where(Message.authority_id == wbe_authority(session))).one()
        letter.state, letter.reply_code, letter.settled_at = MessageState.IN_DOUBT, None, NOW
        identity = bytes.fromhex(letter.public_id)
    stop_clock(monkeypatch, LAST + timedelta(days=1))
    shown = client.get(wbe)
    assert "nadia.lambert@fwb.example" in shown.text
    assert "<form" not in shown.text
    assert "9001" not in shown.text
    written = []
    event.listen(sample_database.engine, "before_cursor_execute", lambda *details: written.append(details[2]))
    for form in ({"answer": "joined"}, {"answer": "joined", "confirmed": "1"}, {}, {"answer": "x" * 3000}):
        answer = client.post(wbe, data=form)
        assert (answer.status_code, answer.data) == (200, shown.data)
    assert [statement for statement in written if statement.startswith(("INSERT", "UPDATE", "DELETE"))] == []
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    assert "C’est enregistré" in client.post(f"/u/{keys.make(TokenKind.UNSUBSCRIBE, identity)}").text


def wbe_authority(session):
    return session.scalars(select(Authority.id).where(Authority.fase == 9001)).one()


@pytest.mark.long
def test_where_several_programmes_are_loaded_a_response_says_of_which_it_is(author, client, wbe, sample_database):
    client.post(wbe, data={"answer": "help", "comment": "Rappelez-nous"})
    with sample_database.writing() as session:
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
        number = session.scalars(select(Response.id)).one()
    of = "du programme « Mes outils numériques »"
    for page in ("/responses?tray=help", f"/responses/{number}"):
        assert of in text_of(author.get(page)).replace("\u00a0", " "), page
    assert "Programme" in author.get("/responses/export.csv?tray=help").text.partition("\n")[0]


@pytest.mark.long
def test_the_responses_of_a_tray_are_exported_and_written_to(author, client, wbe):
    client.post(wbe, data={"answer": "help", "comment": "Rappelez-nous"})
    file = author.get("/responses/export.csv?tray=help").data.decode("utf-8-sig")
    assert [line.split(";")[5] for line in file.splitlines()] == ["Réponse", "Besoin d’aide"]
    assert "Écrire à ce PO" in text_of(author.get("/responses?tray=help"))
    assert author.begin("/responses/campaign?tray=help").status_code == 302
    assert author.begin("/responses/campaign?tray=joined").status_code == 422, "nobody is on it"
