"""Charts: marks, drawings and their SVG, also as slides."""

from outreach.reports.charts._chart import Chart, Sender, chart_file, inline_chart
from outreach.reports.charts._drawings import (
    Bar, BarRow, Event, Series, Tile, WayStep, draw_bars, draw_cell, draw_curve, draw_steps, draw_tiles, part_row,
    shade_of,
)
from outreach.reports.charts._marks import Canvas, Tone

__all__ = [
    "Bar", "BarRow", "Canvas", "Chart", "Event", "Sender", "Series", "Tile", "Tone", "WayStep", "chart_file",
    "draw_bars", "draw_cell", "draw_curve", "draw_steps", "draw_tiles", "inline_chart", "part_row", "shade_of",
]
