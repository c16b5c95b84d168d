"""What comes back about a letter in doubt: it shows that a relay took it, when it is proved to be about that letter."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from outreach.delivery import outbox
from outreach.delivery.models import DoubtPolicy, Message, MessageClass, MessageState
from outreach.delivery.outbox import Proof
from tests.conftest import NOW
from tests.delivery.bounces.returns import FIRST, FORGED, SECOND, notice, sent, three_sent, told
from tests.delivery.bounces.test_bounces import LATER, suppressed, take, without_token
from tests.delivery.conftest import states

S = MessageState
PROOFS = {
    "postfix-delayed": Proof.DELAYED,
    "success": Proof.INFORMATION,
    "receipt": Proof.INFORMATION,
    "absence-fr": Proof.AUTO_REPLY,
    "arf": Proof.COMPLAINT,
    "human": Proof.HUMAN,
    "unsubscribe": Proof.UNSUBSCRIPTION,
}
UNANSWERED = {"reply_code": None, "reply_text": ""}
DOUBTS = [{"state": S.IN_DOUBT}, {"state": S.HANDING}, {"state": S.QUEUED, "resent_at": NOW}]
OTHERS = [{"state": S.QUEUED}, {"state": S.REFUSED}, {"state": S.EXPIRED}]


@pytest.fixture
def mailing(database):
    return three_sent(database)


def put_back(database, **values):
    with database.writing() as session:
        session.execute(update(Message).where(Message.address == FIRST).values(**UNANSWERED, **values))


def found(database, mailing):
    row = states(database, mailing)[FIRST]
    return row.state, row.reply_text


@pytest.mark.one_example
@pytest.mark.parametrize("values", DOUBTS, ids=lambda values: values["state"])
@pytest.mark.parametrize("name", PROOFS)
def test_a_notice_that_only_a_letter_taken_can_bring_about_settles_its_doubt(database, mailing, name, values):
    put_back(database, **values)
    take(database, told(database, mailing, name))
    assert found(database, mailing) == (S.ACCEPTED, PROOFS[name])
    assert states(database, mailing)[FIRST].settled_at == LATER


def test_a_refusal_where_mail_goes_on_to_shows_that_the_letter_was_taken(database, mailing):
    put_back(database, state=S.IN_DOUBT)
    take(database, told(database, mailing, "exchange").replace(FIRST.encode(), b"jeanne@commune.example"))
    assert found(database, mailing) == (S.ACCEPTED, Proof.ELSEWHERE)


def test_the_message_id_and_its_recipient_together_settle_a_doubt(database, mailing):
    put_back(database, state=S.IN_DOUBT)
    content = without_token(told(database, mailing, "postfix-delayed"))
    take(database, content.replace(FIRST.encode(), SECOND.encode()))
    assert found(database, mailing) == (S.IN_DOUBT, "")
    take(database, content)
    assert found(database, mailing) == (S.ACCEPTED, Proof.DELAYED)


@pytest.mark.parametrize("name", PROOFS)
def test_a_forged_notice_settles_nothing(database, mailing, name):
    put_back(database, state=S.IN_DOUBT)
    identity = states(database, mailing)[FIRST].public_id
    take(database, notice(name, identity=identity, address=FIRST, keys=FORGED, ID="0" * 16))
    assert found(database, mailing) == (S.IN_DOUBT, "")


@pytest.mark.parametrize("values", OTHERS, ids=lambda values: values["state"])
def test_a_notice_about_a_letter_that_is_not_in_doubt_leaves_it_as_it_is(database, mailing, values):
    put_back(database, **values)
    take(database, told(database, mailing, "absence-fr"))
    assert found(database, mailing) == (values["state"], "")


def test_what_nobody_can_tell_leaves_the_doubt_to_a_person(database, mailing):
    put_back(database, state=S.IN_DOUBT)
    take(database, told(database, mailing, "exchange-fr"))
    assert found(database, mailing) == (S.IN_DOUBT, "")


def test_a_statutory_notice_that_is_known_to_be_taken_is_not_sent_again(database):
    details = {"kind": MessageClass.STATUTORY, "policy": DoubtPolicy.RESEND}
    three_sent(database)
    mailing = sent(database, [FIRST, SECOND], S.IN_DOUBT, **details)
    take(database, told(database, mailing, "postfix-delayed"))
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=NOW + timedelta(hours=3)) == 1
    assert {address: row.state for address, row in states(database, mailing).items()} == {
        FIRST: S.ACCEPTED,
        SECOND: S.QUEUED,
    }


def test_who_complains_in_doubt_is_excluded_and_has_the_letter(database, mailing):
    put_back(database, state=S.IN_DOUBT)
    take(database, told(database, mailing, "arf"))
    assert suppressed(database) == {FIRST: "complaint"}
    assert found(database, mailing) == (S.ACCEPTED, Proof.COMPLAINT)
