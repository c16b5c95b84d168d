"""Each static file that compresses has twins that say the same, and the web server sends those, to be kept for ever."""

import gzip
import re
import runpy

import brotli
import pytest

from outreach.core.settings import ROOT
from outreach.web.ui.templates import STATIC

SOURCES = runpy.run_path(str(ROOT / "tools" / "precompress.py"))["sources"]()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_compressed_twin_says_what_its_source_says(source):
    content, how = source.read_bytes(), "made by ./run, or: python tools/precompress.py"
    if source.suffix == ".css" and "vendor" not in source.parts:
        # Our comments and our indentation are for who reads the source.
        content = re.sub(rb"(?s)/\*.*?\*/", b"", content)
        content = re.sub(rb'("[^"]*")|\s*([{};])\s*', lambda part: part[1] or part[2], content)
    assert gzip.decompress(source.with_name(f"{source.name}.gz").read_bytes()) == content, how
    assert brotli.decompress(source.with_name(f"{source.name}.br").read_bytes()) == content, how


def test_no_twin_is_left_of_a_file_that_is_gone():
    twins = [path for path in STATIC.rglob("*") if path.suffix in {".br", ".gz"}]
    assert {path.with_suffix("") for path in twins} == set(SOURCES)


@pytest.mark.parametrize(("accepted", "sent"), [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)])
def test_a_browser_gets_the_twin_that_it_reads_and_keeps_it_for_ever(client, accepted, sent):
    with client.get("/static/app.css", headers={"Accept-Encoding": accepted}) as response:
        assert response.headers.get("Content-Encoding") == sent
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["Vary"] == "Accept-Encoding"
