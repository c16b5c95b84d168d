"""Seals what came to the audit, and tells the log the head of the chain."""

import logging
from datetime import date, datetime, timedelta

from outreach.audit import seals
from outreach.days import today
from outreach.db import Database
from outreach.settings import Mode, Settings

EVERY = timedelta(minutes=1)
logger = logging.getLogger(__name__)


class Sealing:
    """When this process sealed last, and for which day it told the head."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self._sealed_at: datetime | None = None
        self._head_told: date | None = None

    def seal(self) -> None:
        """Seal what came to the audit, a batch at a time: once a minute, or at each pass while more waits.

        The head of the chain goes to the log once a day, where nobody who changes the database changes it.
        """
        now = self.settings.instant()
        if self._sealed_at is None or abs(now - self._sealed_at) >= EVERY:
            with self.database.reading() as session:
                batch = seals.next_batch(session, now=now)
            if batch is None or len(batch.entries) < seals.MOST_ENTRIES:
                self._sealed_at = now
            if batch is not None:
                with self.database.writing() as session:
                    seals.add(session, batch)
        if self._head_told != today(now):
            with self.database.reading() as session:
                last = seals.last_seal(session)
            if last is not None:
                # A demonstration's log is the terminal of whoever tries the program: nobody keeps a head there.
                level = logging.DEBUG if self.settings.mode is Mode.DEMO else logging.WARNING
                extra = {"event": "audit_head"}
                logger.log(level, "the audit's head is %s, of seal %s", last.digest, last.id, extra=extra)
                self._head_told = today(now)
