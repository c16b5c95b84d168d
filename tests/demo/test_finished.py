"""The demonstration's finished programme: the interval covers an effect that is known, and 0 where there is none."""

from datetime import date, timedelta

from sqlalchemy import select

from outreach.campaigns import verification
from outreach.campaigns.effects import freezing, public_page
from outreach.campaigns.models import Campaign
from outreach.campaigns.rehearsal import comparing, playing
from outreach.days import today
from outreach.demo import finished
from tests.conftest import NOW


def the_effect_that_was_put_in_is_found_and_none_where_none_is(database):
    with database.reading() as session:
        assert verification.verify(session, now=NOW) == []
        helped, idle, to_come = session.scalars(select(Campaign).order_by(Campaign.id)).all()[-3:]
        found = freezing.told_of(session, helped)
        assert found["state"] == "ready"
        assert 0 < found["low"] <= finished.EFFECT <= found["high"]
        assert "PO de plus sur 100" in found["told"].replace("\xa0", " ")
        shown = {one.campaign.id: one.told for one in public_page.of(session, helped.id).draws}
        assert shown == {one.id: freezing.told_of(session, one)["told"] for one in (helped, idle)}
        none = freezing.told_of(session, idle)
        assert none["low"] <= 0 <= none["high"]
        assert none["told"].replace("\xa0", " ").startswith("On ne peut pas conclure")
        assert playing.latest(session, to_come).told["plays"] == 199
        assert [one.joined is not None for one in comparing.every(session, now=NOW)] == [False, True, True]
        assert to_come.starts_at > NOW + timedelta(days=30)


def test_the_two_campaigns_are_apart_and_over_on_every_day_of_the_year():
    """From September to November the second would start in the summer holidays, which move both to their end."""
    for day in (date(2026, 1, 5) + timedelta(days=each) for each in range(366)):
        early, late = map(today, finished.starts_before(day))
        assert late - early >= timedelta(days=2 * finished.GAP + 8)
        assert day - late >= timedelta(days=2 * finished.GAP + 30)
