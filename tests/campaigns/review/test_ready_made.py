"""The letters that are ready: with several programmes, *Vérifier* has nothing to say of the words of any of them."""

import pytest

from outreach.campaigns import planning, review
from outreach.core.settings import Mode
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.programmes import FIRST, two_programmes

__all__ = ["two_programmes"]
READY = planning.ready_made(*planning.definition_folders(Mode.DEMO))


@pytest.mark.long
@pytest.mark.parametrize("name", READY)
def test_no_letter_that_is_ready_has_a_remark_on_its_words(two_programmes, name):
    stated = READY[name].model_copy(update={"programme": READY[name].programme or FIRST, "corrects": False})
    with two_programmes.writing() as session:
        found = review.check_campaign(session, factories.campaign(session, stated, NOW), SENDING, now=NOW)
        assert [one for one in found.remarks if one.startswith(("Objet", "Ligne", "Texte"))] == []
        session.rollback()
