"""The feed: what happened, in one order without gaps, in batches; a program may wait for what comes next."""

import json
import threading
import time
from datetime import timedelta

from flask import Response

from outreach.core import audit
from outreach.web.api.blueprint import pages
from outreach.web.api.shapes import CloudEvents, EventsQuery
from outreach.web.api.specification import EVENTS, answers, query_as
from outreach.web.ui.request import database, end_reading, reading, settings

MOST_WAITING = 2  # of the page threads of a process, which are eight
LOOK_SECONDS = 0.5
AGAIN = timedelta(seconds=5)
_WAITING = threading.BoundedSemaphore(MOST_WAITING)


@pages.get("/events")
@answers("listEvents", CloudEvents, EventsQuery)
def events() -> Response:
    """Ce qui s’est passé après l’évènement de ce numéro, dans l’ordre, sans trou.

    « wait » attend jusqu’à 25 secondes qu’il y en ait un. Deux programmes attendent à la fois ; un autre reçoit une
    liste vide et « Retry-After ».
    """
    asked = query_as(EventsQuery)
    batch = _batch(asked)
    if batch == [] and asked.wait and _WAITING.acquire(blocking=False):
        try:
            batch = _waited(asked)
        finally:
            _WAITING.release()
    response = Response(json.dumps(batch, ensure_ascii=False), content_type=EVENTS)
    if not batch:
        response.headers["Retry-After"] = str(int(AGAIN.total_seconds()))
    return response


def _batch(asked: EventsQuery) -> list[dict[str, object]]:
    with reading() as session:
        found = audit.events_after(session, asked.after, asked.limit)
        return [audit.cloud_event(event, settings().address) for event in found]


def _waited(asked: EventsQuery) -> list[dict[str, object]]:
    """The batch once there is an event, or an empty one after the time asked for. It holds no connection in between."""
    end_reading()
    until = time.monotonic() + asked.wait
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        with database().reading() as session:
            is_there = audit.last_event(session) > asked.after
        if is_there:
            return _batch(asked)
    return []
