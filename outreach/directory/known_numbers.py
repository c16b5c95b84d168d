"""The FASE numbers that the directory knows: they tell a column of authorities from one of schools."""

from sqlalchemy import select

from outreach.db import Session
from outreach.directory.models import Authority, School
from outreach.spreadsheets.understanding import Holds


def fase_numbers(session: Session) -> Holds:
    """Whether a cell is the number of an authority (`authority`) or of a school (`school`)."""
    authorities = set(map(str, session.scalars(select(Authority.fase))))
    schools = set(map(str, session.scalars(select(School.fase))))
    return {
        "authority": lambda cell: cell.lstrip("0") in authorities,
        "school": lambda cell: cell.lstrip("0") in schools,
    }
