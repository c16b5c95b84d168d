"""By which rung of the ladder answers came: the code of a letter on paper, a call; none of those from a mail."""

from collections.abc import Collection

from sqlalchemy import select

from outreach.db import Session
from outreach.reach.models import ReachAnswer, ReachChannel, ReachStep

WAYS = {ReachChannel.PAPER: "par le code du courrier", ReachChannel.CALL: "par téléphone"}


def ways_of(session: Session, responses: Collection[int]) -> dict[int, str]:
    """How responses came, in French, by their keys, where it was not from a mail; one statement."""
    query = select(ReachAnswer.response_id, ReachStep.channel).join(ReachStep, ReachStep.id == ReachAnswer.step_id)
    found = session.execute(query.where(ReachAnswer.response_id.in_(responses)))
    return {response: WAYS[channel] for response, channel in found if channel in WAYS}
