"""How many mailboxes a campaign would measure one by one: those it writes to, with an agreement that holds now."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import planning
from outreach.campaigns.review import _checks as checks
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.tracking import TrackingMode
from tests.campaigns.conftest import AUTHOR, SENDING, draft, settle
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("count", "addresses", "told"),
    [
        (38, 270, "38 boîtes sur 270 seront mesurées une à une, les autres par groupe."),
        (1, 21, "1 boîte sur 21 sera mesurée à part, les autres par groupe."),
        (2, 21, "2 boîtes sur 21 seront mesurées une à une, les autres pas du tout : un groupe en compte vingt."),
        (3, 3, "3 boîtes sur 3 seront mesurées une à une."),
        (0, 1270, "Aucune boîte sur 1 270 n’a d’accord enregistré : toutes seront comptées par groupe."),
        (0, 19, "Aucune boîte sur 19 n’a d’accord enregistré : aucune ne sera mesurée."),
    ],
)
def test_the_sentence_says_how_many_and_what_becomes_of_the_others(count, addresses, told):
    said = checks.sentence(count, addresses)
    assert said.replace("\u00a0", " ").replace("\u202f", " ") == told


@pytest.mark.long
@pytest.mark.postgresql
def test_only_mailboxes_that_are_written_to_and_whose_agreement_holds_are_counted(database, people, strand):
    settle(database, 3)
    numbers = [draft(database, tracking=mode) for mode in (TrackingMode.INDIVIDUAL, TrackingMode.AGGREGATE)]
    assert counted(database, numbers[0]) == 0
    with database.writing() as session:
        held = session.scalars(select(Contact).order_by(Contact.id)).all()
        given = {"given_by": "A. Petit", "taken_on": date(2021, 5, 1), "wording": "J’accepte.", "channel": "formulaire"}
        first, *_ = [tracking.record_consent(session, each, **given, now=NOW, actor=AUTHOR) for each in held]
        tracking.withdraw_basis(session, first, now=NOW, actor=AUTHOR)
        held[2].bounced_at = NOW
    assert [counted(database, number) for number in numbers] == [1, 1]
    assert [said(database, number) for number in numbers] == [checks.sentence(1, 2), ""]


def counted(database, number):
    with database.reading() as session:
        return checks.count_measured_alone(
            session, planning.campaign_numbered(session, number), now=NOW + timedelta(minutes=1)
        )


def said(database, number):
    with database.reading() as session:
        return checks.check_campaign(session, planning.campaign_numbered(session, number), SENDING, now=NOW).measured
