"""The facts that fill a letter's fields: those of one recipient, and those a wave's letters share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from outreach.adherence.models import Status
from outreach.campaigns.letter.page_links import Links


@dataclass(frozen=True, slots=True)
class Shared:
    """The facts that are the same for all the letters of a wave."""

    circular: str
    deadline: date
    contact: str
    is_reminder: bool
    about: str = ""  # what the strand is called; letters frozen before did not say it


class Facts(NamedTuple):
    """The facts about one recipient when its letter is composed.

    `schools` are the schools the letter is about: (FASE, name, status), in the answer page's order. `eligible` and
    `joined` count the authority's schools in the strand, or those that the mailbox answers for. `federations` are
    (code, name).
    `written_directly` counts the authority's schools to whose own mailboxes letters of the wave go, for a mailbox that
    answers for all. `is_limited` holds for a mailbox that answers for some schools only, `on_paper` for a letter that
    is printed. `had_letter` holds for an authority that already had a letter of the campaign, `has_unconfirmed` for one
    of which an answer to the campaign waits to be confirmed.
    """

    fase: int
    name: str
    network: str
    municipality: str
    schools: Sequence[tuple[int, str, Status]]
    eligible: int
    joined: int
    federations: Sequence[tuple[str, str]]
    links: Links
    shared: Shared
    written_directly: int = 0
    is_limited: bool = False
    on_paper: bool = False
    had_letter: bool = True
    has_unconfirmed: bool = False

    @property
    def is_reminded(self) -> bool:
        """Whether this letter reminds its recipient of an earlier one: a reminder may be somebody's first letter."""
        return self.shared.is_reminder and self.had_letter


def contact_of(name: str, service: str, email: str, phone: str) -> str:
    """The contact person on one line, without the parts that are empty."""
    return ", ".join(part for part in (name, service, email, phone) if part)
