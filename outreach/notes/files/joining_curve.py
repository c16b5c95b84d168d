"""Draws how many schools had joined, over time: a step line for each strand, named at its end."""

from datetime import date

from outreach import french
from outreach.charts import curves, svg
from outreach.charts.curves import Series
from outreach.charts.marks import Canvas
from outreach.notes.content import CurvePoint
from outreach.notes.files.parts import Picture

CANVAS = Canvas(640, 14, 180)


def curve(points: tuple[CurvePoint, ...]) -> Picture | None:
    """The curve of a note; None where nothing was added on its days, as a flat line says nothing."""
    values = [count for point in points for _, count in point.joined]
    if len(points) < 2 or len(set(values)) < 2:
        return None
    days = [date.fromisoformat(point.day) for point in points]
    ends = dict(points[-1].joined)
    counted = french.all_of([f"{french.number(count)} au volet {number}" for number, count in ends.items()])
    told = french.typeset(
        f"Écoles qui ont adhéré, tous réseaux, du {french.day(days[0])} au {french.day(days[-1])} : {counted}."
    )
    known = [(day, dict(point.joined)) for day, point in zip(days, points, strict=True)]
    series = [
        Series(f"au volet {number}", [(day, counts[number]) for day, counts in known if number in counts])
        for number in ends
    ]
    return Picture(svg.file(curves.curve(series, CANVAS), told, told), told, told, width=16.5)
