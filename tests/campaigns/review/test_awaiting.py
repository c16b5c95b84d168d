"""What awaits each role: what one may approve, what came back to whoever wrote it, what is approved and not planned."""

from datetime import timedelta

from sqlalchemy import select

from outreach.approvals import reading
from outreach.approvals.models import Extent, Thing
from outreach.campaigns import lifecycle
from outreach.campaigns.models import CampaignState
from outreach.campaigns.replies import texts
from outreach.campaigns.replies.models import PreparedText, TextUse
from outreach.campaigns.review import awaiting
from outreach.campaigns.waves import added_reminders
from outreach.roles import RoleName
from tests.campaigns.conftest import APPROVER, AUTHOR, approved, draft, launch, move, settle
from tests.conftest import NOW

BOTH = {RoleName.AUTHOR, RoleName.APPROVER}


def count(session, person, roles):
    counted = awaiting.counted(person, roles, NOW.date())
    return sum(session.execute(select(*counted)).one()) if counted else 0


def numbers(database, person, roles):
    with database.reading() as session:
        found = {state: [one.id for one in own] for state, own in awaiting.campaigns(session, person, roles).items()}
        submitted = reading.awaiting(session, person, roles).get(Thing.CAMPAIGN, [])
        found |= {CampaignState.TO_APPROVE: [made.key for made in submitted]} if submitted else {}
        assert count(session, person, roles) == sum(map(len, found.values()))
        return found


def test_each_role_is_awaited_by_its_own(database, people, strand):
    settle(database, 1)
    draft(database)  # nobody waits for a draft that its author has not finished
    asked, returned, unplanned, planned = draft(database), draft(database), approved(database), approved(database)
    for number in (asked, returned):
        move(database, number, lifecycle.submit)
    move(database, returned, lifecycle.send_back, actor=APPROVER)
    launch(database, planned, NOW + timedelta(minutes=1))
    own = {CampaignState.DRAFT: [returned], CampaignState.APPROVED: [unplanned]}
    assert numbers(database, APPROVER, {RoleName.APPROVER}) == {CampaignState.TO_APPROVE: [asked]}
    assert numbers(database, AUTHOR, BOTH) == own
    assert numbers(database, "autre@fwb.example", {RoleName.AUTHOR}) == {}
    assert numbers(database, APPROVER, {RoleName.READER}) == {}
    move(database, returned, lambda session, campaign, **by: lifecycle.revise(session, campaign, {"title": "x"}, **by))
    assert numbers(database, AUTHOR, BOTH) == own, "a correction that is begun is not yet made"
    move(database, returned, lifecycle.submit)
    assert numbers(database, AUTHOR, BOTH) == {CampaignState.APPROVED: [unplanned]}


def test_a_text_that_needs_an_approval_awaits_whoever_may_give_it(database, people, strand):
    def awaited(person):
        with database.reading() as session:
            found = reading.awaiting(session, person, {*RoleName}).get(Thing.TEXT, [])
            assert count(session, person, {*RoleName}) == len(found)
            assert reading.awaiting(session, person, {RoleName.AUTHOR}) == {}
            return [session.get_one(PreparedText, made.key).text for made in found]

    def write(words, use=TextUse.JOINED):
        with database.writing() as session:
            texts.write(session, use, words, now=NOW, actor=AUTHOR)

    write("Aide", TextUse.HELP)
    assert awaited(APPROVER) == []
    write("Un")
    write("Deux")
    assert (awaited(APPROVER), awaited(AUTHOR)) == (["Deux"], [])
    with database.writing() as session:
        held = texts.current(session, TextUse.JOINED)
        texts.approve(session, TextUse.JOINED, held.row.id, now=NOW, actor=APPROVER)
    assert awaited(APPROVER) == []


def test_an_added_reminder_awaits_whoever_may_approve_it(database, people, strand):
    settle(database, 1)
    number = approved(database)
    launch(database, number)
    words = {"subject": "x", "letter": "x", "asked_at": NOW + timedelta(days=4), "now": NOW, "actor": AUTHOR}
    with database.writing() as session:
        reminder = added_reminders.add(session, lifecycle.in_turn(session, number), **words)
        added_reminders.submit(session, reminder, now=NOW, actor=AUTHOR, extent=Extent(1))
    with database.reading() as session:
        for person, roles, expected in ((APPROVER, BOTH, 1), (AUTHOR, BOTH, 0), (APPROVER, {RoleName.AUTHOR}, 0)):
            assert len(reading.awaiting(session, person, roles).get(Thing.REMINDER, [])) == expected
            assert count(session, person, roles) == expected
