"""« Ajouter une relance »: who has not reacted gets one more letter, which two people made."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns.letter import GROUPS, SenderIdentity
from outreach.campaigns.models import AddedReminder, Campaign, Wave
from outreach.campaigns.waves import advance_wave, receive_answer
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, SuppressionReason
from outreach.directory.models import Authority
from outreach.engagement.replies import Answer, Given
from tests import factories
from tests.conftest import NOW
from tests.pages import actions, elements, form_of, links, text_of
from tests.web.campaigns.test_progress import end, launched

__all__ = ["launched"]
NEW, FIRST = "/campaigns/1/reminders/new", "/campaigns/1/reminders/1"
PANE = "section[@id='preview']"


def count(told):
    return int(re.search(r"N’ont ni répondu ni adhéré : ([0-9]+)", told)[1])


def answer(app, database, message):
    with database.writing() as session:
        sender = SenderIdentity.of(app.extensions["outreach.settings"])
        given = Given({}, request=Answer.HELP)
        receive_answer(session, session.get_one(Message, message), given, sender, now=NOW)
        return session.get_one(Message, message).authority_id


def test_the_page_says_why_fewer_would_get_it_than_the_list_counts(author, launched, sample_database):
    end(sample_database)
    with sample_database.writing() as session:
        excluded = session.scalars(select(Message.address_key).where(Message.state == MessageState.ACCEPTED)).first()
        outbox.suppress_address(session, excluded, SuppressionReason.STAFF, now=NOW, actor="x")
    text = text_of(author.get("/campaigns/1/progress/waves"))
    silent = f"à {count(text) - 1} des {count(text)} qui n’ont ni répondu ni adhéré"
    some = f"{silent} (restent écartés : 1 sur la liste d’exclusion)"
    assert f"Une relance ajoutée écrirait {some}." in text
    planned = re.search(rf"([0-9]+) pouvoirs organisateurs la recevraient, .* : elle écrirait {re.escape(some)}", text)
    unreached = re.search(r" et à ([0-9]+) autres? à qui aucun courriel n’est encore arrivé", text)
    assert int(planned[1]) == count(text) - 1 + (int(unreached[1]) if unreached else 0)
    listed = text_of(author.get("/campaigns/1/authorities?reaction=none"))
    assert f"{count(text)} pouvoirs organisateurs" in listed
    assert "Filtré : N’ont ni répondu ni adhéré" in listed


@pytest.mark.long
@pytest.mark.parametrize("address", [NEW, "/campaigns/1/letter"])
def test_the_examples_of_fields_are_those_of_one_authority_of_the_campaign(author, launched, sample_database, address):
    with sample_database.writing() as session:  # whom the examples name that are made up
        session.scalars(select(Authority).where(Authority.fase == 9003)).one().municipality = "Ailleurs"
    (editor,) = elements(author.get(address), "div[@data-letter-editor]")
    chips = {name: chip["example"] for name, chip in json.loads(editor.get("data-fields")).items()}
    with sample_database.reading() as session:
        meant = select(Authority).join(Message).where(Authority.fase == int(chips["fase_po"]))
        authority = session.scalars(meant.limit(1)).one()
        assert (chips["nom_po"], chips["commune"]) == (authority.display_name, authority.municipality)


@pytest.mark.journey
@pytest.mark.long
def test_two_people_make_one_more_reminder_to_those_alone_who_have_not_reacted(
    author, signed_in, app, launched, sample_database
):
    end(sample_database)
    with sample_database.reading() as session:
        one, other = session.scalars(select(Message.id).where(Message.reason.is_(None)).limit(2))
    answer(app, sample_database, one)
    waves = author.get("/campaigns/1/progress/waves")
    silent = count(text_of(waves))
    assert (NEW, "Ajouter une relance") in links(waves)
    assert NEW not in [place for place, _ in links(signed_in("reader").get("/campaigns/1/progress/waves"))]
    made = author.begin("/campaigns/1/unreacted/campaign")
    assert made.location == "/campaigns/2/audience"
    assert f"{silent} reçoivent ce courriel" in text_of(author.get(made.location))
    page = author.get(NEW)
    assert "Écartés : a répondu 1" in text_of(page)
    typed = form_of(page)
    assert "tableau_écoles" in "".join(typed["letter"]), "the campaign's letter, copied"
    assert set(GROUPS) <= {text_of(each) for each in elements(page, "details[@class='more']//p")}
    assert elements(page, "div[@class='variant-tabs']"), "its passage for one school and for several"
    whole = author.post("/campaigns/1/reminders?text=1", data={**typed, "whole": "1", "day": "hier"})
    (area,) = elements(whole, "textarea")
    with sample_database.reading() as session:
        assert area.text.strip() == session.get_one(Campaign, 1).letter.strip()
        assert session.scalars(select(AddedReminder)).all() == [], "nothing is saved, nor judged"
    assert "erreurs à corriger" not in text_of(whole)
    assert "erreurs à corriger" in text_of(author.send("/campaigns/1/reminders", {"day": "hier"}, page=NEW))
    saved = author.send("/campaigns/1/reminders", typed | {"subject": "FASE ((fase_po)) – Encore un mot"}, page=NEW)
    assert saved.location == FIRST
    assert author.get(NEW).location == FIRST
    text = text_of(author.get(FIRST))
    assert f"À {silent} pouvoirs organisateurs" in text
    assert "Encore un mot" in text
    assert links(author.get("/campaigns/1/progress/waves"), "/campaigns/1/unreacted/campaign"), "also meanwhile"
    author.send(f"{FIRST}/submission", page=FIRST)
    assert f"{FIRST}/approval" not in actions(author.get(FIRST))
    approver = signed_in("approver")
    approver.send(f"{FIRST}/approval", page=FIRST)
    planned = text_of(approver.get(FIRST))
    assert "La relance est validée et planifiée." in planned
    assert re.search(r"Objet FASE [0-9]+ – Encore un mot .*Le courriel, pour", planned), "and not its template"
    gone = answer(app, sample_database, other)
    with sample_database.writing() as session:
        wave = session.scalars(select(Wave).order_by(Wave.number.desc())).first()
        sender = SenderIdentity.of(app.extensions["outreach.settings"])
        assert wave.name == "relance 3"
        advance_wave(session, wave.id, sender, now=wave.due_at)
        query = select(Message.authority_id).where(Message.mailing_id == wave.mailing_id, Message.reason.is_(None))
        written = session.scalars(query).all()
        assert len(set(written)) == silent - 1
        assert gone not in written
    assert "Relance 3" in text_of(author.get("/campaigns/1/progress/waves"))


@pytest.mark.journey
@pytest.mark.long
def test_who_approves_a_reminder_ticks_off_that_another_campaign_writes_in_the_same_week(
    author, signed_in, app, launched, sample_database
):
    end(sample_database)
    author.send("/campaigns/1/reminders", form_of(author.get(NEW)), page=NEW)
    author.send(f"{FIRST}/submission", page=FIRST)
    with sample_database.reading() as session:
        nearby = session.scalars(select(AddedReminder.asked_at)).one() + timedelta(days=1)
    now = app.extensions["outreach.settings"].instant()
    other = factories.plan(sample_database, nearby, now=now, title="Autre")

    approver = signed_in("approver")
    page = approver.get(FIRST)
    (tick,) = elements(page, "input[@name='overlap']")
    assert elements(page, f"form[@id='{tick.get('form')}'][@action='{FIRST}/approval']")
    assert f"/campaigns/{other}" in [place for place, _ in links(page)]
    refused = approver.send(f"{FIRST}/approval", page=FIRST)
    assert (refused.status_code, "cochez que vous l’avez vu" in text_of(refused)) == (422, True)
    approver.send(f"{FIRST}/approval", {"overlap": tick.get("value")}, page=FIRST)
    assert f"validée en sachant que {tick.get('value')} PO" in text_of(approver.get(FIRST))


@pytest.mark.long
def test_what_is_typed_is_read_as_one_recipient_would_before_it_is_saved(author, launched, sample_database):
    end(sample_database)
    form = form_of(author.get(NEW), "/campaigns/1/reminders")
    typed = form | {"subject": "Encore un mot, ((nom_po))", "letter": "Bonjour ((nom_po)),\n\nAvez-vous une minute ?"}
    (pane,) = elements(author.post("/campaigns/1/reminders?text=1", data=typed), PANE)
    name, words = pane.find(".//h2/bdi").text, "".join(pane.itertext())
    assert f"Encore un mot, {name}" in words
    assert f"Bonjour {name}," in words
    (pane,) = elements(author.post("/campaigns/1/reminders?text=1", data=typed | {"letter": "((inconnu))"}), PANE)
    assert "inconnu" in " ".join(pane.itertext())
    with sample_database.reading() as session:
        assert session.scalars(select(AddedReminder)).all() == []
