"""What an authority's history tells of campaigns: what is planned for it, what became of its letters, its answers."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, results, waves
from outreach.campaigns.models import Campaign, CampaignState, WaveState
from outreach.core.text.addresses import judge
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, Reason, SuppressionReason
from outreach.directory import authorities, contacts
from outreach.directory.models import Authority, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, add_contact, approved, launch, move, settle
from tests.conftest import NOW
from tests.statements import asked

AT = NOW + timedelta(days=3)
LATER = AT + timedelta(days=1)


@pytest.fixture
def authority(database, people, strand):
    """The key of an authority with two schools and one mailbox."""
    (key,) = settle(database, 1, schools=2)
    return key


def of(database, key, read, **details):
    with database.reading() as session:
        return read(session, session.get_one(Authority, key), **details)


def to_come(database, key, now=NOW):
    planned = of(database, key, results.to_come, now=now)
    return [(one.wave.number, list(one.addresses), one.left_out, one.is_queued) for one in planned]


def plan(database, at=AT, **changes):
    number = approved(database, **changes)
    move(database, number, planning.schedule_campaign, at)
    return number


def test_what_is_planned_for_an_authority_is_told_wave_by_wave(database, authority):
    settle(database, 1, network="WBE")
    number = plan(database, reminders=(14,))
    mailbox = ["po009001@adm.fwb.example"]
    assert to_come(database, authority) == [(1, mailbox, None, False), (2, mailbox, None, False)]
    move(database, number, planning.cancel_campaign)
    assert to_come(database, authority) == []


def test_only_approved_campaigns_that_mean_the_authority_count(database, authority):
    settle(database, 1, network="WBE")
    number = plan(database)
    with database.writing() as session:
        session.get_one(Campaign, number).criteria = '{"network": ["WBE"]}'
    assert to_come(database, authority) == []
    with database.reading() as session:
        other = session.scalars(select(Authority.id).where(Authority.fase == 9002)).one()
    assert len(to_come(database, other)) == 1
    with database.writing() as session:
        session.get_one(Campaign, number).state = CampaignState.TO_APPROVE
    assert to_come(database, other) == []


def test_who_would_be_left_out_is_told_why_and_each_address_spared(database, authority):
    plan(database)
    with database.writing() as session:
        found = session.get_one(Authority, authority)
        add_contact(session, found, "b@ecole.example", bounced_at=NOW)
    (one,) = of(database, authority, results.to_come, now=NOW)
    assert list(one.addresses) == ["po009001@adm.fwb.example"]
    assert list(one.spared) == [("b@ecole.example", Reason.BOUNCED)]
    with database.writing() as session:
        suppress = SuppressionReason.UNSUBSCRIBED
        outbox.suppress_address(session, "po009001@adm.fwb.example", suppress, now=NOW, actor="destinataire")
    assert to_come(database, authority) == [(1, [], Reason.BOUNCED, False)]


def test_a_letter_that_waits_in_the_outbox_is_to_come_and_not_past(database, authority):
    launch(database, approved(database), at=AT)
    assert to_come(database, authority, now=AT) == [(1, ["po009001@adm.fwb.example"], None, True)]
    assert of(database, authority, results.letter_events, now=LATER) == []
    left(database)
    assert to_come(database, authority, now=AT) == []
    (told,) = of(database, authority, results.letter_events, now=LATER)
    assert "première vague à po009001@adm.fwb.example : remis." in told.sentence
    assert told.letter is not None


def left(database):
    with database.writing() as session:
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": AT, "settled_at": AT, "reply_code": 250}
        session.execute(update(Message).where(Message.state == MessageState.QUEUED).values(left))


@pytest.mark.long
def test_planned_campaigns_cost_a_fixed_number_of_statements_each(database, authority):
    def counted():
        with asked(database) as seen:
            of(database, authority, results.to_come, now=NOW)
        return len(seen)

    plan(database, reminders=(14,))
    one = counted()
    plan(database, at=AT + timedelta(days=1), reminders=(14, 24, 34))
    two = counted()
    plan(database, at=AT + timedelta(days=2), reminders=(14,))
    assert counted() - two == two - one <= 5, "one of them asks for draws whose departures still leave"


def answer(database, authority, given):
    with database.writing() as session:
        message = session.scalars(select(Message).where(Message.authority_id == authority).order_by(Message.id)).first()
        return [response.id for response in waves.receive_answer(session, message, given, SENDING, now=LATER)]


def told(database, authority):
    with database.reading() as session:
        found = session.get_one(Authority, authority)
        return results.answer_events(session, found, authorities.authority_history(session, found))


@pytest.mark.long
def test_an_answer_is_told_once_with_what_it_declared_and_what_the_service_did(database, authority):
    launch(database, approved(database), at=AT)
    left(database)
    with database.reading() as session:
        message = session.scalars(select(Message)).one()
        schools = [school.id for school in replies.question_of(session, message, now=LATER).open()]
    (key,) = answer(database, authority, Given(dict.fromkeys(schools, Answer.JOINED), comment="Enfin prêts"))
    (event_,) = told(database, authority)
    assert event_.sentence.startswith("Réponse au courriel « ")
    assert event_.actor == "po009001@adm.fwb.example"
    assert any("« Adhéré » (déclaré" in line for line in event_.details)
    assert sum("Enfin prêts" in line for line in event_.details) == 1
    assert event_.details[-1] == "« Nous adhérons » attend le service."
    assert event_.response == key
    with database.writing() as session:
        replies.act_on_response(
            session, replies.response_numbered(session, key), now=LATER + timedelta(days=1), actor=AUTHOR
        )
    events = told(database, authority)
    (again,) = [one for one in events if one.at == LATER]
    assert again.response is None
    assert f"traitée le 20/05/2021 par {AUTHOR}" in again.details[-1]
    assert any("confirmé" in one.sentence for one in events if one.actor == AUTHOR)


@pytest.mark.long
def test_a_request_is_told_with_its_comment_and_the_address_it_proposes(database, authority):
    launch(database, approved(database), at=AT)
    left(database)
    given = Given({}, Answer.WRONG_CONTACT, comment="Je pars", proposed_address="b@ecole.example")
    answer(database, authority, given)
    (event_,) = told(database, authority)
    assert event_.details[-3:] == [
        "Commentaire : Je pars",
        "Adresse proposée : b@ecole.example",
        "« Ce n’est pas le bon contact » attend le service.",
    ]
    answer(database, authority, Given({}, Answer.HELP, copy_to=judge("prefet@ecole.example")))
    events = of(database, authority, results.letter_events, now=LATER)
    confirmations = [one.sentence for one in events if "onfirmation" in one.sentence]
    assert sorted(confirmations) == [  # the wrong contact gets none
        "Confirmation de la réponse à po009001@adm.fwb.example : en attente.",
        "Copie de la confirmation, demandée par la personne qui a répondu, à prefet@ecole.example : en attente.",
    ]


def test_exclusions_of_its_addresses_are_told_when_they_begin_and_end(database, authority):
    reason = SuppressionReason.UNSUBSCRIBED
    with database.writing() as session:
        for key in ("po009001@adm.fwb.example", "autre@ecole.example"):
            outbox.suppress_address(session, key, reason, now=NOW, actor="destinataire", detail="lien")
        outbox.lift_suppression(session, "po009001@adm.fwb.example", reason, now=LATER, actor=APPROVER)
    begun, ended = of(database, authority, results.exclusion_events)
    assert "désinscription), pour la sensibilisation seulement" in begun.sentence
    assert (begun.at, begun.actor, begun.details) == (NOW, "destinataire", ["lien"])
    assert (ended.at, ended.actor) == (LATER, APPROVER)


def test_a_retired_address_keeps_its_exclusions_and_a_bounce_is_in_the_audit(database, authority):
    with database.writing() as session:
        found = session.get_one(Authority, authority)
        held = session.scalars(select(Contact)).one()
        outbox.suppress_address(session, held.address_key, SuppressionReason.HARD_BOUNCE, now=NOW, actor="automatique")
        contacts.record_bounce(session, held.address, now=NOW, actor="automatique")
        contacts.retire(session, found, held, now=LATER, actor=AUTHOR)
    assert len(of(database, authority, results.exclusion_events)) == 1
    assert any("Rejet constaté" in one.sentence for one in of(database, authority, authorities.authority_history))


def test_a_paused_wave_keeps_its_letters_to_come(database, authority):
    number = approved(database)
    launch(database, number, at=AT)
    move(database, number, planning.pause_campaign, now=AT)
    (one,) = of(database, authority, results.to_come, now=AT)
    assert (one.wave.state, one.is_queued) == (WaveState.PAUSED, True)
