"""A scanner that opens every link of every letter twice, scripts running: it adds hits, and changes nothing else."""

from email import message_from_bytes
from email.policy import default

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.campaigns import waves
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.core.db import Base
from outreach.delivery.models import Batch, Composition, Mailing
from outreach.delivery.outbox import due_in
from outreach.engagement.tracking import Hit
from outreach.engagement.tracking._models import HitCount, NewHit
from outreach.web.public.tracking_endpoint import GIF
from tests.application import planned
from tests.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.long]
ONLY_HITS = {Hit.__tablename__, HitCount.__tablename__, NewHit.__tablename__}
WITH_SCRIPTS, WITHOUT = 4, 25


@pytest.fixture
def letters(app, sample_database, served):
    """The HTML of the letters of a launched wave, whose links lead to the served pages."""
    settings = app.extensions["outreach.settings"]
    sending = SenderIdentity(settings.sending_domain, served, SenderIdentity.of(settings).keys)
    wave = planned(sample_database, NOW, f"\n\nVoir [la page du programme]({served}/sign-in).\n")
    with sample_database.writing() as session:
        waves.advance_wave(session, wave, sending, now=NOW)
        mailing = session.scalars(select(Mailing)).one()
        due = [one for batch in session.scalars(select(Batch.id)) for one in due_in(session, batch, now=NOW)]
        made = Composer(sending, lambda: NOW)(session, mailing, due)
        session.add_all(Composition(message_id=key, revision=0, content=one.content) for key, one in made.items())
    letters = [message_from_bytes(one.wire, policy=default) for one in made.values()]
    return [letter.get_body(("html",)).get_content() for letter in letters]


def links_of(page, letters):
    """The addresses in all these letters, pixels too, as a browser reads them; each once."""
    found = {}
    for letter in letters:
        page.set_content(letter)
        addresses = "[...document.querySelectorAll('a[href^=http], img[src]')].map(one => one.href || one.src)"
        found.update(dict.fromkeys(page.evaluate(addresses)))
    return list(found)


def rows(database):
    with database.reading() as session:
        return {
            name: sorted(map(repr, session.execute(select(table))))
            for name, table in Base.metadata.tables.items()
            if name not in ONLY_HITS
        }


@pytest.mark.deep
def test_following_every_link_of_every_letter_twice_adds_hits_and_nothing_else(
    open_page, client, served, letters, sample_database
):
    assert len(letters) > 100
    page = open_page()
    page.route(
        "**/*.gif", lambda route: route.fulfill(body=GIF, content_type="image/gif")
    )  # not loaded: they are followed below
    some, every = links_of(page, letters[:WITH_SCRIPTS]), links_of(page, letters[:: len(letters) // WITHOUT])
    page.unroute("**/*.gif")
    kinds = {kind: sum(f"/{kind}/" in link for link in every) for kind in "oacuv"}
    assert all(kinds.values()), kinds
    before = rows(sample_database)
    for _ in range(2):
        for link in some:
            page.goto(link)
        for link in every:
            assert FlaskClient.open(client, link.removeprefix(served)).status_code in {200, 302}
    assert rows(sample_database) == before
    with sample_database.reading() as session:
        counted = sum(session.scalars(select(HitCount.count)))
    assert counted >= 2 * (kinds["o"] + kinds["c"])
