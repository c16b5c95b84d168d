"""From a code that somebody typed to the letter that it answers; and which letter on paper an answer came by."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from outreach.campaigns.paper.models import PaperLetter
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.mail import codes
from outreach.mail.tokens import LIVE_KEYS, Keys
from outreach.reach.models import ReachStep

BY_CODE = 1  # the number of the link in the token of an answer page that a code led to; a mail's own has 0


class Entered(NamedTuple):
    """The wave's message through which an answer by a code counts, and the FASE number of its authority."""

    message: Message
    fase: int

    def is_of(self, fase: str) -> bool:
        """Whether this is the authority whose FASE number somebody typed."""
        return "".join(filter(str.isdecimal, fase)).lstrip("0") == str(self.fase)


def entered(session: Session, keys: Keys, code: str) -> Entered | None:
    """What somebody means by a code, or None: nothing says why. One statement.

    A code that does not exist costs what one does: the digests are looked up together.
    """
    digests = [codes.digest_of(key, code) for key in keys.keys[:LIVE_KEYS]]
    return _first(session, PaperLetter.code_digest.in_(digests))


def any_other(session: Session) -> Entered | None:
    """What the first letter on paper would mean: to look at it takes as long as to look at a letter that is there."""
    return _first(session, PaperLetter.code_digest.is_not(None))


def _first(session: Session, of_letter: ColumnElement[bool]) -> Entered | None:
    query = select(Message, Authority.fase).join(Authority, Authority.id == Message.authority_id)
    query = query.join(ReachStep, ReachStep.message_id == Message.id)
    query = query.join(PaperLetter, PaperLetter.step_id == ReachStep.id).where(of_letter)
    row = session.execute(query.order_by(PaperLetter.id).limit(1)).first()
    return Entered(*row) if row else None


def schools_of(session: Session, message: Message) -> frozenset[int]:
    """The schools that the letter on paper lists which stands for a message; empty without one."""
    letter = _letter_for(session, message)
    return frozenset(letter.schools) if letter else frozenset()


def step_of(session: Session, message: Message) -> int | None:
    """The step of the letter on paper that stands for a message: an answer by its code names it."""
    letter = _letter_for(session, message)
    return letter.step_id if letter else None


def _letter_for(session: Session, message: Message) -> PaperLetter | None:
    query = select(PaperLetter).join(ReachStep, PaperLetter.step_id == ReachStep.id)
    return session.scalar(query.where(ReachStep.message_id == message.id).order_by(PaperLetter.id.desc()).limit(1))
