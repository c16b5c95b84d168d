"""The job room: a job in a child that gives way, within limits, that ends with its process, its lease or its time."""

import os
import subprocess
import sys
import threading
import time

import pytest

from outreach.core import jobs
from outreach.core.jobs import AskedJob, JobState
from outreach.core.jobs import _work as work
from outreach.core.settings import read
from outreach.operations.worker import job_room
from outreach.operations.worker.job_room import AWAY, JobRoom
from tests.conftest import NOW
from tests.machine import state_of

ADA = "ada@fwb.example"
ENDS, BREAKS, GOES_ON = (
    "pass",
    "raise SystemExit(3)",
    "import time; open({0!r}, 'w').write(str(os.getpid())); time.sleep(60)",
)


BEGETS = """
import subprocess, time
open({0!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))
time.sleep(60)
"""


@pytest.fixture
def room(settings, database):
    """Makes the job room of a process whose children run this program; it is closed at the end."""
    stop, made = threading.Event(), []

    def opened(program, letters_leave=lambda: False):
        child = (sys.executable, "-c", f"import os\n{program}")
        made.append(JobRoom(settings, database, stop, child=child, letters_leave=letters_leave))
        made[0].open()
        made[0].look()
        return made[0]

    yield opened
    stop.set()
    for one in made:
        one.close()


@pytest.fixture
def asked(database):
    with database.writing() as session:
        return jobs.ask_job(session, ADA, AskedJob("Fichier", "/x.csv"), now=NOW).id


def until(told):
    end = time.monotonic() + 60
    while not (found := told()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


def job(database, number):
    with database.reading() as session:
        found = jobs.job_numbered(session, number)
        session.expunge(found)
        return found


def test_a_job_at_which_each_child_dies_has_failed(database, room, asked):
    room(BREAKS)
    assert until(lambda: job(database, asked).state is JobState.FAILED)
    assert job(database, asked).said == work.BROKEN


def test_a_job_is_not_at_fault_when_the_database_does_not_answer_its_child(database, settings, asked):
    room = JobRoom(settings, database, threading.Event(), child=(sys.executable, "-c", f"raise SystemExit({AWAY})"))
    room._do(*room._claim())
    left = job(database, asked)
    assert (left.state, left.breaks) == (JobState.RUNNING, 0), "it begins again when its lease runs out"


def test_a_fault_of_ours_ends_no_room_and_the_next_look_does_the_job(database, room, asked, monkeypatch, caplog):
    claimed, faults = JobRoom._claim, iter([AttributeError("a fault of ours")])

    def claim(self):
        for fault in faults:
            raise fault
        return claimed(self)

    monkeypatch.setattr(JobRoom, "_claim", claim)
    opened = room(BREAKS)
    until(lambda: [line for line in caplog.records if getattr(line, "event", "") == "jobs_failed"])
    opened.look()
    assert until(lambda: job(database, asked).state is JobState.FAILED)


@pytest.mark.parametrize("program", [GOES_ON, BEGETS])
def test_a_child_ends_when_its_job_is_cancelled_with_those_that_it_started(
    database, room, asked, tmp_path, monkeypatch, program
):
    monkeypatch.setattr(job_room, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(job_room, "LOOK_SECONDS", 0.05)
    started = tmp_path / "started"
    room(program.format(str(started)))
    child = int(until(lambda: started.exists() and started.read_text()))
    with database.writing() as session:
        jobs.cancel_job(session, jobs.job_numbered(session, asked), now=NOW)
    until(lambda: not state_of(child))
    assert job(database, asked).state is JobState.CANCELLED


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="the system has no such way")
def test_a_child_takes_the_processor_when_nothing_else_wants_it_only_while_letters_leave(
    room, asked, tmp_path, monkeypatch
):
    monkeypatch.setattr(job_room, "LOOK_SECONDS", 0.05)
    started, leave = tmp_path / "started", threading.Event()
    room(GOES_ON.format(str(started)), letters_leave=leave.is_set)
    child = int(until(lambda: started.exists() and started.read_text()))
    assert os.sched_getscheduler(child) == os.SCHED_OTHER
    leave.set()
    assert until(lambda: os.sched_getscheduler(child) == os.SCHED_IDLE)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="the system has no such way")
def test_a_process_gives_way_for_no_longer_than_asked():
    program = (
        "import os; from outreach.operations.worker.job_room import give_way\n"
        "for asked in (True, True, False, False): give_way(0, asked); print(os.sched_getscheduler(0))"
    )
    said = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    back = os.SCHED_IDLE if os.geteuid() else os.SCHED_OTHER
    assert [int(way) for way in said] == [os.SCHED_IDLE] * 2 + [back] * 2


def test_a_job_that_takes_too_long_has_failed(database, room, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(job_room, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(job_room, "LOOK_SECONDS", 0.05)
    room(GOES_ON.format(str(tmp_path / "started")))
    assert until(lambda: job(database, asked).state is JobState.FAILED)
    assert job(database, asked).said == job_room.TOO_LONG


def test_a_process_that_stops_leaves_its_job_to_others(database, settings, room, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(job_room, "LOOK_SECONDS", 0.05)
    started = tmp_path / "started"
    opened = room(GOES_ON.format(str(started)))
    child = int(until(lambda: started.exists() and started.read_text()))
    opened.stop.set()
    opened.close()
    assert not state_of(child)
    left = job(database, asked)
    assert (left.state, left.breaks) == (JobState.WAITING, 0)


@pytest.mark.long
def test_a_real_child_does_a_job_and_ends_with_whoever_started_it(sample_database, tmp_path, sample_url):
    """The whole way, in processes of their own: a file is prepared, and a child whose parent is gone ends by itself."""
    environment = {"OUTREACH_DATA": str(tmp_path), "OUTREACH_DATABASE_URL": sample_url}
    with sample_database.writing() as session:
        number = jobs.ask_job(session, "nadia.lambert@fwb.example", AskedJob("PO", "/directory/export.csv"), now=NOW).id
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        stop = threading.Event()
        room = JobRoom(read(environment), sample_database, stop)
        room.open()
        room.look()
        assert until(lambda: job(sample_database, number).state.is_over)
        stop.set()
        room.close()
    done = job(sample_database, number)
    assert (done.state, done.mimetype) == (JobState.DONE, "text/csv; charset=utf-8"), done.said
    assert b"9001" in b"".join(jobs.read_pieces(sample_database, number))
