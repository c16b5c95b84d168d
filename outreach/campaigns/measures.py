"""Which pixel and links a letter carries: its group's, its own where a basis allows it, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outreach.campaigns.fields import Measure
from outreach.db import Session
from outreach.delivery.fence import Due
from outreach.mail.tokens import Keys, Kind
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
            return {one.id: Measure(self.mode.mention) for one in due}
        found = trackers.of_mailing(session, self.mailing)
        groups = {network: self._measure(TrackingMode.AGGREGATE, identity) for network, identity in found.items()}
        nothing = Measure(TrackingMode.NONE.mention)
        measures = {one.id: groups.get(networks[one.recipient_id], nothing) for one in due}
        if self.mode is TrackingMode.INDIVIDUAL:
            allowed = bases.measurable(session, measures)
            single = {one.id: bytes.fromhex(one.public_id) for one in due if one.id in allowed}
            measures.update({key: self._measure(TrackingMode.INDIVIDUAL, one) for key, one in single.items()})
        return measures

    def _measure(self, mode: TrackingMode, identity: bytes) -> Measure:
        pixel = f"{self.address}/o/{self.keys.make(Kind.OPEN, identity)}.gif"
        clicks = {number: f"{self.address}/c/{self.keys.make(Kind.CLICK, identity, number)}" for number in self.numbers}
        return Measure(mode.mention, pixel, clicks)
