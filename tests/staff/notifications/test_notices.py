"""Mail to the service's own people: who is told what, once, at the pace each wants, and by the same outbox."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select, update

from outreach.access.accounts import User
from outreach.access.approvals import Extent
from outreach.adherence import programmes
from outreach.campaigns import planning, review, waves
from outreach.campaigns.letter import Composer
from outreach.campaigns.models import WaveState
from outreach.campaigns.waves import CALL_OFF_TIME
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageClass, Purpose
from outreach.delivery.outbox import due_in
from outreach.staff import notifications
from outreach.staff.notifications import Pace
from outreach.staff.notifications import _digests as digests
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, approved, draft, launch, move, people, settle, strand
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.pages import text_of
from tests.programmes import PROGRAMME

__all__ = ["people", "strand"]
LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def begun(database, people, strand):
    """A directory of one authority, after the clock's first pass: from now on, people are told."""
    settle(database, 1)
    assert tell(database, NOW - timedelta(seconds=1)) == []


def tell(database, now=LATER):
    """What is posted: (address, subject, text) of each mail, in order."""
    with database.reading() as session:
        before = set(session.scalars(select(Mailing.id)))
    digests.send_digests(database, SENDING, now=now)
    with database.reading() as session:
        fresh = select(Batch).where(Batch.mailing_id.not_in(before)).order_by(Batch.id)
        return [mail_of(session, batch, now) for batch in session.scalars(fresh)]


def mail_of(session, batch, now):
    mailing = session.get_one(Mailing, batch.mailing_id)
    assert (mailing.purpose, mailing.gate, mailing.message_class) == (Purpose.STAFF, Gate.OPEN, MessageClass.STATUTORY)
    (due,) = due_in(session, batch.id, now=now)
    (composed,) = Composer(SENDING, lambda: now)(session, mailing, [due]).values()
    assert faults(composed.wire) == []
    message = read(composed.wire)
    return due.address, str(message["Subject"]), text_of(message.get_body(("plain",)).get_content())


def read(wire):

    return message_from_bytes(wire, policy=default)


def choose(database, email, pace):
    with database.writing() as session:
        notifications.choose_frequency(session, session.scalars(select(User.id).where(User.email == email)).one(), pace)


def asked(database, **changes):
    number = draft(database, **changes)
    move(database, number, planning.submit_campaign)
    return number


def test_what_happens_to_a_campaign_is_told_to_whom_it_concerns_and_once(database, begun):
    number = asked(database)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (APPROVER, "Invitation au premier volet : validation demandée")
    assert "Nadia Lambert demande votre validation de « Invitation au premier volet »" in text
    assert f"https://courriel.example/campaigns/{number}/check" in text
    assert tell(database) == []
    move(database, number, lambda *of, **by: planning.send_back(*of, reason="Ajoutez la date.", **by), actor=APPROVER)
    ((to, _, text),) = tell(database)
    assert to == AUTHOR
    assert "vous est renvoyée par Marc Dethier : Ajoutez la date." in text
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    mails = tell(database)
    assert [to for to, _, _ in mails] == [AUTHOR, APPROVER], "a second request is another event"
    assert "mais pas planifiée : rien ne part encore" in mails[0][2]
    assert tell(database) == []


def test_each_mail_names_the_programme_of_its_campaign_where_there_are_several(database, begun):
    with database.writing() as session:
        ((code, name),) = programmes.programme_codes(session)
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
    number, named = asked(database, programme=code), f"Invitation au premier volet ({name}, volet 1)"
    ((_, subject, text),) = tell(database)
    assert subject == f"{named} : validation demandée"
    assert f"de « Invitation au premier volet » ({name}, volet 1), à" in text
    move(database, number, planning.approve_campaign, actor=APPROVER)
    launch(database, number)
    tell(database)
    move(database, number, planning.pause_campaign, actor=APPROVER)
    ((_, subject, text),) = tell(database)
    assert subject == f"{named} : vague en pause"
    assert f"« Invitation au premier volet » ({name}, volet 1) : la première vague" in text


def test_an_exception_is_told_to_whoever_approved_and_who_writes_the_campaign_but_not_to_who_made_it(database, begun):
    number = approved(database)
    tell(database)
    move(database, number, review.leave_out, {1}, "Rappel en même temps")
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (APPROVER, "Invitation au premier volet : PO écartés par exception")
    assert (
        "Nadia Lambert a écarté 1 PO de « Invitation au premier volet ». Raison : Rappel en même temps. "
        "La validation reste valable." in text
    )
    assert f"https://courriel.example/campaigns/{number}/check#exceptions" in text
    move(database, number, review.take_back, 1, actor=APPROVER)
    ((to, subject, _),) = tell(database)
    assert (to, subject) == (AUTHOR, "Invitation au premier volet : exception retirée")


@pytest.mark.long
def test_a_wave_that_pauses_ends_or_is_missed_is_told_to_author_and_approver_but_not_to_who_did_it(database, begun):
    number = approved(database)
    wave = launch(database, number)
    tell(database)
    move(database, number, planning.pause_campaign, actor=APPROVER)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (AUTHOR, "Invitation au premier volet : vague en pause")
    assert "est mise en pause par Marc Dethier" in text
    move(database, number, planning.resume_campaign)
    with database.writing() as session:
        session.execute(update(Message).where(Message.mailing_id == 1).values(state="refused", settled_at=NOW))
        row = planning.campaign_numbered(session, number).waves[0]
        assert row.id == wave
        planning.move_wave(session, row, WaveState.FINISHED, now=NOW, actor="automatique")
    mails = tell(database)
    assert {to for to, _, _ in mails} == {AUTHOR, APPROVER}
    assert "est terminée : 0 courriel envoyé, 1 échec, 0 en doute" in mails[0][2]


@pytest.mark.long
def test_what_happens_to_an_added_reminder_is_told_like_a_campaign_and_leads_to_its_page(database, begun):
    number = approved(database)
    launch(database, number)
    tell(database)
    later = NOW + timedelta(days=8)
    words = {"subject": "FASE ((fase_po)) – Encore un mot", "letter": "Bonjour,\n\n((tableau_écoles))\n"}

    def turn(verb, actor=AUTHOR, **details):
        with database.writing() as session:
            campaign = planning.in_turn(session, number)
            verb(session, waves.pending_reminder(session, campaign), now=later, actor=actor, **details)

    with database.writing() as session:
        campaign = planning.in_turn(session, number)
        asked_at = later + timedelta(days=2)
        waves.add_reminder(session, campaign, **words, asked_at=asked_at, now=later, actor=AUTHOR)
    turn(waves.submit_reminder, extent=Extent(1))
    ((to, subject, text),) = tell(database, later)
    assert (to, subject) == (APPROVER, "Invitation au premier volet : relance, validation demandée")
    assert "demande votre validation de la relance ajoutée à « Invitation au premier volet », à 1 pouvoir" in text
    assert f"https://courriel.example/campaigns/{number}/reminders/1" in text
    assert tell(database, later) == []
    turn(waves.send_back, APPROVER, reason="Plus court.")
    ((to, _, text),) = tell(database, later)
    assert to == AUTHOR
    assert (
        "La relance ajoutée à « Invitation au premier volet » vous est renvoyée par Marc Dethier : Plus court." in text
    )
    turn(waves.submit_reminder, extent=Extent(1))
    turn(waves.approve_reminder, APPROVER, extent=Extent(1))
    mails = tell(database, later)
    assert [to for to, _, _ in mails] == [AUTHOR, APPROVER]
    assert "est validée par Marc Dethier : elle part le" in mails[0][2]


@pytest.mark.long
def test_several_news_are_one_mail_and_one_that_is_planned_says_when_it_leaves(database, begun):
    numbers = [draft(database) for _ in range(2)]
    for number in numbers:
        move(
            database,
            number,
            lambda session, campaign, **by: planning.revise_campaign(
                session, campaign, {"starts_at": NOW + timedelta(days=3)}, **by
            ),
        )
        move(database, number, planning.submit_campaign)
        move(
            database,
            number,
            lambda *of, **by: review.give_and_plan(
                *of, SENDING, earliest=NOW + CALL_OFF_TIME, overlap=len(numbers), **by
            ),
            actor=APPROVER,
        )
    mails = {to: (subject, text) for to, subject, text in tell(database)}
    assert mails[AUTHOR][0] == "2 nouvelles de vos campagnes"
    assert mails[AUTHOR][1].count("et planifiée : la première vague part le 18 mai 2021") == 2


def test_a_day_s_news_come_together_at_eight_and_nobody_is_told_who_wants_none(database, begun):
    choose(database, APPROVER, Pace.DAILY)
    asked(database)
    assert tell(database) == []
    eight = datetime(2021, 5, 16, 6, tzinfo=UTC)  # 8 o'clock in Brussels, the day after
    asked(database)
    assert tell(database, eight - timedelta(seconds=1)) == []
    ((to, subject, _),) = tell(database, eight)
    assert (to, subject) == (APPROVER, "2 nouvelles de vos campagnes")
    choose(database, APPROVER, Pace.OFF)
    asked(database)
    assert tell(database, eight) == []
    choose(database, APPROVER, Pace.AT_ONCE)
    assert tell(database, eight) == [], "what was not wanted then is not told later"


def test_what_was_before_the_first_pass_and_what_a_closed_account_missed_is_not_told(database, people, strand):
    settle(database, 1)
    asked(database)
    assert tell(database) == []
    with database.writing() as session:
        session.execute(update(User).where(User.email == APPROVER).values(active=False))
    asked(database)
    assert tell(database) == []


def test_after_a_crash_between_noting_and_posting_each_is_told_once(database, begun, monkeypatch):
    asked(database)
    with monkeypatch.context() as patches:
        patches.setattr(digests, "_ready", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            digests.send_digests(database, SENDING, now=LATER)
    with database.reading() as session:
        ready = digests._ready(session, SENDING, LATER)
    assert len(tell(database)) == 1
    assert [digests._post(database, one, SENDING, LATER) for one in ready] == [None], "another clock was too late"


def test_no_live_token_leaves_in_a_mail_and_no_word_is_taken_for_a_field(database, begun):
    token = SENDING.keys.make(TokenKind.UNSUBSCRIBE, b"12345678")
    number = asked(database)
    why = f"Voyez https://courriel.example/u/{token} \ue000\ue001"
    move(database, number, lambda *of, **by: planning.send_back(*of, reason=why, **by), actor=APPROVER)
    texts = {to: text for to, _, text in tell(database)}
    assert "Voyez https://courriel.example/u/" in texts[AUTHOR]
    assert token not in texts[AUTHOR]
