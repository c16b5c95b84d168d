"""Stops: who is left out of a letter and why, as a function of sets that are read once."""

from collections.abc import Collection, Mapping, Set


def stopped(audience: Collection[int], reasons: Mapping[str, Set[int]]) -> dict[int, str]:
    """The reason for which each authority of an audience is left out, of those that are; the first reason wins."""
    first: dict[int, str] = {}
    for reason, authorities in reasons.items():
        for one in authorities & set(audience):
            first.setdefault(one, reason)
    return first


def left(audience: Collection[int], reasons: Mapping[str, Set[int]]) -> list[int]:
    """Whom the letter is written to, in the order of the audience."""
    out = stopped(audience, reasons)
    return [one for one in audience if one not in out]
