"""Pages are parsed in tests as html5lib parses them."""

from xml.etree.ElementTree import tostring

import html5lib
from hypothesis import given
from hypothesis import strategies as st

from tests.parsing import Parser

PIECES = [
    *("<p>", "</p>", "<p class='a'>", "<P>", "</P >", "<br>", "<br/>", "<br />", "<p/>", "</br>", "<a b=c>", "</a b>"),
    *('<p id="a" id="b">', '<p id="a"class="b">', '<a href="?a=1&amp;b=2">', '<a href="?a&b">', '<p title="&eacute;">'),
    *('<p title="a>b">', '<p title="a\nb"\n>', "<input disabled>", "<input disabled/>", '<p title="a', '<p "a">', '"'),
    *("<table>", "<tr>", "<td>", "</td>", "</table>", "<svg>", '<path d="M0"/>', "<title>", "</title>", "</svg>"),
    *("<script>", "</script>", "<textarea>", "</textarea>", "<!-- a -->", "<!-->", "<", ">", "&amp;", "&", "é", " \n"),
    *("\0", '<p title="\0">', '<p a="&#39;&#34;&lt;&gt;">', "<![CDATA[a]]>", "<h1>", "</h1>", "x" * 10_230, "\r\n"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_a_page_is_parsed_as_html5lib_parses_it_with_the_same_errors(text):
    text = f"<!DOCTYPE html><html lang='fr'><title>x</title><body>{text}"
    ours, theirs = Parser(), html5lib.HTMLParser(namespaceHTMLElements=False)
    assert tostring(ours.parse(text)) == tostring(theirs.parse(text))
    assert [(name, details) for _, name, details in ours.errors] == [
        (name, details) for _, name, details in theirs.errors
    ]
