"""`./run user reset --second-factor`: the way in for whoever has lost telephone and recovery codes."""

import pytest

from outreach.access import accounts
from outreach.access.accounts import second_factors
from outreach.core import audit
from tests.cli.test_accounts import AUTHOR, CHIEF, user
from tests.conftest import NOW

__all__ = ["user"]
pytestmark = pytest.mark.only_one


def test_a_lost_second_factor_is_taken_away_also_that_of_the_only_administrator(user, sample_database):
    with sample_database.writing() as session:
        chief = accounts.user_named(session, CHIEF)
        second_factors.set_up(session, chief.id, CHIEF, "sealed", 1, replacing=False, now=NOW)
        accounts.begin_session(session, chief.id, "Firefox", has_factor=True, now=NOW)
    assert "nécessaire ici" in user("reset", CHIEF, "--second-factor", "--as", AUTHOR)[1]
    assert user("reset", CHIEF, "--second-factor", "--as", CHIEF)[0] == 0
    with sample_database.reading() as session:
        number = accounts.user_named(session, CHIEF).id
        assert second_factors.factor_state(session, number) is None
        assert accounts.sessions_of(session, number, now=NOW) == []
        entry = audit.entries_about(session, f"user:{CHIEF}")[0]
        assert (entry.actor, entry.sentence) == (CHIEF, f"Second facteur de {CHIEF} réinitialisé.")
    assert "pas de second facteur" in user("reset", CHIEF, "--second-factor")[1]
