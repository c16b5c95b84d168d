"""What the audit tells of letters that were not accepted: a line a mailing and kind, and nothing of the others."""

from datetime import timedelta

import pytest
from sqlalchemy import event, update

from outreach.core.audit import entries_about
from outreach.delivery import outbox, workers
from outreach.delivery.models import Message, MessageState
from outreach.delivery.outbox import Settled
from outreach.delivery.smtp import AttemptResult, Verdict
from tests.conftest import NOW
from tests.delivery.conftest import addresses, mail_to, states

OUTCOMES = {
    "deferred": AttemptResult(Verdict.LATER, 450, "4.2.0", "greylisted"),
    "refused": AttemptResult(Verdict.NEVER, 550, "5.1.1", "no such user"),
    "policy": AttemptResult(Verdict.NEVER, 550, "5.7.1", "spam"),
    "unreached": AttemptResult(Verdict.UNREACHED),
    "unknown": AttemptResult(Verdict.UNKNOWN),
    "accepted": AttemptResult(Verdict.ACCEPTED, 250, "2.0.0", "ok"),
}


def answer(database, mailing, outcome, at=NOW):
    """Every letter of a mailing gets the same answer, in one round."""
    settled = [Settled(row.id, row.fence_id, outcome) for row in rows(database, mailing)]
    with database.writing() as session:
        outbox.record_outcomes(session, settled, now=at, again_at=at)


def rows(database, mailing):
    return states(database, mailing).values()


def fenced(database, mailing, worker="w"):
    with database.writing() as session:
        handing = {"state": MessageState.HANDING, "fence_id": "f", "worker_id": worker, "fenced_at": NOW}
        session.execute(update(Message).where(Message.mailing_id == mailing).values(handing))


def lines(database, mailing):
    with database.reading() as session:
        return [(one.actor, one.sentence) for one in entries_about(session, f"mailing:{mailing}")]


@pytest.mark.parametrize(
    ("name", "count", "told"),
    [
        ("deferred", 16, "16 courriels reportés."),
        ("deferred", 1, "1 courriel reporté."),
        ("refused", 2, "2 courriels refusés par le serveur d’envoi."),
        ("policy", 3, "3 courriels refusés par le serveur d’envoi au nom de ses règles (5.7)."),
        ("unknown", 2, "2 courriels en doute."),
        ("unreached", 2, None),
        ("accepted", 2, None),
    ],
)
def test_a_round_is_one_line_a_kind(database, name, count, told):
    mailing = mail_to(database, addresses(count))
    fenced(database, mailing)
    answer(database, mailing, OUTCOMES[name])
    assert lines(database, mailing) == ([("automatique", told)] if told else [])


def test_each_mailing_has_its_own_line_and_an_old_answer_none(database):
    first, second = (mail_to(database, addresses(count, name)) for name, count in (("a", 2), ("b", 1)))
    settled = [Settled(row.id, None, OUTCOMES["deferred"]) for one in (first, second) for row in rows(database, one)]
    with database.writing() as session:
        outbox.record_outcomes(session, settled, now=NOW, again_at=NOW)
        outbox.record_outcomes(
            session, [Settled(settled[0].message_id, "old", OUTCOMES["policy"])], now=NOW, again_at=NOW
        )
    told = [sentence for mailing in (first, second) for _, sentence in lines(database, mailing)]
    assert told == ["2 courriels reportés.", "1 courriel reporté."]


def test_the_line_is_in_the_transaction_of_the_rows(database):
    mailing = mail_to(database, addresses(2))
    with pytest.raises(RuntimeError), database.writing() as session:
        settled = [Settled(row.id, None, OUTCOMES["deferred"]) for row in rows(database, mailing)]
        outbox.record_outcomes(session, settled, now=NOW, again_at=NOW)
        session.flush()
        raise RuntimeError("no commit")
    assert lines(database, mailing) == []


def test_what_was_put_off_for_a_day_has_expired(database):
    mailing = mail_to(database, addresses(1))
    answer(database, mailing, OUTCOMES["deferred"])
    answer(database, mailing, OUTCOMES["deferred"], NOW + timedelta(hours=25))
    assert lines(database, mailing)[0] == ("automatique", "1 courriel expiré après 24 heures.")


def test_an_unseen_worker_s_doubts_are_one_line_a_mailing(database):
    mailings = [mail_to(database, addresses(count, name)) for name, count in (("a", 2), ("b", 1))]
    with database.writing() as session:
        worker = workers.join_in(session, now=NOW)
    for mailing in mailings:
        fenced(database, mailing, worker)
    with database.writing() as session:
        assert outbox.doubt_the_abandoned(session, now=NOW) == 0
        assert outbox.doubt_the_abandoned(session, now=NOW + timedelta(minutes=1)) == 3
        assert outbox.doubt_the_abandoned(session, now=NOW + timedelta(minutes=1)) == 0
    told = [("système", "2 courriels en doute."), ("système", "1 courriel en doute.")]
    assert [line for mailing in mailings for line in lines(database, mailing)] == told


def test_a_round_that_is_taken_asks_the_database_nothing_more(database):
    mailing, seen = mail_to(database, addresses(20)), []
    fenced(database, mailing)
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    answer(database, mailing, OUTCOMES["accepted"])
    assert not [one for one in seen if "audit_entries" in one]
