from datetime import date

import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound
from outreach.directory import postal
from outreach.directory.models import Authority, RegisterKind, School
from outreach.directory.postal import AddressFilter, PostalAddress
from outreach.directory.postal._address import AddressFault
from tests.directory import editions
from tests.directory.editions import edition, row

WHO = "claire@fwb.example"
OTHER = PostalAddress("Rue Haute", "9", "2", "5000", "Namur")


@pytest.fixture
def apply_streets(database, now):
    def applied(street, on):
        with database.writing() as session:
            return editions.apply(session, edition(row(street=street)), now, on, WHO)

    applied("Rue Basse 1", date(2021, 3, 1))
    return applied


def held(database, kind=School):
    with database.reading() as session:
        return postal.held_of(session, session.scalars(select(kind)).one())


def change(database, action, kind=School, **given):
    with database.writing() as session:
        action(session, session.scalars(select(kind)).one(), **given)


def test_a_correction_holds_until_the_register_says_something_else(database, apply_streets, now):
    change(database, postal.correct_address, address=OTHER, now=now, actor=WHO)
    assert (held(database).address, held(database).is_corrected) == (OTHER, True)
    apply_streets("Rue Neuve 3", date(2021, 4, 1))
    assert (held(database).address.street_line, held(database).is_corrected) == ("Rue Neuve 3", False)
    with database.reading() as session:
        assert postal.correction_of(session, session.scalars(select(School)).one()).address == OTHER


def test_a_withdrawn_correction_gives_the_register_s_address_back_and_history_tells_both(database, apply_streets, now):
    change(database, postal.correct_address, address=OTHER, now=now, actor=WHO)
    change(database, postal.withdraw_address, now=now, actor=WHO)
    assert held(database).address.street_line == "Rue Basse 1"
    with database.reading() as session:
        owner = session.scalars(select(Authority)).one()
        told = [entry.in_words for entry in audit.entries_about(session, f"authority:{owner.fase}")]
    assert any("Rue Haute 9 bte 2" in one and "devient" in one for one in told)
    assert any("annulée" in one for one in told)


@pytest.mark.usefixtures("apply_streets")
def test_mail_that_came_back_marks_the_address_until_it_is_another_one(database, now):
    change(database, postal.came_back, Authority, on=date(2021, 5, 2), now=now, actor=WHO)
    assert (held(database, Authority).is_fit, held(database, Authority).returned_on) == (False, date(2021, 5, 2))
    assert AddressFault.RETURNED in held(database, Authority).faults
    assert held(database).is_fit, "a school of the same number has an address of its own"
    same = held(database, Authority).address
    with pytest.raises(InputError, match="revenu"):
        change(database, postal.correct_address, Authority, address=same, now=now, actor=WHO)
    change(database, postal.correct_address, Authority, address=OTHER, now=now, actor=WHO)
    assert held(database, Authority).is_fit


@pytest.mark.usefixtures("apply_streets")
@pytest.mark.parametrize(
    ("changed", "said"),
    [({"street": ""}, "rue"), ({"postcode": "12"}, "code postal"), ({"locality": "1"}, "localité"), ({}, "déjà")],
)
def test_an_address_that_takes_no_letter_is_refused(database, now, changed, said):
    parts = {"street": "Rue Basse", "number": "1", "box": "", **changed}
    parts = {"postcode": held(database).address.postcode, "locality": held(database).address.locality, **parts}
    with pytest.raises(InputError, match=said):
        change(database, postal.correct_address, address=PostalAddress(**parts), now=now, actor=WHO)


@pytest.mark.usefixtures("apply_streets")
def test_nothing_is_withdrawn_without_a_correction(database, now):
    with pytest.raises(NotFound):
        change(database, postal.withdraw_address, now=now, actor=WHO)


def test_the_list_begins_with_what_is_unfit(database, apply_streets):
    apply_streets("", date(2021, 4, 1))
    with database.reading() as session:
        rows = postal.address_rows(session, RegisterKind.SCHOOL)
        unfit = postal.list_addresses(rows, AddressFilter.UNFIT)
        assert unfit.count() == 1
        assert unfit.objects()[0]["faults"][0] == "sans rue"
        assert (
            postal.list_addresses(postal.address_rows(session, RegisterKind.AUTHORITY), AddressFilter.ALL).count() == 1
        )
