import re
import zlib

from outreach.reports.files._outline import outline


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
