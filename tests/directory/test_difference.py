from hypothesis import given
from hypothesis import strategies as st

from outreach.directory.models import Nature, RegisterKind
from outreach.directory.register._comparison import compare
from outreach.directory.register._edition import Edition, EditionReading
from tests.directory.editions import edition, read_register, row


def told(before, after):
    """The difference between two files, as (kind, nature, number, field, before, after)."""
    start = read_register(edition(*before)).edition if before else Edition()
    difference = compare(start, read_register(edition(*after)))
    return difference, [(c.kind, c.nature, c.fase, c.field, c.before, c.after) for c in difference.changes]


def test_everything_is_new_in_an_empty_directory():
    difference, changes = told([], [row()])
    assert {(kind, nature) for kind, nature, *_ in changes} == {(kind, Nature.NEW) for kind in RegisterKind}
    assert difference.counts(RegisterKind.SCHOOL) == {"new": 1, "changed": 0, "moved": 0, "gone": 0, "unchanged": 0}


def test_the_same_edition_changes_nothing():
    difference, changes = told([row()], [row()])
    assert changes == []
    assert difference.unchanged == {RegisterKind.AUTHORITY: 1, RegisterKind.SCHOOL: 1, RegisterKind.SITE: 1}


def test_a_changed_field_is_told_with_both_values():
    _, changes = told([row()], [row(authority_name="ASBL Sainte-Anne")])
    expected = (RegisterKind.AUTHORITY, Nature.CHANGED, 9001, "name", "ASBL Saint-Joseph", "ASBL Sainte-Anne")
    assert changes == [expected]


def test_a_new_type_of_education_is_a_change_of_the_school():
    _, changes = told([row()], [row(), row(kind="Secondaire CEFA")])
    after = "Secondaire CEFA, Secondaire ordinaire"
    assert changes == [(RegisterKind.SCHOOL, Nature.CHANGED, 80001, "types", "Secondaire ordinaire", after)]


def test_a_school_under_another_authority_has_moved_and_is_counted_once():
    before = [row(), row(school=80002, site=70002, authority=9002)]
    after = [row(school_name="Autre nom"), row(school=80002, site=70002, authority=9001)]
    difference, changes = told(before, after)
    assert (RegisterKind.SCHOOL, Nature.MOVED, 80002, "authority", "9002", "9001") in changes
    assert (RegisterKind.AUTHORITY, Nature.GONE, 9002, "", "", "") in changes
    assert difference.counts(RegisterKind.SCHOOL) == {"new": 0, "changed": 1, "moved": 1, "gone": 0, "unchanged": 0}


def test_a_school_of_a_rejected_row_is_neither_changed_nor_gone():
    before = [row(), row(school=80002, site=70002, authority=9002)]
    after = [row(), row(school=80002, site="x", authority=9002)]
    difference, changes = told(before, after)
    assert changes == []
    assert len(difference.rejected) == 1
    assert difference.counts(RegisterKind.SCHOOL)["unchanged"] == 2


def test_nothing_is_gone_when_a_row_does_not_say_its_school():
    before = [row(), row(school=80002, site=70002)]
    _, changes = told(before, [row(), row(school="?", site=70002)])
    assert changes == []


def test_an_authority_does_not_change_network():
    difference, changes = told([row()], [row(network="WBE")])
    assert changes == []
    (rejection,) = difference.rejected
    assert rejection.row == 2
    assert "« Libre confessionnel » : il ne peut pas passer au réseau « WBE »" in rejection.message


def test_the_network_conflict_leaves_the_reading_as_it_was():
    start = read_register(edition(row())).edition
    reading = read_register(edition(row(network="WBE")))
    compare(start, reading)
    assert reading.rejected == []


schools = st.dictionaries(
    st.integers(80001, 80006),
    st.tuples(st.integers(9001, 9003), st.sampled_from(["A", "B"]), st.sets(st.integers(70001, 70003), min_size=1)),
    min_size=1,
)


def rows(population):
    return [
        row(school=fase, authority=authority, school_name=name, site=site, authority_name=f"PO {authority}")
        for fase, (authority, name, sites) in population.items()
        for site in sites
    ]


@given(schools, schools)
def test_every_listed_thing_is_told_exactly_once(before, after):
    start = read_register(edition(*rows(before))).edition
    difference = compare(start, read_register(edition(*rows(after))))
    counts = difference.counts(RegisterKind.SCHOOL)
    assert sum(counts[name] for name in ("new", "changed", "moved", "unchanged")) == len(after)
    assert counts["gone"] == len(before.keys() - after.keys())
    assert counts["new"] == len(after.keys() - before.keys())
    assert counts["moved"] == sum(before[f][0] != after[f][0] for f in before.keys() & after.keys())


@given(schools, schools)
def test_an_edition_applied_is_an_edition_that_changes_nothing(before, after):
    start = read_register(edition(*rows(before))).edition
    reading = read_register(edition(*rows(after)))
    target = compare(start, reading).target
    assert compare(target, EditionReading(edition=reading.edition)).changes == []
