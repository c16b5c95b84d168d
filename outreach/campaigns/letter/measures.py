"""Which pixel and links a letter carries: its group's, its own where a basis allows it, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outreach.campaigns.letter.page_links import Measure
from outreach.db import Session
from outreach.delivery.ledger.letters import Due
from outreach.delivery.models import Mailing, Message
from outreach.mail.tokens import Keys, TokenKind
from outreach.measuring import bases, trackers
from outreach.measuring.models import TrackingMode


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
        identities = trackers.of_mailing(session, self.mailing)
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
        alone = set(session.scalars(bases.measurable_at(counted_at).where(Message.id.in_(keys))))
        allowed = bases.measurable(session, alone) if alone else set()
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
