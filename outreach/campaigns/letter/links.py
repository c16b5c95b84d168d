"""The addresses a letter gives its recipient: pages of the service, each with a token that names this letter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from outreach.mail.tokens import LENGTH, Keys, TokenKind

ANSWER, VIEW, UNSUBSCRIBE = "a", "v", "u"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a letter lets the service learn: the sentence that says so, its pixel's address (or ''), its links' (by
    number; one that is missing leads straight where it says)."""

    mention: str
    pixel: str = ""
    clicks: Mapping[int, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """The same for letters that are measured alike: the links follow from the pixel's token."""
        return self.mention, self.pixel


class Links(NamedTuple):
    """The pages of the service at `service` that one letter leads to, by its tokens.

    `unsubscribing` is '' where the law leaves no choice.
    """

    service: str
    answering: str
    viewing: str
    unsubscribing: str
    measure: Measure

    @classmethod
    def of(cls, service: str, keys: Keys, identity: bytes, measure: Measure, *, may_unsubscribe: bool) -> "Links":
        """Those of the letter with this identity."""
        unsubscribing = keys.make(TokenKind.UNSUBSCRIBE, identity) if may_unsubscribe else ""
        answering, viewing = keys.make(TokenKind.ANSWER, identity), keys.make(TokenKind.VIEW, identity)
        return cls(service, answering, viewing, unsubscribing, measure)

    @classmethod
    def of_nobody(cls, service: str, *, may_unsubscribe: bool) -> "Links":
        """Those of no letter: their tokens, of digits that no token has, hold the places of a letter's own."""
        answering, viewing, unsubscribing = (number * LENGTH for number in "018")
        return cls(service, answering, viewing, unsubscribing if may_unsubscribe else "", Measure(""))

    @property
    def answer(self) -> str:
        """Where to answer."""
        return f"{self.service}/{ANSWER}/{self.answering}"

    @property
    def view(self) -> str:
        """Where to read the letter in a browser."""
        return f"{self.service}/{VIEW}/{self.viewing}"

    @property
    def unsubscribe(self) -> str:
        """Where to refuse any further letter, or ''."""
        return f"{self.service}/{UNSUBSCRIBE}/{self.unsubscribing}" if self.unsubscribing else ""
