"""985 letters on paper: at most 60 seconds of processor and 300 MB, the children that set them included."""

import json
import subprocess
import sys

import pytest

from outreach.campaigns.channels import _paper_files as paper_files
from outreach.core.settings import ROOT
from tests.campaigns.channels.conftest import paper_campaign

LETTERS = 985
MOST_SECONDS, MOST_MEGABYTES = 60, 300
pytestmark = pytest.mark.deep


# In a process of its own: the peak of one that has run other tests is theirs.
PROGRAM = """
import json, re, resource, sys, time
from pathlib import Path
from outreach.campaigns.channels import paper as batches, paper_files as files
from outreach.core.db import Database
from tests.campaigns.conftest import SENDING
from tests.campaigns.channels.conftest import campaign_of
from tests.conftest import NOW
from tests.factories import AUTHOR

def processor():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

database, number = Database(sys.argv[1]), int(sys.argv[2])
before, began = processor(), time.monotonic()
with database.writing() as session:
    campaign = campaign_of(session, number)
    (wave,) = batches.waves_of(campaign)
    made = batches.make(session, campaign, wave, SENDING, sheet=False, now=NOW, actor=AUTHOR).batch.id
making = processor() - before
with database.reading() as session:
    batch = batches.batch_of(session, campaign_of(session, number), made)
    found = files.files_of(session, batch, SENDING, now=NOW, author="Nadia Lambert")
status = Path("/proc/self/status").read_text()
print(json.dumps({
    "letters": found.letters,
    "pages": [files.pages_in(found.contents[name]) for name in found.parts],
    "bytes": sum(map(len, found.contents.values())),
    "seconds": processor() - before,
    "making": making,
    "wall": time.monotonic() - began,
    "own": int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1000,
    "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000,
}))
"""


def test_a_batch_for_every_authority_is_made_within_its_limits(programmed, people, record_property):
    number = paper_campaign(programmed, schools=[1 + place % 12 for place in range(LETTERS)])
    url = programmed.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PROGRAM, url, str(number)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    content = json.loads(said.stdout.splitlines()[-1])
    for name in ("seconds", "making", "wall", "own", "child"):
        record_property(name, round(content[name], 1))
    print({**content, "pages": len(content["pages"])})
    assert content["letters"] == LETTERS
    assert max(content["pages"]) <= paper_files.MOST_PAGES
    assert content["seconds"] <= MOST_SECONDS
    assert max(content["own"], content["child"]) <= MOST_MEGABYTES
