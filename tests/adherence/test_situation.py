from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, literal, select

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, RollUp, Status, Word
from outreach.adherence.records import Standing, declared_joinings, list_standings
from outreach.adherence.situation import (
    Bucket,
    Grouping,
    Moment,
    Selection,
    Solicitation,
    standing_of_schools,
    timeline_of,
)
from outreach.adherence.situation._standing import rolled_up
from outreach.directory.models import Authority, Federation, Level, Membership, Ownership, Teaching
from outreach.directory.register import SchoolReport
from tests import factories
from tests.conftest import STORY_DAY


@pytest.fixture
def programme(session):
    return programmes.get_programme(session)


@pytest.mark.full
def test_the_spring_of_2021(session, programme):
    found = situation.count_situation(session, programme, STORY_DAY).as_json()
    assert found["as_of"] == "2021-05-15"
    assert found["total"]["network"] is None
    assert (found["total"]["authorities"], found["total"]["schools"]) == (312, 649)
    assert found["total"]["strands"]["1"] == {
        "joined": 48,
        "declared": 0,
        "in_preparation": 48,
        "tender_launched": 0,
        "declined": 15,
        "informed": 0,
        "not_concerned": 0,
        "none": 538,
        "reported": 0,
    }
    joined = {row["network"]: (row["strands"]["1"]["joined"], row["schools"]) for row in found["networks"]}
    assert joined == {
        "WBE": (14, 147),
        "Libre confessionnel": (24, 358),
        "Subventionné provincial": (4, 59),
        "Subventionné communal": (3, 56),
        "Libre non confessionnel": (2, 23),
        "COCOF": (1, 6),
    }


@pytest.mark.long
def test_a_reported_school_stays_in_every_denominator_and_is_counted_beside_them_while_its_report_stands(
    session, programme, now
):
    before, strand = situation.count_situation(session, programme, STORY_DAY), programme.strands[0]
    rows = standing_of_schools(STORY_DAY, [strand])
    wbe = select(rows.c.school_id, rows.c.authority_id).join(Authority, Authority.id == rows.c.authority_id)
    (gone, closed), *_ = zip(*session.execute(wbe.where(Authority.network.has(code="WBE")).limit(2)), strict=True)
    owner = session.scalars(select(Authority.id).where(Authority.network.has(code="WBE"))).one()
    session.add(SchoolReport(**factories.school_report(gone, owner, now, since=STORY_DAY)))
    taken_back = {"withdrawn_at": now + timedelta(1), "withdrawn_by": "x"}
    session.add(SchoolReport(**factories.school_report(closed, owner, now, since=STORY_DAY, **taken_back)))
    found = situation.count_situation(session, programme, STORY_DAY)
    assert [row.strands for row in (found.total, *found.rows)] == [row.strands for row in (before.total, *before.rows)]
    assert {row.label: row.reported[1] for row in found.rows if row.reported[1]} == {"WBE": 1}
    assert (found.total.reported[1], before.total.reported[1]) == (1, 0)
    earlier = situation.count_situation(session, programme, STORY_DAY - timedelta(1))
    assert earlier.total.reported[1] == 0, "it had not left yet"
    counts = {}
    for moment in (now - timedelta(hours=1), now, now + timedelta(2)):
        then = situation.count_situation(session, programme, STORY_DAY, known_at=moment)
        counts[moment] = then.total.reported[1]
    assert list(counts.values()) == [0, 2, 1], "as it was known then"


@pytest.mark.parametrize("day", [date(2020, 11, 16), date(2021, 1, 15), STORY_DAY])
def test_each_row_adds_up_to_its_schools(session, programme, day):
    found = situation.count_situation(session, programme, day)
    for row in (found.total, *found.rows):
        for buckets in row.strands.values():
            assert sum(buckets.values()) == row.schools


@pytest.mark.parametrize("by", Grouping)
def test_before_its_opening_a_strand_has_no_figures(session, programme, by):
    """Not even where a status is recorded for that time: « n’a pas répondu » would be untrue of every school."""
    first, second = programme.strands
    day = second.opened_on - timedelta(1)
    found = situation.count_situation(session, programme, day, by=by)
    assert found.openings == {2: second.opened_on}
    for row in (found.total, *found.rows):
        assert (list(row.strands), list(row.strand_authorities)) == ([1], [1])
    stated = found.as_json()
    for row in (stated["total"], *stated[f"{by}s"]):
        assert row["strands"]["2"] == {
            "opens_on": second.opened_on.isoformat(),
            **dict.fromkeys([*Bucket, *Solicitation, "reported"]),
        }
        assert "opens_on" not in row["strands"]["1"]
    for listed in (Selection(2), Selection(2, Bucket.NONE), Selection(2, None, "WBE")):
        assert situation.list_situation_schools(session, programme, day, listed).page(1) == []
        assert situation.list_situation_authorities(session, programme, day, listed).page(1) == []
        assert situation.list_situation_schools(session, programme, day, listed).total_keys().number == 0
    opened = situation.count_situation(session, programme, second.opened_on, by=by)
    assert (opened.openings, list(opened.total.strands)) == ({}, [1, 2])
    none = situation.count_situation(session, programme, first.opened_on - timedelta(1), by=by)
    total = none.as_json()["total"]
    assert (none.rows, list(none.openings), total["authorities"], total["schools"]) == ([], [1, 2], None, None)
    assert situation.joining_curve(session, programme, first.opened_on - timedelta(1)) == []


def test_the_curve_ends_where_the_situation_stands_and_never_invents(session, programme):
    points = situation.joining_curve(session, programme, STORY_DAY)
    assert points[0][0] == date(2020, 11, 16)
    assert {len(values) for _, values in points} == {1, 2}, "the second strand begins later"
    for day, values in (points[0], points[7], points[-1]):
        total = situation.count_situation(session, programme, day).total
        assert values == {number: buckets[Bucket.JOINED] for number, buckets in total.strands.items()}


@pytest.mark.one_example
@pytest.mark.parametrize("bucket", [None, *Bucket])
def test_every_figure_counts_the_rows_it_leads_to(session, programme, bucket):
    total = situation.count_situation(session, programme, STORY_DAY)
    for row in (total.total, *total.rows):
        found = Selection(1, bucket, row.code or "")
        expected = row.strands[1][bucket] if bucket else row.schools
        listed = situation.list_situation_schools(session, programme, STORY_DAY, found)
        assert listed.count() == len(list(listed.every())) == expected


@pytest.mark.full
def test_a_declared_joining_stands_apart_and_not_concerned_leaves_the_base(session, programme, now):
    silent = situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE)).page(1, 3)
    statuses = [
        (Status.JOINED, Word.DECLARED),
        (Status.NOT_CONCERNED, Word.CONFIRMED),
        (Status.INFORMED, Word.DECLARED),
    ]
    for row, (status, word) in zip(silent, statuses, strict=True):
        values = {
            "school_id": row.School.id,
            "strand_id": programme.strands[0].id,
            "status": status,
            "word": word,
            "effective_on": STORY_DAY,
            "recorded_at": now,
            "recorded_by": "x",
            "source": "",
            "reason": "",
        }
        session.execute(insert(AdherenceRecord), [values])
    total = situation.count_situation(session, programme, STORY_DAY).total
    counts = total.strands[1]
    assert (counts[Bucket.JOINED], counts[Bucket.DECLARED], counts[Bucket.NOT_CONCERNED]) == (48, 1, 1)
    assert total.base(1) == 648
    assert total.share(1, Bucket.JOINED) == 48 / 648


@pytest.mark.long
def test_a_list_that_comes_late_confirms_what_was_declared_of_a_later_day(session, programme, now):
    """Whatever order the two are recorded in, a declared word never replaces a confirmed joining."""
    strand, declared_on, joined_on = programme.strands[0], STORY_DAY - timedelta(2), date(2021, 3, 1)
    school = (
        situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE)).page(1, 1)[0].School
    )

    def add(status, word, day, minutes):
        at = now + timedelta(minutes=minutes)
        values = {"school_id": school.id, "strand_id": strand.id, "recorded_by": "x", "source": "", "reason": ""}
        values |= {"status": status, "word": word, "effective_on": day, "recorded_at": at}
        session.execute(insert(AdherenceRecord), [values])

    def found(day=STORY_DAY, known_at=None):
        of_school = situation.list_situation_schools(
            session, programme, day, Selection(1, known_at=known_at), text=str(school.fase)
        )
        (row,) = of_school.page(1, 1)
        (owner,) = [one for one in list_standings(session, row.Authority, programme, day) if one.school.id == school.id]
        if known_at is None:
            assert owner.strands[1] == Standing(row.status, row.word, row.effective_on)
            held = timeline_of(session, programme, [school.id]).at(school.id, strand.id, day)
            assert held == Moment(row.effective_on, row.status, row.word)
            waits = declared_joinings(session, [strand], [school.id], day)
            assert bool(waits) == (row.word is Word.DECLARED), "what « Réponses » asks to confirm"
        counted = situation.count_situation(session, programme, day, known_at=known_at).total.strands[1]
        assert situation.joining_curve(session, programme, day, known_at=known_at)[-1][1][1] == counted[Bucket.JOINED]
        return row.word, row.effective_on, counted[Bucket.JOINED], counted[Bucket.DECLARED]

    add(Status.JOINED, Word.DECLARED, declared_on, 0)
    assert found() == (Word.DECLARED, declared_on, 48, 1)
    add(Status.JOINED, Word.CONFIRMED, joined_on, 10)
    assert found() == (Word.CONFIRMED, joined_on, 49, 0)
    assert found(known_at=now + timedelta(minutes=5)) == (Word.DECLARED, declared_on, 48, 1), "as it was known then"
    rolled = select(rolled_up(STORY_DAY, [strand], schools=select(literal(school.id))).c.roll_up)
    assert session.scalars(rolled).all() == [RollUp.COMPLETE]
    add(Status.DECLINED, Word.DECLARED, STORY_DAY - timedelta(3), 20)
    assert found() == (Word.DECLARED, declared_on, 48, 1), "another status came between the two"


@pytest.mark.long
def test_a_strand_of_several_levels_counts_a_school_once_and_in_each_federation_that_stands_for_it(session, programme):
    """A school of two levels counts once; its federation is one for a level of the strand at which it teaches."""
    strand, both = programme.strands[0], (Level.PRIMARY, Level.SECONDARY)
    taught = dict[int, set[Level]]()
    for school, kind in session.execute(select(Teaching.school_id, Teaching.education_type).where(Teaching.current())):
        taught.setdefault(school, set()).add(kind.level)
    owners = dict(session.execute(select(Ownership.school_id, Ownership.authority_id).where(Ownership.current())).all())
    expected = {school for school, levels in taught.items() if levels.intersection(both) and school in owners}
    one = situation.count_situation(session, programme, STORY_DAY).total.schools
    strand.levels = both
    session.flush()
    assert (
        sum(situation.count_situation(session, programme, STORY_DAY).total.strands[1].values()) == len(expected) > one
    )
    # An authority with one federation for both levels, and one with another for each.
    schools = sorted(school for school in expected if taught[school] >= {*both})
    federations = dict(session.execute(select(Federation.code, Federation.id)).all())
    first = owners[schools[0]]
    second = next(owners[school] for school in schools if owners[school] != first)
    session.execute(delete(Membership).where(Membership.authority_id.in_([first, second])))
    for authority, codes in ((first, ("CECP", "CECP")), (second, ("CECP", "FELSI"))):
        session.add_all(
            Membership(authority_id=authority, federation_id=federations[code], level=level)
            for code, level in zip(codes, both, strict=True)
        )
    session.flush()
    found = {
        code: [
            row.School.id
            for row in situation.list_situation_schools(
                session, programme, STORY_DAY, Selection(1, None, code, by=Grouping.FEDERATION)
            ).every()
        ]
        for code in ("CECP", "FELSI")
    }
    for authority, codes in ((first, {"CECP": {*both}}), (second, {"CECP": {both[0]}, "FELSI": {both[1]}})):
        for code, listed in found.items():
            theirs = [school for school in listed if owners[school] == authority]
            of = {one for one in expected if owners[one] == authority and taught[one] & codes.get(code, set())}
            assert (sorted(theirs), len(theirs)) == (sorted(of), len(of)), (authority, code)
    grouped = situation.count_situation(session, programme, STORY_DAY, by=Grouping.FEDERATION)
    counted = {row.code: sum(row.strands[1].values()) for row in grouped.rows}
    assert {code: len(listed) for code, listed in found.items()} == {code: counted[code] for code in found}
