"""What a page reads: one state of the data, in one transaction, its bar too."""

import pytest
from sqlalchemy import event


@pytest.fixture
def readings(sample_database):
    """How often a transaction of reading began on the database's readers."""
    begun = []

    def note(connection):
        begun.append(connection)

    event.listen(sample_database._reader, "begin", note)
    yield begun
    event.remove(sample_database._reader, "begin", note)


@pytest.mark.one_example
@pytest.mark.parametrize("address", ["/", "/campaigns", "/directory", "/responses", "/notes", "/calendar", "/account"])
def test_a_page_its_bar_and_its_account_are_one_reading(author, readings, address):
    assert author.get(address).status_code == 200
    assert len(readings) == 1
