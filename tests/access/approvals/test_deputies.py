"""Deputies: who is told in the place of an approver who is away, on which days, and that no rule is bent by it."""

from datetime import date, timedelta

import pytest

from outreach.access import approvals
from outreach.access.approvals import Delegate, Thing
from outreach.campaigns import planning
from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.staff.notifications import Pace
from tests.campaigns.conftest import APPROVER, AUTHOR, add_colleague, approved, draft, launch, move, people, strand
from tests.conftest import NOW
from tests.staff.notifications.test_notices import begun, choose, tell

__all__ = ["begun", "people", "strand"]
TODAY, TOMORROW, LAST = date(2021, 5, 15), date(2021, 5, 16), date(2021, 5, 20)
BOTH = (RoleName.APPROVER, RoleName.AUTHOR)


@pytest.fixture
def claire(database, people):
    return add_colleague(database, "claire", *BOTH)


def name(database, absent, deputy, first=TODAY, last=LAST, now=NOW):
    with database.writing() as session:
        return approvals.name_delegate(
            session, Delegate(absent=absent, deputy=deputy, first_on=first, last_on=last), now=now
        ).id


def asked(database, actor=AUTHOR):
    number = draft(database)
    move(database, number, planning.submit_campaign, actor=actor)
    return number


def told(database, now=NOW + timedelta(seconds=5)):
    return [to for to, _, _ in tell(database, now)]


@pytest.mark.long
def test_a_deputy_is_told_in_the_place_of_who_is_away_on_these_days_and_no_other(database, begun, claire):
    asked(database)
    assert told(database) == [APPROVER, claire]
    name(database, APPROVER, claire, TOMORROW)
    asked(database)
    assert told(database) == [APPROVER, claire], "not before the first day"
    asked(database)
    ((to, _, text),) = tell(database, NOW + timedelta(days=1))
    assert to == claire
    assert "Vous remplacez Marc Dethier du 16 mai 2021 au 20 mai 2021." in text
    asked(database)
    assert told(database, NOW + timedelta(days=6)) == [APPROVER, claire], "not after the last day"


def test_a_deputy_who_is_the_author_decides_nothing_so_who_is_away_is_told_all_the_same(database, begun, claire):
    name(database, APPROVER, claire)
    number = asked(database, actor=claire)
    assert told(database) == [APPROVER]
    with database.reading() as session:
        assert not approvals.may_decide(session, claire, Thing.CAMPAIGN.subject(number))
        assert session.scalars(approvals.awaiting_approval(claire)).all() == []
    with pytest.raises(Refused, match="autre personne"):
        move(database, number, planning.approve_campaign, actor=claire)
    move(database, number, planning.approve_campaign, actor=APPROVER)


@pytest.mark.long
def test_a_deputy_hears_of_the_waves_that_who_is_away_approved(database, begun, claire):
    number = approved(database)
    launch(database, number)
    told(database)
    name(database, APPROVER, claire)
    move(database, number, planning.pause_campaign, actor="hugo.willems@fwb.example")
    assert told(database) == [AUTHOR, claire]


def test_a_deputy_who_wants_no_mail_gets_it_on_these_days_at_once(database, begun, claire):
    choose(database, claire, Pace.OFF)
    asked(database)
    assert told(database) == [APPROVER]
    name(database, APPROVER, claire)
    asked(database)
    assert told(database) == [claire]


def test_the_days_end_early_by_who_named_the_deputy_and_the_audit_says_both(database, begun, claire):
    key = name(database, APPROVER, claire)
    with database.writing() as session, pytest.raises(NotFound):
        approvals.end_delegation(session, key, now=NOW, actor=claire)
    with database.writing() as session:
        approvals.end_delegation(session, key, now=NOW, actor=APPROVER)
    with database.writing() as session, pytest.raises(NotFound):
        approvals.end_delegation(session, key, now=NOW, actor=APPROVER)
    asked(database)
    assert told(database) == [APPROVER, claire]
    with database.reading() as session:
        said = [entry.sentence for entry in audit.entries_about(session, f"user:{APPROVER}")][:2]
    assert said == [
        "Remplacement du 15 mai 2021 au 20 mai 2021 : terminé plus tôt.",
        "Remplacement du 15 mai 2021 au 20 mai 2021, par Claire.",
    ]


@pytest.mark.parametrize(
    ("deputy", "first", "last", "said"),
    [
        ("claire@fwb.example", TODAY - timedelta(days=1), LAST, "un premier jour à venir"),
        ("claire@fwb.example", LAST, TODAY, "un premier jour à venir"),
        ("claire@fwb.example", TODAY, TODAY + timedelta(days=92), "trois mois"),
        (APPROVER, TODAY, LAST, "une autre personne"),
        (AUTHOR, TODAY, LAST, "le rôle « validation »"),
        ("nobody@fwb.example", TODAY, LAST, "le rôle « validation »"),
    ],
)
def test_only_another_approver_for_days_to_come_is_named(database, claire, deputy, first, last, said):
    with pytest.raises(InputError, match=said):
        name(database, APPROVER, deputy, first, last)


def test_nobody_is_away_twice_nor_replaced_by_who_is_away(database, claire):
    luc = add_colleague(database, "luc", RoleName.APPROVER)
    name(database, APPROVER, claire)
    with pytest.raises(Refused, match="Vous avez déjà un remplacement du 15 mai 2021 au 20 mai 2021"):
        name(database, APPROVER, luc, LAST, LAST)
    with pytest.raises(Refused, match="Marc Dethier a déjà annoncé son absence du 15 mai"):
        name(database, luc, APPROVER, LAST, LAST)
    with pytest.raises(Refused, match="Vous remplacez Marc Dethier du 15 mai"):
        name(database, claire, luc)
    name(database, APPROVER, luc, LAST + timedelta(days=1), LAST + timedelta(days=1))
    with database.reading() as session:
        found = [(one.deputy, one.first_on) for one in approvals.of_absent(session, APPROVER, TODAY)]
        assert found == [(claire, TODAY), (luc, LAST + timedelta(days=1))]
        assert [one.absent for one in approvals.of_deputy(session, claire, TODAY)] == [APPROVER]
