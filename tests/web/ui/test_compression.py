"""Pages leave compressed, as the browser asks."""

import brotli
import pytest
from flask.testing import FlaskClient


@pytest.fixture
def browser(app):
    """A client that takes any bytes: the usual one reads each page."""
    return FlaskClient(app, app.response_class)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("accepted", "sent"), [("gzip, deflate, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip", "gzip"), ("", None)]
)
def test_a_page_is_compressed_as_the_browser_asks(browser, accepted, sent):
    response = browser.get("/sign-in", headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == sent
    assert "Accept-Encoding" in response.headers["Vary"]
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_a_compressed_page_says_the_same(browser):
    plain, squeezed = (browser.get("/sign-in", headers={"Accept-Encoding": how}) for how in ("", "br"))
    assert len(squeezed.data) < len(plain.data) / 2
    assert brotli.decompress(squeezed.data).startswith(plain.data[:1000])
