"""When a letter is tried again, and until when a failing relay rests. No I/O."""

from datetime import datetime, timedelta

RETRY_MINUTES = (1, 5, 15, 30, 60)
PATIENCE = timedelta(hours=24)
JITTER = 0.1
REST_MINUTES = (1, 2, 5, 10, 15)


def next_try(attempts: int, now: datetime, first_tried_at: datetime, chance: float) -> datetime | None:
    """When to try again after `attempts` temporary refusals (4xx), or None 24 hours after the first attempt.

    After 1, 5, 15, 30 and 60 minutes, then hourly. `chance` (0 to 1) adds up to a tenth, so that letters deferred
    together do not come back together.
    """
    if now - first_tried_at >= PATIENCE:
        return None
    minutes = RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
    return now + timedelta(minutes=minutes * (1 + JITTER * chance))


def rest_of(failures: int, now: datetime) -> datetime:
    """Until when a relay rests after so many failures in a row."""
    return now + timedelta(minutes=REST_MINUTES[min(failures, len(REST_MINUTES)) - 1])
