"""So many letters a second to a domain: what is for another is not held up, and nothing is asked in vain."""

import time
from collections import Counter

from sqlalchemy import event

from outreach.delivery.models import MessageState
from tests.conftest import NOW
from tests.delivery.conftest import mail_to, states

S = MessageState


def to(domain, count, name="po"):
    return [f"{name}{number:04}@{domain}" for number in range(count)]


def accepted(sink):
    return Counter(entry["to"].rpartition("@")[2] for entry in sink.accepted)


def test_letters_for_a_full_domain_are_passed_over_and_hold_up_nobody(database, relay, postman):
    """Nine batches of them in front: those behind leave, those of the next mailing too; nothing is counted."""
    sink = relay()
    slow, quick = to("lent.example", 2250), to("vite.example", 30)
    mailing, next_one = mail_to(database, slow + quick), mail_to(database, to("vite.example", 20, "b"))
    worker = postman(sink, domain_rates={"lent.example": 0.01})
    assert not worker.deliver(mailing)  # the clock will ask again: nothing more may go now
    assert accepted(sink) == {"lent.example": 1, "vite.example": 30}
    worker.deliver(next_one)
    assert accepted(sink)["vite.example"] == 50
    left = [row for row in states(database, mailing).values() if row.state is not S.ACCEPTED]
    assert {(row.state, row.attempts, row.due_at, row.fence_id) for row in left} == {(S.QUEUED, 0, NOW, None)}


def test_a_mailing_that_waits_for_its_domain_asks_little_of_the_database(database, relay, postman):
    mailing = mail_to(database, to("lent.example", 2500))
    worker = postman(relay(), domain_rates={"*": 0.01})
    worker.deliver(mailing)
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *facts: asked.append(facts[2]))
    assert not worker.deliver(mailing)
    assert len(asked) < 50  # of ten batches it looks into two: one, and the next while that one leaves


def test_a_domain_gets_its_rate_in_the_end_and_no_more(database, relay, postman):
    sink = relay()
    mailing = mail_to(database, to("lent.example", 90) + to("vite.example", 10))
    worker, started = postman(sink, domain_rates={"lent.example": 40}), time.monotonic()
    for _ in range(200):
        worker.deliver(mailing)
        count = accepted(sink)
        assert count["vite.example"] == 10
        assert count["lent.example"] <= 40 * (time.monotonic() - started + 1)
        if count["lent.example"] == 90:
            break
        time.sleep(0.02)  # what is measured is the time
    assert count["lent.example"] == 90


def test_every_domain_is_paced_by_itself_under_the_star(database, relay, postman):
    sink = relay()
    everybody = [address for number in range(40) for address in to(f"d{number}.example", 3)]
    mailing = mail_to(database, everybody)
    assert not postman(sink, domain_rates={"*": 0.01, "d0.example": 500}).deliver(mailing)
    assert accepted(sink) == {"d0.example": 3, **{f"d{number}.example": 1 for number in range(1, 40)}}


def test_a_turn_that_only_met_full_domains_is_not_followed_by_another_at_once(database, relay, postman, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending.postman.SHARE_SECONDS", 0)
    everybody = [f"po@d{number}.example" for number in range(20)]
    first, second = mail_to(database, everybody), mail_to(database, everybody)
    worker = postman(relay(), domain_rates={"*": 0.01})
    assert [worker.deliver(first), worker.deliver(second)] == [True, False]
