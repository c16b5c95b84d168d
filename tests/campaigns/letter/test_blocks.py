"""What letters keep of their tables is the cells: how rows look is for ever, once letters were sent with them."""

import hashlib
import quopri
import re
from types import SimpleNamespace

import pytest

from outreach.campaigns.letter._composing import Values
from outreach.campaigns.letter._field_values import PATTERNS, buttons
from outreach.campaigns.letter._links import Links, Measure
from outreach.delivery.letters import Rows, Value

SENT = {
    # Not to be changed: a letter that was sent and is sent again, or read again, would differ. Add a pattern instead.
    "table-1": "e62efccd86b25f7b1817a839bafa8f693414dd531b42e1a58d7f758c566a2274",
    "list-1": "e96d5a06c66299721fe8ad2df05b32e64b5bb4f368a80c0e7395c31bc9e872a9",
    "table-2": "56708a716c5bb4f1665ed7917a29b1a3c75cdd93b478cf1479b83e968c0eee15",
    "list-2": "8571780359ea4fbd41a48cb764e8b65983530cbd69df9c389d15951e7f70abd6",
}


def rows_of(name):
    rows = (
        ("École « Les <Tilleuls> »", "95012", "Sans réponse", "sans réponse"),
        ("Athénée", "1", "A adhéré", "a adhéré"),
    )
    return Rows(PATTERNS[name], rows, Value("\n<p>et 3 autres</p>", "\net 3 autres"))


def test_every_pattern_is_known_here():
    assert set(PATTERNS) == set(SENT)


@pytest.mark.parametrize("name", SENT)
def test_rows_that_were_sent_look_the_same_for_ever(name):
    said = rows_of(name)
    assert hashlib.sha256("\0".join((said.html, said.text)).encode()).hexdigest() == SENT[name]


@pytest.mark.parametrize("name", SENT)
def test_rows_are_kept_as_their_cells_and_read_again(name):
    kept = Values({"tableau_écoles": rows_of(name)}, {}).to_json()
    assert "<t" not in kept
    assert "<li" not in kept
    again = Values.from_json(kept).values["tableau_écoles"]
    assert again.encoded() == rows_of(name).encoded()
    assert (again.html, again.text) == (rows_of(name).html, rows_of(name).text)


def test_the_border_of_a_button_on_the_page_has_the_colour_of_its_words():
    links = Links("https://courriel.example", "a", "v", "", Measure(""))
    html = buttons(SimpleNamespace(links=links)).html
    first, *others = re.findall(r'<a class="button"[^>]*style="([^"]*)"', html)
    assert "border:1px solid;" in first
    assert "border-color:#303675;background-color:#303675" in first
    assert len(others) == 2
    assert all("border:1px solid;" in style and "border-color" not in style for style in others)


@pytest.mark.parametrize("length", [75, 76, 77, 200])
def test_a_cell_of_one_long_word_is_folded(length):
    for encoded in Rows(PATTERNS["table-1"], [("x" * length, "1", "y", "y")], Value("", "")).encoded():
        assert max(map(len, encoded.split(b"\r\n"))) <= 76
        assert b"x" * length in quopri.decodestring(encoded)


def test_a_table_that_was_kept_whole_is_read_again():
    kept = Values.from_json('{"values":{"tableau_écoles":["<table></table>","- rien"]},"flags":{}}')
    assert kept.values["tableau_écoles"] == Value("<table></table>", "- rien")


def test_a_table_reads_as_markup_and_as_text():
    said = rows_of("table-1")
    assert "École « Les &lt;Tilleuls&gt; »" in said.html
    assert said.html.count("<tr>") == 3
    assert said.html.endswith("</table>\n<p>et 3 autres</p>")
    assert said.text.splitlines()[0] == "- École « Les <Tilleuls> » (FASE\u00a095012)\u00a0: sans réponse"
