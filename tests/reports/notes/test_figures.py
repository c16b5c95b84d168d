"""Every figure of a note is of its strands, networks and day: random notes over random records."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.adherence.situation import Bucket, GroupAnswer, Grouping, Selection, Solicitation
from outreach.campaigns import results
from outreach.campaigns.planning import known_until
from outreach.core.text import french
from outreach.delivery.outbox import listed_schools
from outreach.directory import authorities
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.models import Level, School
from outreach.reports.notes import NoteRequest, TableKind, gather_note
from tests import factories
from tests.campaigns.conftest import settle
from tests.conftest import NOW, STORY_DAY
from tests.factories import undone

pytestmark = pytest.mark.full  # what the story of 2021 counts of all networks

EXAMPLES = 25 if settings.default.max_examples > 40 else 3
NETWORKS = ("WBE", "COCOF", "Subventionné provincial")
SHARE = re.compile(r"\(\d+,\d %\)")  # of two figures
AGO = st.integers(0, 40).map(timedelta)
records = st.lists(
    st.tuples(st.integers(0, 648), st.integers(0, 1), st.sampled_from(Status), st.sampled_from(Word), AGO), max_size=40
)
notes = st.builds(
    NoteRequest,
    as_of=AGO.map(lambda ago: STORY_DAY - ago),
    title=st.just("Bilan"),
    known_at=st.sampled_from([None, NOW]),
    strands=st.sampled_from([(), (1,), (2,)]),
    networks=st.lists(st.sampled_from(NETWORKS), unique=True).map(tuple),
    groupings=st.just((TableKind.ZONE, TableKind.FEDERATION)),
)


@pytest.fixture
def secondary(sample_database):
    with sample_database.reading() as session:
        programme = programmes.get_programme(session)
        found = list(situation.list_situation_schools(session, programme, STORY_DAY, Selection(1)).every())
        return [row.School.id for row in found], [strand.id for strand in programme.strands]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=records, asked=notes)
def test_each_figure_is_the_situation_s_or_the_count_of_a_list(sample_database, secondary, held, asked):
    schools, strands = secondary
    with undone(sample_database) as session:
        for school, strand, status, word, ago in held:
            stated = {"status": status, "word": word, "effective_on": STORY_DAY - ago}
            values = factories.adherence_record(schools[school], strands[strand], NOW, **stated)
            session.execute(insert(AdherenceRecord).values(**values))
        gathered = gather_note(session, asked, now=NOW)
        check_sentences(session, asked, gathered)
        check_tables(session, asked, gathered.content)


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")


def check_sentences(session, asked, gathered):
    """Each named figure against what it claims, and no figure in a sentence that is not a named one."""
    programme, listed = programmes.get_programme(session), listed_schools(known_until(asked.as_of, asked.known_at))
    found = situation.count_situation(session, programme, asked.as_of, known_at=asked.known_at, listed=listed)
    strand = 0
    for told in gathered.sentences:
        plain = spaced(told.sentence)
        if isinstance(told, GroupAnswer):
            assert not asked.networks or told.code in asked.networks
            check_answer(session, asked, told, listed)
        elif "base" in told.figures:
            strand = next(n for n in found.total.strands if f" {situation.strand_ordinal(n)}" in plain)
            assert told.figures == {**found.total.figures(strand), "base": found.total.base(strand)}
        elif "declared" in told.figures:
            strand = next(n for n in found.total.strands if f" {situation.strand_ordinal(n)}" in plain)
            codes = asked.networks or ("",)
            behind = [Selection(strand, Bucket.DECLARED, code, known_at=asked.known_at) for code in codes]
            counts = [situation.list_situation_schools(session, programme, asked.as_of, one).count() for one in behind]
            assert told.figures == {"declared": sum(counts)}
        elif told.figures:
            filters = Filters(networks=asked.networks, level=Level.SECONDARY, reach=ReachFilter.UNREACHABLE)
            assert told.figures == {
                "unreachable_secondary": authorities.count_authorities(session, filters).authorities
            }
        assert not asked.strands or strand in {0, *asked.strands}
        dates = situation.day_in_words(found), french.initial(situation.day_in_words(found)), f"Au {french.day(NOW)},"
        for words in map(spaced, dates):
            plain = plain.replace(words, "")
        numbers = {int(number.replace(" ", "")) for number in re.findall(r"\d[\d ]*", SHARE.sub("", plain))}
        assert not told.figures or numbers <= {*told.figures.values()}, plain
    declared = [told.figures["declared"] for told in gathered.sentences if [*told.figures] == ["declared"]]
    of_tables = [table for table in gathered.content.tables if table.kind is TableKind.NETWORK]
    shown = [sum(cell(table, row, "declared") for row in table.rows[:-1]) for table in of_tables]
    assert declared == [count for count in shown if count], "the note contradicts its own tables"


def check_answer(session, asked, told, listed):
    programme = programmes.get_programme(session)
    every = Selection(told.strand, None, told.code, known_at=asked.known_at, listed=listed)
    for name, count in told.figures.items():
        if name == "base":
            continue
        part = name in {*Solicitation} and Solicitation(name)
        behind = replace(every, bucket=Bucket.NONE if part else Bucket(name), solicitation=part or None)
        assert situation.list_situation_schools(session, programme, asked.as_of, behind).count() == count


def cell(table, row, name):
    return row[[column.name for column in table.columns].index(name)]


def check_tables(session, asked, content):
    programme, listed = programmes.get_programme(session), listed_schools(known_until(asked.as_of, asked.known_at))
    for table in content.tables:
        by, figures = Grouping(table.kind.value), [column.name for column in table.columns]
        found = situation.count_situation(
            session, programme, asked.as_of, known_at=asked.known_at, by=by, listed=listed,
            networks=() if by is Grouping.NETWORK else asked.networks,
        )  # fmt: skip
        assert not asked.strands or table.strand in asked.strands
        rows = {row.label: row for row in found.rows}
        for cells in table.rows[:-1]:
            values = dict(zip(figures, cells, strict=True))
            row = rows[values[by.value]]
            assert {name: values[name] for name in row.figures(table.strand)} == row.figures(table.strand)
        if by is not Grouping.FEDERATION:
            chosen = found.rows if by is not Grouping.NETWORK or not asked.networks else ()
            assert not chosen or cell(table, table.rows[-1], "schools") == sum(row.base(table.strand) for row in chosen)


@pytest.mark.long
def test_what_is_grouped_counts_the_networks_asked_for_alone(sample_database):
    with sample_database.reading() as session:
        note_request = NoteRequest(STORY_DAY, "Bilan", networks=("WBE", "COCOF"), groupings=tuple(TableKind)[1:])
        content = gather_note(session, note_request, now=NOW).content
    for table in content.tables:
        schools = cell(table, table.rows[-1], "schools")
        assert schools == (649 if table.kind is TableKind.NETWORK else 153), table.title
        assert table.kind is TableKind.NETWORK or table.title.endswith(", WBE, Officiel subventionné COCOF")


@pytest.mark.long
def test_actions_say_whom_they_mean_of_the_networks_asked_for(database):
    factories.gather(database, 3, now=NOW)
    factories.plan(database, NOW + timedelta(days=3), now=NOW)
    with database.reading() as session:
        acted = results.list_actions(session, programmes.get_programme(session), now=NOW)
        (code,) = acted.planned[0].meant
        other = next(one.code for one in authorities.list_networks(session) if one.code != code)
        of = [gather_note(session, NoteRequest(STORY_DAY, "x", networks=(n,)), now=NOW) for n in (code, other)]
    assert [len(one.content.actions) for one in of] == [1, 1]
    assert "elle n’écrirait à personne de ce réseau" in spaced(of[1].content.actions[0].sentence)
    assert of[0].content.actions[0].sentence == acted.planned[0].sentence(acted.labels)


def test_an_action_that_means_other_networks_too_does_not_say_that_it_means_these_alone(database):
    factories.gather(database, 3, now=NOW)
    settle(database, 2)
    factories.plan(database, NOW + timedelta(days=3), now=NOW)
    with database.reading() as session:
        content = gather_note(session, NoteRequest(STORY_DAY, "x", networks=("WBE",)), now=NOW).content
    (action,) = content.actions
    assert "elle écrirait à 3 pouvoirs organisateurs de ce réseau." in spaced(action.sentence)


def test_answers_about_another_strand_are_not_said_of_this_one(sample_database):
    """Eight declared joinings of the first strand stood in a note on the second, beside « aucune école »."""
    with sample_database.writing() as session:
        programme = programmes.get_programme(session)
        some = session.scalars(select(School.id).where(School.fase.in_(schools_of(session, programme)))).all()
        for school in some:
            session.execute(
                insert(AdherenceRecord).values(**factories.adherence_record(school, programme.strands[0].id, NOW))
            )
        notes = {n: gather_note(session, NoteRequest(STORY_DAY, "x", strands=(n,)), now=NOW) for n in (1, 2)}
    said = {n: [one for one in note.content.unknowns if "déclare" in one] for n, note in notes.items()}
    (one,) = said[1]
    assert one.replace("\xa0", " ").startswith("8 écoles déclarent adhérer au premier volet")
    assert said[2] == []


def schools_of(session, programme):
    rows = situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE)).page(1, 8)
    return [row.School.fase for row in rows]
