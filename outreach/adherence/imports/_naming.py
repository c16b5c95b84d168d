"""The programme that a joining list is about: the one that its sender names, or the one that its rows name."""

from collections.abc import Sequence

from outreach.adherence import programmes
from outreach.adherence.imports._rows import HEADERS, is_called
from outreach.adherence.models import Programme
from outreach.core.db import Session
from outreach.core.tables import Opened, cell_of, grid_of, tidy_cell
from outreach.core.text.errors import NotFound, Refused


def programme_of(session: Session, sent: Opened, code: str = "") -> Programme:
    """The programme of a list: that with the code which its sender gives; without one, that of its column, or the only
    one there is.

    Raises NotFound, and Refused where neither names one of several, or rows name two of them.
    """
    there = programmes.all_programmes(session)
    stated = {} if code or len(there) < 2 else _stated(sent)
    if not stated:
        return programmes.get_programme(session, code)
    found = {row: one for name, row in stated.items() if (one := _called(there, name))}
    if not found:
        codes = ", ".join(f"« {one.code} »" for one in there)
        said = f"Aucun programme ne s’appelle « {next(iter(stated))[:60]} », comme le dit la liste."
        raise NotFound(f"{said} Les codes sont {codes}.")
    first, *others = found
    if other := next((row for row in others if found[row] is not found[first]), None):
        named = (
            f"La ligne {first} est du programme « {found[first].code} », la ligne {other} de « {found[other].code} »."
        )
        raise Refused(f"{named} Rien n’est enregistré : envoyez une liste par programme.")
    return found[first]


def _called(there: Sequence[Programme], stated: str) -> Programme | None:
    found = [one for one in there if is_called(one, stated)]
    return found[0] if len(found) == 1 else None


def _stated(sent: Opened) -> dict[str, int]:
    """What rows name as their programme, each with the first row that does; a row that names none is of the others'."""
    grid = sent.cells or grid_of(sent)
    named = list(grid.fields) or HEADERS.named(grid.header)
    if "programme" not in named:
        return {}
    place, rows = named.index("programme"), dict[str, int]()
    for number, cells in grid.records:
        if stated := tidy_cell(cell_of(cells, place)):
            rows.setdefault(stated, number)
    return rows
