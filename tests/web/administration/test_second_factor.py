"""An administrator takes away the second factor that somebody has lost, never one's own."""

import pytest

from outreach.access import accounts
from outreach.access.accounts import second_factors
from tests.conftest import NOW
from tests.pages import text_of

AUTHOR, CHIEF = "nadia.lambert@fwb.example", "hugo.willems@fwb.example"


@pytest.mark.journey
def test_a_lost_second_factor_is_reset_by_another_administrator_and_by_nobody_for_oneself(signed_in, sample_database):
    with sample_database.writing() as session:
        for email in (AUTHOR, CHIEF):
            number = accounts.user_named(session, email).id
            second_factors.set_up(session, number, email, "sealed", 1, replacing=False, now=NOW)
            own = f"/administration/accounts/{number}"
    chief, theirs = signed_in("administrator", has_factor=True), "/administration/accounts/1"
    assert "/second-factor/reset" not in chief.get(own).text
    assert chief.send(f"{own}/second-factor/reset", page=own).status_code == 409
    assert "codes de secours qui restent : 10" in text_of(chief.get(theirs))
    assert (
        signed_in("author", has_factor=True).send(f"{theirs}/second-factor/reset", page="/account").status_code == 403
    )
    assert chief.send(f"{theirs}/second-factor/reset", page=theirs).location == theirs
    shown = text_of(chief.get(theirs))
    assert "Second facteur Aucun." in shown
    assert "Hugo Willems : Second facteur de nadia.lambert@fwb.example réinitialisé." in shown
    assert "Cette personne n’est connectée nulle part." in shown
