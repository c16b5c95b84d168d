"""The clock is killed between rungs, a hundred times: no authority gets two channels for one step."""

import os
from random import Random

import pytest
from sqlalchemy import event, select

from outreach.db import Database
from outreach.delivery.models import MessageState
from outreach.reach.models import ReachStep, StepReason, StepState
from tests.campaigns.conftest import people, settle, strand
from tests.campaigns.ladder.climbing import climb
from tests.campaigns.ladder.test_climbing import after, became, day, with_ladder
from tests.campaigns.ladder.test_everybody import no_two_channels

__all__ = ["people", "strand"]
KILLS = 100


@pytest.mark.postgresql
@pytest.mark.deep
@pytest.mark.long
def test_a_clock_killed_a_hundred_times_opens_no_second_channel(programmed):
    settle(programmed, 20)
    with_ladder(programmed, "other_mailbox:1:failed paper:2:failed call:3:failed")
    became(programmed, *[MessageState.REFUSED] * 20)
    chance, killed = Random(1), 0
    url = programmed.engine.url.render_as_string(hide_password=False)
    programmed.engine.dispose()
    for number in range(KILLS):
        killed += killed_at(url, chance.randrange(1, 600), day(1 + number * 3 // KILLS))
        no_two_channels(programmed)
        if number % 20 == 19:
            papers_return(programmed)
    climb(programmed, day(4))
    no_two_channels(programmed)
    assert killed > KILLS // 10
    with programmed.reading() as session:
        steps = session.scalars(select(ReachStep)).all()
        assert len({(step.mailing_id, step.authority_id, step.channel) for step in steps}) == len(steps) > 0
    print(f"killed {killed} of {KILLS}, {len(steps)} steps, {programmed.engine.name}")


def papers_return(database):
    with database.reading() as session:
        due = session.scalars(select(ReachStep.id).where(ReachStep.state == "due", ReachStep.channel == "paper")).all()
    for number in due[::2]:
        after(database, number, StepState.FAILED, reason=StepReason.UNFIT_ADDRESS)


def killed_at(url, statement, now):
    """Let a process climb, and kill it before its nth statement; returns 1 where it died so."""
    child = os.fork()
    if child == 0:
        database, seen = Database(url), []

        def count(*_):
            seen.append(1)
            if len(seen) == statement:
                os._exit(9)

        for engine in (database.engine, database._writer, database._reader):
            event.listen(engine, "before_cursor_execute", count)
        try:
            climb(database, now)
        finally:
            os._exit(0)
    return int(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9)
