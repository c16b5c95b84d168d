"""A campaign of which some letters found no mailbox, and a step by paper that is due for each of these."""

import pytest
from sqlalchemy import delete, select, update

from outreach.campaigns import evidence, planning
from outreach.campaigns.evidence import ReachChannel, StepReason
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Contact
from tests.campaigns.conftest import SENDING, approved, launch, settle
from tests.conftest import NOW, state_from
from tests.factories import AUTHOR

LONG_NAME = "Pouvoir organisateur de " + "l’Institut d’enseignement secondaire spécialisé Saint-Joseph-Notre-Dame " * 2
LONG_NAME = LONG_NAME[:140]
__all__ = ["SENDING"]


def paper_campaign(database, schools=(1, 12, 147), **changes):
    """A campaign that began, to authorities without a mailbox that have so many schools; returns its number."""
    settle(database, len(schools), schools)
    with database.writing() as session:
        session.execute(delete(Contact))
        session.execute(update(Authority).values(address="Rue Haute 7 bte 3", locality="Namur"))
        for place, po in enumerate(session.scalars(select(Authority).order_by(Authority.id))):
            po.postcode = str(5000 - place)
        po.name = LONG_NAME
    number = approved(database, **changes)
    launch(database, number)
    with database.writing() as session:
        for letter in session.scalars(select(Message).order_by(Message.id)):
            of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
            fields = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.NO_ADDRESS}
            evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR)
    return number


@state_from("programmed")
def three_unreached(database, _settings):
    """A campaign, the first, whose three authorities have no mailbox."""
    assert paper_campaign(database) == 1


@pytest.fixture
def unreached(three_unreached):
    """The database, and the number of its campaign."""
    return three_unreached, 1


def campaign_of(session, number):
    return planning.campaign_numbered(session, number)
