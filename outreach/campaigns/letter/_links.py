"""The addresses of the service's pages in a letter, and which pixel and links it carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from outreach.core.db import Session
from outreach.delivery.letters import INERT, LENGTH, Keys, TokenKind
from outreach.delivery.models import Mailing, Message
from outreach.delivery.outbox import Due
from outreach.engagement import tracking
from outreach.engagement.tracking import TrackingMode

ANSWER, VIEW, UNSUBSCRIBE = "a", "v", "u"
# The number of the link in a token to unsubscribe. That of the header alone takes the one click of a mail program (RFC
# 8058): scanners send it to the links that they find in the text. Letters of 0.3.0 and before have 0 in both.
IN_HEADER, IN_TEXT = 1, 2


@dataclass(frozen=True, slots=True)
class Measure:
    """How a letter is measured: the mention of it in the letter, the pixel's address (or ''), the links' addresses.

    `clicks` holds addresses by link number. A link that is missing leads straight to its target.
    """

    mention: str
    pixel: str = ""
    clicks: Mapping[int, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for letters that are measured alike. One link stands for all, as they hold the same identity."""
        return self.mention, self.pixel, next(iter(self.clicks.values()), "")


class Links(NamedTuple):
    """The links of one letter to the service whose address is `service`, as tokens.

    `unsubscribing` is '' in a letter that, by law, its recipient cannot refuse.
    """

    service: str
    answering: str
    viewing: str
    unsubscribing: str
    measure: Measure

    @classmethod
    def of(cls, service: str, keys: Keys, identity: bytes, measure: Measure, *, may_unsubscribe: bool) -> "Links":
        """The links of the letter with this identity."""
        unsubscribing = keys.make(TokenKind.UNSUBSCRIBE, identity, IN_TEXT) if may_unsubscribe else ""
        answering, viewing = keys.make(TokenKind.ANSWER, identity), keys.make(TokenKind.VIEW, identity)
        return cls(service, answering, viewing, unsubscribing, measure)

    @classmethod
    def of_nobody(cls, service: str, *, may_unsubscribe: bool) -> "Links":
        """Links with placeholders for tokens. They are made of digits that no real token contains."""
        answering, viewing, unsubscribing = (number * LENGTH for number in "018")
        return cls(service, answering, viewing, unsubscribing if may_unsubscribe else "", Measure(""))

    @classmethod
    def that_lead_nowhere(cls, service: str, measure: Measure, *, may_unsubscribe: bool) -> "Links":
        """The links of a letter that is only looked at."""
        return cls(service, INERT, INERT, INERT if may_unsubscribe else "", measure)

    @property
    def answer(self) -> str:
        """The address of the page to answer on."""
        return f"{self.service}/{ANSWER}/{self.answering}"

    @property
    def address(self) -> str:
        """The address of the page that asks whether the mailbox is the right one."""
        return f"{self.service}/{ANSWER}/address/{self.answering}"

    @property
    def view(self) -> str:
        """The address of the letter in a browser."""
        return f"{self.service}/{VIEW}/{self.viewing}"

    @property
    def unsubscribe(self) -> str:
        """The address of the page to refuse further letters on, or ''."""
        return f"{self.service}/{UNSUBSCRIBE}/{self.unsubscribing}" if self.unsubscribing else ""


@dataclass(frozen=True, slots=True)
class Measures:
    """How the letters of a mailing are measured. `numbers` are the numbers of its links.

    With `mailing` None nothing is counted: a letter only carries the mention of its mode.
    """

    address: str
    keys: Keys
    mode: TrackingMode
    numbers: Sequence[int]
    mailing: int | None

    def of(self, session: Session, due: Sequence[Due], networks: Mapping[int | None, int]) -> dict[int, Measure]:
        """The measure of each letter, by message key. `networks` gives the network's key by the authority's."""
        if self.mailing is None or self.mode is TrackingMode.NONE:
            return dict.fromkeys([message.id for message in due], Measure(self.mode.mention))
        identities = tracking.of_mailing(session, self.mailing)
        of_groups = self.mode if self.mode.is_of_groups else TrackingMode.AGGREGATE
        groups = {network: self._measure(of_groups, identity) for network, identity in identities.items()}
        nothing = Measure(TrackingMode.NONE.mention)
        measures = {message.id: groups.get(networks[message.authority_id], nothing) for message in due}
        if self.mode is TrackingMode.INDIVIDUAL:
            measures.update(self._alone(session, due, self.mailing))
        return measures

    def _alone(self, session: Session, due: Sequence[Due], mailing: int) -> dict[int, Measure]:
        """The measures of letters whose mailbox had a basis at `filled_at`: these are in no group.

        Each has its own pixel while the basis holds, and none afterwards.
        """
        counted_at = session.get_one(Mailing, mailing).filled_at
        if counted_at is None:
            return {}
        keys = [message.id for message in due]
        alone = set(session.scalars(tracking.measurable_at(counted_at).where(Message.id.in_(keys))))
        allowed = tracking.measurable_messages(session, alone) if alone else set()
        return {
            message.id: self._measure(TrackingMode.INDIVIDUAL, bytes.fromhex(message.public_id))
            if message.id in allowed
            else Measure(TrackingMode.NONE.mention)
            for message in due
            if message.id in alone
        }

    def _measure(self, mode: TrackingMode, identity: bytes) -> Measure:
        pixel = f"{self.address}/o/{self.keys.make(TokenKind.OPEN, identity)}.gif" if mode.counts_openings else ""
        clicks = {
            number: f"{self.address}/c/{self.keys.make(TokenKind.CLICK, identity, number)}" for number in self.numbers
        }
        return Measure(mode.mention, pixel, clicks)
