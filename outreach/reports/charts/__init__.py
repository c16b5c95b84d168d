"""Charts: marks, drawings and their SVG, also as slides."""

from outreach.reports.charts._chart import Chart, ChartSender, chart_file, inline_chart
from outreach.reports.charts._drawings import (
    Bar, BarRow, DrawnStep, EventMark, Series, Tile, draw_bars, draw_cell, draw_curve, draw_steps, draw_tiles, part_row,
    shade_of,
)
from outreach.reports.charts._marks import Canvas, Tone

__all__ = [
    "Bar", "BarRow", "Canvas", "Chart", "ChartSender", "DrawnStep", "EventMark", "Series", "Tile", "Tone", "chart_file",
    "draw_bars", "draw_cell", "draw_curve", "draw_steps", "draw_tiles", "inline_chart", "part_row", "shade_of",
]
