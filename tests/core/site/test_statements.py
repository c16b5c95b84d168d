"""Public statements: dated versions, the newest stands, each change in the audit, nothing unfit and nothing lost."""

import re
from datetime import timedelta

import pytest

from outreach.core import audit, site
from outreach.core.site import CONFORMITY, FIELDS, StatementKind
from outreach.core.site._statements import SHORT, SUBJECT
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.operations.demo.people import EXAMPLES
from tests.conftest import NOW
from tests.factories import AUTHOR

TODAY, KIND = today(NOW), StatementKind.ACCESSIBILITY


def write(database, dated_on=TODAY, kind=KIND, seen=None, **changes):
    with database.writing() as session:
        words = {**EXAMPLES[kind], **changes}
        return site.write_statement(session, kind, words, dated_on, now=NOW, actor=AUTHOR, seen=seen)


def test_the_newest_version_stands_and_the_audit_says_what_changed(database):
    with database.reading() as session:
        assert site.missing_statements(session) == list(StatementKind)
    assert write(database, TODAY - timedelta(days=1))
    assert write(database, contact=" Le service\r\n numerique@fwb.example ", conformity="full")
    assert not write(database, contact="Le service\nnumerique@fwb.example", conformity="full")
    with database.reading() as session:
        assert site.missing_statements(session) == [StatementKind.DATA_PROTECTION]
        held, earlier = site.statement_versions(session, KIND)
        assert held.id == site.current_statement(session, KIND).id
        assert (held.words["contact"], held.conformity.label) == (
            "Le service\nnumerique@fwb.example",
            "totalement conforme",
        )
        assert (held.dated_on, earlier.dated_on) == (TODAY, TODAY - timedelta(days=1))
        assert earlier.words == EXAMPLES[KIND]
        assert next(entry.sentence for entry in audit.entries_about(session, SUBJECT)) == (
            "Page « Accessibilité » : nouvelle version, datée du 15 mai 2021 (Conformité, À qui signaler un problème)."
        )


def test_a_version_over_one_that_was_not_read_is_refused(database):
    write(database, seen=0)
    with pytest.raises(Refused, match="a changé cette page"):
        write(database, contact="Autre", seen=0)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (" \n ", "à remplir"),
        pytest.param("x" * (SHORT + 1), "500 caractères", id="long"),
        ("a\x00b", "interdit"),
        ("a\u202eb", "interdit"),
        ("[À compléter : le nom]", "remplacez « [À compléter : le nom] »"),
    ],
)
def test_a_field_that_is_empty_too_long_or_unfit_is_refused_by_its_name(typed, said):
    field = next(field for field in FIELDS[KIND] if field.most == SHORT)
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        site.fit_field(field, typed)
    assert field.label in str(refused.value)


def test_a_page_bears_no_day_to_come(database):
    with pytest.raises(InputError, match="à venir"):
        write(database, TODAY + timedelta(days=1))
    with database.reading() as session:
        assert site.missing_statements(session) == list(StatementKind)


def test_the_examples_of_a_demonstration_have_every_field():
    assert {kind: set(words) for kind, words in EXAMPLES.items()} == {
        kind: {field.name for field in FIELDS[kind]} | ({CONFORMITY} if kind is KIND else set()) for kind in FIELDS
    }
