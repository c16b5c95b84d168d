"""The page of the letterhead: an administrator gives lines and a logo, which every page then bears."""

import io

from tests.pages import elements, form_of, text_of
from tests.pictures import png

PLACE = "/administration/letterhead"


def test_an_administrator_gives_a_letterhead_that_every_page_bears(signed_in, client):
    chief = signed_in("administrator")
    form = form_of(chief.get(PLACE), PLACE) | {"lines": "Direction générale\r\n\r\nBruxelles"}
    form["logo"] = (io.BytesIO(png()), "logo.png")
    assert chief.post(PLACE, data=form, content_type="multipart/form-data").status_code == 302
    page = chief.get(PLACE)
    (shown,) = elements(page, "footer//img")
    assert "Direction générale Bruxelles" in text_of(page)
    picture = client.get(shown.get("src"))
    assert (picture.data, picture.mimetype) == (png(), "image/png")
    form = form_of(page, PLACE) | {"without_logo": "y"}
    assert chief.post(PLACE, data=form, content_type="multipart/form-data").status_code == 302
    assert client.get("/letterhead.png").status_code == 404


def test_a_logo_that_is_refused_says_why_and_loses_no_line(signed_in):
    chief = signed_in("administrator")
    form = form_of(chief.get(PLACE), PLACE) | {"lines": "Ministère", "logo": (io.BytesIO(b"GIF89a"), "logo.gif")}
    refused = chief.post(PLACE, data=form, content_type="multipart/form-data")
    assert (refused.status_code, "image PNG entière" in text_of(refused)) == (422, True)
    assert form_of(refused, PLACE)["lines"] == "Ministère"
    assert signed_in("author").get(PLACE).status_code == 403
