"""The calls of a campaign: taken by one person at a time, noted, and an answer that counts as one from the letter."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import channels, evidence, results
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.evidence import (
    CallOutcome,
    EscalationStep,
    Evidence,
    ReachAnswer,
    ReachChannel,
    StepReason,
    StepState,
)
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import ReachedFilters
from outreach.core.audit import AuditEntry
from outreach.core.settings import Settings
from outreach.core.text import french
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import deliverability, outbox
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Message, MessageState, MessageSubject, SuppressionReason
from outreach.directory.authorities import Call
from outreach.directory.models import Authority, Contact, School
from outreach.engagement.replies import Answer, Response
from tests import factories
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.pages import elements, form_of, links, text_of

PAGE = "/campaigns/1/calls"
LATER = NOW + timedelta(minutes=31)


@pytest.fixture(autouse=True)
def in_spring(app, monkeypatch):
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW)


@pytest.fixture
def due(launched_sample):
    """The number of a call that is due: to an authority whose letter was refused."""
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        letter.state, letter.settled_at = MessageState.REFUSED, NOW
        letter.fence_id, letter.fenced_at = "f", NOW
        held = session.scalars(select(Contact).where(Contact.authority_id == letter.authority_id)).first()
        held.phone = "081 12 34 56"
        session.scalars(select(Campaign)).first().ladder = "call:5:failed"
        of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
        fields = {"rung": 1, "channel": ReachChannel.CALL, "reason": StepReason.REFUSED}
        return evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR).id


@pytest.fixture
def sending(app):
    return SenderIdentity.of(app.extensions["outreach.settings"])


def in_session(database, act):
    with database.writing() as session:
        return act(session, session.get_one(Campaign, 1))


def note(database, due, sending, noted, *, now=NOW, actor=AUTHOR):
    return in_session(
        database,
        lambda session, campaign: (
            channels.note_call(session, campaign, due, noted, sending, now=now, actor=actor).state
        ),
    )


def take(database, due, *, now=NOW, actor=AUTHOR):
    return in_session(
        database, lambda session, campaign: channels.take_call(session, campaign, due, now=now, actor=actor).state
    )


@pytest.mark.long
def test_a_call_is_in_the_hands_of_one_person_for_half_an_hour(launched_sample, due, sending):
    assert take(launched_sample, due) is StepState.DUE
    with pytest.raises(Refused, match="s’en occupe jusqu’à"):
        take(launched_sample, due, actor=APPROVER)
    with pytest.raises(Refused, match="s’en occupe"):
        note(launched_sample, due, sending, NotedCall(CallOutcome.REACHED), actor=APPROVER)
    assert take(launched_sample, due, actor=APPROVER, now=LATER) is StepState.DUE, "it has run out"
    in_session(launched_sample, lambda session, campaign: channels.release_call(session, campaign, due, actor=APPROVER))
    assert take(launched_sample, due, now=LATER) is StepState.DUE


def test_a_call_that_is_due_no_longer_is_stopped_as_it_is_taken(launched_sample, due):
    with launched_sample.writing() as session:
        step = session.get_one(EscalationStep, due)
        letter = session.get_one(Message, step.message_id)
        outbox.suppress_address(session, letter.address, SuppressionReason.UNSUBSCRIBED, now=NOW, actor="x")
    assert take(launched_sample, due) is StepState.STOPPED
    with launched_sample.reading() as session:
        assert session.get_one(EscalationStep, due).reason is StepReason.UNSUBSCRIBED


@pytest.mark.long
@pytest.mark.parametrize("outcome", [CallOutcome.REACHED, CallOutcome.WRONG_NUMBER])
def test_a_note_of_a_call_that_is_withdrawn_ends_no_step_and_proves_nothing(launched_sample, due, sending, outcome):
    """Whoever noted it on the wrong authority withdraws it: this one is to be called, as before."""
    note(launched_sample, due, sending, NotedCall(outcome))
    with launched_sample.writing() as session:
        step = session.get_one(EscalationStep, due)
        authority, number = session.get_one(Authority, step.authority_id), session.scalars(select(Call.id)).one()
        channels.withdraw_call(session, authority, number, now=LATER, actor=AUTHOR)
        assert step.state is StepState.DUE
        campaign = session.get_one(Campaign, 1)
        rows = results.list_reached(session, campaign, ReachedFilters(), now=LATER).every()
        assert Evidence.CALLED not in {row.evidence for row in rows}
        assert results.count_open_steps(session, campaign)[ReachChannel.CALL] == 1
    assert take(launched_sample, due, now=LATER) is StepState.DUE


def test_an_answer_by_phone_counts_as_one_from_the_letter_and_names_who_noted_it(launched_sample, due, sending):
    noted = NotedCall(CallOutcome.REACHED, "Ils adhèrent.", "Mme Marquée", answer=Answer.JOINED)
    assert note(launched_sample, due, sending, noted) is StepState.TRIED
    with launched_sample.reading() as session:
        response = session.scalars(select(Response)).one()
        step = session.get_one(EscalationStep, due)
        assert (response.answer, response.message_id) == (Answer.JOINED, step.message_id)
        assert response.handled_at is None, "it awaits a colleague's confirmation"
        assert response.schools
        assert session.scalars(select(ReachAnswer)).one().step_id == due
        assert session.get_one(Message, step.message_id).state is MessageState.REFUSED, "no mail arrived by it"


@pytest.mark.long
def test_a_call_leads_to_where_the_departure_of_any_school_is_reported(author, due):
    page = author.get(f"{PAGE}/{due}")
    (sheet,) = [address for address, said in links(page, "/directory/") if "Signalez son départ" in said]
    assert links(author.get(sheet), f"{sheet}/schools/"), "each school of the sheet, joined or not, has its report"


@pytest.mark.long
def test_an_address_that_is_told_is_the_colleague_s_record_and_no_answer(app, author, due, launched_sample, sending):
    """Nobody answered: no response stands for the authority, whose own page is as empty as before."""
    with launched_sample.reading() as session:
        letter = session.get_one(Message, session.get_one(EscalationStep, due).message_id)
        to, written_to, name = letter.authority_id, letter.address_key, bytes.fromhex(letter.public_id)
    page, public = f"/a/{sending.keys.make(TokenKind.ANSWER, name)}", app.test_client()
    before = form_of(public.get(page))
    noted = {"outcome": "reached", "person": "Le secrétariat", "address": "direction@ecole-rose.be"}
    assert author.send(f"{PAGE}/{due}", noted, page=f"{PAGE}/{due}").location == PAGE
    with launched_sample.reading() as session:
        assert session.scalars(select(Response)).all() == []
        assert session.scalars(select(ReachAnswer)).all() == []
        used = Contact.authority_id == to, Contact.retired_at.is_(None)
        held = {one.address_key: one for one in session.scalars(select(Contact).where(*used))}
        assert written_to not in held, "the one that was corrected is history"
        told = held["direction@ecole-rose.be"]
        assert (told.added_by, told.source_note) == (AUTHOR, f"Par téléphone, le {NOW:%d/%m/%Y}")
        assert (told.phone, told.name) == ("081 12 34 56", ""), "who reads it nobody said"
        said = session.scalars(select(AuditEntry.sentence).order_by(AuditEntry.id)).all()
        assert not [one for one in said if "Réponse" in one or "bon contact" in one]
    after = form_of(public.get(page))
    kept = {name: before[name] for name in after} | {"seen": after["seen"]}
    assert after == kept, "but for the agreement to measuring, which a mailbox in use is asked for"


@pytest.mark.long
def test_an_address_that_another_authority_has_is_asked_about_once(author, due, launched_sample):
    with launched_sample.writing() as session:
        step = session.get_one(EscalationStep, due)
        other = session.scalars(select(Authority.id).where(Authority.id != step.authority_id)).first()
        session.add(Contact(authority_id=other, **factories.contact("direction@ecole-rose.be", added_at=NOW)))
    noted = {"outcome": "reached", "address": "direction@ecole-rose.be"}
    response = author.send(f"{PAGE}/{due}", noted, page=f"{PAGE}/{due}")
    assert (response.status_code, "encore une fois pour garder" in text_of(response)) == (422, True)
    assert author.post(f"{PAGE}/{due}", data=form_of(response, f"{PAGE}/{due}")).location == PAGE


def test_a_told_address_goes_with_the_answer_that_was_given_and_counts_as_none(launched_sample, due, sending):
    """An address that is in use already is no second contact; the letter's own goes."""
    with launched_sample.writing() as session:
        step = session.get_one(EscalationStep, due)
        session.add(
            Contact(authority_id=step.authority_id, **factories.contact("direction@ecole.example", added_at=NOW))
        )
    told = NotedCall(CallOutcome.REACHED, answer=Answer.HELP, address=judge("direction@ecole.example"))
    note(launched_sample, due, sending, told)
    with launched_sample.reading() as session:
        response = session.scalars(select(Response)).one()
        assert (response.answer, response.proposed_address) == (Answer.HELP, "")
        used = Contact.authority_id == response.authority_id, Contact.retired_at.is_(None)
        assert session.scalars(select(Contact.address).where(*used)).all() == ["direction@ecole.example"]


def test_three_calls_that_nobody_answers_end_it_and_a_wrong_number_does_at_once(launched_sample, due, sending):
    in_vain = NotedCall(CallOutcome.NOT_REACHED)
    assert [note(launched_sample, due, sending, in_vain) for _ in range(3)] == [
        StepState.DUE,
        StepState.DUE,
        StepState.FAILED,
    ]
    with launched_sample.reading() as session:
        assert session.get_one(EscalationStep, due).reason is StepReason.NOT_REACHED
    with pytest.raises(Refused, match="n’est plus à faire"):
        note(launched_sample, due, sending, in_vain)


def test_a_wrong_number_fails_the_call(launched_sample, due, sending):
    assert note(launched_sample, due, sending, NotedCall(CallOutcome.WRONG_NUMBER)) is StepState.FAILED


def test_a_day_to_call_again_is_a_recall_and_the_call_waits(launched_sample, due, sending):
    day = (NOW + timedelta(days=2)).date()
    assert note(launched_sample, due, sending, NotedCall(CallOutcome.CALL_BACK, recall_on=day)) is StepState.DUE
    with launched_sample.reading() as session:
        row = channels.row_of(session, session.get_one(Campaign, 1), due)
        assert (row.recall_on, row.outcomes) == (day, [CallOutcome.CALL_BACK])
        assert deliverability.current_follow_up(session, [row.authority.id])[row.authority.id].owner == AUTHOR


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (NotedCall(CallOutcome.CALL_BACK), "jour du rappel"),
        (NotedCall(CallOutcome.NOT_REACHED, answer=Answer.JOINED), "Joint"),
        (NotedCall(CallOutcome.REACHED, recall_on=NOW.date()), "À rappeler"),
        (NotedCall(CallOutcome.NOT_REACHED, address=judge("a@b.example")), "Joint"),
    ],
    ids=["no day", "answer of nobody", "day of nothing", "address of nobody"],
)
def test_what_does_not_fit_together_is_refused_by_a_sentence(launched_sample, due, sending, noted, said):
    with pytest.raises(InputError, match=said):
        note(launched_sample, due, sending, noted)
    with launched_sample.reading() as session:
        assert session.get_one(EscalationStep, due).state is StepState.DUE


@pytest.mark.journey
@pytest.mark.long
def test_staff_take_a_call_from_the_list_and_note_it(author, due, launched_sample):
    page = author.get(PAGE)
    assert "1 pouvoir organisateur à appeler" in text_of(page)
    assert "081 12 34 56" in text_of(page)
    taken = author.send(f"{PAGE}/{due}/take", {}, page=PAGE)
    assert taken.location == f"{PAGE}/{due}"
    shown = author.get(taken.location)
    assert "L’appel est à vous jusqu’à" in text_of(shown)
    assert "Le courriel n’est pas arrivé : courriel refusé." in text_of(shown)
    assert "((" not in text_of(shown), "the subject as it was read"
    assert "de la part de « »" not in text_of(shown)
    refused = author.send(f"{PAGE}/{due}", {"outcome": "", "words": "Ils ont dit oui."}, page=f"{PAGE}/{due}")
    assert refused.status_code == 422
    assert form_of(refused, f"{PAGE}/{due}")["words"] == "Ils ont dit oui."
    noted = author.send(f"{PAGE}/{due}", {"outcome": "reached", "answer": "informed"}, page=f"{PAGE}/{due}")
    assert noted.location == PAGE
    assert "0 pouvoir organisateur à appeler" in text_of(author.get(PAGE))
    assert "Fait" in text_of(author.get(f"{PAGE}?calls=all"))
    assert author.get(f"{PAGE}/export.csv?calls=all").status_code == 200


@pytest.mark.full
@pytest.mark.long
def test_an_answer_by_phone_is_about_the_schools_ticked_alone(author, due, launched_sample):
    with launched_sample.reading() as session:
        letter = session.get_one(EscalationStep, due).message_id
        query = select(School).join(MessageSubject, MessageSubject.school_id == School.id)
        schools = session.scalars(query.where(MessageSubject.message_id == letter).order_by(School.fase)).all()
        numbers = [str(school.fase) for school in schools]
    assert len(numbers) > 1, "or there is nothing to tick"
    said = {"outcome": "reached", "answer": "informed"}
    refused = author.send(f"{PAGE}/{due}", {**said, "schools": ["1"]}, page=f"{PAGE}/{due}")
    assert (refused.status_code, "n’attend plus de réponse" in text_of(refused)) == (422, True)
    author.send(f"{PAGE}/{due}", {**said, "schools": numbers[:1]}, page=f"{PAGE}/{due}")
    with launched_sample.reading() as session:
        (response,) = session.scalars(select(Response))
        assert [school.fase for school in response.schools] == [int(numbers[0])]


@pytest.mark.long
def test_a_reader_sees_the_calls_and_takes_none(signed_in, due):
    reader = signed_in("reader")
    assert "Appeler" not in text_of(reader.get(PAGE).text.partition("<table")[2])
    assert "revient à la rédaction" in text_of(reader.get(f"{PAGE}/{due}"))
    assert reader.post(f"{PAGE}/{due}/take").status_code in {400, 403}


@pytest.mark.long
def test_the_sheet_of_an_authority_says_how_the_campaign_reached_it(author, due, launched_sample, sending):
    with launched_sample.reading() as session:
        fase = session.get_one(Authority, session.get_one(EscalationStep, due).authority_id).fase
    sheet = f"/directory/{fase}/history"
    assert "à atteindre encore ; revenu (appel : à faire)" in text_of(author.get(sheet))
    note(launched_sample, due, sending, NotedCall(CallOutcome.REACHED, "Elle a la lettre.", "La direction"))
    text = french.typeset(f"e {french.day(NOW)}, par Nadia Lambert ; La direction : « Elle a la lettre. »")
    assert f"joint par téléphone\u202f; l{text}" in author.get(sheet).text.replace("<bdi>", "")
    assert text in author.get(f"/campaigns/1/authorities?q={fase}").text
    assert text in author.get(f"/campaigns/1/authorities/export.csv?q={fase}").text


@pytest.mark.journey
@pytest.mark.long
def test_those_of_a_list_are_called_by_one_button(author, launched_sample):
    """From whom the campaign reached, from its recipients, and from the directory, for the one campaign under way."""
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).all()
        for letter in letters:
            letter.state, letter.settled_at, letter.fence_id, letter.fenced_at = MessageState.ACCEPTED, NOW, "f", NOW
        numbers = [session.get_one(Authority, key).fase for key in {one.authority_id: 0 for one in letters}]
    listed = (
        f"/campaigns/1/authorities?q={numbers[3]}",
        "/campaigns/1/authorities?network=WBE",
        f"/directory?q={numbers[2]}",
    )
    for place in listed:
        page = author.get(place)
        (address,) = {form.get("action") for form in elements(page, "form") if "/calls" in form.get("action", "")}
        response = author.post(address, data=form_of(page, address), follow_redirects=True)
        assert "1 PO ajouté aux appels" in text_of(response.text), place
