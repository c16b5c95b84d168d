"""The text of all figures: one collector, which asks the database when it is asked, at most once in 15 seconds."""

import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from outreach import __version__
from outreach.backups import making
from outreach.db import NO_ANSWER, Database, time_limit
from outreach.errors import Refused, TookTooLong
from outreach.metrics import figures, processes
from outreach.metrics.figures import Figure
from outreach.settings import Settings

KEPT_SECONDS = 15.0
READING_SECONDS = 5.0
PREFIX = "outreach_"


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

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would otherwise collect everything to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each figure as a family. Where the database does not answer, those of this machine alone."""
        read = self._of_database()
        for figure in [*self._of_machine(), *read]:
            kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            family = kind(PREFIX + figure.name, figure.said, labels=figure.labels)
            for labels, value in figure.values:
                family.add_metric(labels, value)
            yield family

    def _of_database(self) -> list[Figure]:
        answers, found = 0.0, list[Figure]()
        time_limit.limit(READING_SECONDS)
        try:
            with self.database.reading() as session:
                found = list(figures.of_database(session, now=self.settings.instant()))
            answers = 1.0
        except (*NO_ANSWER, TookTooLong) as error:
            self.database.note_fault(error)
        finally:
            time_limit.limit(None)
        return [Figure("database_up", "Whether the database answered in time.", (), [((), answers)]), *found]

    def _backup_age(self) -> float | None:
        folder = self.settings.backups
        with suppress(Refused, OSError):
            age = making.age_of_newest(folder, now=self.settings.instant()) if folder else None
            if age is not None:
                return age.total_seconds()
        return None

    def _of_machine(self) -> Iterator[Figure]:
        yield Figure("build_info", "The version of the program.", ("version",), [((__version__,), 1.0)])
        with suppress(OSError):
            usage = shutil.disk_usage(self.settings.data)
            yield Figure("disk_free_bytes", "Room left for the data folder.", (), [((), float(usage.free))])
            yield Figure("disk_size_bytes", "Size of its disk.", (), [((), float(usage.total))])
        if (age := self._backup_age()) is not None:
            yield Figure("backup_age_seconds", "Since the newest backup of this machine was made.", (), [((), age)])
        memory = [((one.name, str(one.pid)), float(one.pss)) for one in processes.measured()]
        said = "Memory of each process of this unit (proportional share, PSS)."
        yield Figure("process_pss_bytes", said, ("process", "pid"), memory)
