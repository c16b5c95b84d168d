"""Puts two days side by side: how many schools had joined on an earlier day, how many have now, the difference."""

from collections.abc import Collection, Sequence

from outreach import french
from outreach.adherence.models import Strand
from outreach.adherence.situation import Bucket, Situation, SituationRow
from outreach.notes.content import CellKind, NoteColumn, NoteTable, TableKind

LESS = "\u2212"  # the sign, which is as wide as a plus


def tables(
    found: Situation, earlier: Situation | None, strands: Sequence[Strand], codes: Collection[str]
) -> tuple[NoteTable, ...]:
    """A table for each strand that was open on both days, of these networks or of all, beside the total."""
    if earlier is None:
        return ()
    closed = {*found.openings, *earlier.openings}
    return tuple(_table(found, earlier, strand.number, codes) for strand in strands if strand.number not in closed)


def joined_on(situation: Situation, row: SituationRow, number: int) -> int:
    """How many schools of a row's group had joined a strand on the day of another situation."""
    rows = {one.code: one for one in (*situation.rows, situation.total)}
    there = rows.get(row.code)
    return there.strands[number][Bucket.JOINED] if there else 0


def difference(before: int, after: int) -> str:
    """What was added: « +3 », « −1 » or « 0 »."""
    return f"{'+' if after > before else LESS if after < before else ''}{french.number(abs(after - before))}"


def _table(found: Situation, earlier: Situation, number: int, codes: Collection[str]) -> NoteTable:
    rows = [row for row in found.rows if row.open_to(number) and (not codes or row.code in codes)]
    days = [french.day(situation.as_of) for situation in (earlier, found)]
    columns = (
        NoteColumn("network", TableKind.NETWORK.label, CellKind.TEXT),
        NoteColumn("schools", "Écoles concernées"),
        NoteColumn("before", f"Ont adhéré, au {days[0]}"),
        NoteColumn("after", f"Ont adhéré, au {days[1]}"),
        NoteColumn("difference", "Différence", CellKind.TEXT),
    )
    cells = []
    for row, label in [*((row, row.label) for row in rows), (found.total, "Tous les réseaux")]:
        before, after = joined_on(earlier, row, number), row.strands[number][Bucket.JOINED]
        cells.append((label, row.base(number), before, after, difference(before, after)))
    title = f"Volet {number} : au {days[0]} et au {days[1]}"
    return NoteTable(TableKind.NETWORK, number, title, columns, tuple(cells))
