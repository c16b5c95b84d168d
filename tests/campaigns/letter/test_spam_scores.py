"""What a spam filter says of the letters that leave: nothing, whatever names stand in them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.campaigns.letter.letters_as_they_leave import as_they_leave, settle_hard_names
from tests.needed import refuse
from tests.servers import spamd
from tests.servers.spamd import Spamd

pytestmark = pytest.mark.only_one

MOST = 1.0
# What SpamAssassin says of any message with an HTML part that no server has passed on yet.
OF_ANY = {"HTML_MESSAGE", "NO_RECEIVED", "NO_RELAYS"}


@pytest.fixture(scope="session")
def filter_():
    """A spamd, started once for the run; the test is one, as each worker would start its own."""
    if hindrance := spamd.hindrance():
        refuse(hindrance)
    started = Spamd()
    yield started
    started.stop()


@pytest.mark.long
def test_no_rule_of_a_spam_filter_on_names_or_wording_matches_a_letter(database, people, strand, filter_):
    assert "DRUG_ED_CAPS" in filter_.scores(b"Subject: x\r\n\r\n\xc3\x89COLE SP\xc3\x89CIALIS\xc3\x89E\r\n")
    settle_hard_names(database)
    with ThreadPoolExecutor(2) as both:
        judged = {name: both.submit(filter_.scores, wire) for name, wire in as_they_leave(database)}
    scores = {name: score.result() for name, score in judged.items()}
    assert {name: found for name, found in scores.items() if found.keys() - OF_ANY or sum(found.values()) > MOST} == {}
    assert len(scores) == len(judged) >= 17
