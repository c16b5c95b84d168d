"""The charts of the situation: schools by group and status, and the curve of joinings with the waves that left."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from flask import Response

from outreach.access import scopes
from outreach.adherence import situation
from outreach.adherence.models import Strand
from outreach.adherence.situation import Bucket, Situation, SituationRow
from outreach.adherence.statuses import Meaning
from outreach.campaigns import results
from outreach.campaigns.results import Departure
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.french import either
from outreach.core.text.roles import RoleName
from outreach.reports.charts import (
    Bar,
    BarRow,
    Chart,
    EventMark,
    Series,
    Tone,
    draw_bars,
    draw_cell,
    draw_curve,
    inline_chart,
)
from outreach.web.pages.adherence.asked import AskedSituation, pages, shown_strand, spelt_day, surely_asked
from outreach.web.pages.adherence.tables import file_name
from outreach.web.shared import charts, programmes
from outreach.web.ui import programme as of_request
from outreach.web.ui.request import counted, needs, reading

# By what statuses mean; two count apart. Bars leave out the schools that a strand does not concern.
TONES = {
    Meaning.JOINED: Tone.JOINED,
    Meaning.UNDER_WAY: Tone.PREPARING,
    Meaning.REFUSED: Tone.REFUSED,
    Meaning.NONE: Tone.INFORMED,
}
APART = {Bucket.DECLARED: Tone.DECLARED, Bucket.NONE: Tone.SILENT}


def _segments() -> Mapping[Tone, tuple[str, Sequence[Bucket]]]:
    """The parts of a bar, in their order: the name of each in legends, and what its schools count as."""
    parts: dict[Tone, list[Bucket]] = {}
    for bucket in Bucket:
        if (tone := APART.get(bucket) or TONES.get(bucket.facts.meaning)) is not None:
            parts.setdefault(tone, []).append(bucket)
    return {
        tone: (french.initial(either((one.facts.short or one.label).lower() for one in buckets)), buckets)
        for tone, buckets in parts.items()
    }


SEGMENTS = _segments()
CURVE = "adhesions"
MOST_GROUPS = 12  # on a slide
Points = Sequence[tuple[date, Mapping[int, int]]]


@pages.get("/situation/slides.zip")
@needs(RoleName.READER)
def slides() -> Response:
    with reading() as session:
        about = surely_asked(session)
        return charts.slides(_charts(session, about), file_name(about))


def _charts(session: Session, about: AskedSituation) -> Iterator[Chart]:
    """The charts of the page, each read as it is asked for."""
    programme = programmes.named(session)
    points = situation.joining_curve(session, programme, about.day, known_at=about.known_at)
    if points:
        yield joinings(points, results.list_departures(session, programme, at=about.moment), about)
    found = situation.count_situation(session, programme, about.day, known_at=about.known_at, by=about.by)
    strand = shown_strand(programme, about.day)
    if strand in programme.open_on(about.day):
        yield by_group(found, strand, about)


def in_cell(row: SituationRow, strand: int) -> str:
    """The bar of a row of the table, as SVG."""
    return inline_chart(draw_cell(_pieces(row, strand)), "bar-chart")


def by_group(found: Situation, strand: Strand, about: AskedSituation) -> Chart:
    """The schools that a strand concerns, by group and status, as bars whose whole is all of them."""
    number, total = strand.number, found.total
    concerned = [row for row in found.rows if row.base(number)]
    rows = [row for row in concerned if row in sorted(concerned, key=lambda row: -row.base(number))[:MOST_GROUPS]]
    only = f" (les {MOST_GROUPS} qui en ont le plus)" if len(concerned) > len(rows) else ""
    told = [(row.label, french.part(row.strands[number][Bucket.JOINED], row.base(number))) for row in rows]
    drawn = [BarRow(label, [Bar(_pieces(row, number), words)]) for row, (label, words) in zip(rows, told, strict=True)]
    joined = total.strands[number][Bucket.JOINED]
    names = [(tone, name) for tone, (name, _) in SEGMENTS.items()]
    return Chart(
        key=f"volet-{number}",
        title=french.typeset(f"Ont adhéré au volet {number} : {_of_schools(joined, total.base(number))}{_whose()}"),
        about=f"Écoles par {found.by.label}{only} et par statut",
        subject=_subject(about),
        in_words=french.typeset(
            f"Ont adhéré au volet {number}{_whose()} : {', '.join(' '.join(each) for each in told)}."
        ),
        headers=(french.initial(found.by.label), "Écoles qui ont adhéré"),
        rows=told,
        draw=partial(draw_bars, drawn, has_track=True, legend=names),
    )


def joinings(points: Points, departures: Sequence[Departure], about: AskedSituation) -> Chart:
    """The curve of joinings, a line a strand, with the days on which waves left."""
    last_day, last = points[-1]
    series = [
        Series(f"au volet {number}", [(day, values[number]) for day, values in points if number in values])
        for number in last
    ]
    events = [EventMark(one.day, one.label) for one in departures]
    counts = [f"{french.plural(count, 'école')} au volet {number}" for number, count in last.items()]
    left = french.plural(len(events), "vague", "vagues")
    return Chart(
        key=CURVE,
        title=french.typeset(f"Ont adhéré : {french.all_of(counts)}{_whose()}"),
        about="Écoles dont l’adhésion est confirmée, depuis le début",
        subject=_subject(about),
        in_words=french.typeset(
            f"Courbe du {french.day(points[0][0])} au {french.day(last_day)}, où elle atteint {french.all_of(counts)}"
            f"{_whose()}. "
            f"Elle marque {left}. Le tableau sous la courbe donne les nombres."
        ),
        headers=("Date", *(f"Volet {number}" for number in last), "Vagues parties depuis la date précédente"),
        rows=list(_rows(points, departures)),
        draw=partial(draw_curve, series, events=events),
    )


def _rows(points: Points, departures: Sequence[Departure]) -> Iterator[Sequence[str]]:
    before = date.min
    for day, values in points:
        counts = [french.number(values[number]) if number in values else "–" for number in points[-1][1]]
        left = [
            f"{french.spelt_day(one.day, french.SHORT)} : {one.label}" for one in departures if before < one.day <= day
        ]
        yield french.day(day), *counts, french.typeset(" ; ".join(left)) or "–"
        before = day


def _pieces(row: SituationRow, strand: int) -> list[tuple[Tone, float]]:
    base = row.base(strand) or 1
    return [
        (tone, sum(row.strands[strand][bucket] for bucket in buckets) / base) for tone, (_, buckets) in SEGMENTS.items()
    ]


def _of_schools(joined: int, base: int) -> str:
    return f"{french.number(joined)} sur {french.plural(base, 'école')} = {french.whole_percent(joined, base)}"


def _subject(about: AskedSituation) -> str:
    return french.typeset(f"Situation {spelt_day(about)}")


def _whose() -> str:
    """The programme where several are loaded, and whose members alone a chart counts, after what it says."""
    return of_request.said() + (f", {scopes.authorities_in_words(counted())}" if counted() else "")
