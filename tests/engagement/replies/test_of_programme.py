"""Where several programmes are loaded, the journal and the history of an authority name that of each strand."""

from datetime import timedelta

from sqlalchemy import func, select

from outreach.adherence import programmes, records
from outreach.adherence.models import Status, Word
from outreach.core.audit import AuditEntry
from outreach.core.text.dates import today
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Ownership, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, WithdrawalReason
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.programmes import BARE, FIRST, JOINED, NAME, two_programmes

__all__ = ["two_programmes"]


def plain(said):
    return said.replace("\xa0", " ").replace("\u202f", " ")


def test_every_sentence_of_the_journal_about_a_strand_names_its_programme(two_programmes):
    by = {"now": NOW, "actor": AUTHOR}
    with two_programmes.writing() as session:
        last = session.scalar(select(func.max(AuditEntry.id)))
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        question = replies.question_of(session, letter, now=NOW)
        (joined,) = replies.give_answers(session, letter, Given({question.open()[0].id: Answer.JOINED}), now=NOW)
        assert "volet 1 du programme « Mes" in plain(replies.effect_of(session, joined, now=NOW).sentence)
        replies.act_on_response(session, joined, **by)
        (helped,) = replies.give_answers(
            session, letter, Given({}, request=Answer.HELP), now=NOW + timedelta(minutes=1)
        )
        replies.take_response(session, helped, **by)
        replies.recall_response(session, helped, day=today(NOW), **by)
        replies.act_on_response(session, helped, **by)
        replies.reopen_response(session, helped, **by)
        replies.undo_form(session, [helped], because=WithdrawalReason.NOT_OURS, **by)
        programme = programmes.get_programme(session, FIRST)
        silent = records.eligible_schools(session, question.authority, programme.strands, today(NOW))[-1]
        fields = {"status": Status.DECLINED, "word": Word.CONFIRMED, "effective_on": today(NOW), "source": "Appel"}
        records.record_adherence(
            session, question.authority, programme, programme.strands[0], [silent], today=today(NOW), **fields, **by
        )
        session.flush()
        made = records.of_authority(session, question.authority, programme)[0]
        records.withdraw_hand_record(session, question.authority, programme, made.number, **by)
        session.flush()
        said = [plain(one) for one in session.scalars(select(AuditEntry.sentence).where(AuditEntry.id > last))]
    of_strands = [one for one in said if "olet" in one]
    assert len(of_strands) >= 9, said
    assert [one for one in of_strands if BARE.search(one) or "Mes outils numériques" not in one] == []


def test_the_history_of_an_authority_names_the_programme_of_what_a_list_recorded(two_programmes):
    with two_programmes.reading() as session:
        owner = select(Ownership.authority_id).join(School, School.id == Ownership.school_id)
        owner = owner.where(Ownership.current(), School.fase == JOINED[0])
        authority = session.get_one(Authority, session.scalars(owner).one())
        said = [one for event in records.list_events(session, authority) for one in event.details]
    assert any(one.startswith(f"{NAME}, volet 1, école {JOINED[0]}") for one in said), said
    assert [one for one in said if BARE.search(one)] == []
