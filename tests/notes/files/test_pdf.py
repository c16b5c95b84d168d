import re
import zlib

import pytest

from outreach.errors import Refused
from outreach.notes.files import pdf
from outreach.notes.files.outline import outline

EMPTY = {
    "name": "x",
    "ministry": "x",
    "number": "2021-001",
    "stated": "x",
    "programme": "x",
    "title": "x",
    "head": {"lines": [], "logo": []},
}


def streams(content):
    """The streams of a PDF, inflated where they are deflated."""
    for match in re.finditer(rb"/Length (\d+)[^>]*>>(?:>>)?\s*stream\n", content):
        raw = content[match.end() : match.end() + int(match[1])]
        try:
            yield zlib.decompress(raw)
        except zlib.error:
            yield raw


def test_a_note_is_pdf_ua_1_in_french_with_a_title(files):
    content = files["pdf"]
    metadata = next(stream for stream in streams(content) if b"<x:xmpmeta" in stream).decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<rdf:li>fr-BE</rdf:li>" in metadata
    assert "Bilan &amp; &lt;suite&gt; #1 $x$ – note 2021-002" in metadata
    assert b"/Lang(fr-BE)" in content
    assert b"/DisplayDocTitle true" in content


def test_a_note_is_tagged_headings_lists_tables_with_their_heads_and_figures_with_words(files, full_note, signature):
    tags = re.findall(rb"/S/(\w+)", files["pdf"])
    sections = outline(full_note, signature).sections
    assert tags.count(b"H1") == len(sections)
    assert tags.count(b"H2") == 1  # the author's heading
    assert tags.count(b"Table") == tags.count(b"THead") == 4
    assert tags.count(b"TH") == 3 + 4 + 5 + 5
    assert {b"L", b"LI", b"Lbl", b"LBody", b"Caption", b"Figure", b"BlockQuote"} <= set(tags)
    figures = re.findall(rb"/S/Figure.*?endobj", files["pdf"], re.DOTALL)
    assert len(figures) == 2  # the map and the code
    assert all(b"/Alt" in figure for figure in figures)


def test_every_font_is_one_of_those_that_the_project_brings(files):
    fonts = set(re.findall(rb"/BaseFont/[A-Z]{6}\+(\w+)-", files["pdf"]))
    assert fonts == {b"SourceSans3"}


def test_every_template_refuses_a_picture_without_words():
    """So that a template which forgets one cannot pass: typst checks what it compiles."""
    templates = [path.name for path in pdf.TEMPLATES.glob("*.typ")]
    assert sorted(templates) == ["note.typ", "picture.typ"]  # the latter makes no PDF
    wordless = {
        "kind": "picture",
        "svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "alternative": None,
        "caption": "",
        "width": 4,
    }
    more = {"date": [2021, 5, 15], "qr": wordless["svg"], "address": "x", "checking": "x", "data": "{}"}
    sections = [{"heading": "x", "blocks": [wordless]}]
    with pytest.raises(Refused, match="PDF/UA-1"):
        pdf.set_pdf({**EMPTY, **more, "sections": sections}, 0)


def test_a_typst_that_is_killed_is_a_refusal_that_says_so(monkeypatch, tmp_path):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nprintf %%PDF-1.7\nkill -9 $$\n", encoding="utf-8")
    killed.chmod(0o700)
    monkeypatch.setattr(pdf.sys, "executable", str(killed))
    with pytest.raises(Refused, match="interrompue") as refusal:
        pdf.set_pdf({}, 0)
    assert "rien n’est perdu" in str(refusal.value)


def test_a_typst_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(pdf, "SECONDS", 0.01)
    with pytest.raises(Refused, match="n’est pas prêt"):
        pdf.set_pdf({}, 0)


def test_a_machine_that_starts_no_process_is_a_refusal(monkeypatch):
    monkeypatch.setattr(pdf.sys, "executable", "/nowhere/python")
    with pytest.raises(Refused, match="ne peut pas être composé"):
        pdf.set_pdf({}, 0)
