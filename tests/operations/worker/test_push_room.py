"""Events are pushed to each program by itself: one that is slow holds up itself alone; so many at most at once."""

import threading

import pytest

from outreach.core import audit
from outreach.core.audit import EventKind, tell_all
from outreach.integrations import webhooks_out
from outreach.integrations.webhooks_out import WebhookEndpoint, https
from outreach.integrations.webhooks_out._deliveries import NotDelivered
from outreach.operations.worker import push_room
from outreach.operations.worker.clock import push
from tests.factories import AUTHOR
from tests.operations.worker.test_process import begin, environment, sink, until

__all__ = ["begin", "environment", "sink"]
LAST = 120  # events: two batches
HOLDS_UP_SECONDS = 20


class Programs:
    """Take what is pushed to them, in place of HTTPS; those whose name is slow hold up whoever pushes."""

    def __init__(self, monkeypatch):
        self.release, self.asked = threading.Event(), []
        monkeypatch.setattr(https.Delivering, "__call__", lambda _deliver, url, *_: self.answer(url))

    def answer(self, url):
        self.asked.append(url)
        if "lent" in url and not self.release.wait(HOLDS_UP_SECONDS):
            raise NotDelivered("Aucune réponse.")
        return "Réponse 200."

    def held_up(self):
        return sum("lent" in url for url in self.asked) if not self.release.is_set() else 0


@pytest.fixture
def programs(monkeypatch):
    made = Programs(monkeypatch)
    yield made
    made.release.set()


@pytest.fixture
def named(database):
    """Has programs of these names followed, then something happen; returns their numbers."""

    def make(clock, *names):
        with database.writing() as session:
            by = {"now": clock(), "actor": AUTHOR}
            numbers = [
                webhooks_out.make_endpoint(session, name=name, url=f"https://{name}.example/", **by).id
                for name in names
            ]
            told = [(f"school:{n}", {"school": n}) for n in range(LAST)]
            tell_all(session, EventKind.STATUS_RECORDED, told, at=clock())
        audit.number_waiting(database)
        return numbers

    return make


def after(database, number):
    with database.reading() as session:
        return session.get_one(WebhookEndpoint, number).after


@pytest.mark.timeout(120)
def test_a_program_that_is_slow_delays_no_other(database, begin, programs, named):
    works = begin()
    slow, quick = named(works.clock, "lent", "vif")
    push(works.due)
    assert until(lambda: after(database, quick) == LAST)
    assert (programs.held_up(), after(database, slow)) == (1, 0), "it is still waited for"
    push(works.due)
    assert programs.held_up() == 1, "nothing is pushed to it twice at a time"
    programs.release.set()
    assert until(lambda: after(database, slow) == LAST)


@pytest.mark.timeout(120)
def test_no_more_programs_than_may_are_pushed_to_at_once_and_those_that_wait_come_next(
    database, begin, programs, named, monkeypatch
):
    monkeypatch.setattr(push_room, "AT_ONCE", 2)
    works = begin()
    numbers = named(works.clock, "lent-un", "lent-deux", "vif")
    push(works.due)
    assert until(lambda: programs.held_up() == 2)
    push(works.due)
    assert len(programs.asked) == 2
    programs.release.set()
    for number in numbers:
        assert until(lambda number=number: push(works.due) or after(database, number) == LAST)
