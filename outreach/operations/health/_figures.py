"""The checks as figures for a monitor: one collector, which asks the database at most once in 15 seconds."""

import threading
import time
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from outreach.core.db import NO_ANSWER, Database, time_limit
from outreach.core.settings import Settings
from outreach.core.text.errors import TookTooLong
from outreach.operations.health._check import HealthFigure
from outreach.operations.health._registry import CHECKS

KEPT_SECONDS = 15.0
READING_SECONDS = 5.0


class Figures(Collector):
    """All figures of one installation. Any thread may ask."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._turn, self._text, self._made_at = threading.Lock(), b"", float("-inf")

    def text(self) -> bytes:
        """The figures in Prometheus' text format, no older than KEPT_SECONDS.

        While one who asks waits for the database, others get the figures of before: nobody waits for somebody else.
        The first figures of all are waited for.
        """
        if time.monotonic() - self._made_at < KEPT_SECONDS:
            return self._text
        if not self._turn.acquire(blocking=not self._text):
            return self._text
        try:
            if time.monotonic() - self._made_at >= KEPT_SECONDS:
                self._text = generate_latest(self._registry)
                self._made_at = time.monotonic()
            return self._text
        finally:
            self._turn.release()

    def collect(self) -> Iterator[Metric]:
        """Each figure as a family. Where the database does not answer, those of this machine alone."""
        here = (figure for check in CHECKS if check.here for figure in check.here(self.settings))
        for figure in (*here, *self._of_database()):
            kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            family = kind(f"outreach_{figure.name}", figure.said, labels=figure.labels)
            values = figure.values if isinstance(figure.values, Mapping) else {(): figure.values}
            for labels, value in values.items():
                family.add_metric([labels] if isinstance(labels, str) else labels, value)
            yield family

    def _of_database(self) -> list[HealthFigure]:
        answers, found, now = 0.0, list[HealthFigure](), self.settings.instant()
        time_limit.limit(READING_SECONDS)
        try:
            with self.database.reading() as session:
                asked = (check.figures for check in CHECKS if check.figures)
                found = [figure for figures in asked for figure in figures(session, now)]
            answers = 1.0
        except (*NO_ANSWER, TookTooLong) as error:
            self.database.note_fault(error)
        finally:
            time_limit.limit(None)
        return [HealthFigure("database_up", "Whether the database answered in time.", answers), *found]
