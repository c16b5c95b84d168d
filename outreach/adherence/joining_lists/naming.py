"""The programme that a joining list is about: the one that its sender names, or the one that its rows name."""

from outreach.adherence import programmes
from outreach.adherence.joining_lists.lines import HEADERS, is_called
from outreach.adherence.models import Programme
from outreach.db import Session
from outreach.errors import NotFound
from outreach.sent_lists.grids import Opened, grid_of
from outreach.spreadsheets.headers import cell_of, tidy


def programme_of(session: Session, sent: Opened, code: str = "") -> Programme:
    """The programme of a list: that with the code which its sender gives; without one, that of its column, or the only
    one there is.

    Raises NotFound, and Refused where neither names one of several.
    """
    there = programmes.every(session)
    stated = "" if code or len(there) < 2 else _stated(sent)
    if not stated:
        return programmes.named(session, code)
    found = [one for one in there if is_called(one, stated)]
    if len(found) != 1:
        codes = ", ".join(f"« {one.code} »" for one in there)
        said = f"Aucun programme ne s’appelle « {stated[:60]} », comme le dit la liste."
        raise NotFound(f"{said} Les codes sont {codes}.")
    return found[0]


def _stated(sent: Opened) -> str:
    """What the first row that names a programme names; '' without one. The rows that name another are rejected."""
    grid = sent.cells or grid_of(sent)
    named = list(grid.fields) or HEADERS.named(grid.header)
    if "programme" not in named:
        return ""
    place = named.index("programme")
    return next((stated for _, cells in grid.records if (stated := tidy(cell_of(cells, place)))), "")
