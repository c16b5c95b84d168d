"""Stored lists: numbers typed, pasted or from a file, each once; what is no number is named; a list is kept as made."""

import pytest
from sqlalchemy import select

from outreach.campaigns import segments
from outreach.core.audit import AuditEntry
from outreach.core.text.errors import InputError, NotFound
from outreach.directory.models import Authority, Network
from tests import factories
from tests.conftest import NOW


@pytest.mark.parametrize("text", ["9001 9002", "9002,9001;9002\n\t9001", "9001\r\n\r\n9002"])
def test_typed_numbers_count_once_however_they_are_parted(text):
    assert sorted(segments.read_numbers(text).fases) == [9001, 9002]


def test_what_is_no_number_is_named_with_its_line():
    numbers = segments.read_numbers("9001\nNamur 0 9002")
    assert numbers.fases == (9001, 9002)
    assert [(row.row, row.message) for row in numbers.rejected] == [
        (2, "« Namur » n’est pas un numéro FASE."),
        (2, "« 0 » n’est pas un numéro FASE."),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "Nom;N° FASE PO\nA;9001\nB;9002\nC;\n",
        "9001\n9002\nx\n",
        "Mes PO\n9001\n9002\nx\n",
        "FASE\n9001\n9002\n9001\n-\n",
    ],
)
def test_a_file_gives_its_column_of_numbers_or_its_only_column(content):
    numbers = segments.of_file(content.encode())
    assert numbers.fases == (9001, 9002)
    assert len(numbers.rejected) == 1


@pytest.mark.parametrize("content", [b"Nom;Commune\nA;Namur\n", b"", b"%PDF-1.7"])
def test_a_file_without_such_a_column_is_refused(content):
    with pytest.raises(InputError):
        segments.of_file(content)


def test_a_list_keeps_its_name_its_author_and_its_members(database):
    with database.writing() as session:
        network = session.scalars(select(Network).limit(1)).one()
        session.add_all(Authority(**factories.authority(number, network=network)) for number in range(3))
        session.flush()
        keys = segments.known_fases(session, [9001, 9003, 9999])
        assert set(keys) == {9001, 9003}
        made = segments.make_list(session, " Écoles pilotes ", [*keys.values(), *keys.values()], now=NOW, actor="nadia")
        number = made.id
    with database.reading() as session:
        ((kept, count),) = segments.all_lists(session)
        assert (kept.name, kept.made_by, kept.made_at, count) == ("Écoles pilotes", "nadia", NOW, 2)
        assert sorted(member.fase for member in segments.list_members(session, kept).every()) == [9001, 9003]
        assert len(segments.list_members(session, kept).page(2, 1)) == 1
        assert segments.list_members(session, kept).count() == 2
        assert segments.list_names(session, {number}) == {number: "Écoles pilotes"}
        assert session.scalars(select(AuditEntry.sentence)).all()[-1] == "Liste « Écoles pilotes » créée : 2 PO."
        with pytest.raises(NotFound):
            segments.list_numbered(session, number + 1)


@pytest.mark.parametrize(("name", "members"), [("", [1]), ("x" * 201, [1]), ("a\nb", [1]), ("Liste", [])])
def test_a_list_needs_a_name_and_a_member(database, name, members):
    with database.reading() as session, pytest.raises(InputError):
        segments.make_list(session, name, members, now=NOW, actor="nadia")
