"""Why a figure changed, on pages: the causes are those of rows that a test made."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status, Word
from outreach.adherence.situation import Bucket
from outreach.campaigns.models import Campaign
from outreach.delivery.models import Message, MessageState, MessageSubject
from outreach.directory.models import Ownership, School, Teaching, types_of
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import cells, elements, links, text_of
from tests.web.api.test_scoped_keys import moved
from tests.web.test_scoped_pages import signed_in as scoped

DAY = timedelta(1)


@pytest.fixture
def changes(app, sample_database):
    """Three schools without a record, of which one joined since, one was told late, one was taken back; the days."""
    now = app.extensions["outreach.settings"].instant()
    day = now.date()
    with sample_database.writing() as session:
        (strand,) = [one for one in programmes.get_programme(session).strands if one.number == 1]
        schools = session.scalars(
            select(School)
            .join(Ownership, Ownership.school_id == School.id)
            .where(Ownership.current(), School.id.not_in(select(AdherenceRecord.school_id)))
            .where(
                School.id.in_(select(Teaching.school_id).where(Teaching.education_type.in_(types_of(*strand.levels))))
            )
            .order_by(School.id)
            .limit(3)
        ).all()
        for school, effective, recorded in zip(schools, (3, 12, 12), (2, 1, 11), strict=True):
            record = AdherenceRecord(
                school_id=school.id, strand_id=strand.id, status=Status.JOINED, word=Word.CONFIRMED
            )
            record.effective_on, record.recorded_at = day - effective * DAY, now - recorded * DAY
            record.recorded_by, record.source, record.reason = AUTHOR, "courrier du 3 mai", ""
            session.add(record)
        session.flush()
        session.add(RecordWithdrawal(record_id=record.id, withdrawn_at=now - 2 * DAY, withdrawn_by=AUTHOR))
        names = [(one.fase, one.display_name) for one in schools]
    first = (now - 5 * DAY).isoformat(timespec="seconds")
    return names, {"from": str(day - 5 * DAY), "known_from": first, "to": str(day), "strand": "1"}


@pytest.mark.journey
def test_each_cause_opens_its_schools(author, changes):
    (since, late, back), asked = changes
    page = author.get("/situation/difference", query_string=asked)
    (row,) = [one for one in cells(page) if one[0] == Bucket.JOINED.label]
    before, after = (int(each.replace(" ", "")) for each in row[1:3])
    assert (row[3], after - before) == ("+1", 1)
    opened = {}
    for address, words in links(page, "/situation/difference/schools"):
        if "figure=joined" in address and "group=" not in address:
            opened[words.split(",")[0].strip()] = author.get(address)
    assert opened.keys() == {"Adhésion confirmée depuis", "Dit après coup", "Enregistrement retiré"}
    for (fase, name), words in (
        (since, "Adhésion confirmée depuis"),
        (late, "Dit après coup"),
        (back, "Enregistrement retiré"),
    ):
        (told,) = elements(opened[words], "tbody/tr")
        assert name in text_of(told)
        assert f"FASE {fase}" in text_of(told)
        was = (
            [Bucket.JOINED.label, Bucket.NONE.label]
            if words == "Enregistrement retiré"
            else [Bucket.NONE.label, Bucket.JOINED.label]
        )
        assert [one for one in cells(opened[words])[1] if one in was] == was


@pytest.mark.journey
def test_the_file_has_one_row_a_school(author, changes):
    schools, asked = changes
    text = author.get("/situation/difference/schools.csv", query_string=asked).data.decode("utf-8-sig")
    rows = {int(one["FASE de l’école"]): one for one in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert {fase: rows[fase]["Cause"] for fase, _ in schools} == dict(
        zip(
            (fase for fase, _ in schools),
            ("adhésion confirmée depuis", "dit après coup", "enregistrement retiré"),
            strict=True,
        )
    )
    assert rows.keys() == {fase for fase, _ in schools}
    assert {one["Liste ou édition"] for one in rows.values()} == {"courrier du 3 mai"}
    assert all(one["Enregistré le"] and one["Par"] for one in rows.values())


@pytest.mark.journey
def test_of_a_campaign_the_schools_that_its_letters_name_and_its_waves_are_compared(author, launched_sample):
    left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
    with launched_sample.writing() as session:
        campaign = session.scalars(select(Campaign)).one()
        number, strand = campaign.id, campaign.strand_id
        session.execute(update(Message).where(Message.reason.is_(None)).values(left))
        written = len(set(session.scalars(select(Message.authority_id).where(Message.fenced_at == NOW))))
        recorded = select(AdherenceRecord.school_id).where(AdherenceRecord.strand_id == strand)
        named = select(School).where(School.id.in_(select(MessageSubject.school_id)), School.id.not_in(recorded))
        told, told_not = session.scalars(named.order_by(School.id).limit(2)).all()
        session.execute(delete(MessageSubject).where(MessageSubject.school_id == told_not.id))
        for school in (told, told_not):
            record = AdherenceRecord(school_id=school.id, strand_id=strand, status=Status.JOINED, word=Word.CONFIRMED)
            record.effective_on, record.recorded_at = NOW.date() + 2 * DAY, NOW + 2 * DAY
            record.recorded_by, record.source, record.reason = AUTHOR, "courrier du 17 mai", ""
            session.add(record)
        name, title = told.display_name, campaign.title
    asked = {"campaign": number, "to": str(NOW.date() + 5 * DAY)}
    page = author.get("/situation/difference", query_string=asked)
    rows = cells(page)
    assert [Bucket.JOINED.label, "0", "1", "+1"] in [row[:4] for row in rows]
    assert [row[1:] for row in rows if row[1:2] == ["Destinataires"]] == [
        ["Destinataires", "0", f"{written}", f"+{written}"]
    ]
    assert f"écoles que cite « {title} », du 14 mai 2021 au 20 mai 2021 : 0 → 1" in text_of(page).replace("\xa0", " ")
    (behind,) = [
        to for to, _ in links(page, "/situation/difference/schools") if "figure=joined&" in to and "group=" not in to
    ]
    (row,) = elements(author.get(behind), "tbody/tr")
    assert name in text_of(row)
    page = author.get("/situation/difference", query_string=asked | {"campaign": "99999"})
    assert page.status_code == 404


def test_a_reading_that_nobody_can_have_is_refused_on_the_page(author):
    page = author.get("/situation/difference?from=2021-05-10&known_from=2021-05-01")
    assert "personne ne connaissait la situation du 10 mai 2021" in text_of(page)
    assert not elements(page, "table")
    assert author.get("/situation/difference/schools.csv?from=2999-01-01").status_code == 400


def test_two_readings_that_agree_say_so(author):
    page = author.get("/situation/difference?from=2021-05-10&to=2021-05-10")
    assert "Aucun chiffre n’a changé, volet 1" in text_of(page)


@pytest.mark.journey
def test_an_account_of_a_federation_reads_that_a_school_left_and_not_which(app, sample_database):
    today = app.extensions["outreach.settings"].instant().date()
    with sample_database.writing() as session:
        school, _ = moved(session, today - 5 * DAY)
    client, values = scoped(app, "federation", "CPEONS"), {"strand": "1", "from": str(today - 7 * DAY)}
    page = client.get("/situation/difference", query_string=values)
    (row,) = [one for one in cells(page) if one[0] == Bucket.JOINED.label]
    assert row[3:] == ["−1", "Sortie −1"]
    assert not [address for address, _ in links(page, "/situation/difference/") if "figure=joined" in address]
    said = text_of(page)
    assert "Une école qui n’en est plus est comptée, et n’est pas nommée." in said
    assert "volet 1, pouvoirs organisateurs membres du CPEONS, du " in said
    file = client.get("/situation/difference/schools.csv", query_string=values).data.decode()
    assert str(school) not in page.text + file


@pytest.mark.long
def test_aujourdhui_tells_what_moved_since_the_last_working_day(author, app, sample_database):
    assert "Depuis " not in [one.text[:7] for one in elements(author.get("/today"), "h2") if one.text]
    now = app.extensions["outreach.settings"].instant()
    with sample_database.writing() as session:
        (strand,) = [one for one in programmes.get_programme(session).strands if one.number == 1]
        (fase, key) = session.execute(
            select(School.fase, School.id)
            .join(Ownership, Ownership.school_id == School.id)
            .join(Teaching, Teaching.school_id == School.id)
            .where(Ownership.current(), School.id.not_in(select(AdherenceRecord.school_id)))
            .where(Teaching.education_type.in_(types_of(*strand.levels)), Teaching.current())
        ).first()
        record = AdherenceRecord(school_id=key, strand_id=strand.id, status=Status.JOINED, word=Word.CONFIRMED)
        record.effective_on, record.recorded_at, record.recorded_by = now.date(), now, AUTHOR
        record.source = record.reason = ""
        session.add(record)
    ((address, words),) = links(author.get("/today"), "/situation/difference/schools")
    assert words == "1 adhésion de plus"
    assert f"FASE {fase}" in text_of(author.get(address))
