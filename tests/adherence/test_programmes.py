from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory.models import Level
from outreach.operations.demo import sample
from tests.conftest import STORY_DAY


@pytest.fixture(scope="module")
def file():
    return sample.build(STORY_DAY).programme


def test_a_programme_is_loaded_and_loaded_again(database, now, file):
    for content in (file, file.replace("Mes outils", "Nos outils")):
        with database.writing() as session:
            programmes.load_programme(session, content, now=now, actor="nadia")
    with database.reading() as session:
        programme = programmes.get_programme(session)
        assert programme.name == "Nos outils numériques"
        assert [strand.number for strand in programme.strands] == [1, 2]
        assert len(programmes.list_prerequisites(session, programme)) == 1


def test_a_programme_is_named_or_there_is_exactly_one(database, now, file):
    with database.writing() as session:
        with pytest.raises(NotFound, match=r"Aucun programme n’est chargé.*L’administration en charge un"):
            programmes.get_programme(session)
        programmes.load_programme(session, file, now=now, actor="nadia")
        only = programmes.get_programme(session)
        assert programmes.get_programme(session, only.code) == only
        other = file.replace(f'code = "{only.code}"', 'code = "lecture"')
        programmes.load_programme(session, other, now=now, actor="nadia")
        with pytest.raises(Refused, match=f"« {only.code} », « lecture »"):
            programmes.get_programme(session)
        assert programmes.get_programme(session, "lecture").code == "lecture"
        with pytest.raises(NotFound, match="code « autre »"):
            programmes.get_programme(session, "autre")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("code = ", "cod = ", "code"),
        ("number = 2", "number = 1", "même numéro"),
        ("requires = 1", "requires = 9", "n’existe pas"),
        ("opened_on = 2020-11-16", 'opened_on = "hier"', "opened_on"),
        ('levels = ["secondary"]', 'levels = ["université"]', "levels"),
        ("[[strands]]", "[[strands", "TOML"),
        ("requires = 1", "requires = 2", "lui-même"),
        ("until = 2021-02-14", "until = 2020-01-01", "avant d’avoir commencé"),
    ],
)
def test_a_faulty_file_names_what_is_wrong(before, after, words, file):
    assert before in file
    with pytest.raises(InputError, match=words):
        programmes.read_programme(
            file.replace(before, after, 1) if not before.startswith("levels") else file.replace(before, after)
        )


@pytest.mark.parametrize(
    ("before", "after", "part", "told"),
    [
        ('circular = "7919"', "circular = 7919", "volet 2, ", "« circular », écrivez entre guillemets"),
        ("requires = 1", 'requires = "un"', "condition 1, ", "« requires », écrivez le numéro d’un volet"),
        ("until = 2021-02-14", "jusque = 2021-02-14", "condition 1, ", "« jusque », ce nom n’existe pas"),
        ('name = "Mes', "name = 3 #", "", "« name », écrivez entre guillemets un nom"),
        ('circular = "7919"', "circular = 7919a", "volet 2, ", "« circular », écrivez entre guillemets"),
        ("until = 2021-02-14", "until = 2021-06-31", "condition 1, ", "« until », le 2021-06-31 n’est pas un jour du"),
        ("until = 2021-02-14", "until = 14/02/2021", "condition 1, ", "« until », écrivez une date comme 2021-01-15"),
        ("until = 2021-02-14", "until: 2021-02-14", "condition 1, ", "« until », mettez le signe = après ce nom"),
    ],
)
def test_a_faulty_file_names_the_strand_and_the_line(before, after, part, told, file):
    assert before in file
    wrong = file.replace(before, after, 1)
    line = next(number for number, line in enumerate(wrong.split("\n"), 1) if line.startswith(after))
    with pytest.raises(InputError) as refused:
        programmes.read_programme(wrong)
    assert f"refusé, {part}ligne {line} : {told}" in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("number = 2\n", "", "volet 2, ligne {} : « number », il manque"),
        (
            "opened_on = 2020-11-16",
            "opened_on = 2020-11-16\nclosed_on = 2020-01-01",
            "volet 1, ligne {} : il ferme",
        ),
        ("code = ", "kode = ", "le fichier : « code », il manque"),
        ("requires = 1", "requires = 9", "condition 1 : le volet 9 n’existe pas"),
    ],
)
def test_what_stands_on_no_line_names_the_heading_of_its_strand(before, after, told, file):
    assert before in file
    wrong = file.replace(before, after, 1)
    headings = [number for number, line in enumerate(wrong.split("\n"), 1) if line == "[[strands]]"]
    with pytest.raises(InputError) as refused:
        programmes.read_programme(wrong)
    assert told.format(headings["volet 2" in told]) in str(refused.value)


def test_a_strand_is_called_by_its_own_number_and_a_name_that_stands_twice_is_said(file):
    with pytest.raises(InputError, match=r"volet 7, ligne \d+ : « closed_on », le 2021-02-30 n’est pas un jour"):
        programmes.read_programme(file.replace("number = 2", "number = 7\nclosed_on = 2021-02-30", 1))
    with pytest.raises(InputError, match=r"volet 2, ligne \d+ : « number », ce nom figure deux fois"):
        programmes.read_programme(file.replace("number = 2", "number = 2\nnumber = 2", 1))


@pytest.mark.parametrize(
    ("line", "levels"),
    [
        ('level = "primary"', "primary"),
        ('levels = "primary"', "primary"),
        ('levels = ["secondary", "nursery", "secondary"]', "nursery secondary"),
        ("", "secondary"),
    ],
)
def test_a_strand_has_one_level_or_several_and_a_file_of_before_is_read(line, levels, file):
    stated = programmes.read_programme(file.replace('levels = ["secondary"]', line, 1))
    assert stated.strands[0].levels == tuple(map(Level, levels.split()))
    assert programmes.read_programme(programmes.programme_as_file(stated)) == stated


def test_a_number_or_a_name_that_is_absurdly_long_is_refused_at_once(file):
    for absurd in (f"number = {'2' * 5000}", f"{'.'.join('a' * 3000)} = 1"):
        with pytest.raises(InputError, match="TOML lisible"):
            programmes.read_programme(f"{absurd}\n{file}")


@pytest.mark.postgresql
def test_a_strand_is_dropped_as_long_as_nothing_stands_on_it(database, now, file):
    one = file[: file.index("[[strands]]\nnumber = 2")]
    with database.writing() as session:
        programmes.load_programme(session, file, now=now, actor="nadia")
        programmes.load_programme(session, one, now=now, actor="nadia")
        assert [strand.number for strand in programmes.get_programme(session).strands] == [1]
        assert programmes.list_prerequisites(session, programmes.get_programme(session)) == []


@pytest.mark.long
@pytest.mark.postgresql
def test_a_strand_that_has_a_record_is_never_dropped_even_a_withdrawn_one(sample_database, now, file):
    one = file[: file.index("[[strands]]\nnumber = 2")]
    with sample_database.writing() as session:
        programme = programmes.get_programme(session)
        assert programmes.in_use(session, programme) == {1, 2}
        records = session.scalars(
            select(AdherenceRecord.id).where(AdherenceRecord.strand_id == programme.strands[1].id)
        )
        session.add_all(RecordWithdrawal(record_id=key, withdrawn_at=now, withdrawn_by="") for key in records.all())
    with pytest.raises(InputError, match="volet 2 sert déjà"), sample_database.writing() as session:
        programmes.load_programme(session, one, now=now, actor="nadia")


def test_a_strand_that_closed_keeps_its_figures(sample_database):
    with sample_database.writing() as session:
        programme = programmes.get_programme(session)
        before = situation.count_situation(session, programme, STORY_DAY)
        strand = programme.strands[0]
        strand.closed_on = STORY_DAY - timedelta(1)
        session.flush()
        assert situation.count_situation(session, programme, STORY_DAY) == before
        assert [strand.is_closed(STORY_DAY + timedelta(days)) for days in (-1, 0)] == [False, True]
