"""Shared parts of the criteria: their base, and words from the database for their sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from outreach import french

StrandNumber = Annotated[int, Field(ge=1, le=99, strict=True)]
Key = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of mailings and stored lists that criteria speak of. One without a name here is told by its number.

    `mailings` is by their keys and whether later ones are meant as well. `are_several`: whether several programmes are
    loaded, of which criteria then say that of the campaign.
    """

    mailings: Mapping[tuple[tuple[int, ...], bool], str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)
    are_several: bool = False

    def of_strand(self, number: int) -> str:
        """A strand in a sentence: "volet 1"."""
        return f"volet {number}{' du programme de la campagne' if self.are_several else ''}"

    def of_mailings(self, keys: tuple[int, ...], *, with_later: bool) -> str:
        """The mailings in a sentence."""
        numbers = french.either(str(key) for key in keys)
        return self.mailings.get((keys, with_later), f"{'une vague' if len(keys) > 1 else 'la vague'} n° {numbers}")

    def of_list(self, key: int) -> str:
        """A stored list in a sentence."""
        return f"la liste « {self.lists[key]} »" if key in self.lists else f"la liste n° {key}"


NO_NAMES = Names()


class Fields(BaseModel):
    """The base of criteria with named parts; any other name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        raise NotImplementedError

    def denied(self, names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"sauf ({self.words(names)})"
