"""An erased person stands nowhere any more but in signed notes, and is never written to again."""

import json
import unicodedata
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from outreach.access import accounts
from outreach.campaigns import results
from outreach.campaigns.correspondence import ServiceLetter, ServiceReply
from outreach.campaigns.models import Campaign
from outreach.core import audit, jobs
from outreach.core import erasure as core_erasure
from outreach.core.audit import AuditEntry
from outreach.core.db import Base
from outreach.core.erasure import Erasure, Redaction
from outreach.core.erasure import _digests as digests
from outreach.core.jobs import AskedJob, Job, JobState, JobWork, LeaseLost
from outreach.core.jobs._models import JobPiece
from outreach.core.jobs._work import PIECE_BYTES
from outreach.core.text.addresses import judge, masked
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import bounces, outbox, sending
from outreach.delivery.bounces import Notice, NoticeVerdict
from outreach.delivery.bounces._parsing import Report
from outreach.delivery.models import Composition, Mailing, Message, MessageState, Reason, Suppression, SuppressionReason
from outreach.delivery.outbox import Addressee
from outreach.directory import contacts
from outreach.directory.models import Authority, Contact, MailboxKind, Ownership
from outreach.engagement.replies import Respondent, Response
from outreach.engagement.tracking import Agent, Signals
from outreach.engagement.tracking._models import NewHit
from outreach.operations.retention import _erasure as erasure
from outreach.staff import proposals
from outreach.staff.proposals import Proposal, ProposalState
from tests.arriving import come
from tests.audit.test_seals import seal
from tests.conftest import NOW
from tests.engagement.replies.test_answers import AT
from tests.tampering import unguard

KEY = "a key that only this installation has, 4f1c"
ADDRESS, NAME, NUMBER = "zoe.marquee@ecole.example", "Zoé Marquée-Témoin", "0470 99 88 77"
ADMINISTRATOR = "ada@fwb.example"
LATER = AT + timedelta(days=1)


@pytest.fixture
def asked(three_answered):
    """Letters that were answered; one mailbox is that of a person who is known by name and number."""
    three_answered.info |= {digests.INFO: KEY}
    with three_answered.writing() as session:
        letter = session.scalars(select(Message).order_by(Message.id)).first()
        contact = session.scalars(select(Contact).where(Contact.address_key == letter.address_key)).one()
        contact.name, contact.phone, contact.mailbox_kind = NAME, NUMBER, MailboxKind.PERSONAL
        for model in (Contact, Message):
            forms = dict.fromkeys(("address", "address_key", "address_ascii"), ADDRESS)
            where = model.address_key == letter.address_key
            session.execute(update(model).where(where).values(forms), execution_options={"synchronize_session": False})
    return three_answered


def erase(database, folder, address=ADDRESS, *, sorting_list=True):
    with database.reading() as session:
        planned = erasure.plan_erasure(session, address, has_sorting_list=sorting_list)
    return erasure.carry_out(database, planned, folder, now=LATER, actor=ADMINISTRATOR)


def rows_of(database):
    """What the database holds, by table and column, as text."""
    with database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    yield (
                        f"{table.name}.{name}",
                        value.decode(errors="replace") if isinstance(value, bytes) else str(value),
                    )


@pytest.mark.long
def test_an_erased_address_gets_no_letter_and_no_contact_though_nobody_can_read_it(asked, tmp_path):
    erase(asked, tmp_path)
    with asked.writing() as session:
        mailing = session.scalars(select(Mailing)).first()
        authority = session.scalars(select(Authority)).first()
        with pytest.raises(InputError, match="on ne lui écrit plus"):
            contacts.add(session, authority, judge(ADDRESS.upper()), now=NOW, actor="x", kind=MailboxKind.PERSONAL)
        to = Addressee(None, ADDRESS, ADDRESS, ADDRESS)
        (key,) = outbox.put_recipients(session, mailing, [to], lambda name: f"b-{name}@x.example", now=NOW)
        letter = session.get_one(Message, key)
        assert (letter.state, letter.reason) == (MessageState.WITHDRAWN, Reason.SUPPRESSED)
        assert digests.is_mark(letter.address)
        assert letter.address == digests.mark_of(digests.digest_of(KEY, ADDRESS))


@pytest.mark.long
def test_an_erased_account_is_neither_added_nor_opened_again(asked, tmp_path):
    given = {"name": "Ada L.", "roles": [RoleName.READER], "password_hash": ""}
    with asked.writing() as session:
        account = accounts.add_user(session, NOW, "x", email=ADDRESS, **given)
        account.active = False
    erase(asked, tmp_path)
    with asked.writing() as session:
        with pytest.raises(InputError, match="Indiquez-en une autre"):
            accounts.add_user(session, NOW, "x", email=ADDRESS.upper(), **given)
        closed = session.scalars(select(accounts.User).where(accounts.User.email.startswith(digests.MARK))).one()
        with pytest.raises(Refused, match="invitez-la à une autre adresse"):
            accounts.reopen_account(session, closed, now=NOW, actor="x")
    assert not naming_words(asked, ADDRESS)


@pytest.mark.long
def test_without_the_key_no_address_is_added_and_none_is_written_to(asked, tmp_path):
    erase(asked, tmp_path)
    with asked.reading() as session:
        digests.refuse_other_key(session)
    for key in ("", "another key"):
        asked.info[digests.INFO] = key
        for reads in (digests.ErasedAddresses.of, digests.refuse_other_key):
            with asked.reading() as session, pytest.raises(Refused, match="OUTREACH_ERASURE_KEY"):
                reads(session)


@pytest.mark.long
def test_the_chain_holds_and_only_what_an_erasure_named_is_excused(asked, tmp_path):
    with asked.writing() as session:
        audit.record_entry(session, NOW, ADDRESS, f"Adresse {ADDRESS} ajoutée.", f"address:{ADDRESS}")
        audit.record_entry(session, NOW, ADDRESS, "A répondu.", "authority:1")
    seal(asked)
    erase(asked, tmp_path)
    seal(asked)
    with asked.reading() as session:
        checked = audit.verify_seals(session)
        mark = digests.mark_of(digests.digest_of(KEY, ADDRESS))
        entries = session.scalars(select(AuditEntry).where(AuditEntry.actor == mark)).all()
        assert [(entry.sentence, entry.subject) for entry in entries] == [
            ("", f"address:{mark}"),
            ("A répondu.", "authority:1"),
        ]
        assert results.verify_ledger(session, now=LATER) == []
    assert (checked.fault, checked.erased >= 2) == ("", True)
    with asked.writing() as session:
        unguard(session, "audit_entries")
        session.execute(text("UPDATE audit_entries SET subject = 'authority:2 effacé' WHERE subject = 'authority:1'"))
    with asked.reading() as session:
        assert "ne correspond plus" in audit.verify_seals(session).fault


@pytest.mark.long
def test_an_exclusion_of_the_mark_stays_and_cannot_be_lifted(asked, tmp_path):
    with asked.writing() as session:
        outbox.suppress_address(
            session, ADDRESS, SuppressionReason.COMPLAINT, now=NOW, actor="x", detail=f"dit {ADDRESS}"
        )
    erase(asked, tmp_path)
    with asked.writing() as session:
        mark = digests.mark_of(digests.digest_of(KEY, ADDRESS))
        held = {row.reason: row for row in session.scalars(select(Suppression).where(Suppression.address_key == mark))}
        assert set(held) == {SuppressionReason.COMPLAINT, SuppressionReason.STAFF}
        assert held[SuppressionReason.COMPLAINT].detail == f"dit {mark}"
        with pytest.raises(Refused, match="effacée"):
            outbox.lift_suppression(session, mark, SuppressionReason.STAFF, now=NOW, actor="x")


@pytest.mark.long
def test_a_retired_contact_that_is_erased_cannot_be_put_back(asked, tmp_path):
    erase(asked, tmp_path)
    with asked.reading() as session:
        mark = digests.mark_of(digests.digest_of(KEY, ADDRESS))
        contact = session.scalars(select(Contact).where(Contact.address_key == mark)).one()
        assert (contact.name, contact.phone, contact.retired_by) == ("", "", ADMINISTRATOR)
        assert contacts.restorable(contacts.contacts_of(session, contact.authority)) == set()


def test_what_came_of_an_erased_address_and_is_not_moved_yet_goes(asked, tmp_path):
    with asked.writing() as session:
        theirs, other = (
            session.scalars(select(Message.id).where(condition).order_by(Message.id).limit(1)).one()
            for condition in (Message.address_key == ADDRESS, Message.address_key != ADDRESS)
        )
        for letter in (theirs, theirs, other):
            come(session, letter, Signals(1, AT, Agent.BROWSER, is_head=False))
        kept = session.get_one(Message, other).public_id
    erase(asked, tmp_path)
    with asked.reading() as session:
        assert session.scalars(select(NewHit.public_id)).all() == [kept]


@pytest.mark.long
def test_a_letter_by_hand_keeps_what_it_said_until_the_sorting_list_is_stated(asked, tmp_path):
    by = {"key": "k" * 32, "text": f"Bonjour {NAME}"}
    with asked.writing() as session:
        message = session.scalars(select(Message).where(Message.address_key == ADDRESS)).first()
        theirs = {"authority_id": message.authority_id, "address": ADDRESS}
        letter = ServiceLetter(**theirs, **by, written_at=AT, written_by="b@fwb.example")
        session.add(letter)
        session.flush()
        sent = {"letter_id": letter.id, "message_id": message.id, "sent_at": AT, "sent_by": "b@fwb.example"}
        session.add(ServiceReply(**sent, **by, subject="À vous"))
    for has_list, said in ((False, f"Bonjour {NAME}"), (True, "")):
        erase(asked, tmp_path, sorting_list=has_list)
        with asked.reading() as session:
            assert session.scalars(select(ServiceLetter.text)).one() == said
            assert session.scalars(select(ServiceReply.text)).one() == said


@pytest.mark.long
def test_bodies_of_letters_wait_for_the_sorting_list(asked, tmp_path):
    erase(asked, tmp_path, sorting_list=False)
    mark = digests.mark_of(digests.digest_of(KEY, ADDRESS))
    theirs = (
        select(Composition.content).join(Message, Message.id == Composition.message_id).where(Message.address == mark)
    )
    with asked.reading() as session:
        assert all(session.scalars(theirs))
    erase(asked, tmp_path)
    with asked.reading() as session:
        said = set(session.scalars(theirs))
    assert said == {""}


@pytest.mark.long
def test_the_mailbox_of_a_function_loses_names_and_words_and_keeps_its_address(asked, tmp_path):
    with asked.writing() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        contact.mailbox_kind = MailboxKind.IMPERSONAL
    erase(asked, tmp_path)
    with asked.reading() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        assert (contact.retired_at, contact.name, contact.phone) == (None, "", "")
        letters = select(Message.id).where(Message.address_key == ADDRESS)
        given = session.scalars(select(Response).where(Response.message_id.in_(letters))).all()
        assert given
        assert not any(response.comment for response in given)
        keys = [response.id for response in given]
        assert session.scalars(select(Respondent).where(Respondent.response_id.in_(keys))).all() == []
        assert session.scalars(select(Erasure)).all() == []
    assert naming_words(asked, NAME, NUMBER) == set()


@pytest.mark.long
def test_the_words_beside_a_school_that_was_reported_go_and_the_report_stays(asked, tmp_path):
    with asked.writing() as session:
        letter = session.scalars(select(Message).where(Message.address_key == ADDRESS)).first()
        school = session.scalars(
            select(Ownership.school_id).where(Ownership.authority_id == letter.authority_id)
        ).first()
        proposals.report(session, letter, [school], "chez nous, dites-le à Max", now=AT)
    erase(asked, tmp_path)
    with asked.reading() as session:
        made = session.scalars(select(Proposal)).one()
        assert (made.said, made.state, made.school_id) == ("", ProposalState.WAITING, school)


def naming_words(database, *words):
    return {place for place, said in rows_of(database) if any(word in said for word in words)}


@pytest.mark.long
def test_an_erasure_is_done_again_in_a_database_restored_from_before_it(asked, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    erase(asked, tmp_path)
    line = digests.read_erasures(tmp_path)[0]
    assert line.digest == digests.digest_of(KEY, ADDRESS)
    gone = digests.DigestLine(digests.digest_of(KEY, "gone@x.example"), line.key, NOW)
    with asked.writing() as session:
        mark = digests.mark_of(line.digest)
        unguard(session, "erasures")
        session.execute(text("DELETE FROM erasures"))
        session.execute(update(Contact).where(Contact.address == mark).values(address=ADDRESS, address_key=ADDRESS))
    digests.add_erasure(tmp_path, gone)
    with asked.reading() as session:
        assert erasure.count_waiting(session, tmp_path) == 2
    done = erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge")
    assert done == 1
    assert not naming_words(asked, ADDRESS)
    with asked.reading() as session:
        assert set(session.scalars(select(Erasure.digest))) == {line.digest, gone.digest}
        assert erasure.count_waiting(session, tmp_path) == 0


@pytest.mark.long
def test_an_address_erased_when_its_domain_was_folded_is_known_still(asked, tmp_path):
    address, folded = "zoe@straße.example", "zoe@strasse.example"
    line = digests.DigestLine(digests.digest_of(KEY, folded), digests.sign_of(KEY), NOW)
    digests.add_erasure(tmp_path, line)
    with asked.writing() as session:
        session.scalars(select(Campaign)).first().purpose = f"Voir avec {address}."
    assert erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge") == 1
    with asked.reading() as session:
        erased = digests.ErasedAddresses.of(session)
        assert erased.mark("zoe@ecole.example") == ""
        for key in (address, folded):
            assert erased.mark(key)
            with pytest.raises(InputError, match="on ne lui écrit plus"):
                erased.refuse(key)
        assert address not in session.scalars(select(Campaign)).first().purpose
        assert erasure.count_waiting(session, tmp_path) == 0


@pytest.mark.long
def test_an_address_that_only_a_text_names_is_erased_again_after_a_restore(asked, tmp_path):
    alone = "seule.o'hara@ecole.example"
    erase(asked, tmp_path, alone)
    with asked.writing() as session:
        unguard(session, "erasures")
        session.execute(text("DELETE FROM erasures"))
        session.scalars(select(Campaign)).first().purpose = f"Voir avec {alone.upper()}."
    assert erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge") == 1
    with asked.reading() as session:
        mark = digests.mark_of(digests.digest_of(KEY, alone))
        assert session.scalars(select(Campaign)).first().purpose == f"Voir avec {mark}."


@pytest.mark.long
def test_the_mailbox_of_a_function_that_is_gone_owes_no_erasure_and_may_come_back(asked, tmp_path):
    with asked.writing() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        contact.mailbox_kind = MailboxKind.IMPERSONAL
    erase(asked, tmp_path)
    forms = dict.fromkeys(("address", "address_key", "address_ascii"), "")
    with asked.writing() as session:  # a year after it was retired, and as if no letter had gone there
        other = dict.fromkeys(forms, "autre@ecole.example")
        for model, values in ((Contact, forms), (Message, other)):
            session.execute(update(model).where(model.address_key == ADDRESS).values(values))
        assert erasure.count_waiting(session, tmp_path) == 0
    erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge")
    with asked.writing() as session:
        digests.ErasedAddresses.of(session).refuse(ADDRESS)
        assert session.scalars(select(Erasure)).all() == []


@pytest.mark.long
def test_the_address_of_a_function_stays_where_a_restored_database_still_says_it_is_a_persons(asked, tmp_path):
    with asked.writing() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        contact.mailbox_kind = MailboxKind.IMPERSONAL
    erase(asked, tmp_path)
    with asked.writing() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        contact.mailbox_kind, contact.name = MailboxKind.PERSONAL, NAME
    erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge")
    with asked.reading() as session:
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        assert (contact.name, contact.retired_at) == ("", None)


@pytest.mark.long
def test_a_letter_that_a_launch_committed_after_the_erasure_never_leaves(asked, tmp_path):
    erase(asked, tmp_path)
    forms = dict.fromkeys(("address", "address_key", "address_ascii"), ADDRESS)
    queued = {"state": MessageState.QUEUED, "reason": None, "settled_at": None, "due_at": LATER, "fence_id": None}
    with asked.writing() as session:
        letter = session.scalars(select(Message).where(Message.address.startswith(digests.MARK))).first()
        session.execute(update(Message).where(Message.id == letter.id).values(forms | queued))
        sending.clear_batch(session, letter.batch_id, now=LATER, day=LATER.date())
        session.refresh(letter)
        assert (letter.state, letter.reason) == (MessageState.WITHDRAWN, Reason.SUPPRESSED)
    assert not naming_words(asked, ADDRESS)


def test_an_open_account_and_a_letter_on_its_way_are_waited_for(asked, tmp_path):
    asked.info |= {digests.INFO: KEY}
    with asked.reading() as session, pytest.raises(Refused, match="compte ouvert"):
        erasure.plan_erasure(session, "nadia.lambert@fwb.example", has_sorting_list=True)
    with asked.writing() as session:
        session.execute(
            update(Message).where(Message.address == ADDRESS).values(state=MessageState.HANDING, fence_id="f")
        )
    with asked.reading() as session, pytest.raises(Refused, match="en train de partir"):
        erasure.plan_erasure(session, ADDRESS, has_sorting_list=True)


@pytest.mark.parametrize(
    ("said", "is_there"),
    [
        ("a@b.be", True),
        ("<A@B.be>, x", True),
        ("Écrit à a@b.be.", True),
        ("xa@b.be", False),
        ("x.a@b.be", False),
        ("a@b.be.example", False),
        ("a@b.bexx", False),
        ("xa@b.be a@b.be", True),
        ("a@b.be-x", False),
        ("o'a@b.be", False),
        ("d'a@b.be", False),
        ('{"address": "d\'a@b.be"}', False),
        ("Adresse r&a@b.be ajoutée.", False),
        ("Écrit à l'adresse d'a@b.be hier", True),
        ("dit par l’a@b.be", True),
        ("'a@b.be'", True),
    ],
)
def test_an_address_stands_as_a_whole_or_not_at_all(said, is_there):
    word = Redaction("a@b.be", "…", is_address=True)
    assert word.stands(said) is is_there
    assert ("…" in word.taken_from(said)) is is_there


def test_words_of_json_are_found_as_it_writes_them():
    said = json.dumps({"name": NAME})
    assert json.loads(Redaction(NAME, "effacé").taken_from(said)) == {"name": "effacé"}


@pytest.mark.parametrize("times", [1, 2])
def test_words_that_json_quotes_leave_it_json(times):
    said, left = f'dit "{NAME}" hier', 'dit "effacé" hier'
    for _ in range(times):
        said, left = json.dumps({"text": said}), json.dumps({"text": left}, ensure_ascii=False)
    taken = Redaction(NAME, "effacé").taken_from(said)
    assert json.loads(taken) == json.loads(left)


APART = "Anne D'Hondt-Lœuf"
WRITINGS = (
    *("Anne D’Hondt-Lœuf", "Anne Dʼhondt‐Loeuf", "ANNE D´HÖNDT–LŒUF", "Anne D&#39;Hondt-L&oelig;uf"),
    *(
        "Anne D&rsquo;Hondt&#8209;Loeuf",
        "Anne&nbsp;D&amp;#x27;Hondt-Lœuf",
        "anne\xa0d‘hondt-lœuf",
        "Anne\nD`Hondt-Loeuf",
    ),
    *(f"Anne{' ' * 40}D'Hondt-Lœuf", f"Anne{'&nbsp; ' * 9}D'Hondt-Lœuf", "Anne \u200b\n\t D’Hondt-Lœuf"),
    *("Anne D&#00000039;Hondt-L&#x00000153;uf", "Ａｎｎｅ　Ｄ＇Ｈｏｎｄｔ－Ｌｏｅｕｆ", "𝐀𝐧𝐧𝐞 D’Hondt-Lœuf"),
    *("Anne Dꞌhondt-Lœuf", "anne d᾿hondt-lœuf", "Anne D׳Hondt-Lœuf"),
    *("Anne D&#39Hondt-L&oeliguf", "Anne D&rsquoHondt-Lœuf", "\u202aAnne D’Hondt\u202c-L\ufe0fœ\u034fu\u180ef"),
    json.dumps("𝐀nne D’Hondt-Lœuf")[1:-1],
    *(unicodedata.normalize("NFD", "Änné D'Hondt-Lœuf"), json.dumps("Anne D’Hondt-Lœuf")[1:-1]),
    *(json.dumps(f"Bonjour,\n{APART}\xa0!")[1:-1], json.dumps(json.dumps("\xa0Anne D’Hondt-Lœuf"))),
)


@pytest.mark.postgresql
def test_a_name_goes_in_every_writing(asked, tmp_path):
    others = ("Marieanne D'Hondt-Loeuf", "Anne D’Hondt-Loeufs", "Anne D&#39;Hondt-Loeuf&eacute;e", "Anne D’Hont-Loeuf")
    with asked.writing() as session:
        session.execute(update(Contact).where(Contact.address_key == ADDRESS).values(name=APART))
        for number, said in enumerate((*WRITINGS, *others)):
            key, detail = f"{number}@x.example", f"Vu avec {said} hier."
            outbox.suppress_address(session, key, SuppressionReason.STAFF, now=NOW, actor="x", detail=detail)
    erase(asked, tmp_path)
    with asked.reading() as session:
        seen = Suppression.detail.startswith("Vu avec")
        told = session.scalars(select(Suppression.detail).where(seen).order_by(Suppression.id)).all()
    assert [said for said in told if "effacé" not in said] == [f"Vu avec {said} hier." for said in others]
    assert told[0] == "Vu avec effacé hier."
    assert len(told) == len(WRITINGS) + len(others)


@pytest.mark.parametrize(
    "said",
    ["o’brien@x.be", "O&#39;Brien@x.be", "<o&rsquo;brien@x.be>", "o\\u2019brien@x.be.", "ｏ＇ｂｒｉｅｎ＠ｘ．ｂｅ"],
)
def test_an_address_goes_with_any_apostrophe_and_no_other_goes_with_it(said):
    assert "brien" not in Redaction("o'brien@x.be", "…", is_address=True).taken_from(said).lower()
    assert Redaction("brien@x.be", "…", is_address=True).taken_from(said) == said
    assert Redaction("zoe@x.be", "…", is_address=True).taken_from("zoé@x.be") == "zoé@x.be"


@pytest.mark.long
@pytest.mark.postgresql
def test_an_address_in_disguise_goes_and_is_found_again_after_a_restore(asked, tmp_path):
    alone = "office.dupont@ecole.example"
    said = (
        *(
            "oﬃce.dupont@ecole.example",
            "of\ufb01ce.dupont@ecole.example",
            "office\u200b.dup\xadont\ufeff@ecole.example",
        ),
        *(
            "office.dupont&#64ecole.example",
            "office&period;dupont&commat;ecole.example",
            "ｏｆｆｉｃｅ.dupont＠ecole.example",
        ),
    )

    def say():
        with asked.writing() as session:
            for number, detail in enumerate(said):
                key = f"{number}{len(session.scalars(select(Suppression.id)).all())}@x.example"
                outbox.suppress_address(session, key, SuppressionReason.STAFF, now=NOW, actor="x", detail=detail)

    def told():
        with asked.reading() as session:
            return [
                row.detail for row in session.scalars(select(Suppression)) if row.address_key.endswith("@x.example")
            ]

    mark = digests.mark_of(digests.digest_of(KEY, alone))
    say()
    erase(asked, tmp_path, alone)
    assert told() == [mark] * len(said)
    with asked.writing() as session:
        session.execute(delete(Suppression))
    say()
    assert erasure.replay_erasures(asked, tmp_path, has_sorting_list=True, now=NOW, actor="horloge") == 1
    assert told() == [mark] * len(said)


@pytest.mark.postgresql
def test_a_name_of_the_register_in_another_writing_is_left_to_it(asked):
    with asked.writing() as session:
        session.scalars(select(Authority)).first().name = "Institut Thérèse D’Avila"
        named = {"name": "Institut Therese d'Avila"}
        session.execute(update(Contact).where(Contact.address_key == ADDRESS).values(named))
    with asked.reading() as session:
        planned = erasure.plan_erasure(session, ADDRESS, has_sorting_list=True)
    assert list(planned.of_register) == ["Institut Therese d'Avila"]


@pytest.mark.long
@pytest.mark.postgresql
def test_a_job_that_runs_as_somebody_is_erased_loses_its_file(asked, tmp_path):
    """One that was over, one under way before the erasure, and one that began while the erasure was not yet told."""

    def begin(person):
        with asked.writing() as session:
            jobs.ask_job(session, person, AskedJob("Fichier", "/directory/export.csv"), now=NOW)
        with asked.writing() as session:
            number, lease = jobs.claim_job(session, now=NOW)
        work = JobWork(asked, number, lease, lambda: NOW)
        work.write(NAME.encode() + bytes(PIECE_BYTES))
        return number, work

    (over, ended), (number, work) = begin("a@x.be"), begin("b@x.be")
    ended.save("a.csv", "text/csv")
    erase(asked, tmp_path)
    with pytest.raises(LeaseLost):
        work.save("b.csv", "text/csv")
    with asked.reading() as session:
        assert session.get(Job, over) is None
        assert session.get_one(Job, number).state is JobState.WAITING, "it begins again"
        assert session.scalars(select(JobPiece)).all() == []


@pytest.mark.long
@pytest.mark.postgresql
def test_a_job_that_began_before_an_erasure_was_over_loses_its_file(asked, tmp_path, monkeypatch):
    begun, find = [], core_erasure.find_words

    def begins_meanwhile(*given):
        with asked.writing() as session:
            jobs.ask_job(session, "a@x.be", AskedJob("Fichier", "/directory/export.csv"), now=NOW)
        with asked.writing() as session:
            begun.append(jobs.claim_job(session, now=NOW))
        return find(*given)

    with asked.reading() as session:
        planned = erasure.plan_erasure(session, ADDRESS, has_sorting_list=True)
    monkeypatch.setattr(core_erasure, "find_words", begins_meanwhile)
    erasure.carry_out(asked, planned, tmp_path, now=LATER, actor=ADMINISTRATOR)
    ((number, lease),) = begun
    with pytest.raises(LeaseLost):
        JobWork(asked, number, lease, lambda: NOW).save("a.csv", "text/csv")


@pytest.mark.long
def test_a_name_with_accents_is_found_in_any_case(asked, tmp_path):
    cases = [NAME.upper(), NAME.lower(), json.dumps(NAME.upper()), json.dumps(NAME.lower())]
    with asked.writing() as session:
        for number, case in enumerate(cases):
            detail = "Vu avec " + case.strip('"') + "."
            key = f"{number}@x.example"
            outbox.suppress_address(session, key, SuppressionReason.STAFF, now=NOW, actor="x", detail=detail)
    erase(asked, tmp_path)
    with asked.reading() as session:
        told = session.scalars(select(Suppression.detail).where(Suppression.detail.startswith("Vu"))).all()
        assert told == ["Vu avec effacé."] * len(cases)


@pytest.mark.long
def test_a_name_without_a_letter_of_ascii_is_found(asked, tmp_path):
    with asked.writing() as session:
        session.execute(update(Contact).where(Contact.address_key == ADDRESS).values(name="Ольга Иванова"))
        session.scalars(select(Campaign)).first().purpose = "Voir avec Ольга Иванова."
    erase(asked, tmp_path)
    with asked.reading() as session:
        assert session.scalars(select(Campaign)).first().purpose == "Voir avec effacé."


@pytest.mark.long
def test_a_name_that_the_register_bears_or_somebody_keeps_goes_from_the_persons_rows_alone(asked, tmp_path):
    with asked.writing() as session:
        authority = session.scalars(select(Authority)).first()
        authority.name, typed = "Commune de Moulin-à-Vent", ("COMMUNE DE MOULIN-à-VENT", "Le Directeur")
        letters = session.scalars(select(Message).where(Message.address_key == ADDRESS)).all()
        given = session.scalars(select(Response).where(Response.message_id.in_([one.id for one in letters]))).first()
        contact = session.scalars(select(Contact).where(Contact.address_key == ADDRESS)).one()
        numbers = given.id, contact.id
        session.execute(delete(Respondent).where(Respondent.response_id == given.id))
        session.add(Respondent(response_id=given.id, name=typed[0], function=""))
        contact.name = typed[1]
        others = contacts.add(session, authority, judge("b@x.example"), now=NOW, actor="x", kind=MailboxKind.PERSONAL)
        others.name = typed[1]
        session.flush()
        other = others.id
        session.scalars(select(Campaign)).first().purpose = "Pour la Commune de Moulin-à-Vent, au Directeur."
    with asked.reading() as session:
        planned = erasure.plan_erasure(session, ADDRESS, has_sorting_list=True, kept=[typed[1]])
        assert (planned.named, planned.kept, planned.of_register) == ([NUMBER], [typed[1]], [typed[0]])
        words = " ".join(erasure.erasure_in_words(planned))
        assert f"s’appelle ainsi : {typed[0]}." in words
        assert f"comme vous le demandez : {typed[1]}." in words
    erasure.carry_out(asked, planned, tmp_path, now=LATER, actor=ADMINISTRATOR)
    with asked.reading() as session:
        assert session.get(Respondent, numbers[0]) is None
        assert session.get(Contact, numbers[1]).name == ""
        assert session.get(Contact, other).name == typed[1]
        assert "Moulin-à-Vent" in session.scalars(select(Campaign)).first().purpose


@pytest.mark.long
def test_what_goes_is_told_as_people_write_it(asked):
    with asked.reading() as session:
        words = " ".join(erasure.erasure_in_words(erasure.plan_erasure(session, ADDRESS, has_sorting_list=True)))
    assert NAME in words
    assert "\\u00e9" not in words


@pytest.mark.long
def test_erasing_leaves_the_mailbox_alone_whose_address_ends_the_same(asked, tmp_path):
    other = f"d'{ADDRESS}"
    with asked.writing() as session:
        authority = session.scalars(select(Authority)).first()
        contacts.add(session, authority, judge(other), now=NOW, actor="x", kind=MailboxKind.PERSONAL)
    erase(asked, tmp_path)
    with asked.reading() as session:
        held = session.scalars(select(Contact).where(Contact.address_key == other)).one()
        assert (held.address, held.address_ascii) == (other, other)


@pytest.mark.long
def test_what_comes_back_for_an_erased_address_tells_nothing_of_it(asked, tmp_path):
    with asked.reading() as session:
        named = session.scalars(select(Message.public_id).where(Message.address == ADDRESS)).first()
    erase(asked, tmp_path)
    failed = Report((ADDRESS,), NoticeVerdict.FAILED, "5.1.1", f"no such user {ADDRESS}")
    for proved, letter in ((bytes.fromhex(named), ""), (None, named), (None, "")):
        notice = Notice(f"{letter}{proved}", NoticeVerdict.FAILED, (failed,), proved, letter)
        with asked.writing() as session:
            bounces.take_notice(session, notice, now=LATER)
    assert not naming_words(asked, ADDRESS)


@pytest.mark.long
def test_an_answer_from_an_old_letter_gets_no_receipt_and_shows_no_address(asked, tmp_path):
    erase(asked, tmp_path)
    with asked.writing() as session:
        letter = session.scalars(select(Message).where(Message.address.startswith(digests.MARK))).first()
        mailing = session.scalars(select(Mailing)).first()
        to = Addressee(None, letter.address, letter.address_key, letter.address_ascii)
        (key,) = outbox.put_recipients(session, mailing, [to], lambda name: f"b-{name}@x.example", now=LATER)
        assert session.get_one(Message, key).reason is Reason.SUPPRESSED
        assert masked(letter.address) == "…"
        assert contacts.record_bounce(session, letter.address, now=LATER, actor="x") == 0
