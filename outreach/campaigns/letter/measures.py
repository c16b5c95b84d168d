"""Which pixel and links a letter carries: its group's, its own where a basis allows it, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outreach.campaigns.letter.links import Measure
from outreach.db import Session
from outreach.delivery.ledger.letters import Due
from outreach.delivery.models import Mailing, Message
from outreach.mail.tokens import Keys, TokenKind
from outreach.tracking import bases, trackers
from outreach.tracking.models import TrackingMode


@dataclass(frozen=True, slots=True)
class Measures:
    """How the letters of a mailing are measured; of letters that nobody counts (`mailing` None), only what they say."""

    address: str
    keys: Keys
    mode: TrackingMode
    numbers: Sequence[int]
    mailing: int | None

    def of(self, session: Session, due: Sequence[Due], networks: Mapping[int, int]) -> dict[int, Measure]:
        """What each of these letters carries, by message; `networks` are those of their authorities."""
        if self.mailing is None or self.mode is TrackingMode.NONE:
            return dict.fromkeys([one.id for one in due], Measure(self.mode.mention))
        found = trackers.of_mailing(session, self.mailing)
        groups = {network: self._measure(TrackingMode.AGGREGATE, identity) for network, identity in found.items()}
        nothing = Measure(TrackingMode.NONE.mention)
        measures = {one.id: groups.get(networks[one.recipient_id], nothing) for one in due}
        if self.mode is TrackingMode.INDIVIDUAL:
            measures.update(self._alone(session, due, self.mailing))
        return measures

    def _alone(self, session: Session, due: Sequence[Due], mailing: int) -> dict[int, Measure]:
        """Of the letters that are in no group: their own pixel while the basis holds, afterwards none."""
        counted_at = session.get_one(Mailing, mailing).filled_at
        if counted_at is None:
            return {}
        keys = [one.id for one in due]
        alone = set(session.scalars(bases.measurable_at(counted_at).where(Message.id.in_(keys))))
        allowed = bases.measurable(session, alone) if alone else set()
        return {
            one.id: self._measure(TrackingMode.INDIVIDUAL, bytes.fromhex(one.public_id))
            if one.id in allowed
            else Measure(TrackingMode.NONE.mention)
            for one in due
            if one.id in alone
        }

    def _measure(self, mode: TrackingMode, identity: bytes) -> Measure:
        pixel = f"{self.address}/o/{self.keys.make(TokenKind.OPEN, identity)}.gif"
        clicks = {
            number: f"{self.address}/c/{self.keys.make(TokenKind.CLICK, identity, number)}" for number in self.numbers
        }
        return Measure(mode.mention, pixel, clicks)
