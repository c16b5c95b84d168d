"""Charts as files of pages: the slides of charts, each as SVG and as PNG set by typst."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Iterable

from flask import Response

from outreach.access import scopes
from outreach.core.sandbox import pdf
from outreach.core.settings import Mode
from outreach.core.site import Letterhead
from outreach.core.tables import SERVICE
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.reports.charts import Chart, ChartSender
from outreach.web.ui import programme
from outreach.web.ui.exports import attachment, origin_of
from outreach.web.ui.request import counted, end_reading, now, settings
from outreach.web.ui.templates import letterhead


def source(known: str = "") -> str:
    """Where and when figures come from, for the foot of what leaves the pages; `known` goes before the moment."""
    feigned = "Démonstration, chiffres fictifs. " if settings().mode is Mode.DEMO else ""
    whose = f"{scopes.members_in_words(counted()).removeprefix('du ')}, " if counted() else ""
    return french.typeset(
        f"{feigned}Source : {SERVICE}{programme.said()}, {whose}{known}établi le {french.moment(now())}"
    )


def slides(charts: Iterable[Chart], name: str) -> Response:
    """A response that saves the slides of these charts in one file, each as PNG and as SVG.

    Raises Refused without any, and when typst makes no PNG. The reading of the request is over then.
    """
    drawn = list(charts)
    if not drawn:
        raise Refused("Rien n’est encore parti : il n’y a pas de diapositive.")
    sender, written = _sender(letterhead()), io.BytesIO()
    end_reading()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for chart in drawn:
            slide = chart.slide(source(), sender)
            for kind, content in (("svg", slide.encode()), ("png", _png(slide, chart))):
                archive.writestr(zipfile.ZipInfo(f"{name}-{chart.key}.{kind}", (1980, 1, 1, 0, 0, 0)), content)
    suffix = origin_of("", counted()).suffix()
    return attachment(written.getvalue(), "application/zip", f"{name}-diapositives{suffix}.zip")


def _sender(head: Letterhead) -> ChartSender:
    words = " · ".join(head.lines)
    return ChartSender(words, b64encode(head.logo).decode(), head.shown_size) if head.logo else ChartSender(words)


def _png(slide: str, chart: Chart) -> bytes:
    return pdf.set_png("slide.typ", {"svg": slide, "told": chart.in_words}, lost_nothing="Rien n’est perdu")
