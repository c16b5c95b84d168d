"""Decisions of a second person: who may decide, about what exactly, and what somebody who comes second reads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from outreach.access import approvals
from outreach.access.approvals import Content, DecisionKind, Thing
from outreach.campaigns import planning
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from tests.campaigns.conftest import APPROVER, AUTHOR, add_colleague, draft, move, people, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]
ROLES = {*RoleName}
LETTER = Content("campaign:1", "a" * 64, "Invitation", "Campagne « Invitation »")


@pytest.fixture
def decided(database, people):
    """Decides in a transaction, a minute after the decision before."""
    at = iter(NOW + timedelta(minutes=minute) for minute in range(99))

    def decide(kind, actor=AUTHOR, content=LETTER, **told):
        with database.writing() as session:
            return approvals.record_decision(session, content, kind, now=next(at), actor=actor, **told).id

    return decide


def awaiting(database, person, thing=Thing.CAMPAIGN):
    with database.reading() as session:
        return [made.key for made in session.scalars(approvals.awaiting_approval(person)) if made.thing is thing]


def test_what_is_submitted_awaits_every_approver_who_has_no_hand_in_it(database, decided):
    claire, luc = (add_colleague(database, name, RoleName.APPROVER, RoleName.AUTHOR) for name in ("claire", "luc"))
    decided(DecisionKind.WRITTEN)
    assert awaiting(database, APPROVER) == []
    decided(DecisionKind.WRITTEN, claire)
    decided(DecisionKind.SUBMITTED, luc)
    assert [awaiting(database, person) for person in (APPROVER, claire, luc, AUTHOR)] == [[1], [], [], []]
    assert awaiting(database, APPROVER, Thing.REMINDER) == []
    with database.reading() as session:
        people = (APPROVER, claire, luc, AUTHOR, "x")
        may = [approvals.may_decide(session, person, LETTER.subject) for person in people]
    assert may == [True, False, False, False, False]


@pytest.mark.parametrize("after", [DecisionKind.APPROVED, DecisionKind.SENT_BACK, DecisionKind.REFUSED])
def test_who_comes_second_reads_who_decided_and_when(database, decided, after):
    claire = add_colleague(database, "claire", RoleName.APPROVER)
    decided(DecisionKind.SUBMITTED)
    decided(after, APPROVER)
    verb = {DecisionKind.APPROVED: "validé", DecisionKind.SENT_BACK: "renvoyé"}.get(after, "refusé")
    with pytest.raises(Refused, match=f"n’attend pas de validation : Marc Dethier a {verb} la campagne le 15 mai 2021"):
        decided(DecisionKind.APPROVED, claire)
    assert awaiting(database, claire) == []


def test_two_approvers_at_once_make_one_approval(database, people, strand):
    claire, number = add_colleague(database, "claire", RoleName.APPROVER), draft(database)
    move(database, number, planning.submit_campaign)

    def approve(actor):
        try:
            return move(database, number, planning.approve_campaign, actor=actor)
        except Refused as refusal:
            return str(refusal)

    with ThreadPoolExecutor() as pool:
        said = list(pool.map(approve, (APPROVER, claire)))
    (refusal,) = filter(None, said)
    first = {APPROVER: "Marc Dethier", claire: "Claire"}[(APPROVER, claire)[said.index(None)]]
    assert f"{first} a validé la campagne" in refusal


def test_an_approval_is_of_the_content_that_was_submitted(database, decided):
    decided(DecisionKind.SUBMITTED)
    changed = LETTER._replace(digest="b" * 64)
    with pytest.raises(Refused, match="La campagne a changé depuis sa soumission"):
        decided(DecisionKind.APPROVED, APPROVER, changed)
    decided(DecisionKind.APPROVED, APPROVER)
    with database.reading() as session:
        assert approvals.standing_approval(session, LETTER).actor == APPROVER
        assert approvals.standing_approval(session, changed) is None


def test_nothing_is_approved_that_nobody_submitted(decided):
    for kind in (DecisionKind.APPROVED, DecisionKind.SENT_BACK, DecisionKind.REFUSED, DecisionKind.CONFIRMED):
        with pytest.raises(Refused, match="La campagne n’attend pas de validation\\."):
            decided(kind, APPROVER)
