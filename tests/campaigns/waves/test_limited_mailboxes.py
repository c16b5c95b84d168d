"""Mailboxes that answer for some schools only: their letters, the gate, their answers, and what stops for them."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import insert, select, update

from outreach.access.accounts import User
from outreach.access.approvals import Extent
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.campaigns import planning, results, review, waves
from outreach.campaigns.letter import as_read, as_shown
from outreach.campaigns.models import Colour, Wave, WaveState, WaveTransition
from outreach.campaigns.planning import AudienceRule, Definition
from outreach.campaigns.planning import _lifecycle as lifecycle
from outreach.campaigns.review import Preview
from outreach.campaigns.review import _checks as checks
from outreach.campaigns.segments import Boxes, Concerns
from outreach.campaigns.waves import Retriable
from outreach.core.settings import ROOT
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.delivery.smtp import Guard
from outreach.directory import contacts
from outreach.directory.models import Authority, Contact, ContactSchool, Ownership, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, Tray
from outreach.operations.demo.story import Post
from tests import factories
from tests.campaigns import conftest
from tests.campaigns.conftest import AUTHOR, SENDING, add_contact, advance, launch, settle
from tests.conftest import NOW, state_from

AT = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(days=1)
ALL, FIRST, SECOND = "po009001@adm.fwb.example", "ecole1@adm.fwb.example", "ecole2@adm.fwb.example"


@state_from("programmed")
def three_limited(database, _settings):
    """An authority with three schools and as many mailboxes: one answers for all, one each for the first two."""
    ((authority, keys),) = settle(database, 1, schools=3).items()
    with database.writing() as session:
        for address in (FIRST, SECOND):
            add_contact(session, session.get_one(Authority, authority), address)
    answer_for(database, FIRST, keys[:1])
    answer_for(database, SECOND, keys[1:2])


@pytest.fixture
def schools(three_limited):
    """Their keys."""
    with three_limited.reading() as session:
        return session.scalars(select(School.id).order_by(School.id)).all()


def draft(database, boxes=Boxes.BOTH, **changes):
    return conftest.draft(database, boxes=boxes, **changes)


def approved(database, boxes=Boxes.BOTH, **changes):
    return conftest.approved(database, boxes=boxes, **changes)


def answer_for(database, address, keys):
    with database.writing() as session:
        held = session.scalars(select(Contact).where(Contact.address == address)).one()
        asked = session.scalars(select(School).where(School.id.in_(keys))).all()
        contacts.answer_for(session, held.authority, held, asked, now=NOW, actor=AUTHOR)


def record(database, school, strand, status, at=NOW):
    with database.writing() as session:
        stated = {"status": status, "word": Word.CONFIRMED}
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, at, **stated)))


def letters(database, wave=None):
    """What a wave's letters list, by address: the keys of schools, or why nothing is sent."""
    with database.reading() as session:
        query = select(Message, MessageSubject.school_id).join(
            MessageSubject, MessageSubject.message_id == Message.id, isouter=True
        )
        if wave is not None:
            query = query.where(Message.mailing_id == session.get_one(Wave, wave).mailing_id)
        listed = {}
        for message, school in session.execute(query.order_by(Message.id, MessageSubject.school_id)):
            if message.reason is not None:
                listed[message.address] = message.reason
            else:
                listed.setdefault(message.address, []).append(school)
        return listed


def sent(database):
    """All letters of the only mailing have been accepted; returns their keys, by address."""
    with database.writing() as session:
        ended = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": AT, "settled_at": AT, "reply_code": 250}
        session.execute(update(Message).where(Message.reason.is_(None)).values(ended))
        return dict(session.execute(select(Message.address, Message.id)).all())


def answer(database, letter, schools=None, request=None, now=LATER):
    with database.writing() as session:
        message = session.get_one(Message, letter)
        given = Given(dict.fromkeys(schools or (), Answer.IN_PREPARATION), request)
        return [made.id for made in waves.receive_answer(session, message, given, SENDING, now=now)]


@pytest.mark.postgresql
def test_a_letter_lists_the_schools_that_its_mailbox_answers_for(database, schools):
    launch(database, approved(database))
    assert letters(database) == {ALL: schools, FIRST: schools[:1], SECOND: schools[1:2]}


@pytest.mark.postgresql
@pytest.mark.one_example
@pytest.mark.parametrize(
    ("boxes", "written"),
    [(Boxes.AUTHORITY, {ALL}), (Boxes.SCHOOLS, {FIRST, SECOND}), (Boxes.BOTH, {ALL, FIRST, SECOND})],
)
def test_a_campaign_writes_to_the_mailboxes_that_it_chose(database, schools, boxes, written):
    number = approved(database, boxes)
    with database.reading() as session:
        counts = planning.count_campaign_audience(session, lifecycle.campaign_numbered(session, number), now=NOW)
        listed = 2 if boxes is Boxes.SCHOOLS else 3
        assert (counts.written, counts.schools) == (1, listed)
        assert (counts.addresses, counts.of_schools) == (len(written), len(written - {ALL}))
    launch(database, number)
    assert set(letters(database)) == written


@pytest.mark.long
def test_an_authority_without_a_mailbox_of_its_own_is_written_to_at_those_of_its_schools(database, schools):
    answer_for(database, FIRST, schools[:2])
    with database.writing() as session:
        gone = {"retired_at": NOW, "retired_by": AUTHOR}
        session.execute(update(Contact).where(Contact.address == ALL).values(gone))
    number = approved(database, Boxes.AUTHORITY)
    with database.reading() as session:
        counts = planning.count_campaign_audience(session, lifecycle.campaign_numbered(session, number), now=NOW)
        assert (counts.written, counts.addresses, counts.of_schools, counts.schools) == (1, 2, 2, 2)
    launch(database, number)
    assert letters(database) == {FIRST: schools[:2], SECOND: schools[1:2]}, "one letter for both schools of a mailbox"


def test_who_has_no_mailbox_of_the_chosen_kind_is_left_out_and_counted(database, schools):
    (other,) = settle(database, 1)
    number = approved(database, Boxes.SCHOOLS)
    with database.reading() as session:
        counts = planning.count_campaign_audience(session, lifecycle.campaign_numbered(session, number), now=NOW)
        assert (counts.written, counts.left_out) == (1, {Reason.NO_ADDRESS: 1})
    launch(database, number)
    with database.reading() as session:
        assert session.scalars(select(Message.reason).where(Message.authority_id == other)).all() == [Reason.NO_ADDRESS]


@pytest.mark.one_example
@pytest.mark.parametrize("letter", ["((tableau_écoles))", "((contact))", "((écoles_écrites)) écoles"])
def test_the_authority_s_letter_says_how_many_schools_were_written_to_directly(database, schools, letter):
    said = "2\u00a0écoles" if "écrites" in letter else "Nous avons aussi écrit directement à 2 de ces écoles."
    number = approved(database, letter=letter)
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        preview = Preview(session, campaign, SENDING, [], now=NOW)
        shown = [one.text for one in preview.letters(planning.list_addressees(session, campaign, now=NOW))]
        assert [said in one for one in shown] == [True, False, False]
        assert said in preview.of(session.scalars(select(Authority)).one()).text
    launch(database, number)
    assert told_directly(database, said) == {ALL}
    with database.writing() as session:  # it was not written to, after all
        gone = {"state": MessageState.WITHDRAWN, "reason": Reason.SUPPRESSED}
        session.execute(update(Message).where(Message.address == FIRST).values(gone))
    assert told_directly(database, said) == set()
    assert told_directly(database, said.replace("2\u00a0", "1\u00a0").replace("2 de", "une de")) == {ALL}


@pytest.mark.long
def test_a_letter_says_as_what_its_mailbox_receives_it(database, schools):
    own, of_one = "parce que vous êtes le pouvoir organisateur FASE", "pour une école du pouvoir organisateur FASE"
    of_two = "pour 2 écoles du pouvoir organisateur FASE"
    answer_for(database, SECOND, schools[1:])
    number = draft(database)
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        letters_shown = Preview(session, campaign, SENDING, [], now=NOW).letters(
            planning.list_addressees(session, campaign, now=NOW)
        )
        shown = {one.address: (one.text, one.html) for one in letters_shown}
    for address, said in ((ALL, own), (FIRST, of_one), (SECOND, of_two)):
        assert all(f"Vous recevez ce courriel {said}" in part.replace("\u00a0", " ") for part in shown[address])
    launch(database, approved(database))
    assert (told_directly(database, own), told_directly(database, of_one)) == ({ALL}, {FIRST})


def told_directly(database, said):
    """To whom letters go that say so."""
    with database.reading() as session:
        rows = session.scalars(select(Message)).all()
        return {row.address for row in rows if said in as_read(session, row, SENDING, now=NOW)}


@pytest.mark.long
@pytest.mark.parametrize(("more", "state"), [(10, WaveState.RUNNING), (11, WaveState.PAUSED)])
def test_a_wave_waits_when_many_mailboxes_of_schools_came_since_the_approval(database, schools, more, state):
    number = draft(database)
    conftest.move(database, number, lifecycle.submit_campaign)
    counted = partial(lifecycle.approve_campaign, extent=Extent(1, 3))
    conftest.move(database, number, counted, actor=factories.APPROVER)
    with database.writing() as session:
        authority = session.scalars(select(Authority)).one()
        for place in range(more):
            add_contact(session, authority, f"autre{place}@adm.fwb.example")
    wave = launch(database, number)
    with database.reading() as session:
        held = session.get_one(Wave, wave)
        assert (held.state, held.drifted_from) == (state, 1 if state is WaveState.PAUSED else None)
        notes = session.scalars(select(WaveTransition.note).where(WaveTransition.wave_id == wave)).all()
        assert (f"le public est passé de 3 à {3 + more} courriels depuis la validation" in notes) == (more > 10)


@pytest.mark.long
@pytest.mark.parametrize("boxes", [Boxes.BOTH, Boxes.AUTHORITY])
def test_a_wave_waits_when_schools_got_their_first_mailboxes_after_the_approval(database, people, strand, boxes):
    """An approver who read of one mailbox has not approved letters to twelve school heads."""
    ((authority, keys),) = settle(database, 1, schools=12).items()
    number = draft(database, boxes)
    with database.writing() as session:
        review.ask_approval(
            session, lifecycle.campaign_numbered(session, number), SENDING, now=NOW, actor=AUTHOR, confirmed=1
        )
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        review.give_approval(session, campaign, SENDING, now=NOW, actor=factories.APPROVER)
        for key in keys:
            add_contact(session, session.get_one(Authority, authority), f"direction{key}@ecole.example")
        for address, key in [(f"direction{key}@ecole.example", key) for key in keys]:
            held = session.scalars(select(Contact).where(Contact.address == address)).one()
            session.add(ContactSchool(contact_id=held.id, school_id=key))
        if boxes is Boxes.AUTHORITY:  # it is written to at its schools' mailboxes when it has none of its own
            session.execute(update(Contact).where(Contact.address == ALL).values(retired_at=NOW, retired_by=AUTHOR))
    wave = launch(database, number)
    with database.reading() as session:
        assert session.get_one(Wave, wave).state is WaveState.PAUSED


@pytest.mark.postgresql
@pytest.mark.long
def test_a_wave_is_one_letter_to_an_authority_however_many_mailboxes_of_its_schools_got_it(database, schools):
    for _ in range(2):
        launch(database, approved(database))
    sent(database)
    with database.reading() as session:
        (authority,) = session.scalars(select(Authority.id))
        assert results.letters_received_by(session, [authority], now=LATER) == {authority: {Colour.BLUE: 2}}
        for most, is_tired in ((2, True), (3, False)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(checks, "BUDGET", most)
                findings = checks.check_campaign(session, lifecycle.campaign_numbered(session, 1), SENDING, now=LATER)
            said = f"{most} courriels ou plus sont déjà partis à 1 PO cette année scolaire."
            assert (said in findings.remarks) == is_tired


def test_a_letter_to_one_kind_of_mailbox_says_nothing_of_the_other(database, schools):
    launch(database, approved(database, Boxes.AUTHORITY))
    assert told_directly(database, "écrit directement") == set()


def test_an_approval_from_before_the_choice_stays_valid(database, schools):
    """Campaigns wrote to all mailboxes then: their digest is the same without the choice."""
    number = draft(database)
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        digests = {}
        for boxes in Boxes:
            campaign.boxes = boxes
            digests[boxes] = lifecycle.content_hash(campaign)
        assert len(set(digests.values())) == 3
        campaign.boxes = Boxes.BOTH
        content = tuple(field for field in lifecycle.CONTENT if field != "boxes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lifecycle, "CONTENT", content)
            assert lifecycle.content_hash(campaign) == digests[Boxes.BOTH]


@pytest.mark.parametrize(
    ("status", "reason"), [(Status.JOINED, Reason.JOINED), (Status.NOT_CONCERNED, Reason.NOT_CONCERNED)]
)
def test_a_mailbox_whose_schools_are_all_closed_gets_no_letter(database, schools, strand, status, reason):
    record(database, schools[0], strand, status)
    launch(database, approved(database))
    assert letters(database) == {ALL: schools[1:], FIRST: reason, SECOND: schools[1:2]}


def test_a_mailbox_whose_schools_went_to_another_authority_answers_for_none(database, schools):
    (other,) = settle(database, 1)
    with database.writing() as session:
        session.execute(update(Ownership).where(Ownership.school_id == schools[0]).values(authority_id=other))
    launch(database, approved(database))
    listed = letters(database)
    assert (listed[ALL], listed[FIRST]) == (schools[1:], Reason.NOT_CONCERNED)


@pytest.mark.postgresql
def test_the_fence_asks_for_the_schools_that_the_letter_lists(database, schools, strand):
    launch(database, approved(database))
    record(database, schools[0], strand, Status.JOINED)
    with database.writing() as session:
        Post(session, SENDING, now=LATER, refusals={}).carry(LATER)
    assert letters(database) == {ALL: schools[1:], FIRST: Reason.JOINED, SECOND: schools[1:2]}
    with database.reading() as session:
        rows = session.scalars(select(Message).order_by(Message.id)).all()
        assert [(row.state, row.revision) for row in rows] == [
            (MessageState.ACCEPTED, 1),
            (MessageState.WITHDRAWN, 1),
            (MessageState.ACCEPTED, 0),
        ]


@pytest.mark.postgresql
@pytest.mark.long
def test_a_correction_lists_what_the_wrong_letters_listed_of_the_schools_that_each_mailbox_answers_for(
    database, schools, strand
):
    record(database, schools[1], strand, Status.JOINED)
    launch(database, approved(database))
    sent(database)
    record(database, schools[0], strand, Status.JOINED)
    rule = AudienceRule(criteria={"received": {"campaign": 1, "wave": 1}})
    wave = launch(database, approved(database, concerns=Concerns.LISTED, segment=rule))
    assert letters(database, wave) == {ALL: [schools[0], schools[2]], FIRST: schools[:1], SECOND: Reason.NOT_CONCERNED}
    with database.reading() as session:
        counts = planning.count_campaign_audience(session, lifecycle.campaign_numbered(session, 1), now=NOW)
        assert (counts.authorities, counts.written, counts.addresses) == (1, 1, 1)
        corrected = planning.count_campaign_audience(session, session.get_one(Wave, wave).campaign, now=NOW)
        assert (corrected.written, corrected.addresses, corrected.schools) == (1, 2, 2)


@pytest.mark.long
@pytest.mark.parametrize("boxes", [Boxes.SCHOOLS, Boxes.BOTH])
def test_a_correction_goes_to_the_mailboxes_that_the_wrong_letter_went_to(database, schools, people, boxes):
    launch(database, approved(database, boxes))
    written = set(sent(database))
    ready = planning.ready_made(ROOT / "campaigns")["rectificatif"]
    stated = planning.to_those_who_received(ready, 1, 1)
    with database.writing() as session:
        author = session.scalars(select(User).where(User.email == AUTHOR)).one()
        made = lifecycle.create_campaign(session, stated, now=LATER, author=author)
        rows = planning.list_addressees(session, made, now=LATER)
        assert ({row.address for row in rows if row.reason is None}, made.boxes) == (written, boxes)
        asked = Definition.model_validate({**stated.model_dump(), "boxes": Boxes.SCHOOLS})
        assert lifecycle.create_campaign(session, asked, now=LATER, author=author).boxes is Boxes.SCHOOLS


COUNTS = "((écoles_restantes)) sur ((écoles_éligibles)), ((écoles_adhérentes)) ont adhéré.\n\n((tableau_écoles))"


def test_the_letter_and_its_numbers_speak_of_these_schools_as_its_preview_does(database, schools, strand):
    record(database, schools[2], strand, Status.JOINED)
    number = draft(database, letter=f"{COUNTS}\n\n((contact))")
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        preview = Preview(session, campaign, SENDING, [], now=NOW)
        shown = {one.address: one.text for one in preview.letters(planning.list_addressees(session, campaign, now=NOW))}
        first = preview.of(session.scalars(select(Authority)).one())
    assert "2\u00a0sur 3, 1\u00a0ont adhéré" in shown[ALL]
    for address, key in ((FIRST, schools[0]), (SECOND, schools[1])):
        assert "1\u00a0sur 1, 0\u00a0ont adhéré" in shown[address]
        with database.reading() as session:
            assert [name for name in names(session) if name in shown[address]] == [session.get_one(School, key).name]
    assert (first.address, first.text) == (ALL, shown[ALL])


def names(session):
    return session.scalars(select(School.name)).all()


def test_what_left_is_read_again_as_the_preview_showed_it(database, schools):
    launch(database, approved(database, letter=f"{COUNTS}\n\n((contact))"))
    with database.reading() as session:
        row = session.scalars(select(Message).where(Message.address == FIRST)).one()
        read = as_shown(session, row, SENDING, now=NOW)
        assert [name for name in names(session) if name in read] == [session.get_one(School, schools[0]).name]
        assert "1\u00a0sur 1" in read


def test_a_test_letter_lists_what_the_preview_shows(database, schools):
    with database.writing() as session:
        session.execute(update(Contact).where(Contact.address == ALL).values(bounced_at=NOW))
    number = draft(database)
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        authority = session.scalars(select(Authority)).one()
        preview = Preview(session, campaign, SENDING, [], now=NOW).of(authority)
        review.send_test(
            session, campaign, SENDING, authority, judge("a@b.example"), Guard(anybody=True), now=NOW, actor=AUTHOR
        )
    assert preview.address == FIRST
    assert letters(database) == {"a@b.example": schools[:1]}


@pytest.mark.long
def test_a_mailbox_is_asked_about_its_schools_and_answers_for_no_other(database, schools):
    launch(database, approved(database))
    keys = sent(database)
    with database.writing() as session:
        message = session.get_one(Message, keys[FIRST])
        question = replies.question_of(session, message, now=LATER)
        assert [row.school.id for row in question.schools] == [school.id for school in question.open()] == schools[:1]
        for other in (schools[1:2], schools[:2]):
            with pytest.raises(InputError, match="plus de réponse"):
                replies.give_answers(session, message, Given(dict.fromkeys(other, Answer.JOINED)), now=LATER)
        assert session.scalars(select(AdherenceRecord)).all() == []
        (made,) = replies.give_answers(session, message, Given({schools[0]: Answer.JOINED}), now=LATER)
        assert [school.id for school in made.schools] == schools[:1]
        assert session.scalars(select(AdherenceRecord.school_id)).all() == schools[:1]
        whole = replies.question_of(session, session.get_one(Message, keys[ALL]), now=LATER)
        assert [row.school.id for row in whole.schools] == schools


def test_a_replaced_mailbox_still_answers_for_its_schools_from_its_old_letter(database, schools):
    launch(database, approved(database))
    keys = sent(database)
    with database.writing() as session:
        held = session.scalars(select(Contact).where(Contact.address == FIRST)).one()
        details = {"now": NOW, "actor": AUTHOR, "kind": held.mailbox_kind}
        contacts.correct(session, held.authority, held, judge("nouvelle@adm.fwb.example"), **details)
    with database.reading() as session:
        question = replies.question_of(session, session.get_one(Message, keys[FIRST]), now=LATER)
        assert [row.school.id for row in question.schools] == schools[:1]


@pytest.mark.postgresql
@pytest.mark.long
@pytest.mark.parametrize("request_", [None, Answer.HELP], ids=["schools", "request"])
def test_an_answer_for_some_schools_stops_the_reminders_of_its_mailbox_only(database, schools, request_):
    number = approved(database, reminders=(14,))
    launch(database, number)
    answer(database, sent(database)[FIRST], None if request_ else schools[:1], request_)
    wave, due_at = second_wave(database)
    advance(database, wave, due_at)
    assert letters(database, wave) == {ALL: schools, FIRST: Reason.ANSWERED, SECOND: schools[1:2]}


@pytest.mark.long
def test_the_answer_of_a_mailbox_for_all_schools_stops_the_reminders_of_all(database, schools):
    launch(database, approved(database, reminders=(14,)))
    answer(database, sent(database)[ALL], schools)
    wave, due_at = second_wave(database)
    advance(database, wave, due_at)
    assert set(letters(database, wave).values()) == {Reason.ANSWERED}


@pytest.mark.postgresql
@pytest.mark.long
@pytest.mark.parametrize(("address", "withdrawn"), [(FIRST, {FIRST}), (ALL, {ALL, FIRST, SECOND})])
def test_reminders_in_the_queue_are_withdrawn_in_the_same_way(database, schools, address, withdrawn):
    launch(database, approved(database, reminders=(14,)))
    keys = sent(database)
    wave, due_at = second_wave(database)
    advance(database, wave, due_at)
    answer(database, keys[address], schools[:1], now=due_at)
    left = {to for to, listed in letters(database, wave).items() if listed is Reason.ANSWERED}
    assert left == withdrawn


def second_wave(database):
    with database.reading() as session:
        wave = session.scalars(select(Wave).where(Wave.number == 2)).one()
        return wave.id, wave.due_at


@pytest.mark.long
@pytest.mark.parametrize(("address", "again"), [(FIRST, 2), (ALL, 0)])
def test_failed_letters_of_the_other_mailboxes_may_leave_again(database, schools, address, again):
    launch(database, number := approved(database))
    answer(database, sent(database)[address], schools[:1])
    with database.writing() as session:
        session.execute(update(Message).where(Message.batch_id == 1).values(state=MessageState.REFUSED))
        session.execute(update(Wave).values(state="finished"))
        campaign = lifecycle.campaign_numbered(session, number)
        expected = {1: Retriable(failed=again, kept=3 - again)}
        assert waves.list_retriable(session, campaign, now=LATER) == expected


@pytest.mark.long
def test_two_mailboxes_that_ask_for_help_are_two_tasks(database, schools):
    launch(database, approved(database))
    keys = sent(database)
    for hour, address in enumerate((FIRST, SECOND, FIRST)):
        answer(database, keys[address], request=Answer.HELP, now=LATER + timedelta(hours=hour))
    with database.reading() as session:
        assert replies.count_trays(session)[Tray.HELP] == 2


@pytest.mark.postgresql
@pytest.mark.long
def test_an_added_reminder_goes_to_the_mailboxes_whose_own_letters_led_to_nothing(database, schools, strand):
    launch(database, number := approved(database))
    keys = sent(database)
    assert reminded(database, number) == {ALL: None, FIRST: None, SECOND: None}
    answer(database, keys[SECOND], schools[1:2])
    assert reminded(database, number) == {ALL: None, FIRST: None, SECOND: Reason.ANSWERED}
    record(database, schools[0], strand, Status.JOINED)
    reacted = {ALL: Reason.JOINED, FIRST: Reason.JOINED, SECOND: Reason.ANSWERED}
    assert reminded(database, number) == reacted


@pytest.mark.long
def test_a_joining_of_another_school_stops_no_added_reminder_of_a_mailbox(database, schools, strand):
    launch(database, number := approved(database, Boxes.SCHOOLS))
    sent(database)
    record(database, schools[0], strand, Status.JOINED)
    assert reminded(database, number) == {FIRST: Reason.JOINED, SECOND: None}


@pytest.mark.long
def test_an_added_reminder_goes_to_no_mailbox_of_a_school_that_got_no_letter(database, schools):
    launch(database, number := approved(database))
    sent(database)
    with database.writing() as session:
        session.execute(
            update(Contact).where(Contact.address == FIRST).values(address="nouvelle@ecole.be", address_key="n")
        )
    assert reminded(database, number) == {ALL: None, "nouvelle@ecole.be": Reason.OUTSIDE, SECOND: None}


def reminded(database, number):
    """Why an added reminder would leave out each mailbox, or None."""
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        rows = planning.list_addressees(session, campaign, now=LATER, only_unreacted=True)
        return {row.address: row.reason for row in rows}


@pytest.mark.long
@pytest.mark.parametrize("heads", [12, pytest.param(147, marks=pytest.mark.long)])
def test_school_heads_and_their_authority_are_written_to_and_the_reminder_leaves_exactly_the_others(
    database, people, strand, heads
):
    ((authority, keys),) = settle(database, 1, schools=heads).items()
    boxes = {f"direction{key}@ecole.example": key for key in keys}
    with database.writing() as session:
        for address in boxes:
            add_contact(session, session.get_one(Authority, authority), address)
        session.flush()
        held = session.scalars(select(Contact).where(Contact.address.in_(boxes)))
        limits = [{"contact_id": one.id, "school_id": boxes[one.address]} for one in held]
        session.execute(insert(ContactSchool), limits)
    first = launch(database, approved(database, reminders=(14,)))
    assert letters(database) == {ALL: keys, **{address: [key] for address, key in boxes.items()}}
    assert carry(database, first, AT) == {ALL, *boxes}
    with database.reading() as session:
        row = session.scalars(select(Message).where(Message.address == ALL)).one()
        assert f"écrit directement à ces {heads}\u00a0écoles." in as_read(session, row, SENDING, now=AT)
    joined = keys[7:10]
    for key in joined:
        record(database, key, strand, Status.JOINED, LATER)
    second, due_at = second_wave(database)
    advance(database, second, due_at)
    others = [key for key in keys if key not in joined]
    left = {address: [key] if key in others else Reason.JOINED for address, key in boxes.items()}
    assert letters(database, second) == {ALL: others, **left}
    assert carry(database, second, due_at) == {ALL, *(address for address, key in boxes.items() if key in others)}
    with database.reading() as session:
        assert results.verify_ledger(session, now=due_at) == []
        row = session.scalars(select(Message).where(Message.address == ALL).order_by(Message.id.desc())).first()
        assert f"écrit directement à ces {heads - 3}\u00a0écoles." in as_read(session, row, SENDING, now=AT)


def carry(database, wave, at):
    """To whom a wave's letters left, through the commit gate."""
    with database.writing() as session:
        Post(session, SENDING, now=at, refusals={}).carry(at)
        query = select(Message.address).where(Message.state == MessageState.ACCEPTED)
        return set(session.scalars(query.where(Message.mailing_id == session.get_one(Wave, wave).mailing_id)))
