"""A name or an address is found in any disguise, in a table of either database, and what is none is left alone."""

import json
import string
import sys
import unicodedata
from collections import defaultdict
from html.entities import codepoint2name, html5

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from outreach.core.erasure import Redaction
from outreach.core.erasure import _words as words
from outreach.delivery import outbox
from outreach.delivery.models import Suppression, SuppressionReason
from tests.conftest import NOW

UNSEEN = "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN += "\u061c\u180e\u034f\ufe0e\ufe0f\U000e0100"
APOSTROPHES, HYPHENS, SPACES = "'’‘ʼ´`′＇", "-‐‑–−", (" ", "\xa0", "\u202f", "\n", "  ", " \t")
FRENCH = "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôûùüœ"
TABLE = Suppression.__table__
BOTH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def compatible():
    """The signs that Unicode holds for the same as some letters or digits of ASCII, by these."""
    found = defaultdict(list)
    for code in range(0x80, sys.maxunicode + 1):
        same = unicodedata.normalize("NFKC", chr(code)).lower()
        if same.isascii() and same.isalnum():
            found[same].append(chr(code))
    return found


COMPATIBLE = compatible()
LONGEST = max(map(len, COMPATIBLE))


@st.composite
def disguised(draw, text, *, is_name, is_clear=False):
    """The signs of a text, each as somebody or some program may have written it.

    It `is_clear` without symbols, which are no letters, and where no letters may be taken for an entity.
    """
    signs, place = [], 0
    while place < len(text):
        sizes = [size for size in range(2, LONGEST + 1) if not is_clear and text[place : place + size] in COMPATIBLE]
        size = draw(st.sampled_from([1, *sizes]))
        same = text[place : place + size]
        kinds = {"'": APOSTROPHES, "-": HYPHENS}
        written = [same, same.upper() if same.upper().casefold() == same else same, *kinds.get(same, ())]
        if same in COMPATIBLE:
            some = [sign for sign in COMPATIBLE[same] if sign.isalnum() or not is_clear]
            written += [draw(st.sampled_from(some))] if some else []
        if size > 1:
            written = written[-1:]
        if same == " ":
            signs.append(draw(st.sampled_from(SPACES)))
        else:
            signs.append(draw(st.sampled_from(written)))
            if is_name and same.isalpha():
                signs.append(draw(st.sampled_from(["", "", "\u0301", "\u0327"])))
        signs.append(draw(st.sampled_from(["", "", "", *UNSEEN])))
        place += size
    plain = "".join(signs)
    return "".join(draw(spelt(sign, plain[at + 1 : at + 2], is_clear=is_clear)) for at, sign in enumerate(plain))


@st.composite
def spelt(draw, sign, following, *, is_clear):
    """A sign as HTML or JSON writes it."""
    number, hexadecimal, name = f"&#{ord(sign)}", f"&#x{ord(sign):x}", codepoint2name.get(ord(sign))
    ways = [
        f"{number};",
        f"{hexadecimal};",
        f"&amp;amp;#{ord(sign)};",
        json.dumps(sign)[1:-1] if ord(sign) > 127 else sign,
    ]
    if not following.isdigit():  # as a program reads them, these go on
        ways.append(number)
    if following not in string.hexdigits:
        ways.append(hexadecimal)
    if name:
        ways.append(f"&{name};")
    if name and not is_clear and f"{name}{following};" not in html5:
        ways.append(f"&{name}")
    return draw(st.sampled_from([*[sign] * 2 * len(ways), *ways]))


word = st.text(FRENCH, min_size=2, max_size=9)
names = st.builds("{}{}{} {}".format, word, st.sampled_from(" '-"), word, word)
part = st.text(string.ascii_lowercase + string.digits, min_size=2, max_size=9)
addresses = st.builds(
    "{}{}{}@{}.{}".format, part, st.sampled_from(".'-_"), part, part, st.sampled_from(["be", "example"])
)
befores, afters = (
    st.sampled_from(["", "Vu avec ", "(", "«\xa0", 'a dit "']),
    st.sampled_from(["", ".", " hier", ")", '"']),
)


def bare(name):
    return "".join(sign for sign in unicodedata.normalize("NFKD", name) if sign.isalnum())


def found_in(database, detail, sought):
    """How many rows of the table name somebody, where one row says this."""
    with database.writing() as session:
        session.execute(delete(Suppression))
        outbox.suppress_address(session, "a@b.example", SuppressionReason.STAFF, now=NOW, actor="x", detail=detail)
        session.flush()
        return len(list(words.keys_with(session, TABLE, words.texts_of(TABLE), [sought])))


@pytest.mark.postgresql
@BOTH
@given(st.data(), names, befores, afters)
def test_a_name_is_found_and_taken_out_in_any_disguise(database, data, name, before, after):
    said = data.draw(disguised(name, is_name=True))
    check_found(database, Redaction(name, "…"), said, before, after)


@pytest.mark.postgresql
@BOTH
@given(st.data(), addresses, befores, afters)
def test_an_address_is_found_and_taken_out_in_any_disguise(database, data, address, before, after):
    said = data.draw(disguised(address, is_name=False))
    check_found(database, Redaction(address, "…", is_address=True), said, before, after)


def check_found(database, sought, said, before, after):
    assert sought.taken_from(f"{before}{said}{after}") == f"{before}…{after}"
    assert found_in(database, f"{before}{said}{after}", sought) == 1


@pytest.mark.postgresql
@BOTH
@given(st.data(), names, befores, afters)
def test_another_name_is_left_alone_in_any_disguise(database, data, name, before, after):
    place = data.draw(st.integers(0, len(name) - 1))
    others = [f"{name}s", f"z{name}", name[:place] + name[place + 1 :]]
    other = data.draw(st.sampled_from(others))
    said = before + data.draw(disguised(other, is_name=True, is_clear=True)) + after
    assume(bare(name) != bare(other))
    sought = Redaction(name, "…")
    assert sought.taken_from(said) == said
    assert found_in(database, said, sought) == 0


@pytest.mark.postgresql
@BOTH
@given(st.data(), addresses, befores, afters)
def test_another_address_is_left_alone_in_any_disguise(database, data, address, before, after):
    place = data.draw(st.integers(0, len(address) - 1))
    letter = data.draw(st.sampled_from("éàçü"))
    others = [f"{address}s", f"z{address}", f"z.{address}", f"{address}.example"]
    others += [address[:place] + address[place + 1 :], address[:place] + letter + address[place + 1 :]]
    said = before + data.draw(disguised(data.draw(st.sampled_from(others)), is_name=False, is_clear=True)) + after
    sought = Redaction(address, "…", is_address=True)
    assert sought.taken_from(said) == said
    assert found_in(database, said, sought) == 0


@given(st.text(), st.booleans())
@example("\U0001f190a\u0323\u0301 \u0301\u0323b", True)
def test_what_is_cut_out_is_what_was_compared(said, is_address):
    for reading in words.readings(said):
        normal = words._Normal(said, reading, is_address=is_address)
        folded = words.fold_words(said, reading, is_address=is_address)
        assert (normal.text if is_address else " ".join(normal.text.split())) == folded
        assert len(normal.text) == len(normal.starts) == len(normal.ends)


def test_the_disguises_are_many():
    assert sum(len(signs) for same, signs in COMPATIBLE.items() if len(same) > 1) > 100
    assert {"ĳ", "ﬃ", "ﬄ", "ﬁ"} <= {sign for signs in COMPATIBLE.values() for sign in signs}
