"""Attempts to draw: what is secret when, and what follows from the seed."""

from hashlib import sha256

import pytest
from sqlalchemy import select

from outreach.campaigns.draws import attempts, drawn_list
from outreach.campaigns.draws.attempts import Candidate
from outreach.campaigns.draws.models import DrawnAuthority
from outreach.campaigns.models import Campaign
from outreach.directory.models import Authority
from outreach.effect.draw import Mismatch
from outreach.effect.strata import Listed, Reason
from tests.campaigns.conftest import draft, settle
from tests.conftest import NOW

PLAN = {"content": "d" * 64, "gap": 14}


@pytest.fixture
def listed(programmed):
    """Twenty authorities as candidates, the last two of which share a mailbox."""
    settle(programmed, 20)
    with programmed.reading() as session:
        rows = session.execute(select(Authority.id, Authority.fase).order_by(Authority.id)).all()
    return [
        Candidate(key, 1, Listed(fase, "Libre confessionnel", place % 2 == 0, False, place >= 18))
        for place, (key, fase) in enumerate(rows)
    ]


def test_a_nonce_is_secret_until_the_draw_which_repeats_from_what_is_revealed(programmed, listed, caplog):
    number = draft(programmed)
    caplog.set_level("INFO", "outreach")
    with programmed.writing() as session:
        attempt = attempts.submit(session, drawn_of(session, number), PLAN, listed, now=NOW)
        assert (attempt.number, attempt.revealed_nonce, attempt.is_open) == (1, None, True)
        assert drawn_list.draw_of(session, number) is None
        assert drawn_list.order_of(session, attempt) == ()
        with pytest.raises(ValueError, match="not made"):
            drawn_list.mismatches(session, attempt)
        assert attempt.nonce not in caplog.text
        assert attempt.commitment in caplog.text
    with programmed.writing() as session:
        attempt = drawn_list.open_attempt(session, number)
        attempts.reveal(session, attempt, now=NOW)
    with programmed.reading() as session:
        attempt = drawn_list.draw_of(session, number)
        assert sha256(bytes.fromhex(attempt.revealed_nonce)).hexdigest() == attempt.commitment
        assert drawn_list.mismatches(session, attempt) == []
        seed = bytes.fromhex(attempt.seed)
        for stratum in drawn_list.order_of(session, attempt):
            assert list(stratum.order) == sorted(stratum.order, key=lambda fase: sha256(seed + b"%d" % fase).digest())
        assert set(drawn_list.outside_of(session, attempt).values()) == {Reason.SHARED_MAILBOX}
        assert drawn_list.sizes_of(session, attempt) == {1: (8, 8), 2: (6, 6), 3: (6, 6)}
        first = session.scalars(drawn_list.authorities_of(attempt.id, 1)).all()
        assert {one.authority_id for one in listed[18:]} <= set(first)


def test_a_void_attempt_publishes_its_nonce_and_the_next_has_the_next_number(programmed, listed, caplog):
    number = draft(programmed)
    caplog.set_level("INFO", "outreach")
    with programmed.writing() as session:
        campaign = drawn_of(session, number)
        first = attempts.submit(session, campaign, PLAN, listed, now=NOW)
        attempts.void(session, campaign, now=NOW)
        assert (first.revealed_nonce, first.nonce in caplog.text) == (first.nonce, True)
        assert attempts.void(session, campaign, now=NOW) is None
        second = attempts.submit(session, campaign, PLAN, listed, now=NOW)
        assert (second.number, second.commitment != first.commitment) == (2, True)
        assert [one.number for one in drawn_list.attempts_of(session, number)] == [1, 2]


def test_a_list_whose_order_is_not_that_of_its_seed_is_found(programmed, listed):
    number = draft(programmed)
    with programmed.writing() as session:
        attempt = attempts.submit(session, drawn_of(session, number), PLAN, listed, now=NOW)
        rows = session.scalars(select(DrawnAuthority).where(DrawnAuthority.stratum != "")).all()
        for place, row in enumerate(sorted(rows, key=lambda one: (one.stratum, one.fase))):
            row.place, row.departure = place % 9, place % 9 % 3 + 1
        session.flush()
        attempt.approver_bytes, attempt.content_digest, attempt.seed, attempt.drawn_at = "00" * 16, "00", "00", NOW
        assert drawn_list.mismatches(session, attempt) == [Mismatch.ORDER]


def drawn_of(session, number):
    """The campaign with this number."""
    return session.get_one(Campaign, number)
