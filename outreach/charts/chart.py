"""A chart: its title, what it shows in words, and its drawing for each place where it is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outreach.charts import slides, svg
from outreach.charts.marks import Canvas, Drawing

WIDE, NARROW = Canvas(560, 14), Canvas(300, 14)  # charts.css shows each at no less than 0.9 of its size


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, by its name in addresses and files.

    `title` says the fact, `about` what is counted, `subject` of what and when: a slide needs that, a page has said it.
    `told` is the chart in a sentence, `rows` its figures in words under `headers`. `draw` draws it for a canvas.
    """

    key: str
    title: str
    about: str
    subject: str
    told: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    draw: Callable[[Canvas], Drawing]

    @property
    def shown(self) -> str:
        """Its two drawings for a page, one for wide places and one for narrow ones, as SVG."""
        return svg.inline(self.draw(WIDE), "wide") + svg.inline(self.draw(NARROW), "narrow")

    def slide(self, source: str, sender: slides.Sender = slides.NOBODY) -> str:
        """The chart as a slide (SVG, 16:9) with its title, where and when its figures come from, and whose it is."""
        drawing = slides.slide(self.title, (self.about, self.subject), self.draw, source, sender)
        return svg.file(drawing, self.title, self.told)
