"""What awaits each role: what one may approve, what came back to whoever wrote it, what is approved and not planned."""

from datetime import timedelta

import pytest

from outreach.access import approvals
from outreach.access.approvals import Extent, Thing
from outreach.campaigns import correspondence, planning, waves
from outreach.campaigns.correspondence import ReplyTemplate, TextUse
from outreach.core.text.roles import RoleName
from outreach.operations.tasks import TaskKind, Whose, count_tasks, list_tasks
from tests.campaigns.conftest import APPROVER, AUTHOR, approved, draft, launch, move, settle
from tests.conftest import NOW

BOTH = {RoleName.AUTHOR, RoleName.APPROVER}


def tasks(session, person, roles):
    """The kinds and pages of what awaits a person; the bar counts as many."""
    whose = Whose(person, frozenset(roles))
    found = list(list_tasks(session, whose, now=NOW, within=5).tasks)
    assert count_tasks(session, whose, now=NOW) == len(found)
    return [(task.kind, task.path) for task in found]


def numbers(database, person, roles):
    with database.reading() as session:
        found = {}
        for kind, path in tasks(session, person, roles):
            found.setdefault(kind, []).append(int(path.split("/")[2]))
        return found


@pytest.mark.long
def test_each_role_is_awaited_by_its_own(database, people, strand):
    settle(database, 1)
    draft(database)  # nobody waits for a draft that its author has not finished
    asked, returned, unplanned, planned = draft(database), draft(database), approved(database), approved(database)
    for number in (asked, returned):
        move(database, number, planning.submit_campaign)
    move(database, returned, planning.send_back, actor=APPROVER)
    launch(database, planned, NOW + timedelta(minutes=1))
    own = {TaskKind.RETURNED: [returned], TaskKind.UNPLANNED: [unplanned]}
    assert numbers(database, APPROVER, {RoleName.APPROVER}) == {TaskKind.APPROVAL: [asked]}
    assert numbers(database, AUTHOR, BOTH) == own
    assert numbers(database, "autre@fwb.example", {RoleName.AUTHOR}) == {}
    assert numbers(database, APPROVER, {RoleName.READER}) == {}
    move(
        database,
        returned,
        lambda session, campaign, **by: planning.revise_campaign(session, campaign, {"title": "x"}, **by),
    )
    assert numbers(database, AUTHOR, BOTH) == own, "a correction that is begun is not yet made"
    move(database, returned, planning.submit_campaign)
    assert numbers(database, AUTHOR, BOTH) == {TaskKind.UNPLANNED: [unplanned]}


def test_a_text_that_needs_an_approval_awaits_whoever_may_give_it(database, people, strand):
    def awaited(person):
        with database.reading() as session:
            assert tasks(session, person, {RoleName.AUTHOR}) == []
            found = session.scalars(approvals.awaiting_approval(person)).all()
            assert len(tasks(session, person, {*RoleName})) == len(found)
            return [session.get_one(ReplyTemplate, made.key).text for made in found if made.thing is Thing.TEXT]

    def write(words, use=TextUse.JOINED):
        with database.writing() as session:
            correspondence.write_template(session, use, words, now=NOW, actor=AUTHOR)

    write("Aide", TextUse.HELP)
    assert awaited(APPROVER) == []
    write("Un")
    write("Deux")
    assert (awaited(APPROVER), awaited(AUTHOR)) == (["Deux"], [])
    with database.writing() as session:
        held = correspondence.current_template(session, TextUse.JOINED)
        correspondence.approve_template(session, TextUse.JOINED, held.row.id, now=NOW, actor=APPROVER)
    assert awaited(APPROVER) == []


def test_an_added_reminder_awaits_whoever_may_approve_it(database, people, strand):
    settle(database, 1)
    number = approved(database)
    launch(database, number)
    words = {"subject": "x", "letter": "x", "asked_at": NOW + timedelta(days=4), "now": NOW, "actor": AUTHOR}
    with database.writing() as session:
        reminder = waves.add_reminder(session, planning.in_turn(session, number), **words)
        waves.submit_reminder(session, reminder, now=NOW, actor=AUTHOR, extent=Extent(1))
    with database.reading() as session:
        for person, roles, expected in ((APPROVER, BOTH, 1), (AUTHOR, BOTH, 0), (APPROVER, {RoleName.AUTHOR}, 0)):
            assert [kind for kind, _ in tasks(session, person, roles)] == [TaskKind.APPROVAL] * expected
