"""What a work process watches: it sees what is so, writes down what has changed, and has it mailed."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from outreach.alerts import disk, episodes, mails, sightings
from outreach.alerts.episodes import AlertChange, AlertSighting
from outreach.alerts.models import LONGEST_SUBJECT, AlertKind
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.db import Database, Session
from outreach.delivery import installation, workers
from outreach.delivery.installation import Uncertain
from outreach.settings import Settings, listed

logger = logging.getLogger(__name__)


class AlertWatch:
    """The alerts as one work process sees them.

    Some are seen on its machine alone: a full disk, a mailbox of returns that cannot be read. Their subject is the
    installation's place, as another one may see the contrary. An alert seen while the database is away is kept in
    memory, and recorded when it answers again.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        relays: Sequence[str],
        sending: SenderIdentity,
        worker: str,
        least_free: int = disk.LEAST_FREE,
    ) -> None:
        self.settings, self.database, self.relays, self.sending = settings, database, relays, sending
        self._worker, self._least_free = worker, least_free
        self.place = installation.place_of(settings.data)
        self._here: dict[AlertKind, datetime] = {}  # what holds on this machine, since when
        self._judged = {
            AlertKind.COPY_UNCONFIRMED,
            AlertKind.RESTORE_UNPROVEN,
        }  # what this process knows to be so or not; of the rest it says nothing
        if not settings.returns_url:
            self._judged.add(AlertKind.RETURNS_UNREADABLE)
        self._refused = False  # the database's last refusal to write was for want of room
        self._logged: set[AlertKind] = set()  # of what holds here, what the log has before the database had it

    def note(self, kind: AlertKind, *, is_so: bool) -> None:
        """Take note of something that only this process can see. `look` writes it down."""
        self._judged.add(kind)
        if not is_so:
            self._here.pop(kind, None)
        else:
            self._here.setdefault(kind, self.settings.instant())

    def note_writing(self, error: Exception | None) -> None:
        """Take note of how the database's last writing went."""
        self._refused = error is not None and disk.says_full(error)

    def look(self, hindrance: str) -> None:
        """Write down what has begun or ended, and have it mailed where no `hindrance` keeps letters from leaving.

        It takes a writing transaction only when there is something to write. What cannot be written is in the log at
        once, and in the database later.
        """
        is_full = self._refused or disk.is_short(self.settings.data, self._least_free)
        self.note(AlertKind.DISK_FULL, is_so=is_full)
        try:
            self._look(hindrance)
        except SQLAlchemyError:
            for kind, since in list(self._here.items()):
                if kind not in self._logged:
                    _log(AlertChange(AlertSighting(kind, "", since), has_ended=False))
                    self._logged.add(kind)
            raise

    def _look(self, hindrance: str) -> None:
        now = self.settings.instant()
        with self.database.reading() as session:
            changes = self._changes(session, now)
            # After a refusal for want of room only this writing shows whether there is some again: its mail waits.
            may_leave = not hindrance and sightings.some_relay_serves(session, self.relays, self.place, now=now)
            may_tell = bool(self._recipients) and may_leave and not self._refused
            is_untold = may_tell and bool(changes or mails.untold(session, now=now))
        if not (changes or is_untold):
            return
        with self.database.writing() as session:
            applied = [change for change in changes if episodes.apply(session, change, now=now)]
            if may_tell:
                mails.write(session, self._recipients, self.relays, self.sending, now=now)
        for change in applied:
            if change.has_ended or change.sighting.kind not in self._logged:
                _log(change)
        self._logged &= self._here.keys()

    def _changes(self, session: Session, now: datetime) -> list[AlertChange]:
        seen = sightings.seen(session, self._worker, now=now)
        looked_at: dict[AlertKind, Collection[str] | None] = dict(sightings.LOOKED_AT)
        subject = self.place[:LONGEST_SUBJECT]
        gone = [place[:LONGEST_SUBJECT] for place in workers.outlived(session)]
        looked_at |= {kind: {subject, *gone} for kind in self._judged}
        try:
            here = installation.read(self.settings.data)
        except Uncertain:
            looked_at.pop(AlertKind.COPY_UNCONFIRMED)
        else:
            if not self.settings.stays_here and installation.hindrance(session, here):
                seen.append(AlertSighting(AlertKind.COPY_UNCONFIRMED, subject, now))
        if self.settings.backups and (unproven := sightings.unproven_restore(session, subject, now=now)):
            seen.append(unproven)
        seen += [AlertSighting(kind, subject, since) for kind, since in list(self._here.items())]  # a thread may note
        changes = episodes.changes(session, seen, looked_at)
        broken_off = sightings.broken_off_clock(session, now=now)
        if broken_off and not any(change.sighting.kind is AlertKind.CLOCK_SILENT for change in changes):
            # No process of the pages has seen it: it begins and ends here.
            changes += [AlertChange(broken_off, has_ended=False), AlertChange(broken_off, has_ended=True)]
        return changes

    @property
    def _recipients(self) -> list[str]:
        return listed(self.settings.alerts_to)


def watch_clock(database: Database, now: datetime) -> bool:
    """Write down that the clock is silent, as a process that serves pages sees it. Returns whether that is news."""
    with database.reading() as session:
        silent = sightings.silent_clock(session, now=now)
        is_news = silent is not None and bool(episodes.changes(session, [silent], {}))
    if silent is None or not is_news:
        return False
    change = AlertChange(silent, has_ended=False)
    with database.writing() as session:
        has_begun = episodes.apply(session, change, now=now)
    if has_begun:
        _log(change)
    return has_begun


def _log(change: AlertChange) -> None:
    """One line for each beginning and each end. A wave's number is in it, and no relay or machine."""
    kind, subject, since = change.sighting
    about = f" of wave {subject}" if kind in {AlertKind.WAVE_PAUSED, AlertKind.LETTERS_IN_DOUBT} else ""
    what = "ended, began" if change.has_ended else "since"
    at, extra = since.isoformat(timespec="seconds"), {"event": "alert_ended" if change.has_ended else "alert_began"}
    logger.warning("alert: %s%s, %s %s", kind.value, about, what, at, extra=extra)
