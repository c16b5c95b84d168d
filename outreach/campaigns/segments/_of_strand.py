"""What of an audience is about a strand, once its campaign is about another: conditions that name one, and levels."""

import json

from outreach.adherence.models import Strand
from outreach.campaigns.segments._criteria import Criterion, HasLevel, Leaf, criterion_leaves
from outreach.campaigns.segments._criteria_json import from_store, to_plain


def strand_numbers(criterion: Criterion) -> set[int]:
    """The numbers of the strands that conditions name."""
    named = (getattr(leaf, "strand", None) for leaf in criterion_leaves(criterion))
    return {number for number in named if number is not None}


def foreign_leaves(criterion: Criterion, strand: Strand, *, was: Strand | None = None) -> list[Leaf]:
    """The conditions that are about something else than a strand: they name another one, or only levels that it does
    not concern. `was` is the strand before a change: levels that were just its own are foreign, too."""
    return [leaf for leaf in criterion_leaves(criterion) if _brought(to_plain(leaf), strand, was) != to_plain(leaf)]


def bring_to_strand(criterion: Criterion, strand: Strand, *, was: Strand | None = None) -> Criterion:
    """The same criterion, of which these conditions are about the strand."""
    return from_store(json.dumps(_brought(to_plain(criterion), strand, was)))


def follow_strand(plain: object, was: Strand, strand: Strand) -> object:
    """A criterion as a file states it, for another strand than it was written for: what named the old one names the
    new one, and levels that were just its own are those of the new one. What names a third strand is meant so."""
    return _brought(plain, strand, was, only=was.number)


def _brought(plain: object, strand: Strand, was: Strand | None, only: int | None = None) -> object:
    if isinstance(plain, list):
        return [_brought(part, strand, was, only) for part in plain]
    if not isinstance(plain, dict):
        return plain
    changed: dict[str, object] = {word: _brought(given, strand, was, only) for word, given in plain.items()}
    if type(number := plain.get("strand")) is int and only in (None, number):
        changed["strand"] = strand.number
    levels = plain.get(HasLevel.word)
    if isinstance(levels, list) and _are_foreign({*map(str, levels)}, strand, was):
        changed[HasLevel.word] = [level.value for level in strand.levels]
    return changed


def _are_foreign(levels: set[str], strand: Strand, was: Strand | None) -> bool:
    own = {level.value for level in strand.levels}
    return levels != own and (own.isdisjoint(levels) or (was is not None and levels == {*was.levels}))
