"""The letterhead on letters: beside the HTML, in the text, frozen with what was approved."""

import pytest
from sqlalchemy import select

from outreach.campaigns import letter, planning
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import list_addressees
from outreach.campaigns.review import Preview
from outreach.core import site
from outreach.core.site import Letterhead
from outreach.core.site._letterhead import LARGEST_IN_LETTER
from outreach.delivery.models import Mailing, Message
from tests.campaigns.conftest import AUTHOR, SENDING, approved, draft, launch, move, settle
from tests.campaigns.letter.test_composing import composed
from tests.conftest import NOW
from tests.factories import APPROVER
from tests.pictures import png

LINES = ("Ministère de l’Éducation", "Rue <de> l’École 1")
LOGO = png(440, 100)


def head(database, lines=LINES, logo=LOGO):
    with database.writing() as session:
        site.change_letterhead(session, Letterhead(lines, logo), now=NOW, actor=AUTHOR)


def submitted(database):
    number = draft(database)
    move(database, number, planning.submit_campaign)
    return number


def first_read(database, number):
    """The first letter of a campaign, as its preview shows it."""
    with database.reading() as session:
        campaign = session.get_one(Campaign, number)
        return next(
            Preview(session, campaign, SENDING, [], now=NOW).letters(list_addressees(session, campaign, now=NOW))
        )


def test_a_letter_shows_the_logo_that_comes_with_it_and_says_the_lines_in_both_parts(database, people, strand):
    settle(database, 1)
    head(database)
    launch(database, approved(database))
    ((message, _),) = composed(database)
    text, related = message.iter_parts()
    html, picture = related.iter_parts()
    assert picture.get_content() == LOGO
    assert f'src="cid:{picture["Content-ID"].strip("<>")}" width="220" height="50" alt=""' in html.get_content()
    assert "Ministère de l’Éducation<br>" in html.get_content()
    assert "Rue &lt;de&gt; l’École 1" in html.get_content()
    assert "\nMinistère de l’Éducation\nRue <de> l’École 1\n" in text.get_content().replace("\r\n", "\n")


@pytest.mark.long
def test_a_letterhead_that_changes_after_the_submission_changes_nothing_in_what_is_approved(database, people, strand):
    settle(database, 1)
    head(database)
    number = submitted(database)
    head(database, ("Autre ministère",), b"")
    move(database, number, planning.approve_campaign, actor=APPROVER)
    read = first_read(database, number)
    launch(database, number)
    head(database, ("Encore un autre",), png(64, 64))
    ((message, _),) = composed(database)
    text, related = message.iter_parts()
    assert LINES[0] in text.get_content()
    assert LINES[0] in read.text
    assert [part.get_content_type() for part in related.iter_parts()] == ["text/html", "image/png"]
    with database.reading() as session:
        assert planning.is_approved(session, session.get_one(Campaign, number))


def test_what_was_submitted_before_letters_had_a_head_keeps_its_bytes(database, people, strand):
    settle(database, 1)
    number = approved(database)
    before = _hash(database, number)
    head(database)
    launch(database, number)
    ((message, _),) = composed(database)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert LINES[0] not in message.as_string()
    assert _hash(database, number) == before


def _hash(database, number):
    with database.reading() as session:
        return planning.content_hash(session.get_one(Campaign, number))


def test_the_letterhead_belongs_to_what_is_approved(database, people, strand):
    settle(database, 1)
    without = _hash(database, draft(database))
    head(database)
    assert _hash(database, submitted(database)) != without


def test_a_draft_shows_today_s_letterhead(database, people, strand):
    settle(database, 1)
    head(database)
    number = draft(database)
    for lines in (LINES, ("Autre ministère",)):
        head(database, lines)
        read = first_read(database, number)
        assert lines[0] in read.text
        assert "data:image/png;base64," in read.in_browser
        assert "cid:" not in read.in_browser


def test_a_logo_that_is_too_heavy_for_letters_stays_on_pages_and_notes(database, people, strand):
    settle(database, 1)
    heavy = png(440, 100, more=[(b"IDAT", bytes(LARGEST_IN_LETTER))])
    head(database, logo=heavy)
    launch(database, approved(database))
    ((message, _),) = composed(database)
    text, html = (part.get_content() for part in message.iter_parts())
    assert LINES[0] in text
    assert "cid:" not in html


@pytest.mark.long
@pytest.mark.parametrize("shown", [letter.as_read, letter.as_shown])
def test_a_letter_in_a_browser_has_its_logo_as_it_left(database, people, strand, shown):
    settle(database, 1)
    head(database)
    launch(database, approved(database))
    head(database, logo=b"")
    with database.reading() as session:
        message = session.scalars(select(Message)).one()
        html = shown(session, message, SENDING, now=NOW)
        assert session.scalars(select(Mailing.letter)).one()
    assert html.count("data:image/png;base64,") == 1
    assert "cid:" not in html
