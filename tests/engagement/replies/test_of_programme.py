"""Where several programmes are loaded, the journal and the history of an authority name that of each strand."""

from datetime import timedelta

from sqlalchemy import func, select

from outreach.adherence.models import Status, Word
from outreach.adherence.programmes import programmes
from outreach.adherence.records import by_hand, records
from outreach.core.audit.audit import AuditEntry
from outreach.core.text.dates import today
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Ownership, School
from outreach.engagement.replies import inbox, recording, undoing
from outreach.engagement.replies.kinds import Answer
from outreach.engagement.replies.models import WithdrawalReason
from outreach.engagement.replies.recording import Given
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
        asked = recording.question_of(session, letter, now=NOW)
        (joined,) = recording.give_answers(session, letter, Given({asked.open()[0].id: Answer.JOINED}), now=NOW)
        assert "volet 1 du programme « Mes" in plain(inbox.effect_of(session, joined, now=NOW).sentence)
        inbox.act_on_response(session, joined, **by)
        (helped,) = recording.give_answers(
            session, letter, Given({}, request=Answer.HELP), now=NOW + timedelta(minutes=1)
        )
        inbox.take_response(session, helped, **by)
        inbox.recall_response(session, helped, day=today(NOW), **by)
        inbox.act_on_response(session, helped, **by)
        inbox.reopen_response(session, helped, **by)
        undoing.undo_form(session, [helped], because=WithdrawalReason.NOT_OURS, **by)
        programme = programmes.get_programme(session, FIRST)
        silent = records.eligible_schools(session, asked.authority, programme.strands, today(NOW))[-1]
        told = {"status": Status.DECLINED, "word": Word.CONFIRMED, "effective_on": today(NOW), "source": "Appel"}
        records.record_adherence(
            session, asked.authority, programme, programme.strands[0], [silent], today=today(NOW), **told, **by
        )
        session.flush()
        made = by_hand.of_authority(session, asked.authority, programme)[0]
        by_hand.withdraw_hand_record(session, asked.authority, programme, made.number, **by)
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
