"""The table of statuses: its rows agree with each other, and a new one is a row and a migration."""

import subprocess
import sys
from pathlib import Path

import pytest

from outreach.adherence.situation import Bucket, Solicitation
from outreach.adherence.statuses import CLOSED_TO_REMINDERS, STILL_OPEN, Meaning, Status
from outreach.directory.reference import fold

ROOT = Path(__file__).parents[2]


def test_every_status_has_its_words_and_one_closes_a_strand_in_each_way():
    for one in (*Bucket, *Solicitation):
        assert one.label
        assert one.facts.definition.endswith(".")
        assert all(one.facts.does)
    assert [one for one in Status if one.facts.meaning is Meaning.JOINED] == [Status.JOINED]
    assert [one for one in Status if one.facts.meaning is Meaning.NOT_CONCERNED] == [Status.NOT_CONCERNED]
    assert {*CLOSED_TO_REMINDERS, *STILL_OPEN} == set(Status)


def test_a_word_of_a_list_says_one_status():
    words = [fold(word) for status in Status for word in (status.label, *status.facts.heard)]
    assert len(words) == len(set(words))
    assert words == [fold(word) for word in words], "heard words are folded"


def test_a_school_counts_as_each_status_once():
    assert {one.value for one in Bucket} == {one.value for one in Status} | {Bucket.DECLARED.value}
    assert [one.value for one in Bucket if one is not Bucket.DECLARED] == [one.value for one in Status]


@pytest.mark.long
@pytest.mark.only_one
@pytest.mark.postgresql
def test_an_eighth_status_is_a_row_and_a_migration(sample_database, templates):
    """On pages, in lists, files, charts, notes and for programs: without another line."""
    url = sample_database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.adherence.eighth_status", url, str(templates.data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
