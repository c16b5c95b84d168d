"""The ladder as the clock climbs it, for tests."""

from outreach.campaigns import channels
from tests.campaigns.conftest import SENDING


def climb(database, now):
    """One look of the clock: steps that are over stop, rungs whose day has come open; returns how many did each."""
    with database.reading() as session:
        waves, due = channels.open_steps(session, now=now), channels.due_rungs(session, now=now)
    stopped = opened = 0
    for wave, numbers in waves.items():
        with database.writing() as session:
            stopped += channels.stop_steps(session, wave, numbers, now=now)
    for wave, rung in due:
        with database.reading() as session:
            keys, _ = channels.due_candidates(session, wave, rung, after=0, now=now)
        with database.writing() as session:
            opened += channels.open_due_steps(session, wave, rung, keys, SENDING, now=now)
    return stopped, opened
