"""A letter of a campaign, as it was received."""

from flask import Response, abort

from outreach.campaigns import planning, results
from outreach.campaigns.letter import as_shown, subject_read
from outreach.campaigns.models import Campaign
from outreach.core import erasure
from outreach.core.db import Session
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.models import Message
from outreach.web.pages.campaigns.blueprint import pages, sending, show, step_of
from outreach.web.ui import letter_frame
from outreach.web.ui.request import held_roles, needs, now, reading


@pages.get("/<number:number>/letters/<number(max=9223372036854775807):message>")
@needs(RoleName.READER)
def received(number: int, message: int) -> Response:
    with reading() as session:
        campaign, letter = _letter(session, number, message)
        subject = subject_read(session, letter, sending(), now=now())
        step, outcome = step_of(session, "list_authorities", campaign), outbox.outcome_of(letter)
        seen = results.of_letters(session, [letter.id], now=now()).get(letter.id)
        shown = {"message": letter, "outcome": outcome, "subject": subject, "seen": seen, "meaning": results.MEANING}
        return letter_frame.around(show("received", step, **shown))


@pages.get("/<number:number>/letters/<number(max=9223372036854775807):message>/html")
@needs(RoleName.READER)
def received_html(number: int, message: int) -> Response:
    with reading() as session:
        _, letter = _letter(session, number, message)
        return letter_frame.alone(as_shown(session, letter, sending(), now=now()))


def _letter(session: Session, number: int, key: int) -> tuple[Campaign, Message]:
    """A letter of a campaign, to be opened. Raises Refused where only administrators open it."""
    campaign = planning.campaign_numbered(session, number)
    message = session.get(Message, key)
    if message is None or message.mailing_id not in {wave.mailing_id for wave in campaign.waves}:
        abort(404)
    erasure.refuse_closed(message.address_key, held_roles())
    return campaign, message
