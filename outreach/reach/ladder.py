"""Rungs of a campaign's ladder, as it is written down: "other_mailbox:2:failed paper:5:failed call:12:silent"."""

from collections.abc import Sequence
from dataclasses import dataclass

from outreach.errors import InputError
from outreach.labelled import Labelled
from outreach.reach.models import ReachChannel

MOST_DAYS = 120
LADDER_CHANNELS = (ReachChannel.OTHER_MAILBOX, ReachChannel.PAPER, ReachChannel.CALL)


class RungWhen(Labelled):
    """For whom a rung is, among those whom the wave was for and whom nothing stops."""

    FAILED = "failed", "ce qui précède a échoué"
    SILENT = "silent", "ce qui précède a échoué, ou rien n’est revenu"
    ALWAYS = "always", "toujours : la lettre sur papier suit le courriel"


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung: its number from 1, its channel, how many days after its wave it is due, and for whom it is."""

    number: int
    channel: ReachChannel
    days: int
    when: RungWhen

    @property
    def told(self) -> str:
        """The rung in French: "Lettre sur papier, 5 jours après la vague, si ce qui précède a échoué"."""
        days = "1 jour" if self.days == 1 else f"{self.days} jours"
        condition = self.when.label if self.when is RungWhen.ALWAYS else f"si {self.when.label}"
        return f"{self.channel.label}, {days} après la vague, {condition}"


def rungs(written: str) -> Sequence[Rung]:
    """The rungs of a ladder as a campaign keeps it; none of ''."""
    parts = [part.split(":") for part in written.split()]
    return [
        Rung(number, ReachChannel(channel), int(days), RungWhen(when))
        for number, (channel, days, when) in enumerate(parts, 1)
    ]


def checked(stated: str) -> str:
    """The same ladder, as a file states it, in the order of its days. Raises InputError."""
    try:
        return written([(rung.channel, rung.days, rung.when) for rung in rungs(stated)])
    except ValueError:
        raise InputError("Un échelon s’écrit « paper:5:failed » : son nom, ses jours, sa condition.") from None


def written(chosen: Sequence[tuple[ReachChannel, int, RungWhen]]) -> str:
    """These rungs as a campaign keeps them, in the order of their days.

    Raises InputError for a channel twice, two rungs on one day, a day out of range, or a call that does not wait for
    a failure or silence.
    """
    ordered = sorted(chosen, key=lambda rung: rung[1])
    if len({channel for channel, _, _ in ordered}) < len(ordered):
        raise InputError("Chaque échelon sert une fois au plus : retirez celui qui est là deux fois.")
    if len({days for _, days, _ in ordered}) < len(ordered):
        raise InputError("Donnez à chaque échelon son propre délai : un PO n’est pas contacté deux fois le même jour.")
    if any(not 1 <= days <= MOST_DAYS for _, days, _ in ordered):
        raise InputError(f"Un délai compte de 1 à {MOST_DAYS} jours après la vague.")
    if any(when is RungWhen.ALWAYS and channel is not ReachChannel.PAPER for channel, _, when in ordered):
        raise InputError(
            "Seule la lettre sur papier peut toujours suivre le courriel : les autres échelons attendent un échec ou "
            "un silence."
        )
    return " ".join(f"{channel}:{days}:{when}" for channel, days, when in ordered)
