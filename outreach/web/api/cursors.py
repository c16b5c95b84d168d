"""Cursors: where a program stands in a list. `shapes.CURSOR` is how they look; what they say is nobody's concern."""

BEFORE_ALL = -1


def written(number: int | None) -> str | None:
    """The cursor that stands after the row of a number, which is below 2⁶⁰; None for None."""
    return None if number is None else f"c{number:x}"


def read(cursor: str) -> int:
    """The number after which a list goes on; before all for ''."""
    return int(cursor[1:], 16) if cursor else BEFORE_ALL
