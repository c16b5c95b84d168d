"""Letters that say they are a reminder, and authorities that never received a letter of their strand."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, select

from outreach.campaigns import audiences
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.directory.models import Authority
from outreach.segments.audience import Concerns, rows
from outreach.segments.kinds.mailings import invited_to

ROLE = re.compile(r"\b(?:rappel|relance)\b", re.IGNORECASE)
"""What a title, a subject or a preheader calls a reminder. Other letters say in the plural that reminders stop."""
WORDING = re.compile(
    r"\b(?:dernier|ce|un|notre|simple|petit) rappel\b|\bpas (?:encore |toujours )?(?:reçu )?votre réponse\b"
    r"|\bsans réponse de votre part\b|\bnotre (?:dernier|premier|précédent) courriel\b",
    re.IGNORECASE,
)


class Worded(Protocol):
    """A letter as one recipient reads it: what its first wave leaves out is not in it."""

    @property
    def subject(self) -> str:
        """The subject."""

    @property
    def preheader(self) -> str:
        """The preheader, or ''."""

    @property
    def text(self) -> str:
        """The text part."""


def is_reminder(campaign: Campaign, letter: Worded) -> bool:
    """Whether the words of a campaign's letter call it a reminder, to somebody who had none of the campaign."""
    is_named = any(map(ROLE.search, (campaign.title, letter.subject, letter.preheader)))
    is_worded = is_named or WORDING.search(letter.text) is not None
    return Concerns(campaign.concerns) is Concerns.OPEN and is_worded


def reminded_of_nothing(
    session: Session, campaign: Campaign, letter: Worded, *, now: datetime
) -> Sequence[tuple[int, str]]:
    """The authorities that a reminder would be written to and that it would remind of nothing: FASE number and name.

    No letter of any campaign that invited them to join the strand has left for them. Empty for any other letter.
    """
    if not is_reminder(campaign, letter):
        return []
    meant = rows(audiences.audience_of(campaign), audiences.scope_of(session, campaign, now=now))
    written = select(meant.c.authority_id).where(meant.c.rank == 0)
    query = select(Authority).where(Authority.id.in_(written), _is_uninvited(campaign))
    found = session.scalars(query.order_by(Authority.folded, Authority.fase))
    return [(authority.fase, authority.display_name) for authority in found]


def has_nothing_to_be_reminded_of(session: Session, campaign: Campaign, letter: Worded, authority: Authority) -> bool:
    """Whether a campaign's letter is a reminder that would remind this authority of nothing."""
    if not is_reminder(campaign, letter):
        return False
    query = select(Authority.id).where(Authority.id == authority.id, _is_uninvited(campaign))
    return session.scalar(query) is not None


def _is_uninvited(campaign: Campaign) -> ColumnElement[bool]:
    return Authority.id.not_in(invited_to(campaign.strand_id))
