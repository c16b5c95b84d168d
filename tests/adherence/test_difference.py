"""Why a figure changed, by histories that are short enough to be worked out by hand."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, JoiningList, RecordWithdrawal, Status, Word
from outreach.adherence.situation import By, Compared, Reading
from outreach.core.tables import ListState
from outreach.core.text.errors import InputError, Refused
from outreach.directory.models import School
from tests.directory.editions import apply, edition, row, undo

START = date(2021, 1, 1)
FIRST_AT = datetime(2021, 1, 10, 9, tzinfo=UTC)
PROGRAMME = """
code = "essai"
name = "Essai"
[[strands]]
number = 1
name = "Premier"
opened_on = 2020-12-01
levels = ["primary", "secondary"]
[[strands]]
number = 2
name = "Second"
opened_on = 2021-02-10
"""
LIBRE, COMMUNAL, WBE = "Libre confessionnel", "Subventionné communal", "WBE"
SCHOOLS_OF_PO_2 = {"authority": 9002, "authority_name": "PO 2", "network": COMMUNAL}
SCHOOLS = {
    80001: {"site": 70001, "authority": 9001},
    80002: {"site": 70002, "authority": 9001, "zone": "Namur", "postcode": "5000"},
    80003: {"site": 70003, **SCHOOLS_OF_PO_2},
    80004: {"site": 70004, **SCHOOLS_OF_PO_2},
    80005: {"site": 70005, "authority": 9003, "authority_name": "PO 3", "network": WBE},
}


def register(changes):
    """An edition of the schools with these changes; a school changed to None is gone."""
    rows = {**SCHOOLS, **{fase: more and {**SCHOOLS.get(fase, {}), **more} for fase, more in changes.items()}}
    return edition(*(row(school=fase, **values) for fase, values in rows.items() if values))


def at(day):
    """Nine in the morning, so many days after the register's first edition was applied; its date, too."""
    return FIRST_AT + timedelta(days=day)


def on(day):
    return at(day).date()


def of(code, kind=ScopeKind.FEDERATION):
    return AccessScope(kind, code)


class Told:
    """A history on one connection, and the differences that are asked of it."""

    def __init__(self, session):
        self.session = session
        self.programme = programmes.get_programme(session)
        self.schools = dict(session.execute(select(School.fase, School.id)).all())

    def record(self, fase, day, *, recorded, status=Status.JOINED, word=Word.CONFIRMED, of_list=None):
        values = {
            "school_id": self.schools[fase],
            "strand_id": self.programme.strands[0].id,
            "status": status,
            "word": word,
            "effective_on": on(day),
            "recorded_at": at(recorded),
            "list_id": of_list,
        }
        query = insert(AdherenceRecord).values(**values, recorded_by="x", source="", reason="")
        return self.session.scalar(query.returning(AdherenceRecord.id))

    def withdraw(self, record, *, day):
        self.session.execute(insert(RecordWithdrawal).values(record_id=record, withdrawn_at=at(day), withdrawn_by="x"))

    def joining_list(self, *, undone=None):
        values = {"programme_id": self.programme.id, "sha256": "", "grid": "[]", "outcome": "", "received_at": FIRST_AT}
        values |= {"state": ListState.UNDONE if undone else ListState.APPLIED, "received_by": "x"}
        values |= {"applied_at": FIRST_AT, "applied_by": "x"}
        values |= {"undone_at": at(undone), "undone_by": "x"} if undone else {}
        return self.session.scalar(insert(JoiningList).values(**values).returning(JoiningList.id))

    def edition(self, changes, *, applied, dated=None):
        apply(self.session, register(changes), at(applied), on(applied if dated is None else dated))

    def between(self, first, second, *, by=By.NETWORK, scope=None, strand=1, naming=None):
        """The difference of two readings, each a day and a moment in days, or None for the knowledge of today."""
        asked = Compared(self.programme, self.programme.strand(strand), by, scope)
        readings = (Reading(on(day), None if moment is None else at(moment)) for day, moment in (first, second))
        return situation.difference(self.session, asked, *readings, naming)

    def causes(self, first, second, **asked):
        """What changed: by group and status, each cause with what it adds and whom it names."""
        found = self.between(first, second, **asked).as_json()
        for cell in (*found["cells"], *found["populations"], *found["totals"]):
            assert cell["after"] - cell["before"] == sum(one["delta"] for one in cell["causes"]), cell
        return {
            (*cell["by"].values(), cell["status"]): [
                (one["cause"], one["delta"], one["schools"]) for one in cell["causes"]
            ]
            for cell in found["cells"]
            if cell["causes"]
        }


@pytest.fixture
def told(database):
    with database.writing() as session:
        apply(session, register({}), FIRST_AT, START)
        programmes.load_programme(session, PROGRAMME, now=FIRST_AT, actor="x")
        yield Told(session)


def test_a_cell_that_did_not_change_is_there_and_has_no_cause(told):
    told.record(80001, 2, recorded=3)
    found = told.between((10, 10), (20, 20)).as_json()
    assert Counter(cell["by"]["network"] for cell in found["cells"]) == dict.fromkeys((LIBRE, COMMUNAL, WBE), 8)
    counts = {(cell["by"]["network"], cell["status"]): (cell["before"], cell["after"]) for cell in found["cells"]}
    assert counts[LIBRE, "joined"] == counts[LIBRE, "none"] == counts[WBE, "none"] == (1, 1)
    assert counts[COMMUNAL, "none"] == (2, 2)
    assert not any(cell["causes"] for cell in found["cells"])
    assert found["from"]["as_of"] == on(10).isoformat()
    assert found["to"]["known_at"] == at(20).isoformat()


def test_a_school_that_joined_between_the_two_days_has_joined_since(told):
    told.record(80001, 15, recorded=16)
    came, left = [("joined_since", 1, [80001])], [("joined_since", -1, [80001])]
    assert told.causes((10, 10), (20, 20)) == {(LIBRE, "joined"): came, (LIBRE, "none"): left}
    assert told.causes((20, 20), (10, 10)) == {(LIBRE, "joined"): left, (LIBRE, "none"): came}
    assert told.causes((20, None), (10, None)) == {(LIBRE, "joined"): left, (LIBRE, "none"): came}


def test_another_status_of_a_day_between_has_changed_since(told):
    told.record(80001, 5, recorded=6, status=Status.IN_PREPARATION)
    told.record(80001, 15, recorded=16, status=Status.DECLINED)
    assert told.causes((10, 10), (20, 20)) == {
        (LIBRE, "in_preparation"): [("changed_since", -1, [80001])],
        (LIBRE, "declined"): [("changed_since", 1, [80001])],
    }


def test_what_was_so_before_the_first_day_and_recorded_later_was_told_late(told):
    told.record(80003, 5, recorded=16)
    expected = {(COMMUNAL, "joined"): [("told_late", 1, [80003])], (COMMUNAL, "none"): [("told_late", -1, [80003])]}
    assert told.causes((10, 10), (20, 20)) == expected
    assert told.causes((10, 10), (10, None)) == expected


def test_a_confirmation_that_is_dated_back_to_the_word_of_the_authority_was_told_late(told):
    told.record(80003, 5, recorded=5, word=Word.DECLARED)
    told.record(80003, 5, recorded=16)
    assert told.causes((10, 10), (20, 20)) == {
        (COMMUNAL, "joined"): [("told_late", 1, [80003])],
        (COMMUNAL, "declared"): [("told_late", -1, [80003])],
    }


def test_who_joined_since_and_was_told_late_of_an_earlier_status_has_joined_since(told):
    told.record(80003, 5, recorded=16, status=Status.IN_PREPARATION)
    told.record(80003, 15, recorded=16)
    assert {one[0][0] for one in told.causes((10, 10), (20, 20)).values()} == {"joined_since"}


def test_a_record_that_was_withdrawn_was_taken_back(told):
    told.withdraw(told.record(80005, 5, recorded=5), day=15)
    assert told.causes((10, 10), (20, 20)) == {
        (WBE, "joined"): [("taken_back", -1, [80005])],
        (WBE, "none"): [("taken_back", 1, [80005])],
    }
    assert told.causes((10, None), (20, None)) == {}


def test_a_record_of_a_list_that_was_undone(told):
    of_list = told.joining_list(undone=15)
    told.withdraw(told.record(80005, 5, recorded=5, of_list=of_list), day=15)
    told.withdraw(told.record(80001, 5, recorded=5, of_list=of_list), day=12)  # by hand, before the list was undone
    assert told.causes((10, 10), (20, 20)) == {
        (WBE, "joined"): [("list_undone", -1, [80005])],
        (WBE, "none"): [("list_undone", 1, [80005])],
        (LIBRE, "joined"): [("taken_back", -1, [80001])],
        (LIBRE, "none"): [("taken_back", 1, [80001])],
    }


def test_a_record_in_the_place_of_another_corrects_it(told):
    told.withdraw(told.record(80001, 5, recorded=5), day=15)
    told.record(80001, 4, recorded=15, status=Status.NOT_CONCERNED)
    told.record(80005, 5, recorded=5)
    told.record(80005, 5, recorded=15, status=Status.DECLINED)
    assert told.causes((10, 10), (20, 20)) == {
        (LIBRE, "joined"): [("corrected", -1, [80001])],
        (LIBRE, "not_concerned"): [("corrected", 1, [80001])],
        (WBE, "joined"): [("corrected", -1, [80005])],
        (WBE, "declined"): [("corrected", 1, [80005])],
    }
    found = told.between((10, 10), (20, 20)).as_json()
    assert [(one["before"], one["after"]) for one in found["populations"] if one["causes"]] == [(2, 1)]


def test_what_is_declared_again_after_a_status_that_came_late(told):
    told.record(80001, 2, recorded=2)
    told.record(80001, 6, recorded=6, word=Word.DECLARED)  # passed over, until something stands between
    told.record(80001, 4, recorded=15, status=Status.DECLINED)
    assert told.causes((10, 10), (20, 20)) == {
        (LIBRE, "joined"): [("told_late", -1, [80001])],
        (LIBRE, "declared"): [("told_late", 1, [80001])],
    }


def test_schools_open_and_close(told):
    told.edition({80002: None, 80006: {"site": 70006, **SCHOOLS_OF_PO_2}}, applied=15)
    assert told.causes((10, 10), (20, 20)) == {
        (LIBRE, "none"): [("closed", -1, [80002])],
        (COMMUNAL, "none"): [("opened", 1, [80006])],
    }
    assert told.causes((20, None), (10, None)) == {
        (LIBRE, "none"): [("closed", 1, [80002])],
        (COMMUNAL, "none"): [("opened", -1, [80006])],
    }


def test_a_closed_school_whose_site_another_one_has_by_now_was_merged(told):
    told.edition({80002: None, 80001: {"site": 70002}}, applied=15)
    assert told.causes((10, 10), (20, 20)) == {(LIBRE, "none"): [("merged", -1, [80002])]}


def test_a_school_that_moved_to_another_network_is_a_row_in_each_of_two_cells(told):
    told.record(80003, 2, recorded=2)
    told.edition({80003: {"authority": 9003, "authority_name": "PO 3", "network": WBE}}, applied=15)
    moved = {(COMMUNAL, "joined"): [("moved", -1, [80003])], (WBE, "joined"): [("moved", 1, [80003])]}
    assert told.causes((10, 10), (20, 20)) == moved
    assert not told.between((10, 10), (20, 20)).totals["joined"].causes


def test_the_schools_of_an_authority_that_is_no_more_were_merged(told):
    into = {"authority": 9003, "authority_name": "PO 3", "network": WBE}
    told.edition({80003: into, 80004: into}, applied=15)
    assert told.causes((10, 10), (20, 20)) == {
        (COMMUNAL, "none"): [("merged", -2, [80003, 80004])],
        (WBE, "none"): [("merged", 2, [80003, 80004])],
    }


def test_a_population_comes_before_a_status(told):
    told.record(80003, 16, recorded=17)
    told.edition({80003: {"authority": 9003, "authority_name": "PO 3", "network": WBE}}, applied=15)
    assert told.causes((10, 10), (20, 20)) == {
        (COMMUNAL, "none"): [("moved", -1, [80003])],
        (WBE, "joined"): [("moved", 1, [80003])],
    }


def test_a_school_that_teaches_at_another_level(told):
    told.edition({80001: {"kind": "Primaire ordinaire"}, 80002: {"kind": "Maternel ordinaire"}}, applied=15)
    assert told.causes((10, 10), (20, 20), by=By.LEVEL) == {
        ("secondary", "none"): [("level_changed", -2, [80001, 80002])],
        ("primary", "none"): [("level_changed", 1, [80001])],
    }
    assert told.causes((10, 10), (20, 20)) == {(LIBRE, "none"): [("level_changed", -1, [80002])]}


def test_an_edition_of_an_earlier_day_that_was_applied_later(told):
    told.edition({80002: None, 80003: {"zone": "Namur", "postcode": "5000"}}, applied=15, dated=5)
    assert told.causes((10, 10), (20, 20)) == {(LIBRE, "none"): [("edition_applied", -1, [80002])]}
    assert told.causes((10, 10), (10, 20), by=By.ZONE) == {
        ("Bruxelles", "none"): [("edition_applied", -1, [80003])],
        ("Namur", "none"): [("edition_applied", -1, [80002]), ("edition_applied", 1, [80003])],
    }


def test_a_strand_that_opened_since_had_no_figures(told):
    found = told.causes((10, 10), (40, 40), strand=2)
    assert {cause for one in found.values() for cause, *_ in one} == {"strand_opened"}
    assert sum(delta for one in found.values() for _, delta, _ in one) == len(SCHOOLS)


def test_a_federation_sees_that_a_school_left_and_not_which(told):
    told.edition(
        {80003: {"authority": 9001, "authority_name": "ASBL Saint-Joseph", "network": LIBRE}, 80004: None}, applied=15
    )
    assert told.causes((10, 10), (20, 20), scope=of("CECP")) == {}  # secondary schools are another federation's
    assert told.causes((10, 10), (20, 20), scope=of("CPEONS")) == {
        (COMMUNAL, "none"): [("closed", -1, [80004]), ("left", -1, [])]
    }
    assert told.causes((10, 10), (20, 20), scope=of("SeGEC")) == {(LIBRE, "none"): [("moved", 1, [80003])]}
    assert told.between((10, 10), (20, 20), scope=of("CPEONS")).totals["concerned"].before == 2


class Nobody:
    """A session that may name no school."""

    def execute(self, _statement):
        return self

    def scalars(self, _statement):
        return []

    def all(self):
        return []


def test_what_became_of_a_school_that_left_is_not_told(told):
    elsewhere = {"authority": 9001, "authority_name": "ASBL Saint-Joseph", "network": LIBRE}
    told.edition({80003: elsewhere}, applied=15)
    told.edition({80003: None, 80004: {"site": 70003}}, applied=18)
    scope = of("CPEONS")
    assert told.causes((10, 10), (20, 20), scope=scope)[COMMUNAL, "none"] == [("merged", -1, [80003])], "the service"
    assert told.causes((10, 10), (20, 20), scope=scope, naming=Nobody()) == {(COMMUNAL, "none"): [("left", -1, [])]}


def test_a_network_sees_that_a_school_left_and_not_which(told):
    told.record(80003, 2, recorded=2)
    told.edition({80003: {"authority": 9003, "authority_name": "PO 3", "network": WBE}, 80004: None}, applied=15)
    communal = of(COMMUNAL, ScopeKind.NETWORK)
    assert told.causes((10, 10), (20, 20), scope=communal) == {
        (COMMUNAL, "joined"): [("left", -1, [])],
        (COMMUNAL, "none"): [("closed", -1, [80004])],
    }
    found = told.between((10, 10), (20, 20), scope=communal).as_json()
    assert (found["from"]["network"], found["from"]["federation"]) == (COMMUNAL, None)
    assert told.causes((10, 10), (20, 20), scope=of(WBE, ScopeKind.NETWORK)) == {
        (WBE, "joined"): [("moved", 1, [80003])]  # whether the one that it left runs others is not theirs to know
    }


def test_each_school_is_told_with_the_record_that_decided(told):
    late, gone = told.record(80001, 5, recorded=16), told.record(80005, 5, recorded=5)
    told.withdraw(gone, day=15)
    since = told.record(80003, 15, recorded=16)
    assert told.between((10, 10), (20, 20)).records == {80001: late, 80005: gone, 80003: since}


def test_an_edition_that_was_undone_is_told_as_it_was_known(told):
    told.edition(
        {
            80002: None,
            80003: {"zone": "Namur", "postcode": "5000"},
            80006: {"site": 70006, **SCHOOLS_OF_PO_2},
        },
        applied=15,
    )
    undo(told.session, at(18))
    told.edition({80004: None}, applied=19, dated=16)
    assert told.causes((16, 17), (16, 20)) == {
        (LIBRE, "none"): [("edition_undone", 1, [80002])],
        (COMMUNAL, "none"): [("edition_applied", -1, [80004]), ("edition_undone", -1, [80006])],
    }
    assert told.causes((16, 20), (16, 17))[LIBRE, "none"] == [("edition_undone", -1, [80002])]
    assert told.causes((16, 17), (16, 20), by=By.ZONE)["Namur", "none"] == [
        ("edition_undone", -1, [80003]),
        ("edition_undone", 1, [80002]),
    ]
    assert told.causes((10, 10), (16, 17))[LIBRE, "none"] == [("closed", -1, [80002])]
    assert told.causes((16, 18), (16, None)) == {(COMMUNAL, "none"): [("edition_applied", -1, [80004])]}


def test_a_reading_that_nobody_can_have_or_that_is_lost_is_refused(told):
    told.edition({80002: None}, applied=15)
    undone = undo(told.session, at(18))
    undone.is_kept = False  # by a version before
    with pytest.raises(Refused, match="ne peut plus être recalculée"):
        told.between((10, 16), (20, 20))
    with pytest.raises(InputError, match="personne ne connaissait"):
        told.between((10, 10), (20, 19))
    with pytest.raises(InputError, match="Fédération inconnue : « XYZ »"):
        told.between((10, 10), (20, 20), scope=of("XYZ"))
    assert told.causes((10, 10), (20, 20)) == {}
