"""What a work process watches: it sees what is so, writes down what has changed, and mails it.

What comes and goes is told in one mail every ten minutes.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Database, Session, take_lock
from outreach.core.db.errors import says_full
from outreach.core.settings import Settings, listed
from outreach.delivery import workers
from outreach.operations import alerts
from outreach.operations.alerts import LONGEST_SUBJECT, AlertCondition, AlertKind, Incident
from outreach.operations.health._check import Watched, of_place
from outreach.operations.health._machine import LEAST_FREE, is_short
from outreach.operations.health._registry import ALARMS
from outreach.operations.health._sentences import told, words_of
from outreach.operations.health._work import broken_off_since, silent_since, some_relay_serves
from outreach.staff import notifications
from outreach.staff.notifications import Said, StaffLetter

SERVICE = "service"
ALERTS = "alertes"  # in the Feedback-ID of a mail about an alert, which shows no address
CALM = timedelta(minutes=10)  # between mails about the same that begins again and again
STALE = timedelta(days=7)  # an incident that ended earlier is told to nobody, as when an address is first set


def untold(session: Session, *, now: datetime) -> Sequence[Incident]:
    """The incidents about whose beginning or end a mail is due, oldest first.

    None is due about what begins within ten minutes of a mail about an earlier incident of the same.
    """
    waits = or_(
        Incident.ended_at.is_(None) & Incident.told_began_at.is_(None),
        (Incident.ended_at > now - STALE) & Incident.told_ended_at.is_(None),
    )
    earlier = aliased(Incident)
    same = earlier.kind == Incident.kind, earlier.subject == Incident.subject, earlier.id < Incident.id
    lately = or_(earlier.told_began_at > now - CALM, earlier.told_ended_at > now - CALM)
    is_due = Incident.told_began_at.is_not(None) | ~exists().where(*same, lately)
    query = select(Incident).where(waits, is_due).order_by(Incident.began_at, Incident.id)
    return session.scalars(query).all()


def write(session: Session, to: Sequence[str], relays: Sequence[str], sending: SenderIdentity, *, now: datetime) -> int:
    """Put one mail about all that is untold into the outbox. Returns how many incidents it tells.

    To be called when mail can leave. Each beginning and each end is told once, whichever process writes.
    """
    take_lock(session, "alerts")
    incidents = untold(session, now=now)
    if not incidents:
        return 0
    if to:
        sentences = [told(each, words_of(session, each.kind, each.subject, relays)) for each in incidents]
        letter = letter_about(to, _subject(incidents), sentences)
        notifications.post_mail(
            session, letter, notifications.write_mail(letter, sending, now=now), sending, now=now, actor=SERVICE
        )
    for incident in incidents:
        incident.told_began_at = incident.told_began_at or now
        incident.told_ended_at = now if incident.ended_at else None
    return len(incidents)


def letter_about(to: Sequence[str], subject: str, sentences: Sequence[str]) -> StaffLetter:
    """A mail without links: whoever reads an alert may have no account."""
    return StaffLetter(to, subject, [Said(sentence) for sentence in sentences], list_name=ALERTS)


def _subject(incidents: Sequence[Incident]) -> str:
    if len(incidents) > 1:
        return f"{len(incidents)} alertes du service"
    (incident,) = incidents
    return f"{'Fin d’alerte' if incident.ended_at else 'Alerte'} : {incident.kind.label}"


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
        least_free: int = LEAST_FREE,
    ) -> None:
        self.settings, self.database, self.relays, self.sending = settings, database, relays, sending
        self._worker, self._least_free = worker, least_free
        self.place = workers.place_of(settings.data)
        self._noted: dict[AlertKind, datetime | None] = {}  # what this process alone knows: since when, or not so
        if not (settings.returns_url or settings.replies_url):
            self._noted[AlertKind.RETURNS_UNREADABLE] = None
        self._refused = False  # the database's last refusal to write was for want of room
        self._logged: set[AlertKind] = set()  # of what is noted, what the log has before the database had it

    def note(self, kind: AlertKind, *, is_so: bool) -> None:
        """Take note of something that only this process can see. `look` writes it down."""
        self._noted[kind] = (self._noted.get(kind) or self.settings.instant()) if is_so else None

    def note_writing(self, error: Exception | None) -> None:
        """Take note of how the database's last writing went."""
        self._refused = error is not None and says_full(error)

    def look(self, hindrance: str) -> None:
        """Write down what has begun or ended, and have it mailed where no `hindrance` keeps letters from leaving.

        It takes a writing transaction only when there is something to write. What cannot be written is in the log at
        once, and in the database later.
        """
        is_full = self._refused or is_short(self.settings.data, self._least_free)
        self.note(AlertKind.DISK_FULL, is_so=is_full)
        try:
            self._look(hindrance)
        except SQLAlchemyError:
            for kind, since in list(self._noted.items()):
                if since and kind not in self._logged:
                    _log(AlertCondition(kind, "", since))
                    self._logged.add(kind)
            raise

    def _look(self, hindrance: str) -> None:
        now, to = self.settings.instant(), listed(self.settings.alerts_to)
        with self.database.reading() as session:
            begun, ended = self._changes(session, now)
            # After a refusal for want of room only this writing shows whether there is some again: its mail waits.
            may_leave = not hindrance and some_relay_serves(session, self.relays, self.place, now=now)
            may_tell = bool(to) and may_leave and not self._refused
            is_untold = may_tell and bool(begun or ended or untold(session, now=now))
        if not (begun or ended or is_untold):
            return
        with self.database.writing() as session:
            begun = [one for one in begun if alerts.begin(session, one)]
            ended = [one for one in ended if alerts.end(session, one, now=now)]
            if may_tell:
                write(session, to, self.relays, self.sending, now=now)
        for one in begun:
            if one.kind not in self._logged:
                _log(one)
        for one in ended:
            _log(one, has_ended=True)
        self._logged = {kind for kind in self._logged if self._noted.get(kind)}

    def _changes(self, session: Session, now: datetime) -> tuple[list[AlertCondition], list[AlertCondition]]:
        watched, noted = Watched(self.settings, self.place[:LONGEST_SUBJECT], self._worker), dict(self._noted)
        here = {watched.place, *(place[:LONGEST_SUBJECT] for place in workers.outlived(session))}
        seen, looked_at = list[AlertCondition](), dict[AlertKind, Collection[str] | None]()
        for kind, alarm in ALARMS.items():
            if alarm.look:
                found = alarm.look(session, watched, now)
            else:
                since = noted.get(kind)
                found = {watched.place: since} if since else {} if kind in noted else None
            if found is not None:
                seen += [AlertCondition(kind, subject, since) for subject, since in found.items()]
                looked_at[kind] = here if alarm.names is of_place else None
        begun, ended = alerts.changes(session, seen, looked_at)
        broken_off = broken_off_since(session, now=now)
        if broken_off and not any(one.kind is AlertKind.CLOCK_SILENT for one in ended):
            # No process of the pages has seen it: it begins and ends here.
            silent = AlertCondition(AlertKind.CLOCK_SILENT, "", broken_off)
            begun, ended = [*begun, silent], [*ended, silent]
        return begun, ended


def watch_clock(database: Database, now: datetime) -> bool:
    """Write down that the clock is silent, as a process that serves pages sees it. Returns whether that is news."""
    with database.reading() as session:
        since = silent_since(session, now=now)
        seen = [AlertCondition(AlertKind.CLOCK_SILENT, "", since)] if since else []
        news, _ = alerts.changes(session, seen, {})
    if not news:
        return False
    with database.writing() as session:
        has_begun = alerts.begin(session, news[0])
    if has_begun:
        _log(news[0])
    return has_begun


def _log(one: AlertCondition, *, has_ended: bool = False) -> None:
    """One line for each beginning and each end. A wave's number is in it, and no relay or machine."""
    kind, subject, since = one
    about = f" of wave {subject}" if kind.is_about_a_wave else ""
    what = "ended, began" if has_ended else "since"
    at, extra = since.isoformat(timespec="seconds"), {"event": "alert_ended" if has_ended else "alert_began"}
    logger.warning("alert: %s%s, %s %s", kind.value, about, what, at, extra=extra)
