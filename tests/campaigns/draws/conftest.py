"""A campaign in three departures drawn by lot, and what a test does with it."""

from datetime import UTC, datetime

from sqlalchemy import select

from outreach.access.approvals import Extent
from outreach.campaigns import experiments, planning
from outreach.campaigns.models import Campaign, Wave
from outreach.delivery.models import Message
from tests import factories
from tests.campaigns.conftest import advance
from tests.conftest import NOW, state_from
from tests.factories import APPROVER, AUTHOR

COUNT, GAP = 210, 14
START = datetime(2021, 9, 7, 7, 30, tzinfo=UTC)  # a Tuesday, 9:30 in Brussels
CHANGES = {"reminders": (7, 9), "departure_gap": GAP, "first_come": False}


@state_from("empty")
def drawable(database, _settings):
    """A draft to 210 authorities, in three departures with two reminders each; its number is 1."""
    factories.gather(database, COUNT, now=NOW)
    with database.writing() as session:
        campaign = factories.campaign(session, factories.invitation(**CHANGES), NOW)
        planning.revise_campaign(session, campaign, {"starts_at": START}, now=NOW, actor=AUTHOR)


@state_from("drawable")
def drawn(database, _settings):
    """The same, submitted, approved and planned."""
    submit(database)
    approve(database)
    plan(database)


def of(session, number=1):
    """The campaign with this number."""
    return planning.in_turn(session, number)


def submit(database, number=1, now=NOW):
    with database.writing() as session:
        planning.submit_campaign(session, of(session, number), now=now, actor=AUTHOR, extent=Extent(COUNT, COUNT))


def approve(database, number=1, now=NOW):
    with database.writing() as session:
        extent = Extent(COUNT, COUNT)
        planning.approve_campaign(session, of(session, number), now=now, actor=APPROVER, extent=extent)


def plan(database, number=1, now=NOW):
    with database.writing() as session:
        planning.schedule_campaign(session, of(session, number), None, now=now, actor=AUTHOR)


def waves(database, number=1):
    """The waves of a campaign, detached, in order."""
    with database.reading() as session:
        query = select(Wave).where(Wave.campaign_id == number).order_by(Wave.number)
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def wave_of(database, departure, reminder=0, number=1):
    """The last wave of a departure with this number of reminder."""
    found = [one for one in waves(database, number) if (one.departure, one.reminder) == (departure, reminder)]
    return found[-1]


def launch(database, wave):
    """Write the letters of a wave at its time; returns the keys of the authorities that get one."""
    advance(database, wave.id, wave.due_at)
    with database.reading() as session:
        mailing = session.get_one(Wave, wave.id).mailing_id
        query = select(Message.authority_id).where(Message.mailing_id == mailing, Message.reason.is_(None))
        return sorted(session.scalars(query))


def members(database, *departures, number=1):
    """The keys of the authorities that the draw gave to these departures."""
    with database.reading() as session:
        return sorted(session.scalars(experiments.assigned_to(number, *departures)))


def draw_as_stored(database, number=1):
    """The draw of a campaign: its seed and the order of its strata."""
    with database.reading() as session:
        attempt = experiments.draw_of(session, number)
        return attempt.seed, experiments.order_of(session, attempt)


def campaign_state(database, number=1):
    with database.reading() as session:
        return session.get_one(Campaign, number).state
