"""The letterhead: limits on its lines and its picture, versions, and the audit."""

import pytest

from outreach.core import audit
from outreach.core.site import Letterhead
from outreach.core.site import _letterhead as letterhead
from outreach.core.text.errors import InputError
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pictures import png


def test_a_picture_keeps_what_shows_it_and_nothing_else():
    sent = png(more=[(b"tEXt", b"Author\0Jeanne"), (b"eXIf", b"here")])
    kept = letterhead.shown_png(sent)
    assert (kept, b"Jeanne" in sent) == (png(), True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "PNG entière"),
        (b"GIF89a", "PNG entière"),
        (png()[:-20], "PNG entière"),
        (png().replace(b"IDAT", b"IDAX"), "PNG entière"),
        (png(16, 40), "16 sur 40 points"),
        (png(1700, 40), "1700 sur 40 points"),
        (png() + b"x" * letterhead.LARGEST_LOGO, "dépasse 0,3"),
    ],
)
def test_a_picture_that_is_damaged_or_out_of_its_limits_is_refused(content, said):
    with pytest.raises(InputError) as refused:
        letterhead.shown_png(content)
    assert said in str(refused.value).replace("\u202f", " ")


def test_a_picture_with_fewer_bytes_than_its_header_says_is_refused():
    short = png(40, 40)
    (header,) = [data for kind, data in letterhead._chunks(png(40, 80)) if kind == b"IHDR"]
    own = [data for kind, data in letterhead._chunks(short) if kind == b"IDAT"]
    with pytest.raises(InputError, match="PNG entière"):
        letterhead._refuse_picture(header, b"".join(own))


@pytest.mark.parametrize("lines", [("x",) * 5, ("x" * 81,), ("a\0",)])
def test_lines_out_of_their_limits_are_refused(lines):
    with pytest.raises(InputError):
        letterhead.refuse_lines(lines)


def test_the_newest_version_holds_and_the_audit_has_each(database):
    with database.writing() as session:
        assert letterhead.current_letterhead(session) == letterhead.NONE
        letterhead.change_letterhead(session, Letterhead(("Ministère", "Bruxelles"), png()), now=NOW, actor=AUTHOR)
        letterhead.change_letterhead(session, Letterhead(("Ministère",)), now=NOW, actor=AUTHOR)
    with database.reading() as session:
        assert letterhead.current_letterhead(session) == Letterhead(("Ministère",), b"", version=2)
        told = [entry.in_words for entry in audit.entries_about(session, letterhead.SUBJECT)]
    assert (len(told), sum("sans logo" in one for one in told)) == (2, 1)
