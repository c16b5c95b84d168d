from datetime import date

import pytest

from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError

JUNE = date(2021, 6, 30)


@pytest.mark.parametrize(
    "text",
    [
        "30/06/2021",
        "2021-06-30",
        "30.6.2021",
        "30-06-2021",
        "30 juin 2021",
        "30 JUIN 2021",
        " 30/06/2021 ",
        "44377",
        "44377.0",
        "2021-06-30 00:00:00",
        "2021-06-30T00:00:00",
    ],
)
def test_a_day_is_read_however_it_is_written(text):
    assert parse_day(text) == JUNE


def test_the_day_comes_before_the_month():
    assert parse_day("03/04/2021") == date(2021, 4, 3)
    assert parse_day("1er juin 2021") == date(2021, 6, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06/30/2021",
        "31/06/2021",
        "29/02/2021",
        "0001-01-01",
        "9999-12-31",
        "1624999999999",
        "hier",
        "30/06/21",
        "30 brumaire 2021",
        "99999",
        "٣٠/٠٦/٢٠٢١",
    ],
)
def test_what_is_no_day_is_refused_in_words(text):
    with pytest.raises(InputError):
        parse_day(text)
