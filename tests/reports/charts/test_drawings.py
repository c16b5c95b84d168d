"""Drawings by their geometry: every label is large enough, on its ground, and clear of the others, at each width."""

from datetime import date, timedelta

import pytest

from outreach.core.settings import ROOT
from outreach.core.text import french
from outreach.reports.charts import (
    Bar,
    BarRow,
    Canvas,
    Chart,
    DrawnStep,
    EventMark,
    Series,
    Tone,
    draw_bars,
    draw_cell,
    draw_curve,
    draw_steps,
    draw_tiles,
    part_row,
)
from outreach.reports.charts import _chart as chart
from outreach.reports.charts._chart import NARROW, WIDE
from outreach.reports.charts._marks import Anchor, Box, Drawing, Group, Photo, Stroke, Words, width_of
from outreach.reports.files._document import CANVAS, COLUMNS, PLACES, _tile

START = date(2026, 9, 14)
NETWORKS = ("Wallonie-Bruxelles Enseignement", "Officiel subventionné communal", "Libre confessionnel", "COCOF")
KEY = [(tone, f"Un état de l’école qui a un nom assez long {tone}") for tone in list(Tone)[:6]]


def rising(days, step=1, by=3):
    return [(START + timedelta(place * step), place * by) for place in range(days)]


def rows(many=4):
    return [part_row(f"{NETWORKS[place % 4]} {place}", place, 1247, french.part(place, 1247)) for place in range(many)]


DRAWN = {
    "bars": lambda canvas: draw_bars(rows(), canvas, has_track=True),
    "many bars": lambda canvas: draw_bars(rows(12), canvas, has_track=True),
    "pairs": lambda canvas: draw_bars(
        [
            BarRow(
                "Première vague, 14 sept.",
                [Bar([(Tone.PREPARING, 1)], "9 sur 9 = 100 %"), Bar([(Tone.JOINED, 0)], "0")],
            )
        ],
        canvas,
    ),
    "stacks": lambda canvas: draw_bars(
        [BarRow(name, [Bar([(tone, 1 / 6) for tone, _ in KEY], "31 sur 147 = 21 %")]) for name in NETWORKS],
        canvas,
        has_track=True,
        legend=KEY,
    ),
    "way": lambda canvas: draw_steps(
        [DrawnStep("Destinataires", 2713, 2713, "12 713 écoles"), DrawnStep("Ont adhéré", 2, 2600, "2 écoles")] * 2,
        canvas,
    ),
    "nothing": lambda canvas: draw_steps(
        [DrawnStep("Destinataires", 0, 0, "0 école"), DrawnStep("Remis", 0, 0, "0 école")], canvas
    ),
    "curve": lambda canvas: draw_curve([Series("PO", rising(76)), Series("écoles", rising(76, by=4))], canvas),
    "equal ends": lambda canvas: draw_curve([Series(f"volet {each}", rising(26, 20)) for each in range(3)], canvas),
    "one day": lambda canvas: draw_curve([Series("PO", [(START, 0)])], canvas, [EventMark(START, "première vague")]),
    "named events": lambda canvas: draw_curve(
        [Series("PO", rising(76))], canvas, [EventMark(START + timedelta(30 * each), "relance 1") for each in range(3)]
    ),
    "listed events": lambda canvas: draw_curve(
        [Series("PO", rising(26, 20))],
        canvas,
        [
            EventMark(START + timedelta(each), f"relance {each} de « Une campagne au titre plutôt long »")
            for each in range(0, 500, 9)
        ],
    ),
}
OF_MAPS = {*chart.SHADES, Tone.PAPER}
SLIDE = Canvas(chart.WIDTH - 2 * chart.MARGIN, chart.TEXT, 430)


def words_of(marks, x=0.0, y=0.0, scale=1.0):
    """Every label as it stands on the ground: left, top, right, bottom and size."""
    for mark in marks:
        if isinstance(mark, Group):
            yield from words_of(mark.marks, x + mark.x * scale, y + mark.y * scale, scale * mark.scale)
        elif isinstance(mark, Words):
            size, wide = mark.size * scale, width_of(mark.text, mark.size) * scale
            left = x + mark.x * scale - {Anchor.START: 0, Anchor.MIDDLE: wide / 2, Anchor.END: wide}[mark.anchor]
            base = y + mark.y * scale
            yield left, base - 0.7 * size, left + wide, base + 0.15 * size, size, mark.text


def overlapping(labels):
    """Pairs of labels that cover one another."""
    return [
        (one[-1], other[-1])
        for place, one in enumerate(labels)
        for other in labels[:place]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]


@pytest.mark.parametrize("canvas", [WIDE, NARROW, SLIDE], ids=["wide", "narrow", "slide"])
@pytest.mark.parametrize("name", DRAWN)
def test_no_label_is_small_cut_off_or_covered_by_another(name, canvas):
    drawing = DRAWN[name](canvas)
    labels = list(words_of(drawing.marks))
    assert labels
    assert overlapping(labels) == []
    outside = [
        label[-1] for label in labels if label[0] < -1 or label[2] > canvas.width + 1 or label[3] > drawing.height + 1
    ]
    assert outside == []
    least = 20 if canvas is SLIDE else 12 / 0.9  # a page shows a drawing at 0.9 of its size or larger
    assert min(size for *_, size, _ in labels) >= least


@pytest.mark.parametrize("name", DRAWN)
def test_a_slide_is_16_by_9_with_its_title_its_subject_and_its_source(name):
    title = "Sur 247 pouvoirs organisateurs destinataires, 57 ont répondu et 12 ont adhéré depuis le premier courriel"
    made = Chart("x", title, "PO par réseau", "Campagne « x », au 1er juin", "told", (), (), DRAWN[name])
    drawing = chart.slide(made.title, (made.about, made.subject), made.draw, "Source : x, 1er juin")
    labels = list(words_of(drawing.marks))
    assert drawing.width / drawing.height == pytest.approx(16 / 9)
    assert overlapping(labels) == []
    said = " ".join(text for *_, text in labels)
    assert all(part_of in said for part_of in (*title.split(), made.about, made.subject, "Source : x, 1er juin"))
    drawn = [label for label in labels if label[-1] != "Source : x, 1er juin"]
    assert max(bottom for _, _, _, bottom, *_ in drawn) < chart.HEIGHT - chart.FOOT
    assert f"<title>{title}</title><desc>told</desc>" in made.slide("Source : x")


@pytest.mark.parametrize("name", DRAWN)
def test_a_slide_bears_the_logo_beside_its_title_and_the_lines_under_its_source(name):
    title = "Sur 247 pouvoirs organisateurs destinataires, 57 ont répondu et 12 ont adhéré depuis le premier courriel"
    sender = chart.ChartSender(
        "Ministère de l’Éducation · Direction du numérique · " + "Rue de l’École 1 " * 20, "AA", (220, 50)
    )
    drawing = chart.slide(title, ("PO par réseau",), DRAWN[name], "Source : x", sender)
    labels = list(words_of(drawing.marks))
    (logo,) = (mark for mark in drawing.marks if isinstance(mark, Photo))
    beside = (logo.x, logo.y, logo.x + logo.width, logo.y + logo.height, 20, "logo")
    assert overlapping([*labels, beside]) == []
    assert (labels[-1][-1].startswith("Ministère"), labels[-1][2] < chart.WIDTH) == (True, True)
    drawn = [label for label in labels if label[-1] not in {"Source : x", labels[-1][-1]}]
    assert max(bottom for _, _, _, bottom, *_ in drawn) < chart.HEIGHT - chart.FOOT - chart.HEAD


def test_no_label_of_a_map_is_small_cut_off_or_covered():
    drawing = draw_tiles([_tile(zone.title(), 129, 1303) for zone in PLACES], CANVAS, COLUMNS)
    labels = list(words_of(drawing.marks))
    assert (overlapping(labels), [text for *_, text in labels if "…" in text]) == ([], [])
    assert max(right for _, _, right, *_ in labels) <= CANVAS.width + 1
    assert min(size for *_, size, _ in labels) >= 12


def test_a_share_is_as_long_as_it_is_of_its_track():
    drawing = draw_bars([part_row("x", 57, 247, "57 sur 247")], WIDE, has_track=True)
    track, filled = (mark for mark in drawing.marks if isinstance(mark, Box))
    assert filled.width / track.width == pytest.approx(57 / 247, abs=0.005)


def test_the_pieces_of_a_cell_fill_it_and_one_of_nothing_is_not_drawn():
    pieces = draw_cell([(Tone.JOINED, 0.5), (Tone.REFUSED, 0), (Tone.SILENT, 0.5)]).marks
    assert [(mark.tone, mark.x) for mark in pieces] == [(Tone.JOINED, 0), (Tone.SILENT, 50)]


def test_each_day_of_an_event_is_marked_and_those_outside_are_left_out():
    days = [START - timedelta(1), START + timedelta(3), START + timedelta(500)]
    drawing = draw_curve([Series("PO", rising(9))], WIDE, [EventMark(day, "vague") for day in days])
    assert len([mark for mark in drawing.marks if isinstance(mark, Stroke) and mark.tone is Tone.EVENT]) == 1


def test_lines_are_told_apart_without_colour():
    drawing = draw_curve([Series("a", rising(3)), Series("b", rising(3)), Series("c", rising(3))], WIDE)
    lines = [mark for mark in drawing.marks if isinstance(mark, Stroke) and mark.tone not in {Tone.GRID, Tone.EVENT}]
    assert len({mark.dash for mark in lines}) == 3


def test_words_of_people_stay_words():
    drawing = Drawing(9, 9, [Words(0, 0, "<script>&", 14)])
    assert "&lt;script&gt;&amp;" in chart.inline_chart(drawing, "wide")
    assert "&lt;script&gt;&amp;" in chart.chart_file(drawing, "<t>", "<d>")


def test_files_have_the_colours_of_the_style_sheet():
    style = (ROOT / "outreach" / "web" / "static" / "charts.css").read_text(encoding="utf-8")
    light = style.split(":root {")[1].split("}")[0]
    assert (
        sorted(
            {colour for tone, colour in (*chart.PAPER.items(), *chart.EDGES.items()) if tone not in OF_MAPS}
            - set(light.replace(";", " ").split())
        )
        == []
    )


def test_every_chart_is_drawn_for_two_places():
    made = Chart("x", "t", "a", "s", "told", (), (), DRAWN["bars"])
    assert [made.shown.count(f'class="drawing {kind}"') for kind in ("wide", "narrow")] == [1, 1]
    assert chart.WIDE.text == chart.NARROW.text
