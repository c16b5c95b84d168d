"""The FASE numbers that the directory knows: they tell a column of authorities from one of schools."""

from collections.abc import Callable, Container

from sqlalchemy import select

from outreach.core.db import Session
from outreach.core.tables import Holds
from outreach.core.text import addresses
from outreach.directory.models import Authority, School


def fase_numbers(session: Session) -> Holds:
    """Whether a cell is the number of an authority (`authority`) or of a school (`school`), or holds one apart."""
    return {
        "authority": _holds({*session.scalars(select(Authority.fase))}),
        "school": _holds({*session.scalars(select(School.fase))}),
    }


def _holds(known: Container[int]) -> Callable[[str], bool]:
    return lambda cell: addresses.is_apart(cell) and len(addresses.known_fases(cell, known)) == 1
