import pytest

from outreach.adherence import programmes
from outreach.demo import sample
from outreach.errors import InputError, NotFound, Refused
from tests.conftest import STORY_DAY


@pytest.fixture(scope="module")
def file():
    return sample.build(STORY_DAY).programme


def test_a_programme_is_loaded_and_loaded_again(database, now, file):
    for content in (file, file.replace("Mes outils", "Nos outils")):
        with database.writing() as session:
            programmes.load(session, content, now=now, actor="nadia")
    with database.reading() as session:
        programme = programmes.the_programme(session)
        assert programme.name == "Nos outils numériques"
        assert [strand.number for strand in programme.strands] == [1, 2]
        assert len(programmes.prerequisites(session, programme)) == 1


def test_a_programme_is_named_or_there_is_exactly_one(database, now, file):
    with database.writing() as session:
        with pytest.raises(NotFound, match="Aucun programme n’est chargé"):
            programmes.named(session)
        programmes.load(session, file, now=now, actor="nadia")
        only = programmes.named(session)
        assert programmes.named(session, only.code) == only
        other = file.replace(f'code = "{only.code}"', 'code = "lecture"')
        programmes.load(session, other, now=now, actor="nadia")
        with pytest.raises(Refused, match=f"« {only.code} », « lecture »"):
            programmes.named(session)
        assert programmes.named(session, "lecture").code == "lecture"
        with pytest.raises(NotFound, match="code « autre »"):
            programmes.named(session, "autre")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("code = ", "cod = ", "code"),
        ("number = 2", "number = 1", "même numéro"),
        ("requires = 1", "requires = 9", "n’existe pas"),
        ("opened_on = 2020-11-16", 'opened_on = "hier"', "opened_on"),
        ('level = "secondary"', 'level = "université"', "level"),
        ("[[strands]]", "[[strands", "TOML"),
        ("requires = 1", "requires = 2", "lui-même"),
        ("until = 2021-02-14", "until = 2020-01-01", "avant d’avoir commencé"),
    ],
)
def test_a_faulty_file_names_what_is_wrong(before, after, words, file):
    assert before in file
    with pytest.raises(InputError, match=words):
        programmes.read(
            file.replace(before, after, 1) if before != 'level = "secondary"' else file.replace(before, after)
        )


def test_a_number_or_a_name_that_is_absurdly_long_is_refused_at_once(file):
    for absurd in (f"number = {'2' * 5000}", f"{'.'.join('a' * 3000)} = 1"):
        with pytest.raises(InputError, match="TOML lisible"):
            programmes.read(f"{absurd}\n{file}")


def test_a_known_strand_is_never_dropped(database, now, file):
    with database.writing() as session:
        programmes.load(session, file, now=now, actor="nadia")
    one = file[: file.index("[[strands]]\nnumber = 2")]
    with pytest.raises(InputError, match="volet 2"), database.writing() as session:
        programmes.load(session, one, now=now, actor="nadia")


def test_no_programme_says_how_to_load_one(database):
    with database.reading() as session, pytest.raises(NotFound, match="programme load"):
        programmes.the_programme(session)
