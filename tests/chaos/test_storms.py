"""A wave of which everything comes back: it pauses by itself, and each notice counts once."""

from mailbox import Maildir

import pytest
from sqlalchemy import select

from benchmarks.faults import FAULTS
from benchmarks.faults.ground import prepared
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.results import verify_ledger
from outreach.core.settings import read
from outreach.delivery import bounces
from outreach.delivery.models import Suppression
from tests.delivery.bounces.returns import notice

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(300)]


def test_a_storm_of_notices_pauses_the_wave_and_counts_each_letter_once(tmp_path):
    with prepared(FAULTS["workers"], "sqlite", 900, durable=False) as ground:
        ground.environment["OUTREACH_BOUNCES_URL"] = f"maildir://{tmp_path / 'returns'}"
        (worker,) = ground.keep(1)
        assert ground.let_leave(80, 90)
        returned = ground.relay.accepted
        box = Maildir(tmp_path / "returns")
        for entry in returned * 2:
            identity = entry["id"].strip("<>").partition("@")[0]
            box.add(notice("postfix", identity=identity, address=entry["to"], RETURN=entry["from"].strip("<>")))
        settings = read({name: value for name, value in ground.environment.items() if name != "LOG"})
        collected = bounces.collect_notices(ground.database, settings, lambda: ground.now)
        ground.wait_until(lambda: _state(ground) is WaveState.PAUSED)
        ground.stop(worker)
        tally = ground.tally()
        assert collected.verdicts.total() == len(returned) * 2
        assert tally.refused == len(returned) >= 80
        assert tally.accepted + tally.refused == ground.taken() < 900
        with ground.database.reading() as session:
            assert len(session.scalars(select(Suppression)).all()) == len(returned)
            assert verify_ledger(session, now=ground.now) == []


def _state(ground):
    with ground.database.reading() as session:
        return session.scalars(select(Wave.state)).one()
