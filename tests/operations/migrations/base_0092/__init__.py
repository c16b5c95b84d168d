"""A populated base of 0.3.0 (commit 80d4deb5, revision 0092): what every upgrade from there has to carry over.

A test gets it by a fixture, on the database that it asks for; each is made once a run, and then copied:

- `base_0092`: the base as 0.3.0 left it;
- `upgraded_base`: the same at the newest revision;
- `installed_base`: the latter, as its installation opens it and sends from it;
- `settings_of_base`: the settings of that installation at `AT`, whose data folder, that of the test, holds its keys.

    from tests.operations.migrations.base_0092 import base_0092, installed_base, settings_of_base, upgraded_base

The rows are those of a demonstration of 1 December 2026 that was cut down to 284 authorities and 561 schools. Its
people then used it until 17 December, by pages, commands, the clock and the functions below them, all of 0.3.0. Every
table of 0.3.0 has rows but `staged_authorities`, which is empty between launches. `rows.json.xz` is what
`tools/dump.py` wrote of it, in one line. It is never changed: what a later version finds hard in it may stand in a real
base, too.

What stands in it, beside the demonstration's story:

- campaigns in each state, by the numbers below; a letter in doubt, one put off, several that came back; a wave missed;
- an added reminder that was given up, and one that waits, since its audience drifted; exceptions and exemptions, some
  withdrawn; answers of seven kinds, one by a letter's code, one that waits in a sheet; unsubscriptions, one taken back;
- lists of joinings: by people, by a program, by a signed service; one with days before the campaigns, one undone, one
  received and not applied; authorities that merged, a school that moved, corrections of names and addresses;
- notes: two published, one a correction; one approved, and corrected since; one refused; one that waits; drafts;
- keys of programs: one that wrote lately, one that wrote in July, some that only read, one that was ended; a sender,
  two push targets, two calendar addresses, a second factor, an identity of an issuer, a deputy;
- things under way: two jobs that are not over, drafts of half-filled forms, a letter to an account and an alert in the
  outbox, clicks of letters that count nothing else, the erasure of a person.
"""

import json
import lzma
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from outreach.campaigns import segments
from outreach.core import erasure
from outreach.core.settings import read
from outreach.delivery import workers
from outreach.operations import migrations
from tests.conftest import state_from
from tests.operations.migrations.dumps import bare, insert

FOLDER = Path(__file__).parent
REVISION = "0092"
AT = datetime(2026, 12, 17, 13, 5, tzinfo=UTC)  # a few minutes after its last row
PEOPLE = {
    "author": "nadia.lambert@fwb.example",
    "approver": "lea.roland@fwb.example",
    "approver_with_second_factor": "marc.dethier@fwb.example",
    "reader": "claire.simon@fwb.example",
    "administrator": "hugo.willems@fwb.example",
    "federation": "sophie.maes@segec.example",
}

# Campaigns by number.
STORY, TO_ALL, DRAFT = 1, 2, 3
TOLD, TOLD_AND_CLOSED, REHEARSED = 4, 5, 6
TO_A_LIST, WITH_DRAFTS = 7, 8
OF_CLICKS, WRONG, PAUSED, CANCELLED = 9, 10, 11, 12
RESTORED, CALLED_OFF, WITH_EXCEPTIONS, CORRECTION = 13, 14, 15, 16
DRAWN, FOLLOWS_A_DRAW, DRAWN_AND_SUBMITTED = 17, 18, 19
RUNNING = TO_ALL, DRAWN  # a wave of each is under way: some of its letters have left


@cache
def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row by its table's name, as `tools.dump` gives them."""
    return json.loads(lzma.decompress((FOLDER / "rows.json.xz").read_bytes()))


def keys() -> dict[str, Any]:
    """The installation's `files`, and what it had `given` to programs and telephones."""
    return json.loads((FOLDER / "made_up_keys.json").read_text(encoding="utf-8"))


def write_keys(data: Path) -> None:
    """Put the installation's keys, its identity and its record of erasures into a data folder."""
    data.chmod(0o700)
    for name, content in keys()["files"].items():
        path = data / name
        path.write_text(content, encoding="utf-8")
        path.chmod(0o600)


def environment(data: Path, url: str, at: datetime = AT) -> dict[str, str]:
    """What its installation reads at a moment: a demonstration, whose clock was moved there."""
    offset = int((at - datetime.now(UTC)) / timedelta(seconds=1))
    return {"OUTREACH_DATA": str(data), "OUTREACH_DATABASE_URL": url, "OUTREACH_CLOCK_OFFSET": str(offset)}


@state_from("empty")
def base_0092(database, _settings):
    """The base at its own revision."""
    emptied = bare(database.engine.url.render_as_string(hide_password=False))
    migrations.upgrade(emptied.engine, REVISION)
    insert(emptied, rows())
    emptied.dispose()


@state_from("base_0092")
def upgraded_base(database, _settings):
    """The base at the newest revision."""
    migrations.upgrade(database.engine)


@pytest.fixture
def settings_of_base(tmp_path, fresh_url):
    """The settings of its installation at `AT`."""
    write_keys(tmp_path)
    return read(environment(tmp_path, fresh_url))


@pytest.fixture
def installed_base(upgraded_base, settings_of_base):
    """The upgraded base as its installation opens it, and may send from it: somebody confirmed that it was moved."""
    upgraded_base.info.update(segments.info_of(settings_of_base) | erasure.info_of(settings_of_base))
    here, actor = workers.read(settings_of_base.data), PEOPLE["administrator"]
    with upgraded_base.writing() as session:
        workers.confirm(session, here, now=AT, actor=actor)
    return upgraded_base
