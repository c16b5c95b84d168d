"""Events as an iCalendar file (RFC 5545), which calendar programs ask for again by themselves."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from outreach.tasks.feed import FeedEvent

MEDIA_TYPE = "text/calendar"
EPOCH = datetime(2021, 1, 1, tzinfo=UTC)
AGAIN = "PT1H"  # how often a program should ask (RFC 7986, §5.7)


def written(events: Iterable[FeedEvent], address: str) -> bytes:
    """The file. `address` is the service's own: events lead to its pages and are named after its host.

    The same events give the same bytes: the moment of an event's last change stands where a file usually says when it
    was written (`DTSTAMP`).
    """
    calendar = Calendar()
    calendar.add("prodid", "-//outreach//FR")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Campagnes de sensibilisation")
    calendar.add("refresh-interval", AGAIN, parameters={"VALUE": "DURATION"}, encode=False)
    calendar.add("x-published-ttl", AGAIN)
    host = urlsplit(address).hostname or "outreach"
    for event in events:
        calendar.add_component(_event(event, address, host))
    return bytes(calendar.to_ical())


def _event(event: FeedEvent, address: str, host: str) -> Event:
    made = Event()
    made.add("uid", f"{event.key}@{host}")
    made.add("dtstamp", event.changed_at or EPOCH)
    made.add("sequence", event.revision)
    made.add("summary", event.title)
    made.add("dtstart", event.at.astimezone(UTC) if isinstance(event.at, datetime) else event.at)
    if event.last:
        made.add("dtend", event.last + timedelta(days=1))  # the first day after it (RFC 5545, §3.6.1)
    made.add("status", "CANCELLED" if event.is_cancelled else "CONFIRMED")
    made.add("transp", "OPAQUE" if event.is_busy else "TRANSPARENT")
    if event.path:
        made.add("url", f"{address}{event.path}")
    return made
