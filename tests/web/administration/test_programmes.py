"""Programmes' pages: a file is sent or changed, its difference seen, then applied as it was seen."""

import io

import pytest
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.adherence.programmes import files as programme_files
from outreach.audit import AuditEntry
from tests.pages import elements, form_of, links, text_of

PLACE = "/administration/programmes"


@pytest.fixture
def chief(signed_in):
    return signed_in("administrator")


def texts(page):
    return [text_of(item) for item in elements(page, "main//li")]


def test_a_programme_is_changed_in_the_page_its_difference_first_and_the_audit_repeats_it(chief, sample_database):
    page = chief.get(PLACE)
    ((edit, _),) = links(page, f"{PLACE}/1/file")
    text = form_of(chief.get(edit), f"{PLACE}/difference")["text"]
    compare = f"{PLACE}/difference"
    same = chief.send(compare, {"text": text}, page=edit)
    assert "déjà connu" in text_of(same)
    changed = text.replace("2020-11-16", "2020-11-17").replace("Mes outils", "Nos outils")
    changed = changed[: changed.index("[[prerequisites]]")]
    seen = chief.send(compare, {"text": changed}, page=edit)
    assert texts(seen) == [
        "Nom : « Mes outils numériques » devient « Nos outils numériques ».",
        "Volet 1, ouvert le : « 16 novembre 2020 » devient « 17 novembre 2020 ».",
        "Condition retirée : le volet 2 demande le volet 1, à partir du 15 janvier 2021 jusqu’au 14 février 2021.",
    ]
    assert "change aussi les écoles comptées" in text_of(seen)
    with sample_database.reading() as session:
        assert programmes.the_programme(session).name == "Mes outils numériques", "comparing writes nothing"
    form = form_of(seen, PLACE)
    assert chief.post(PLACE, data=form).location == PLACE
    assert "Nos outils numériques" in text_of(chief.get(PLACE))
    with sample_database.reading() as session:
        told = session.scalars(select(AuditEntry.sentence).order_by(AuditEntry.id.desc())).first()
        assert told.startswith("Programme « Nos outils numériques » chargé. Nom : « Mes outils")
    stale = chief.post(PLACE, data=form)
    assert stale.status_code == 409
    assert "changé entre-temps" in text_of(stale)


def test_a_programme_is_written_from_an_example(chief):
    ((new, _),) = links(chief.get(PLACE), f"{PLACE}/new")
    seen = chief.send(f"{PLACE}/difference", form_of(chief.get(new), f"{PLACE}/difference"), page=new)
    assert (
        texts(seen)[0]
        == "Volet 1 : Premier volet, nouveau, ouvert le 1er septembre 2026, niveau secondaire, circulaire 1234."
    )
    assert form_of(seen, PLACE)


def test_a_new_programme_is_loaded_by_its_file(chief, sample_database):
    content = b'code = "lecture"\nname = "Lecture"\n[[strands]]\nnumber = 1\nname = "Volet"\nopened_on = 2027-01-01\n'
    seen = chief.send(f"{PLACE}/file", {"file": (io.BytesIO(content), "x.toml")}, page=PLACE)
    assert texts(seen) == ["Volet 1 : Volet, nouveau, ouvert le 1er janvier 2027, niveau secondaire."]
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        made = session.scalars(select(Programme).where(Programme.code == "lecture")).one()
        stated = programmes.read(programme_files.as_file(session, made))
        assert programme_files.difference(session, stated).changes == []
        assert chief.get(f"{PLACE}/{made.id}/programme.toml").text == programme_files.as_file(session, made)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[strands", "TOML"),
        (b"fase;adresse\n1;2\n", "TOML"),
        (b"\x00\xff" * 20, "TOML"),
        (b'code = "X"\nname = "x"\nstrands = []\n', "Programme refusé"),
        (b"#" * 65_000, "64 000"),
        (
            b'code = "mon"\nname = "x"\n[[strands]]\nnumber = 9\nname = "x"\nopened_on = 2027-01-01\n',
            "volet 1 sert déjà",
        ),
    ],
    ids=["cut", "csv", "binary", "faulty", "long", "dropped"],
)
def test_a_file_that_is_no_programme_is_refused_in_a_sentence(chief, sample_database, content, words):
    with sample_database.reading() as session:
        code = programmes.the_programme(session).code
    content = content.replace(b'"mon"', f'"{code}"'.encode())
    refused = chief.send(f"{PLACE}/file", {"file": (io.BytesIO(content), "x.toml")}, page=PLACE)
    assert refused.status_code == 422
    assert any(words in text for _, text in links(refused, "#file")), text_of(refused)
