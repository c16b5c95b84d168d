"""The addresses of the service's pages in a letter, each with a token that identifies the letter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from outreach.mail.tokens import INERT, LENGTH, Keys, TokenKind

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
    def view(self) -> str:
        """The address of the letter in a browser."""
        return f"{self.service}/{VIEW}/{self.viewing}"

    @property
    def unsubscribe(self) -> str:
        """The address of the page to refuse further letters on, or ''."""
        return f"{self.service}/{UNSUBSCRIBE}/{self.unsubscribing}" if self.unsubscribing else ""
