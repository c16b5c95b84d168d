"""A fifth channel, by the recipe in docs/develop.md: one row, one migration, and its page. Tests run it as a module.

It runs in a process of its own, as the row has to be there before anything reads the table.
"""

import sys
from collections import Counter
from pathlib import Path

from tests import one_row_more, toys

FACTS = """ChannelFacts(
    "Visite", "Une visite", asks_when="La visite se fait quand", evidence=Evidence.CALLED,
    page=("visits", "Visites"), todo="à visiter", answered="de vive voix")"""


one_row_more.load("outreach.campaigns.evidence._channels", "ReachChannel", f'VISIT = "visit", {FACTS}')

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from jinja2 import ChoiceLoader, FileSystemLoader

from outreach.campaigns import evidence, planning, results, waves
from outreach.campaigns.evidence import EscalationStep, ReachChannel, StepState
from outreach.campaigns.models import Campaign
from outreach.core.db import Database
from outreach.core.settings import Settings, read
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, MessageState
from outreach.engagement.replies import Answer, Given, Response
from outreach.operations.migrations import tables
from outreach.web.app import create_app
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.ui.request import actor, database, needs, now, reading
from tests.application import sign_in
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_climbing import AT, approve, became, day
from tests.campaigns.conftest import SENDING, draft, launch
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of


@pages.get("/<number:number>/visits")
@needs(RoleName.READER)
def visits(number):
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        due = session.scalars(sa.select(EscalationStep).where(EscalationStep.channel == ReachChannel.VISIT)).all()
        return show("channels/visit/index", step_of(session, "visits", campaign), due=due)


@pages.post("/<number:number>/visits/<number:visit>")
@needs(RoleName.AUTHOR)
def note_visit(number, visit):
    with database().writing() as session:
        evidence.move_step(session, evidence.in_turn(session, visit), StepState.TRIED, now=now(), actor=actor())
    return "", 204


def main(url, data):
    """Follow the recipe on the sample: from the form of dates to what is counted."""
    settings, kept = read({"OUTREACH_DATA": data, "OUTREACH_DATABASE_URL": url}), Database(url)
    with kept.engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        tables.allow("reach_steps", "channel", "reach_channel", *ReachChannel)
    moment = [NOW]
    Settings.instant = lambda _settings: moment[0]
    app = create_app(settings, kept)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.jinja_loader = ChoiceLoader([app.jinja_loader, FileSystemLoader(Path(toys.__file__).parent / "templates")])
    author, number = sign_in(app, "author"), draft(kept)
    choose_it_with_the_dates(author, f"/campaigns/{number}")
    approve(kept, number)
    launch(kept, number, at=AT)
    moment[0] = day(1)
    see_it_is_due(sign_in(app, "author"), f"/campaigns/{number}", be_due(kept))
    count_it(kept, number)


def choose_it_with_the_dates(author, campaign):
    page = author.get(f"{campaign}/dates")
    assert "Une visite, après (jours)" in text_of(page)
    typed = form_of(page, f"{campaign}/dates") | {
        "day": "18/05/2021",
        "hour": "11:00",
        "visit": "1",
        "visit_when": "silent",
    }
    assert author.post(f"{campaign}/dates", data=typed).status_code == 302
    assert "Visite, 1 jour après la vague, si ce qui précède a échoué" in text_of(author.get(f"{campaign}/check"))


def be_due(kept):
    """A letter failed, others found no mailbox, and the clock opened visits; returns their number."""
    became(kept, MessageState.REFUSED)
    climb(kept, day(1))
    with kept.reading() as session:
        opened = session.scalars(sa.select(EscalationStep)).all()
        assert {(step.channel, step.state) for step in opened} == {(ReachChannel.VISIT, StepState.DUE)}
        assert results.still_to_do(Counter(left=len(opened)), {ReachChannel.VISIT: 2}) == ", dont 2 à visiter"
        return len(opened)


def see_it_is_due(author, campaign, due):
    assert f"{due} visites à faire" in text_of(author.get(f"{campaign}/progress"))
    page = author.get(f"{campaign}/visits")
    assert "Courriels" in [text for _, text in links(page)], "beside the other pages of its tab"
    noting = [form.get("action") for form in elements(page, "form") if "/visits/" in form.get("action", "")]
    assert len(noting) == due
    assert author.post(noting[0]).status_code == 204


def count_it(kept, number):
    with kept.writing() as session:
        step = session.scalars(sa.select(EscalationStep).where(EscalationStep.state == StepState.TRIED)).one()
        letter, campaign = session.get_one(Message, step.message_id), session.get_one(Campaign, number)
        listed = results.list_reached(session, campaign, results.ReachedFilters(), now=day(2)).every()
        (row,) = (one for one in listed if one.key == step.authority_id)
        assert (row.rung.replace("\u00a0", " "), row.proof) == ("Visite : fait", "Joint par téléphone")
        assert row.detail.startswith("le ")
        waves.receive_answer(session, letter, Given({}, Answer.HELP), SENDING, now=day(2), step=step.id)
        (answered,) = session.scalars(sa.select(Response.id))
        assert evidence.ways_of(session, [answered]) == {answered: "de vive voix"}


if __name__ == "__main__":
    main(*sys.argv[1:])
