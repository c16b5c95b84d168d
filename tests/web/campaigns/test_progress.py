"""A campaign under way on pages: where it stands, live, the minute to think again, its waves and its journal."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.campaigns import planning
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.results import Progress
from outreach.campaigns.results import _progress as progress
from outreach.campaigns.waves import CALL_OFF_TIME, advance_wave, finish_waves, pause_failing_waves
from outreach.core.settings import Settings
from outreach.delivery.models import Message, MessageState
from outreach.delivery.outbox import Tally
from outreach.delivery.outbox import _outbox as outbox
from outreach.delivery.outbox._outbox import SendError
from outreach.delivery.received import ReceivedMail
from outreach.delivery.received._models import AttachedBy
from outreach.operations.demo import people
from tests.application import planned
from tests.conftest import NOW
from tests.pages import cells, elements, links, text_of

FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
ACTOR = "nadia.lambert@fwb.example"


@pytest.fixture
def launched(launched_sample):
    """A wave whose letters all wait; returns its key."""
    with launched_sample.reading() as session:
        return session.scalars(select(Wave.id).where(Wave.number == 1)).one()


def settle(database, count, state=MessageState.ACCEPTED):
    """Give so many waiting letters an end."""
    with database.writing() as session:
        waiting = select(Message.id).where(Message.state == MessageState.QUEUED).order_by(Message.id).limit(count)
        keys = session.scalars(waiting).all()
        session.execute(update(Message).where(Message.id.in_(keys)).values(state=state, **FENCED))


def end(database):
    settle(database, 10**6)
    with database.writing() as session:
        finish_waves(session, now=NOW)


def starts_in(database, app, seconds):
    """Have the first wave be due so many seconds from now."""
    with database.writing() as session:
        at = app.extensions["outreach.settings"].instant() + timedelta(seconds=seconds)
        first = select(Wave.id).where(Wave.number == 1).scalar_subquery()
        session.execute(update(Wave).where(Wave.id == first).values(due_at=at, latest_start=at + timedelta(hours=2)))


def asked(client, page):
    """What the page asks for by itself, and the answer; None when it asks nothing."""
    polls = elements(page, "*[@id='poll'][@data-hx-get]")
    if not polls:
        return None
    seconds = polls[0].get("data-hx-trigger").removeprefix("load delay:").removesuffix("s, wake")
    return int(seconds), FlaskClient.open(client, polls[0].get("data-hx-get")).text


@pytest.mark.long
def test_a_campaign_under_way_opens_on_its_progress_and_a_draft_does_not(author, launched):
    assert author.get("/campaigns/1").location == "/campaigns/1/progress"
    author.send(
        "/campaigns", {"definition": "invitation-volet-2"}, page="/campaigns/begin?definition=invitation-volet-2"
    )
    assert author.get("/campaigns/2").location == "/campaigns/2/audience"
    assert author.get("/campaigns/2/progress").location == "/campaigns/2/check"
    for tab in ("waves", "journal"):
        assert author.get(f"/campaigns/2/progress/{tab}").status_code == 200


@pytest.mark.full
@pytest.mark.long
def test_while_letters_leave_one_sentence_says_how_far_and_then_the_whole_page_says_what_came(
    author, launched, sample_database
):
    page = author.get("/campaigns/1/progress")
    (waiting,) = (int(word) for word in re.findall(r"0 des (\d+) courriels est remis", text_of(page)))
    assert f"Les {waiting} autres partent en ce moment" in text_of(page)
    settle(sample_database, waiting - 1)
    page = author.get("/campaigns/1/progress")
    assert f"{waiting - 1} des {waiting} courriels sont remis. L’autre part en ce moment." in text_of(page)
    assert 'value="99"' in page.text
    assert not elements(page, "table"), "nothing stands there that is older than the sentence"
    settle(sample_database, 1)
    assert 'value="99"' in author.get("/campaigns/1/progress").text
    end(sample_database)
    page = author.get("/campaigns/1/progress")
    assert "<progress" not in page.text
    (chain,) = elements(page, "table[@class='chain']")
    assert ["Remis", f"{waiting} Remis"] == cells(chain)[2][:2]


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("state", "tally", "percent"),
    [
        (WaveState.PLANNED, Tally(), 0),
        (WaveState.RUNNING, Tally(), 0),
        (WaveState.RUNNING, Tally(intended=3, accepted=1, pending=2), 33),
        (WaveState.RUNNING, Tally(intended=1000, accepted=998, refused=1, deferred=1), 99),
        (WaveState.RUNNING, Tally(intended=2, accepted=2), 99),
        (WaveState.PAUSED, Tally(intended=2, accepted=2), 99),
        (WaveState.FINISHED, Tally(intended=2, accepted=2), 100),
    ],
)
def test_progress_is_rounded_down(state, tally, percent):
    assert Progress(Wave(state=state, number=1), tally).percent == percent


@pytest.mark.long
def test_the_page_asks_less_and_less_often_while_nothing_changes_and_stops_at_the_end(
    author, launched, sample_database
):
    rests, page = [], author.get("/campaigns/1/progress").text
    for _ in range(8):
        rest, page = asked(author, page)
        rests.append(rest)
    assert rests == [2, 3, 5, 8, 12, 15, 15, 15]
    settle(sample_database, 1)
    _, page = asked(author, page)
    assert asked(author, page)[0] == 2
    end(sample_database)
    _, page = asked(author, page)
    assert asked(author, page) is None
    assert "En cours : 1 vague sur 3 partie" in text_of(page)


@pytest.mark.long
@pytest.mark.parametrize(("seconds", "rest"), [(601, None), (599, 2), (-5, 2)])
def test_before_a_wave_the_page_asks_only_when_it_is_near(author, app, sample_database, seconds, rest, monkeypatch):
    stop_clock(monkeypatch, app.extensions["outreach.settings"].instant())
    planned(sample_database, NOW)
    starts_in(sample_database, app, seconds)
    found = asked(author, author.get("/campaigns/1/progress").text)
    assert (found[0] if found else None) == rest


@pytest.mark.long
def test_a_reminder_is_called_off_alone_from_its_tab(author, signed_in, launched, sample_database):
    end(sample_database)
    tab = "/campaigns/1/progress/waves"
    assert "Annuler cette vague" not in text_of(signed_in("reader").get(tab))
    with sample_database.reading() as session:
        reminders = len(session.scalars(select(Wave.id).where(Wave.state == WaveState.PLANNED)).all())
    assert text_of(author.get(tab)).count("Annuler cette vague") == reminders >= 1
    asks = "/campaigns/1/waves/2/withdrawal"
    assert asks in dict(links(author.get(tab)))
    text = text_of(author.get(asks))
    assert "ne partira pas. Aujourd’hui, elle écrirait à" in text
    assert "La relance 2, mardi 8 juin 2021 à 11 h, reste planifiée." in text
    answer = author.send(asks)
    assert answer.location == tab == author.get(asks).location
    page = text_of(author.get(tab))
    assert "La relance 1 est annulée" in page
    assert "planifiée de nouveau" not in page
    assert page.count("Annuler cette vague") == reminders - 1


@pytest.mark.long
def test_what_was_opened_before_the_start_shows_how_far_it_is_after_it(author, app, sample_database):
    wave = planned(sample_database, NOW)
    starts_in(sample_database, app, 30)
    page = author.get("/campaigns/1/progress").text
    assert "<progress" not in page
    assert "Le courriel" in page
    with sample_database.writing() as session:
        at = session.get_one(Wave, wave).due_at
        advance_wave(session, wave, SenderIdentity.of(app.extensions["outreach.settings"]), now=at)
    _, page = asked(author, page)
    assert "<progress" in page
    assert ">Pouvoirs organisateurs</a>" in page
    assert "Le courriel" not in page
    assert "partent en ce moment" in text_of(page)
    _, page = asked(author, page)
    assert ">Pouvoirs organisateurs</a>" not in page, "what has not changed is not made anew"


@pytest.mark.long
def test_a_wave_called_off_has_no_bar_and_the_first_of_its_planning_is_told(author, app, sample_database):
    planned(sample_database, NOW)
    starts_in(sample_database, app, 45)
    author.send("/campaigns/1/waves/1/withdrawal", page="/campaigns/1/progress")
    page = author.get("/campaigns/1/progress").text
    assert "<progress" not in page
    assert "Première vague annulée" in text_of(page)


@pytest.mark.long
def test_calling_off_too_late_names_the_other_button(author, launched):
    answer = author.send("/campaigns/1/waves/1/withdrawal", page="/campaigns/1/progress")
    assert answer.status_code == 409
    assert "Annuler ce qui n’est pas parti" in text_of(answer)


@pytest.mark.long
def test_what_is_planned_on_the_page_for_now_leaves_a_minute_later(signed_in, sample_database, monkeypatch):
    planned(sample_database, NOW)
    emails = [people.person_for(role).email for role in ("author", "approver")]
    instant = stop_clock(monkeypatch, datetime(2021, 5, 18, 8, 0, tzinfo=UTC))
    author = signed_in("author")
    with sample_database.writing() as session:
        campaign = session.get_one(Campaign, 1)
        by = {"now": instant, "actor": emails[0]}
        planning.revise_campaign(session, campaign, {"starts_at": instant - timedelta(days=1, minutes=1)}, **by)
        planning.submit_campaign(session, campaign, **by)
        planning.approve_campaign(session, campaign, now=instant, actor=emails[1])
    checked = text_of(author.get("/campaigns/1/check"))
    assert "une minute après" in checked
    assert "L’envoi part dans une minute." in checked
    assert author.send("/campaigns/1/waves", page="/campaigns/1/check").status_code == 302
    page = author.get("/campaigns/1/progress").text
    assert "L’envoi commence dans 60 secondes" in text_of(page)
    with sample_database.reading() as session:
        (first, *_) = session.scalars(select(Wave).where(Wave.state == WaveState.PLANNED).order_by(Wave.number))
        assert first.due_at == instant + CALL_OFF_TIME


@pytest.mark.full
@pytest.mark.long
def test_a_wave_that_paused_by_itself_says_why_on_its_page_and_on_the_first(author, launched, sample_database):
    later = NOW + timedelta(minutes=5)
    with sample_database.writing() as session:
        keys = session.scalars(select(Message.id).where(Message.state == MessageState.QUEUED).limit(60)).all()
        refused = {**FENCED, "state": MessageState.REFUSED, "reply_status": "5.1.1", "settled_at": later}
        session.execute(update(Message).where(Message.id.in_(keys)).values(**refused))
    assert "se met en pause d’elle-même à une sur dix" in text_of(author.get("/campaigns/1/progress"))
    with sample_database.writing() as session:
        assert pause_failing_waves(session, now=later) == 1
    page = text_of(author.get("/campaigns/1/progress"))
    assert "La vague s’est mise en pause d’elle-même. 60 adresses sur 60 n’existent pas." in page
    assert "Une vague s’est mise en pause" in text_of(author.get("/"))
    assert "frein automatique" in text_of(author.get("/campaigns/1/progress/journal"))
    author.send("/campaigns/1/resumption", page="/campaigns/1/progress")
    assert "d’elle-même" not in text_of(author.get("/campaigns/1/progress"))
    assert "Une vague s’est mise en pause" not in text_of(author.get("/"))


def stop_clock(monkeypatch, moment):
    """Have it be this moment for the application, for the rest of the test; returns it."""
    monkeypatch.setattr(Settings, "instant", lambda _settings: moment)
    return moment


@pytest.mark.journey
@pytest.mark.long
def test_every_move_is_a_button_where_it_should_be(author, signed_in, launched):
    page = "/campaigns/1/progress"
    assert author.send("/campaigns/1/pause", page=page).location == "/campaigns/1"
    shown = author.get(page)
    assert "en pause" in text_of(shown)
    (stage,) = elements(shown, "*[@id='stage']")
    assert (stage.get("data-color"), text_of(stage)) == ("warning", "En pause")
    assert "Annuler ce qui n’est pas parti" in text_of(shown)
    assert "En pause" in text_of(author.get("/campaigns"))
    assert author.send("/campaigns/1/resumption", page=page).status_code == 302
    assert "<button" not in signed_in("reader").get(page).text
    author.send("/campaigns/1/cancellation", page=page)
    text = text_of(author.get(page))
    assert "Première vague annulée" in text
    assert "Annuler" not in text
    assert "Reprendre en brouillon" in text


@pytest.mark.long
def test_waves_say_whom_a_reminder_would_be_written_to_today(author, launched, sample_database):
    end(sample_database)
    text = text_of(author.get("/campaigns/1/progress"))
    assert re.search(r"Ensuite \w+ \w+ \w+ 2021 à \d+ h(?: \d+)? Relance 1", text)
    page = text_of(author.get("/campaigns/1/progress/waves"))
    assert "Relance 1" in page
    assert "Si une relance partait aujourd’hui" in page
    assert re.search(r"\d+ pouvoirs organisateurs la recevraient", page)
    assert "Déjà adhéré" in page
    assert page.count("quand elle part : un PO qui y entre ensuite attend la vague suivante.") == 2
    author.send("/campaigns/1/cancellation")
    page = text_of(author.get("/campaigns/1/progress/waves"))
    assert page.count("Rien n’est parti.") == 2


@pytest.mark.long
def test_the_journal_tells_the_campaign_and_its_waves_the_newest_first(author, launched):
    for move in ("pause", "resumption"):
        author.send(f"/campaigns/1/{move}", page="/campaigns/1/progress")
    page = text_of(author.get("/campaigns/1/progress/journal"))
    assert page.count("Première vague en cours") == 1
    lines = [
        "Première vague : reprise",
        "Première vague en pause",
        "Première vague en cours",
        "Première vague planifiée",
        "Campagne validée",
        "Campagne créée",
    ]
    assert sorted(lines, key=page.index) == lines
    assert "automatique" in page


def test_the_journal_tells_what_happened_to_letters_the_last_of_it(author, launched, sample_database, monkeypatch):
    with sample_database.writing() as session:
        mailing = session.get_one(Wave, launched).mailing_id
        for minute, count in enumerate((16, 9)):
            happened = {(mailing, SendError.DEFERRED): count, (mailing + 1, SendError.IN_DOUBT): 1}
            outbox.note(session, happened, now=NOW + timedelta(minutes=1 + minute), actor="automatique")
    page = text_of(author.get("/campaigns/1/progress/journal"))
    lines = [
        "Première vague : 9 courriels reportés.",
        "Première vague : 16 courriels reportés.",
        "Première vague en cours",
    ]
    assert sorted(lines, key=page.index) == lines
    assert "en doute" not in page
    monkeypatch.setattr(progress, "MOST_NOTED", 1)
    page = text_of(author.get("/campaigns/1/progress/journal"))
    assert ("9 courriels" in page, "16 courriels" in page) == (True, False)


def test_the_wave_of_the_moment():
    def waves(*states):
        made = [
            Wave(number=number, state=state, mailing_id=number if state in {"running", "finished"} else None)
            for number, state in enumerate(map(WaveState, states), start=1)
        ]
        return getattr(progress.wave_of_the_moment(Campaign(waves=made)), "number", None)

    assert waves() is None
    assert waves("planned", "planned") == 1
    assert waves("finished", "planned") == 1
    assert waves("finished", "running", "planned") == 2
    assert waves("running", "finished") == 1
    assert waves("cancelled", "planned") == 2
    assert waves("cancelled", "missed") == 2


@pytest.mark.long
def test_nothing_stands_there_for_a_count_of_zero_and_the_red_button_is_the_last(author, launched):
    page = author.get("/campaigns/1/progress")
    (buttons,) = elements(page, "div[@class='actions']")
    *_, last = elements(buttons, "*[@class='ds-button']")
    assert last.get("data-color") == "danger"
    assert not re.search("0 (en doute|refusé|reporté)", text_of(page))


@pytest.mark.long
def test_a_wave_that_ends_or_pauses_is_told_anew_in_all_of_the_page(author, launched, sample_database):
    _, page = asked(author, author.get("/campaigns/1/progress").text)
    assert 'id="moment"' not in page
    settle(sample_database, 3)
    author.send("/campaigns/1/pause", page="/campaigns/1/progress")
    _, page = asked(author, page)
    assert re.search(r"3 des \d+ courriels sont remis\. Les \d+ autres attendent", text_of(page))
    assert "la première vague est en pause" in text_of(page)
    assert [row[:2] for row in cells(elements(page, "table[@class='chain']")[0])][2] == ["Remis", "3 Remis"]
    settle(sample_database, 10**6)
    end(sample_database)
    author.send("/campaigns/1/resumption", page="/campaigns/1/progress")
    end(sample_database)
    _, page = asked(author, page)
    assert "devaient recevoir ce courriel" in text_of(page)
    assert asked(author, page) is None


@pytest.mark.one_example
@pytest.mark.parametrize("seen", ["", "x", "a-b-c-d-e"])
def test_a_strange_mark_gets_the_whole_page(author, launched, seen):
    page = FlaskClient.open(author, f"/campaigns/1/progress/live?seen={seen}&place=x").text
    assert 'id="moment"' in page


def test_mails_that_hold_what_follows_are_counted_and_listed_where_a_campaign_stands(author, launched, sample_database):
    settle(sample_database, 1)
    with sample_database.writing() as session:
        letter = session.scalars(select(Message).where(Message.state == MessageState.ACCEPTED)).one()
        wrote = {"digest": "d", "received_at": NOW, "is_automatic": False, "attached_by": AttachedBy.MARK}
        said = {"sender": "x", "sender_key": "x", "sender_name": "", "subject": "", "folded": "", "text": ""}
        session.add(ReceivedMail(**wrote, **said, authority_id=letter.authority_id, message_id=letter.id))
    page = author.get("/campaigns/1/progress")
    (to,) = (to for to, words in links(page) if "courriel reçu retient" in words.replace("\xa0", " "))
    assert to == "/responses/mails?state=to_decide&campaign=1"
    assert "À décider (1)" in text_of(author.get(to))
