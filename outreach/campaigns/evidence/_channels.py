"""The channels beside mail, a row of facts for each, and the ladder that a campaign makes of them.

A new channel is a row of `ReachChannel` and a migration of the check on `reach_steps.channel`: the form of dates, the
forecast, the clock, what is counted and the list of those reached read its row. Where a person does it, its page and
its words stand under the row's name in `campaigns/channels/`, `web/pages/campaigns/channels/`,
`templates/pages/campaigns/channels/` and the tests of campaigns' channels.

A ladder as it is written down: "other_mailbox:2:failed paper:5:failed call:12:silent".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from outreach.core.text.errors import InputError
from outreach.core.text.labelled import Labelled


class RungWhen(Labelled):
    """For whom a rung is, among those whom the wave was for and whom nothing stops."""

    FAILED = "failed", "ce qui précède a échoué"
    SILENT = "silent", "ce qui précède a échoué, ou rien n’est revenu"
    ALWAYS = "always", "toujours : la lettre sur papier suit le courriel"


class Evidence(Labelled):
    """What proves that an authority was reached; of several, the first is shown."""

    ANSWERED = "answered", "A répondu"
    REPLIED = "replied", "A répondu par courriel"
    JOINED = "joined", "Une école a adhéré depuis"
    CALLED = "called", "Joint par téléphone"
    CLICKED = "clicked", "A suivi un lien, avec accord"


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What a channel has.

    **Due**: `whens`, for whom its rungs may be; `field`, `help` and `asks_when`, its words on the form of dates, where
    without the last a failure alone makes it due. **Prepared**: `is_mail`, as further letters of the wave, at once;
    else by a person on its page, whose name and tab are `page`. **Done**, its step is TRIED: `evidence` is what that
    proves, and `is_posted` says that a letter with the wave's words went to a postal address, which has to be complete.
    **Returned**, its step is FAILED, and the next rung follows. **Words**: `todo`, of whom it waits for; `answered`,
    how an answer came by it.
    """

    label: str
    field: str = ""
    help: str = "Le nombre de jours après chaque vague."
    asks_when: str = ""
    whens: Sequence[RungWhen] = (RungWhen.FAILED, RungWhen.SILENT)
    is_mail: bool = False
    is_posted: bool = False
    evidence: Evidence | None = None
    page: tuple[str, str] = ("", "")
    todo: str = ""
    answered: str = ""


class ReachChannel(StrEnum):
    """By what a rung reaches an authority. MAILBOX is the wave itself, which is rung 0 and has no step."""

    MAILBOX = "mailbox", ChannelFacts("Courriel", is_mail=True)
    OTHER_MAILBOX = (
        "other_mailbox",
        ChannelFacts(
            "Autre boîte",
            "Une autre boîte",
            "À une boîte à laquelle la vague n’a pas écrit, si son courriel échoue.",
            is_mail=True,
        ),
    )
    PAPER = (
        "paper",
        ChannelFacts(
            "Lettre sur papier",
            "Une lettre sur papier",
            asks_when="La lettre sur papier part quand",
            whens=tuple(RungWhen),
            is_posted=True,
            page=("paper", "Papier"),
            todo="à écrire sur papier",
            answered="par le code de la lettre",
        ),
    )
    CALL = (
        "call",
        ChannelFacts(
            "Appel",
            "Un appel",
            asks_when="L’appel se fait quand",
            evidence=Evidence.CALLED,
            page=("list_calls", "Appels"),
            todo="à appeler",
            answered="par téléphone",
        ),
    )

    facts: ChannelFacts

    def __new__(cls, value: str, facts: ChannelFacts = ChannelFacts("")) -> Self:
        """The stored value, and its facts."""
        channel = str.__new__(cls, value)
        channel._value_, channel.facts = value, facts
        return channel

    @property
    def label(self) -> str:
        """Its name in French."""
        return self.facts.label


LADDER = tuple(channel for channel in ReachChannel if channel.facts.field)  # those that a rung may have
BY_HAND = tuple(channel for channel in LADDER if not channel.facts.is_mail)  # those that a person does
POSTED = tuple(channel for channel in LADDER if channel.facts.is_posted)


MOST_DAYS = 120


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung: its number from 1, its channel, how many days after its wave it is due, and for whom it is."""

    number: int
    channel: ReachChannel
    days: int
    when: RungWhen

    @property
    def in_words(self) -> str:
        """The rung in French: "Lettre sur papier, 5 jours après la vague, si ce qui précède a échoué"."""
        days = "1 jour" if self.days == 1 else f"{self.days} jours"
        condition = self.when.label if self.when is RungWhen.ALWAYS else f"si {self.when.label}"
        return f"{self.channel.label}, {days} après la vague, {condition}"


def stored_steps(written: str) -> Sequence[Rung]:
    """The rungs of a ladder as a campaign keeps it; none of ''."""
    parts = [part.split(":") for part in written.split()]
    return [
        Rung(number, ReachChannel(channel), int(days), RungWhen(when))
        for number, (channel, days, when) in enumerate(parts, 1)
    ]


def check_steps(stated: str) -> str:
    """The same ladder, as a file states it, in the order of its days. Raises InputError."""
    try:
        return write_steps([(rung.channel, rung.days, rung.when) for rung in stored_steps(stated)])
    except ValueError:
        raise InputError("Un échelon s’écrit « paper:5:failed » : son nom, ses jours, sa condition.") from None


def write_steps(chosen: Sequence[tuple[ReachChannel, int, RungWhen]]) -> str:
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
    if any(when not in channel.facts.whens for channel, _, when in ordered):
        raise InputError(
            "Seule la lettre sur papier peut toujours suivre le courriel : les autres échelons attendent un échec ou "
            "un silence."
        )
    return " ".join(f"{channel}:{days}:{when}" for channel, days, when in ordered)
