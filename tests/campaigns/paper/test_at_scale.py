"""985 letters on paper: at most 60 seconds of processor and 300 MB, the children that set them included."""

import resource
import time

import pytest

from outreach.campaigns.paper import batches, files
from tests.campaigns.conftest import SENDING
from tests.campaigns.paper.conftest import campaign_of, paper_campaign
from tests.conftest import NOW
from tests.factories import AUTHOR

LETTERS = 985
MOST_SECONDS, MOST_MEGABYTES = 60, 300
pytestmark = pytest.mark.long


def processor():
    """Seconds of processor of this process and of its children that ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def test_a_batch_for_every_authority_is_made_within_its_limits(programmed, people, record_property):
    number = paper_campaign(programmed, schools=[1 + place % 12 for place in range(LETTERS)])
    before, began = processor(), time.monotonic()
    with programmed.writing() as session:
        campaign = campaign_of(session, number)
        (wave,) = batches.waves_of(campaign)
        made = batches.make(session, campaign, wave, SENDING.keys, sheet=False, now=NOW, actor=AUTHOR).batch.id
    making = processor() - before
    with programmed.reading() as session:
        batch = batches.batch_of(session, campaign_of(session, number), made)
        found = files.files_of(session, batch, SENDING, (105, 45, 90, 40), now=NOW, author="Nadia Lambert")
    seconds = processor() - before
    own, of_children = (
        resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    told = {"seconds": seconds, "making": making, "wall": time.monotonic() - began, "own": own, "child": of_children}
    for name, value in told.items():
        record_property(name, round(value, 1))
    print(told, len(found.parts), sum(map(len, found.contents.values())))
    assert found.letters == LETTERS
    assert all(files.pages_in(found.contents[name]) <= files.MOST_PAGES for name in found.parts)
    assert seconds <= MOST_SECONDS
    assert max(own, of_children) <= MOST_MEGABYTES
