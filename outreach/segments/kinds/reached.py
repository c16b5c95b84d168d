"""The criterion of reach: who reacted to letters, paper or calls of a campaign, and who was to and did not."""

from typing import ClassVar

from sqlalchemy import ColumnElement, and_

from outreach.directory.models import Authority
from outreach.labelled import Labelled
from outreach.reach import proof
from outreach.segments.fields import NO_NAMES, Names
from outreach.segments.kinds.mailings import OfMailings
from outreach.segments.scope import Scope


class ReachKind(Labelled):
    """Whether there is a proof."""

    PROVED = "proved", "A réagi"
    UNPROVED = "unproved", "À atteindre, n’a pas réagi"


class ReachedBy(OfMailings):
    """The authority reacted to these mailings (`reach.proof`); UNPROVED: they were to reach it, and nothing proves that
    they did."""

    word: ClassVar = "reached"
    reach: ReachKind

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """The SQL condition."""
        asked = self.asked(scope)
        is_proved = Authority.id.in_(scope.keys(proof.proved(asked, scope.day)))
        if self.reach is ReachKind.PROVED:
            return is_proved
        return and_(Authority.id.in_(scope.keys(proof.meant(asked))), ~is_proved)

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        if self.reach is ReachKind.PROVED:
            return f"a réagi à {self.named(names)}"
        return f"à atteindre par {self.named(names)}, sans avoir réagi"
