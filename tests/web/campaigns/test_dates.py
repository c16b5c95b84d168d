"""Every field that takes a date, with what is no date of ours (the A family of bad input)."""

import pytest

from tests.web.campaigns.test_campaigns import begun, dated
from tests.web.test_adherence import record

__all__ = ["begun"]
BAD = ["0001-01-01", "30/06/2021\x00"]


def called(author, day):
    form = {"kind": "phone", "day": day, "person": "", "note": "Rappeler"}
    return author.send("/directory/9300/calls", form, page="/directory/9300/history")


@pytest.mark.parametrize("day", BAD)
def test_no_field_takes_what_is_no_date(author, begun, day):
    refused = {
        "a status": record(author, 9300, day=day),
        "a call": called(author, day),
        "the first wave": dated(author, begun, day=day),
        "the last day": dated(author, begun, stops_on=day),
        "the situation's rows": author.get("/situation/schools", query_string={"as_of": day.replace("\x00", "x")}),
        "the situation's file": author.get("/situation/export.csv", query_string={"as_of": day.replace("\x00", "x")}),
    }
    codes = {name: response.status_code for name, response in refused.items()}
    assert set(codes.values()) <= {400, 422}, codes
    for name, response in refused.items():
        assert "date" in response.text or "siècle" in response.text, name


@pytest.mark.parametrize("day", ["1er mai 2021", "03/05/2021"])
def test_every_field_takes_a_date_as_people_write_it(author, begun, day):
    assert record(author, 9300, day=day).status_code == 302
    assert called(author, day).status_code == 302
    assert dated(author, begun, day=day.replace("2021", "2027")).status_code == 302
    assert author.get("/situation/schools", query_string={"as_of": day}).status_code == 200
