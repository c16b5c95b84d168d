"""A person leaves: the account is closed, and what the person follows goes to a colleague, or to nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.campaigns.models import Campaign, CampaignState
from outreach.core.db import Session
from outreach.core.text.addresses import key_of
from outreach.core.text.errors import InputError
from outreach.core.text.french import all_of, plural
from outreach.delivery import deliverability
from outreach.engagement import replies


@dataclass(frozen=True, slots=True)
class Follows:
    """What a person follows: responses that wait, how many of them have a day of recall, authorities hard to reach,
    campaigns not ended.

    The campaigns are those that the person created. They stay everybody's: who wrote one is never changed, as that
    person may not approve it.
    """

    responses: int
    recalls: int
    authorities: int
    campaigns: Sequence[Campaign]


def followed_by(session: Session, email: str) -> Follows:
    """What the person with this address follows."""
    owned = replies.owned_by(session, email)
    goes_on = Campaign.state.not_in((CampaignState.CLOSED, CampaignState.CANCELLED))
    written = select(Campaign).where(Campaign.created_by == email, goes_on).order_by(Campaign.id)
    recalls, reached_by = sum(one.recall_on is not None for one in owned), deliverability.owned_by(session, email)
    return Follows(len(owned), recalls, len(reached_by), session.scalars(written).all())


def close(session: Session, user: User, *, to: str, now: datetime, actor: str) -> tuple[int, int]:
    """Close an account and hand what the person follows to a colleague (an address), or to nobody ('').

    Returns how many responses went over, and how many authorities that are hard to reach. Raises as
    `accounts.close_account`, `inbox.hand_over_response` and `follow_up.hand_over` do, and InputError when the colleague
    is the person.
    """
    if key_of(to.strip()) == user.email:
        raise InputError("Choisissez une autre personne que celle dont le compte se ferme.")
    accounts.close_account(session, user, now=now, actor=actor)
    responses = replies.hand_all_over(session, user.email, to=to, now=now, actor=actor)
    return responses, deliverability.hand_all_over(session, user.email, to=to, now=now, actor=actor)


def told(responses: int, authorities: int) -> str:
    """What went over, in French: “2 réponses et 1 pouvoir organisateur à joindre”; "" for nothing."""
    parts = [plural(responses, "réponse")] if responses else []
    if authorities:
        parts.append(plural(authorities, "pouvoir organisateur à joindre", "pouvoirs organisateurs à joindre"))
    return all_of(parts)
