"""When a clock is late: one rule for the banner, `/healthz`, alerts, the doctor and `healthy work`."""

from datetime import timedelta

import pytest

from outreach.delivery import workers
from tests.conftest import NOW

JUST = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("passed_at", "expected"),
    [
        (None, True),
        (NOW - workers.CLOCK_IS_LATE, True),
        (NOW - workers.CLOCK_IS_LATE + JUST, False),
        (NOW + timedelta(days=1), False),
    ],
)
def test_a_clock_is_late_after_half_a_minute_or_before_its_first_pass(passed_at, expected):
    assert workers.is_late(passed_at, now=NOW) is expected
