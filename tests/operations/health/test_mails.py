"""Mails about alerts: what begins again and again is told every ten minutes, and nothing of it is left out."""

from datetime import timedelta

import pytest

from outreach.campaigns.letter import SenderIdentity
from outreach.operations import alerts
from outreach.operations.alerts import AlertCondition, AlertKind
from outreach.operations.health import _watch as watch
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def mailed(database, settings):
    """Begin or end an episode at a minute, and write what mail is due then; how many episodes it tells."""

    def at(minute, *, subject="", has_ended=None):
        now = NOW + minute * MINUTE
        with database.writing() as session:
            if has_ended is not None:
                sighting = AlertCondition(AlertKind.RETURNS_UNREADABLE, subject, now)
                assert alerts.end(session, sighting, now=now) if has_ended else alerts.begin(session, sighting)
            return watch.write(session, ["a@fwb.example"], [], SenderIdentity.of(settings), now=now)

    return at


def test_what_comes_and_goes_is_told_at_once_and_then_every_ten_minutes(mailed):
    assert [mailed(0, has_ended=False), mailed(1, has_ended=True)] == [1, 1]
    again = [mailed(minute, has_ended=minute % 2 == 1) for minute in range(2, 10)]
    assert again == [0] * 8
    assert mailed(10) == 0, "ten minutes after the last mail, not after the first"
    assert mailed(11) == 4, "one mail about all that came and went"
    assert mailed(30) == 0


def test_another_subject_of_the_same_kind_waits_for_nothing(mailed):
    assert mailed(0, has_ended=False) == 1
    assert mailed(1, subject="other", has_ended=False) == 1
