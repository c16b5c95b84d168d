"""To which authority mails belong, in both databases: counted over the corpus, and what proves nothing."""

from collections import Counter

import pytest
from sqlalchemy import func, select, update

from outreach.delivery import received
from outreach.delivery.bounces import KeptNotice
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from outreach.delivery.received import ReceivedFile, ReceivedMail, Trust
from outreach.directory.models import Authority, Contact, ContactSource
from tests import factories
from tests.conftest import NOW
from tests.delivery.bounces.returns import three_sent
from tests.delivery.received import corpus
from tests.delivery.received.corpus import KEYS, SERVER, Sent, mail, proved

OURS = Trust(SERVER)


@pytest.fixture
def letters(database):
    """Three letters, each to an authority whose address is in use."""
    three_sent(database)
    with database.reading() as session:
        query = select(Authority.fase, Message.public_id, Message.address)
        sent = session.execute(query.join(Message, Message.authority_id == Authority.id).order_by(Message.id))
        return [Sent(*row) for row in sent]


def take(database, content, trust=OURS):
    return received.take_in(database, content, KEYS, trust, now=NOW)


def count(database, table):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_the_corpus_goes_to_the_right_authorities_and_never_to_a_wrong_one(database, letters):
    cases = corpus.of(letters)
    found = [(case, take(database, case.content)) for case in cases]
    expected = [(case, one) for case, one in found if case.fase]
    right = [case for case, one in expected if (one.fase, one.by) == (case.fase, case.by)]
    assert not [case.name for case, one in found if one.fase not in {None, case.fase}]
    assert len(expected) > 60
    assert len(right) >= len(expected) * 0.98
    assert not [(case.name, one.verdict) for case, one in found if one.verdict != case.verdict]
    verdicts = Counter(one.verdict for _, one in found)
    assert count(database, ReceivedMail) == verdicts["reply"] + verdicts["automatic"] + verdicts["unattached"]


def test_a_copy_is_kept_once_and_told_alike(database, letters):
    content = mail("Oui.", sender="x@y.example", to=letters[0].marked)
    assert take(database, content) == take(database, b"Received: from x\r\n" + content)
    assert count(database, ReceivedMail) == 1


def test_a_return_acts_on_its_letter_as_one_in_the_mailbox_of_returns(database, letters):
    report = next(case for case in corpus.returns(letters) if case.name == "report")
    for _ in range(2):
        assert take(database, report.content).verdict == "return"
    with database.reading() as session:
        letter = session.scalar(select(Message).where(Message.public_id == letters[0].identity))
        assert letter.state is MessageState.REFUSED
    assert (count(database, KeptNotice), count(database, ReceivedMail)) == (1, 0)


def test_an_address_of_two_authorities_is_nobodys_and_one_that_is_retired_neither(database, letters):
    first, second = letters[:2]
    said = proved(first.address)
    with database.writing() as session:
        contact = session.scalars(select(Contact).where(Contact.address == first.address)).one()
        other = session.scalars(select(Authority).where(Authority.fase == second.fase)).one()
        given = {"address": first.address, "address_key": contact.address_key, "address_ascii": contact.address_ascii}
        kind = {"mailbox_kind": contact.mailbox_kind, "source": ContactSource.STAFF}
        session.add(Contact(authority_id=other.id, **given, **kind, added_at=NOW, added_by=factories.AUTHOR))
    assert take(database, mail("Oui.", sender=first.address, **said)).fase is None
    with database.writing() as session:
        for contact in session.scalars(select(Contact).where(Contact.address == letters[2].address)):
            contact.retired_at, contact.retired_by = NOW, factories.AUTHOR
    gone = letters[2].address
    assert take(database, mail("Non.", sender=gone, **proved(gone))).fase is None
    held = second.address
    assert take(database, mail("Non.", sender=held, **proved(held))).fase == second.fase


def test_a_demonstration_believes_a_sender_and_an_installation_without_a_server_nobody(database, letters):
    address = letters[0].address.upper()
    assert take(database, mail("Oui.", sender=address), Trust()).by is None
    assert take(database, mail("Oui, oui.", sender=address, **proved(address)), Trust()).by is None
    assert take(database, mail("Oui !", sender=address), Trust(anybody=True)).by == "sender"


def test_a_mark_goes_before_a_reference_and_a_reference_before_a_sender(database, letters):
    first, second, third = letters
    said = {"sender": third.address, **proved(third.address)}
    both = take(database, mail("Oui.", to=first.marked, In_Reply_To=second.ident, **said))
    assert (both.fase, both.by) == (first.fase, "mark")
    answer = take(database, mail("Oui.", In_Reply_To=second.ident, References=f"{first.ident} {second.ident}", **said))
    assert (answer.fase, answer.by) == (second.fase, "reference")
    several = take(database, mail("Oui.", References=f"{first.ident} {second.ident}", **said))
    assert (several.fase, several.by) == (third.fase, "sender")


def test_a_reply_to_a_test_letter_is_nobodys(database, letters):
    with database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    assert take(database, mail("Oui.", sender="x@y.example", to=letters[0].marked)).fase is None


def test_files_go_with_their_mail(database, letters):
    content = (
        f"From: x@y.example\r\nTo: {letters[0].marked}\r\nContent-Type: application/pdf\r\n"
        "Content-Disposition: attachment; filename=a.pdf\r\n\r\nx"
    )
    take(database, content.encode())
    with database.writing() as session:
        assert [file.name for file in session.scalars(select(ReceivedMail)).one().files] == ["a.pdf"]
        session.delete(session.scalars(select(ReceivedMail)).one())
    assert count(database, ReceivedFile) == 0


def test_marks_of_two_authorities_are_nobodys_and_ten_of_one_are_its_own(database, letters):
    first, second = letters[:2]
    said = {"sender": "x@y.example"}
    both = take(database, mail("Oui.", to=f"{first.marked}, {second.marked}", **said))
    assert (both.fase, both.verdict) == (None, "unattached")
    invented = f"reponses+{'a' * 40}@fwb.example"
    for count in (1, 10, 500):
        made = take(
            database, mail(f"Oui, {count}.", to=", ".join([first.marked, invented, *[first.marked] * count]), **said)
        )
        assert (made.fase, made.by) == (first.fase, "mark")
