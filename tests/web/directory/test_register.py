import csv
import io

import pytest
from sqlalchemy import func, select

from outreach.access import accounts
from outreach.directory.models import Authority, RegisterImport, School
from outreach.operations.demo import people
from tests.conftest import NOW
from tests.core.tables.books import BOMB, changed, workbook
from tests.directory.editions import HEADER, edition, row
from tests.pages import actions, cells, elements, form_of, links, text_of

PLACE = "/directory/register"
MOVED = {"school": 80002, "site": 70002, "school_name": "École du Parc"}
OLD = edition(row(), row(authority=9002, authority_name="ASBL du Parc", **MOVED))
NEW = edition(
    row(authority_name="ASBL Sainte-Anne"),
    row(authority_name="ASBL Sainte-Anne", **MOVED),
    row(authority_name="ASBL Sainte-Anne", school=80003, site=70003),
    row(authority=9009, network="Martien", school=80009, site=70009),
)


@pytest.fixture
def sample_database(database):
    """An empty directory, and people: reading the whole sample again and again would take seconds."""
    with database.writing() as session:
        for person in people.PEOPLE:
            details = {"email": person.email, "name": person.name, "roles": person.roles, "scope": person.scope}
            accounts.add_user(session, NOW, "installation", **details, password_hash="x")
    return database


def send(author, content, day="2021-03-01", name="registre.csv"):
    return author.send(PLACE, {"file": (io.BytesIO(content), name), "day": day})


def apply(author, content, day="2021-03-01"):
    place = send(author, content, day).location
    return author.send(f"{place}/application", page=place)


def count(database, what):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(what))


def applied(database):
    with database.reading() as session:
        return session.scalar(select(func.count(RegisterImport.applied_at)))


def test_an_empty_directory_leads_to_who_may_fill_it(author, signed_in, sample_database):
    assert "Importer le registre" in text_of(elements(author.get("/directory"), "p[@class='empty']")[0])
    reader = signed_in("administrator")
    assert "que la rédaction importe" in text_of(reader.get("/directory"))
    assert "Il faut le rôle rédaction" in text_of(reader.get(PLACE))


@pytest.mark.journey
@pytest.mark.long
def test_an_edition_is_sent_looked_at_applied_and_undone_on_pages(author, signed_in, sample_database):
    apply(author, OLD)
    place = send(author, NEW, "2021-05-01").location
    page = author.get(place)
    assert applied(sample_database) == 1, "looking writes nothing"
    counted, lines = (
        cells(table, {"ds-sr-only"}) for table in (elements(page, "table")[0], elements(page, "table")[-1])
    )
    assert counted[1:3] == [
        ["Pouvoirs organisateurs", "0", "1", "0", "1", "0"],
        ["Écoles", "1", "0", "1", "0", "1"],
    ]
    assert ["École du Parc École 80002", "PO 9001", "Du PO 9002 au PO 9001"] in lines
    assert {"/directory/9001", "/directory/9002"} <= {address for address, _ in links(page)}
    assert "« Martien » est inconnu" in text_of(page)
    gone = author.get(
        next(address for address, text in links(page, f"{place}?of=authority") if "group=gone" in address)
    )
    assert cells(elements(gone, "table")[-1], {"ds-sr-only"})[1:] == [
        ["ASBL du Parc PO 9002", "PO 9002", "Ne figure plus"]
    ]

    done = author.send(f"{place}/application", page=place)
    last = author.get(done.location)
    assert "Appliquée" in text_of(last)
    assert len(cells(elements(last, "table")[0])) == 4
    (told,) = list(
        csv.DictReader(io.StringIO(author.get(f"{place}/rejected.csv").text.lstrip("\ufeff")), delimiter=";")
    )
    assert told["Réseau"] == "Martien"
    assert told["erreur"].startswith("Réseau")
    assert cells(elements(author.get(PLACE), "table")[-1])[1][-1] == "en vigueur"

    reader = signed_in("reader")
    assert reader.get(f"{PLACE}/editions/2").status_code == 200
    assert actions(reader.get(PLACE)) == []
    undoing = f"{PLACE}/editions/2/withdrawal"
    waiting = send(author, NEW, "2021-05-02").location
    assert (reader.get(undoing).status_code, reader.get(waiting).status_code) == (403, 403)
    assert "celui de l’édition du 1 mars 2021" in text_of(author.get(undoing)).replace("1er", "1")
    author.send(undoing)
    with sample_database.reading() as session:
        assert set(session.scalars(select(Authority.name))) == {"ASBL Saint-Joseph", "ASBL du Parc"}
    assert "Annulée" in text_of(author.get(f"{PLACE}/editions/2"))
    assert author.send(undoing, page="/account").status_code == 409, "only the last edition is undone"


@pytest.mark.journey
@pytest.mark.long
def test_an_edition_is_applied_once_and_only_as_it_was_seen(author, signed_in, sample_database):
    first = send(author, OLD).location
    assert send(author, OLD).location == first, "the same file sent twice is one"
    other = send(author, NEW, "2021-05-01").location
    seen = form_of(author.get(other), f"{other}/application")
    application = form_of(author.get(first), f"{first}/application")
    assert author.post(f"{first}/application", data=application).status_code == 302
    twice, stale = author.post(f"{first}/application", data=application), author.post(f"{other}/application", data=seen)
    assert (twice.status_code, stale.status_code) == (409, 409)
    assert "déjà appliquée" in text_of(twice)
    assert "regardez à nouveau" in text_of(stale)
    assert applied(sample_database) == 1


@pytest.mark.journey
@pytest.mark.long
def test_an_edition_that_changes_nothing_or_is_older_than_the_last_is_not_applied(author, sample_database):
    apply(author, OLD, "2021-05-01")
    same = send(author, OLD, "2021-05-02").location
    page = author.get(same)
    assert "Rien à appliquer" in text_of(page)
    assert f"{same}/application" not in actions(page)
    older = send(author, NEW, "2021-04-30")
    assert older.status_code == 422
    assert ("#day", "Une édition plus récente, du 01/05/2021, a déjà été appliquée.") in links(older, "#day")
    assert "dans l’avenir" in text_of(send(author, NEW, "2090-01-01"))
    assert count(sample_database, RegisterImport) == 2


@pytest.mark.long
def test_a_file_that_is_cut_is_doubted_before_it_closes_half_the_directory(author):
    apply(author, OLD)
    page = author.get(send(author, edition(row()), "2021-05-01").location)
    assert "1 sur 2. Vérifiez qu’il est entier." in text_of(page)


def test_a_workbook_of_the_register_is_read_as_its_csv(author, sample_database):
    rows = [HEADER.split(";"), *csv.reader(io.StringIO(OLD.decode().lstrip("\ufeff")), delimiter=";")][1:]
    apply(author, workbook(*rows))
    assert count(sample_database, School) == 2


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b"%PDF-1.4", "ni un CSV, ni un XLSX, ni un ODS"),
        (b"fase;volet;statut;date\n80001;1;adh\xe9r\xe9;01/05/2021", "Colonnes manquantes"),
        (OLD[: len(OLD) // 2].rpartition(b";")[0] + b';"', "un guillemet ouvert"),
        (HEADER.encode() + b"\r\n" + b"1;x\r\n" * 100_001, "plus de 100 000 lignes. N’en retirez rien"),
        (edition(row(kind="Université")), "aucune école de l’enseignement obligatoire"),
        (
            changed(workbook(["a"]), "xl/sharedStrings.xml", lambda xml: BOMB + xml.replace("<t>a", "<t>&h;")),
            "classeur",
        ),
    ],
    ids=["empty", "pdf", "joining list", "cut", "100,001 rows", "no school", "bomb"],
)
def test_a_file_that_is_no_register_is_refused_in_a_sentence_and_leaves_nothing(
    author, sample_database, content, words
):
    refused = send(author, content)
    assert refused.status_code == 422
    assert any(words in text for _, text in links(refused, "#file")), text_of(refused)
    assert count(sample_database, RegisterImport) == 0


def test_a_file_of_more_than_16_megabytes_is_refused_with_a_page(author):
    refused = send(author, b"x" * 16_500_000)
    assert refused.status_code == 413
    assert "Rien n’a été enregistré" in refused.text
