"""What stands above every page: where letters go, whether the clock ticks, what keeps letters from leaving."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core.audit import AuditEntry
from outreach.core.settings import Mode
from outreach.core.text import french
from outreach.delivery import workers
from outreach.delivery.sending import _relay_health as relay_health
from outreach.operations.demo import people
from tests.application import ASKED_AT
from tests.conftest import PLACE
from tests.pages import form_of, text_of

RELAYS = "smtp://a.example:25, smtp://b.example:25"


def setting(app, **changes):
    """Give the running application other settings."""
    settings = app.extensions["outreach.settings"]
    app.extensions["outreach.settings"] = settings.model_copy(update=changes)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("mode", "relays", "told"),
    [
        (Mode.DEMO, "", "Démonstration : aucun courriel ne quitte cette machine."),
        (Mode.DEMO, RELAYS, "Démonstration : rien ne part hors de la liste de test."),
        (Mode.TRIAL, RELAYS, "Mode essai : rien ne part hors de la liste de test."),
        (Mode.PRODUCTION, RELAYS, ""),
    ],
)
def test_every_page_says_where_letters_go_unless_they_go_to_everybody(author, app, mode, relays, told):
    setting(app, mode=mode, smtp_url=relays)
    page = text_of(author.get("/directory"))
    found = [one for one in ("Démonstration : ", "Mode essai : ") if one in page]
    assert (told in page, len(found)) == (True, int(bool(told)))


def passed(database, ago, hindrance="", place=PLACE):
    with database.writing() as session:
        workers.clock_passed(session, hindrance, place=place, now=ASKED_AT - ago)


def test_every_page_says_that_the_clock_never_ran(author):
    page = author.get("/directory")
    assert "Envois arrêtés" in page.text


@pytest.mark.long
def test_every_page_says_how_long_ago_the_clock_passed(author, sample_database):
    passed(sample_database, timedelta(seconds=12))
    for address in ("/", "/directory", "/account", "/mailbox"):
        page = author.get(address)
        assert "Envois actifs, dernier passage il y a 12" in page.text
        assert "arrêté" not in page.text


def test_a_clock_that_stopped_is_said_in_red_and_so_is_what_hinders(author, sample_database):
    passed(sample_database, timedelta(minutes=3))
    page = author.get("/directory")
    assert "Envois arrêtés" in page.text
    assert "il y a 3 min" in page.text
    passed(sample_database, timedelta(), "Le serveur d’envoi x ne prend rien.")
    assert "Envoi suspendu" in author.get("/directory").text


def alarmed(database, *relays):
    with database.writing() as session:
        for relay in relays:
            said = "identification : 535 non"
            relay_health.note_failure(session, relay, said, place=PLACE, alarm=True, now=ASKED_AT)
        return relay_health.relay_alarms(relay_health.relay_states(session))


def shown(client):
    return text_of(client.get("/directory"))


def test_the_alarm_of_a_relay_is_said_once_whether_others_serve_or_not(author, sample_database):
    (alarm,) = alarmed(sample_database, "a.example:25")
    for hindrance in ("", alarm, "L’envoi est coupé."):
        passed(sample_database, timedelta(), hindrance)
        page = shown(author)
        assert page.count("Le serveur d’envoi a.example:25 refuse de servir") == 1
        assert ("Envoi suspendu" in page) == bool(hindrance)
        assert ("Serveur d’envoi en alarme." in page) == (hindrance != alarm)


@pytest.mark.journey
@pytest.mark.long
def test_of_several_installations_the_one_that_may_not_send_is_named_whichever_passed_last(author, sample_database):
    said = ("confirmation", ""), ("", ""), ("", "L’envoi est coupé."), ("confirmation", "L’envoi est coupé.")
    for first, second in said:
        passed(sample_database, timedelta(seconds=1), first)
        passed(sample_database, timedelta(), second, place="autre:/srv")
        for place, hindrance in ((PLACE, first), ("autre:/srv", second)):
            passed(sample_database, timedelta(), hindrance, place)
            page = shown(author)
            assert (f"{PLACE} : {first}" in page, f"autre:/srv : {second}" in page) == (bool(first), bool(second))
            assert page.count("Envoi suspendu.") == bool(first) + bool(second)
            assert ("Les courriels partent d’une autre installation." in page) == (bool(first) != bool(second))
    passed(sample_database, timedelta(days=2), "arrêtée", place="autre:/srv")
    assert "autre:/srv" not in shown(author), "others have outlived it by a day"


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("alarms", "hindrance", "ago", "serve"),
    [
        (["a.example:25"], "", timedelta(), True),
        (["a.example:25"], "L’envoi est coupé.", timedelta(), False),
        (["a.example:25"], "", timedelta(minutes=3), False),
        (["a.example:25", "b.example:25"], "", timedelta(), False),
    ],
)
def test_beside_an_alarm_letters_are_said_to_leave_only_where_they_do(
    author, app, sample_database, alarms, hindrance, ago, serve
):
    setting(app, smtp_url=RELAYS)
    alarmed(sample_database, *alarms)
    passed(sample_database, ago, hindrance)
    assert shown(author).count("Les courriels partent par un autre serveur d’envoi.") == int(serve)


@pytest.mark.long
def test_a_relay_that_rests_is_tried_now_by_those_who_may_act_and_the_audit_says_who(
    author, signed_in, sample_database
):
    with sample_database.writing() as session:
        until = relay_health.note_failure(session, "a.example:25", "refusé", place=PLACE, alarm=False, now=ASKED_AT)
        told = relay_health.relay_hindrance(session, ["a.example:25"], place=PLACE, now=ASKED_AT)
    passed(sample_database, timedelta(), told)
    assert f"prochain essai à {french.hour(until)}".replace("\N{NO-BREAK SPACE}", " ") in shown(author)
    assert "Réessayer maintenant" in shown(author)
    assert "Réessayer maintenant" not in shown(signed_in("reader"))
    form = form_of(author.get("/directory"), "/sending/retry")
    for came, leads in (("http://localhost/directory?q=x", "/directory?q=x"), ("http://elsewhere/x", "/")):
        answer = author.post("/sending/retry", data=form, headers={"Referer": came})
        assert (answer.status_code, answer.location) == (302, leads)
    with sample_database.reading() as session:
        assert relay_health.relay_hindrance(session, ["a.example:25"], place=PLACE, now=ASKED_AT) == ""
        asked = session.scalars(select(AuditEntry.actor).where(AuditEntry.subject == "relay:a.example:25")).all()
    assert asked == [people.person_for("author").email]
    assert "Réessayer maintenant" not in shown(author)


def test_a_stranger_is_told_nothing_of_it(client):
    assert "Envois" not in client.get("/sign-in").text
