"""Jobs: asked for by a person, leased by one process at a time, cancelled, and their files in pieces."""

from datetime import timedelta

import pytest

from outreach.core.jobs import AskedJob, Job, JobState, JobWork, LeaseLost
from outreach.core.jobs import _queue as queue
from outreach.core.jobs import _work as leases
from outreach.core.jobs._models import JobPiece
from outreach.core.jobs._work import PIECE_BYTES
from outreach.core.text.errors import NotFound, Refused
from tests.conftest import NOW

ADA, LUC = "ada@fwb.example", "luc@fwb.example"
LATE = NOW + leases.PERIOD + timedelta(seconds=1)


def asked(database, person=ADA, address="/directory/export.csv", **about):
    with database.writing() as session:
        return queue.ask_job(session, person, AskedJob("Pouvoirs organisateurs", address, **about), now=NOW).id


def claimed(database, now=NOW):
    with database.writing() as session:
        return leases.claim_job(session, now=now)


def job(database, number):
    with database.reading() as session:
        found = queue.job_numbered(session, number)
        session.expunge(found)
        return found


def file_of(database, number):
    return b"".join(queue.read_pieces(database, number))


def test_the_same_request_is_one_job_and_a_person_has_three_at_once(database):
    first = asked(database)
    assert asked(database) == first
    others = [asked(database, address=f"/directory/export.csv?page={page}") for page in (2, 3)]
    with pytest.raises(Refused, match="trois tâches"):
        asked(database, address="/responses/export.csv")
    assert asked(database, LUC) not in {first, *others}
    with database.writing() as session:
        queue.cancel_job(session, queue.job_numbered(session, first), now=NOW)
    assert asked(database) not in {first, *others}


def test_a_job_is_of_the_person_who_asked_for_it(database):
    number = asked(database)
    with database.reading() as session:
        assert queue.job_of(session, number, ADA).id == number
        for other in (LUC, ""):
            with pytest.raises(NotFound):
                queue.job_of(session, number, other)
        assert [one.id for one in queue.list_jobs(session, ADA).every()] == [number]
        assert queue.list_jobs(session, LUC).count() == 0


def test_jobs_are_done_in_order_by_one_process_each(database):
    numbers = [asked(database), asked(database, LUC)]
    leased = [claimed(database), claimed(database)]
    assert [number for number, _ in leased] == numbers
    assert claimed(database) is None
    with database.reading() as session:
        assert not leases.anything_due(session, now=NOW)
        assert leases.anything_due(session, now=LATE)


def test_a_process_that_lost_its_lease_writes_nothing_more(database):
    number = asked(database)
    _, lease = claimed(database)
    first = JobWork(database, number, lease, lambda: NOW)
    first.write(b"a" * PIECE_BYTES)
    _, other = claimed(database, LATE)
    second = JobWork(database, number, other, lambda: LATE)
    for late in (
        lambda: first.write(b"a" * PIECE_BYTES),
        lambda: first.save("un.csv", "text/csv"),
        lambda: first.fail("Non."),
    ):
        with pytest.raises(LeaseLost):
            late()
    with pytest.raises(LeaseLost), first.finishing() as session:
        session.add(JobPiece(job_id=number, place=77, content=b""))
    second.write(b"b" * PIECE_BYTES)
    second.write(b"c")
    second.save("deux.csv", "text/csv")
    assert file_of(database, number) == b"b" * PIECE_BYTES + b"c"
    done = job(database, number)
    assert (done.state, done.file_name, done.size) == (JobState.DONE, "deux.csv", PIECE_BYTES + 1)


def test_what_a_job_does_and_its_end_are_one_transaction(database):
    number = asked(database)
    _, lease = claimed(database)
    work = JobWork(database, number, lease, lambda: NOW)
    with pytest.raises(ValueError, match="broken"), work.finishing() as session:
        queue.ask_job(session, LUC, AskedJob("Autre", "/x"), now=NOW)
        raise ValueError("broken")
    assert job(database, number).state is JobState.RUNNING
    with work.finishing() as session:
        queue.ask_job(session, LUC, AskedJob("Autre", "/x"), now=NOW)
        work.tell("Trois adresses sont changées.")
    done = job(database, number)
    assert (done.state, done.said, done.lease) == (JobState.DONE, "Trois adresses sont changées.", None)
    with database.reading() as session:
        assert queue.list_jobs(session, LUC).count() == 1


def test_a_cancelled_job_stops_whoever_does_it_and_leaves_nothing(database):
    number = asked(database)
    _, lease = claimed(database)
    work = JobWork(database, number, lease, lambda: NOW)
    work.write(b"a" * PIECE_BYTES)
    with database.writing() as session:
        queue.cancel_job(session, queue.job_numbered(session, number), now=NOW)
    with pytest.raises(LeaseLost):
        work.write(b"a" * PIECE_BYTES)
    assert file_of(database, number) == b""
    with database.writing() as session:
        leases.put_back(session, number, lease, now=NOW, broke=True)
        with pytest.raises(Refused, match="déjà annulée"):
            queue.cancel_job(session, queue.job_numbered(session, number), now=NOW)
        assert queue.repeat_job(session, queue.job_numbered(session, number), now=NOW).id != number


def test_a_job_at_which_children_die_has_failed_the_third_time_and_one_that_is_put_back_waits(database):
    number = asked(database)
    for _ in range(5):
        with database.writing() as session:
            _, lease = leases.claim_job(session, now=NOW)
            leases.put_back(session, number, lease, now=NOW, broke=False)
    for _ in range(leases.MOST_BREAKS):
        assert job(database, number).state is JobState.WAITING
        with database.writing() as session:
            _, lease = leases.claim_job(session, now=NOW)
            leases.put_back(session, number, lease, now=NOW, broke=True)
    failed = job(database, number)
    assert (failed.state, failed.ended_at, failed.said) == (JobState.FAILED, NOW, leases.BROKEN)


def test_progress_is_written_at_most_once_a_second(database):
    number = asked(database)
    _, lease = claimed(database)
    moments = iter([NOW, NOW + timedelta(seconds=0.5), NOW + timedelta(seconds=1.5)])
    work = JobWork(database, number, lease, lambda: next(moments))
    work.progress(500)
    assert job(database, number).done == 0
    work.progress(1_000, 4_000)
    assert (job(database, number).done, job(database, number).percent) == (1_000, 25)


@pytest.mark.parametrize("about", [{"form": [("a", "x" * queue.MOST_FORM)]}, {"address": "/" + "x" * queue.MOST_FORM}])
def test_a_request_has_a_size(database, about):
    with pytest.raises(Refused, match="trop long"):
        asked(database, method="POST", **about)


def test_a_lease_of_a_clock_that_was_set_back_since_is_over(database):
    number = asked(database)
    claimed(database, NOW + timedelta(hours=5))
    assert claimed(database)[0] == number
    assert claimed(database, NOW - leases.PERIOD) is None, "clocks of two machines differ by some seconds"


def test_a_change_that_is_done_is_not_asked_for_again_and_a_file_is(database):
    for ends, is_refused in ((lambda work: work.save("un.csv", "text/csv"), False), (change, True)):
        number = asked(database)
        _, lease = claimed(database)
        ends(JobWork(database, number, lease, lambda: NOW))
        with database.writing() as session:
            done = queue.job_numbered(session, number)
            if is_refused:
                with pytest.raises(Refused, match="est faite"):
                    queue.repeat_job(session, done, now=NOW)
            else:
                queue.cancel_job(session, queue.repeat_job(session, done, now=NOW), now=NOW)


def change(work):
    with work.finishing():
        pass


def test_a_person_fills_no_disk_the_oldest_results_go(database, monkeypatch):
    monkeypatch.setattr(queue, "MOST_OVER", 2)
    other = asked(database, LUC)
    numbers = []
    for page in range(5):
        numbers.append(asked(database, address=f"/x?page={page}"))
        with database.writing() as session:
            queue.cancel_job(session, queue.job_numbered(session, numbers[-1]), now=NOW)
    with database.reading() as session:
        assert [one.id for one in queue.list_jobs(session, ADA).every()] == numbers[:1:-1]
        assert queue.job_numbered(session, other)


def test_no_result_outlives_its_job(database):
    number = asked(database)
    _, lease = claimed(database)
    JobWork(database, number, lease, lambda: NOW).write(b"a" * PIECE_BYTES)
    with database.writing() as session:
        session.delete(session.get(Job, number))
    with database.reading() as session:
        assert session.get(JobPiece, (number, 0)) is None
