"""Channels beside mail: each has the four places of its name, and a fifth is a row, a migration and these."""

import subprocess
import sys

import pytest

from outreach.campaigns.evidence import BY_HAND
from outreach.core.settings import ROOT


@pytest.mark.parametrize("channel", BY_HAND)
def test_a_channel_has_the_four_places_of_its_name(channel):
    pages = ROOT / "templates" / "pages" / "campaigns" / "channels"
    assert all((pages / channel / file).exists() for file in ("index.html", "waiting.html"))
    assert (ROOT / "outreach" / "campaigns" / "channels" / f"_{channel}.py").exists()
    assert (ROOT / "outreach" / "web" / "pages" / "campaigns" / "channels" / f"{channel}.py").exists()
    assert (ROOT / "tests" / "campaigns" / "channels" / f"test_{channel}.py").exists()


@pytest.mark.long
def test_a_fifth_channel_is_a_row_a_migration_and_its_page(sample_database, templates):
    """In the form of dates, the forecast, the clock, the tabs, what waits, what is counted: without another line."""
    url = sample_database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.campaigns.channels.fifth_channel", url, str(templates.data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
