"""Openings and clicks of letters, as they come and as the clock moves them."""

from outreach.delivery.models import Message
from outreach.engagement import tracking
from outreach.engagement.tracking import Arrival


def come(session, letter, *signals):
    """Let the link or the pixel of a letter, named by its key, be asked for so."""
    name = session.get_one(Message, letter).public_id
    tracking.append_hits(session, [Arrival(name, one) for one in signals])


def move_all(session):
    """Let the clock move what waits."""
    while tracking.move_hits(session):
        pass
