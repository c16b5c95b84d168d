"""A situation as known at a past moment is the one that was shown then."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status, Word
from outreach.adherence.situation import Grouping, Selection, oldest_register, refuse_unknowable
from outreach.adherence.situation import _situation as situation
from outreach.core.text.errors import InputError, Refused
from outreach.directory.models import School
from outreach.directory.register import applied_editions, last_import
from tests.directory.editions import apply, edition, row, undo
from tests.factories import undone

EXAMPLES = 30 if settings.default.max_examples > 40 else 1  # beside two fixed ones; `--all` goes deeper
START = date(2021, 1, 1)
FIRST_AT = datetime(2021, 1, 10, 9, tzinfo=UTC)
LAST_DAY = 9
PROGRAMME = """
code = "essai"
name = "Essai"
[[strands]]
number = 1
name = "Premier"
opened_on = 2020-12-31
[[strands]]
number = 2
name = "Second"
opened_on = 2020-12-31
level = "primary"
"""
SCHOOLS = {
    80001: {"site": 70001, "authority": 9001},
    80002: {"site": 70002, "authority": 9001, "zone": "Namur", "postcode": "5000"},
    80003: {"site": 70003, "authority": 9002, "authority_name": "PO 2", "network": "Subventionné communal"},
    80004: {"site": 70004, "authority": 9003, "authority_name": "PO 3", "kind": "Primaire ordinaire"},
}
CHANGES = (
    {},
    {80001: None},
    {80002: {"authority": 9003, "authority_name": "PO 3"}},
    {80001: {"zone": "Huy-Waremme", "postcode": "4500"}, 80002: {"zone": "Bruxelles", "postcode": "1000"}},
    {80004: {"kind": "Secondaire ordinaire"}, 80003: {"kind": "Primaire ordinaire"}},
    {80005: {"site": 70005, "authority": 9004, "authority_name": "PO 4", "zone": "Liège", "postcode": "9600"}},
)


def register(changes):
    """An edition of the schools with these changes; a school changed to None is gone."""
    rows = {**SCHOOLS, **{fase: more and {**SCHOOLS.get(fase, {}), **more} for fase, more in changes.items()}}
    return edition(*(row(school=fase, **values) for fase, values in rows.items() if values))


FILES = [register(changes) for changes in CHANGES]
days, groupings = st.integers(0, LAST_DAY), st.sampled_from(list(Grouping))
step = st.one_of(
    st.tuples(
        st.just("record"),
        st.sampled_from([*SCHOOLS]),
        st.integers(0, 1),
        st.sampled_from(list(Status)),
        st.sampled_from(list(Word)),
        days,
    ),
    st.tuples(st.just("withdraw"), st.integers(0, 9)),
    st.tuples(st.just("edition"), st.integers(0, len(FILES) - 1), days),
    st.tuples(st.just("undo_later")),
)


@pytest.fixture
def ready(database):
    with database.writing() as session:
        apply(session, FILES[0], FIRST_AT, START)
        programmes.load_programme(session, PROGRAMME, now=FIRST_AT, actor="x")
    return database


class Story:
    """What happens one minute after the other, and what was shown after each of them."""

    def __init__(self, session, by, strand, day):
        self.session, self.by, self.strand, self.day = session, by, strand, day
        self.programme, self.records = programmes.get_programme(session), []
        self.schools = dict(session.execute(select(School.fase, School.id)).all())
        self.at, self.shown = FIRST_AT, {FIRST_AT: self.show()}

    def show(self, known_at=None):
        """The situation, its lists and its curve."""
        found = situation.count_situation(self.session, self.programme, self.day, known_at=known_at, by=self.by)
        group = found.rows[-1].code if found.rows else ""
        asked = Selection(self.strand, None, group, self.by, known_at)
        schools = {
            (row.School.fase, row.Authority.fase, row.status, row.word) for row in self.listed("schools", asked).every()
        }
        owners = {(row.Authority.fase, row.roll_up, row.joined) for row in self.listed("authorities", asked).every()}
        curve = situation.joining_curve(self.session, self.programme, self.day, known_at=known_at)
        return found.rows, found.total, schools, owners, curve

    def listed(self, what, asked):
        return getattr(situation, f"list_situation_{what}")(self.session, self.programme, self.day, asked)

    def happens(self, kind, *values):
        self.at += timedelta(minutes=1)
        getattr(self, kind)(*values)
        self.shown[self.at] = self.show()

    def record(self, school, strand, status, word, day):
        values = {
            "school_id": self.schools[school],
            "strand_id": self.programme.strands[strand].id,
            "status": status,
            "word": word,
            "effective_on": START + timedelta(day),
            "recorded_at": self.at,
            "recorded_by": "x",
            "source": "",
            "reason": "",
        }
        self.records.append(
            self.session.scalar(insert(AdherenceRecord).values(values).returning(AdherenceRecord.id)),
        )

    def withdraw(self, place):
        if place < len(self.records) and self.records[place]:
            values = {"record_id": self.records[place], "withdrawn_at": self.at, "withdrawn_by": "x"}
            self.session.execute(insert(RecordWithdrawal).values(values))
            self.records[place] = None

    def edition(self, number, day):
        last = last_import(self.session)
        apply(self.session, FILES[number], self.at, max(last.edition_on if last else START, START + timedelta(day)))

    def undo(self):
        if last_import(self.session):
            undo(self.session, self.at)

    def undo_later(self):
        """Undo an edition that is not the first: the zone of a school that is new again is that of the next edition."""
        if len([one for one in applied_editions(self.session) if one.undone_at is None]) > 1:
            self.undo()


ANEW = [("record", 80003, 0, Status.JOINED, Word.CONFIRMED, 2), ("undo",), ("edition", 5, 4), ("undo",), ("undo",)]
ANEW += [("edition", 4, 5), ("edition", 2, 6), ("undo",), ("edition", 5, 6)]
RICH = [
    ("record", 80002, 0, Status.JOINED, Word.CONFIRMED, 2),
    ("edition", 3, 3),
    ("withdraw", 0),
    ("edition", 2, 3),
    ("undo",),
    ("edition", 4, 5),
    ("edition", 1, 6),
]


@example(steps=RICH, by=Grouping.ZONE, strand=1, day=8)
@example(steps=ANEW, by=Grouping.ZONE, strand=1, day=8)
@example(steps=ANEW, by=Grouping.FEDERATION, strand=1, day=0)
@example(steps=RICH, by=Grouping.FEDERATION, strand=1, day=8)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=7), by=groupings, strand=st.integers(1, 2), day=days)
def test_a_situation_as_known_then_is_the_one_shown_then(ready, steps, by, strand, day):
    with undone(ready) as session:
        story = Story(session, by, strand, START + timedelta(day))
        for happening in steps:
            story.happens(*happening)
        for moment, shown in story.shown.items():
            assert story.show(moment) == shown


def test_no_moment_is_replayed_at_which_an_edition_was_in_force_that_a_version_before_undid(ready):
    later = [FIRST_AT + timedelta(hours=hours) for hours in range(5)]
    with ready.writing() as session:
        apply(session, FILES[1], later[1], START + timedelta(days=5))
        undo(session, later[3]).is_kept = False
    with ready.reading() as session:
        for moment in (later[0], later[3], later[4], None):
            refuse_unknowable(session, START, moment)
        for moment in later[1:3]:
            with pytest.raises(
                Refused, match="l’édition du registre du 6 janvier 2021, appliquée alors, a été annulée"
            ):
                refuse_unknowable(session, START, moment)
        with pytest.raises(InputError, match="personne ne connaissait la situation du 11 janvier 2021"):
            refuse_unknowable(session, START + timedelta(days=10), FIRST_AT)


@pytest.mark.parametrize(
    ("day", "known_at", "register"),
    [
        (START, None, None),
        (START - timedelta(days=1), None, START),
        (START, FIRST_AT, None),
        (START, FIRST_AT - timedelta(minutes=1), START),
    ],
)
def test_before_the_first_edition_its_schools_stand_for_those_of_the_time(ready, day, known_at, register):
    with ready.reading() as session:
        programme = programmes.get_programme(session)
        assert oldest_register(session, day, known_at) == register
        assert situation.count_situation(session, programme, day, known_at=known_at).total.schools == len(SCHOOLS)


def test_without_an_edition_there_is_no_oldest_register(database):
    with database.reading() as session:
        assert oldest_register(session, START) is None
