"""One pass over a mailbox: each mail is read, stored and acted on, then moved away."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outreach.db import Database
from outreach.delivery import installation
from outreach.delivery.bounces import boxes, handling, notices, readings
from outreach.delivery.bounces.boxes import Box, Folder
from outreach.delivery.bounces.models import Handling
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.errors import Refused
from outreach.mail.tokens import Keys
from outreach.settings import Settings

AT_ONCE = 20
MOST_IN_A_PASS = 2000


@dataclass
class Collected:
    """The counts of a pass: notices by verdict and by what they changed; `known` counts copies of stored ones."""

    verdicts: Counter[NoticeVerdict] = field(default_factory=Counter)
    handled: Counter[Handling] = field(default_factory=Counter)
    known: int = 0

    def as_json(self) -> dict[str, Any]:
        """The counts by their fixed names."""
        verdicts = {verdict.value: self.verdicts[verdict] for verdict in NoticeVerdict}
        handled = {kind.value: self.handled[kind] for kind in Handling}
        return {"read": self.verdicts.total(), "known": self.known, "verdicts": verdicts, "handled": handled}


def collect(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
    also: Callable[[bytes], object] | None = None,
) -> Collected:
    """Handle at most `most` notices of the mailbox; ends early, in order, when `stop` is set.

    `also` is given what no mail system wrote. Raises BoxError when the mailbox cannot be read, and Refused on a copy.
    """
    collected, keys = Collected(), Keys(settings.signing_keys)

    def take_one(content: bytes) -> Folder:
        notice = notices.read(content, keys)
        with database.writing() as session:
            kept = handling.take(session, notice, now=clock())
            handled = kept.handling if kept else None
        if also and notice.verdict in {NoticeVerdict.HUMAN, NoticeVerdict.AUTO_REPLY}:
            also(content)
        collected.verdicts[notice.verdict] += 1
        if handled is None:
            collected.known += 1
        else:
            collected.handled[handled] += 1
        return Folder.FOR_PEOPLE if notice.verdict.is_for_people else Folder.HANDLED

    refuse_a_copy(database, settings)
    with boxes.opened(settings.returns_url) as box:
        if each(box, take_one, stop or threading.Event(), most):
            with database.writing() as session:
                readings.note(session, now=clock())
    return collected


def each(box: Box, take: Callable[[bytes], Folder], stop: threading.Event, most: int) -> bool:
    """Give each of at most `most` mails of a mailbox to `take`, and move it to the folder that this says.

    `take` has committed by then: a mail that is not moved comes again. It is False where `stop` ended it. Raises
    BoxError when the mailbox cannot be read.
    """
    waiting = box.keys(most)
    for start in range(0, len(waiting), AT_ONCE):
        if stop.is_set():
            return False
        _some(box, waiting[start : start + AT_ONCE], take, stop)
    return True


def _some(box: Box, waiting: Sequence[str], take: Callable[[bytes], Folder], stop: threading.Event) -> None:
    """Handle these mails, with a pause after each that lasts as long as the mail took.

    SQLite has one writer at a time, and letters go first.
    """
    done: dict[Folder, list[str]] = {}
    for key, content in box.read(waiting).items():
        began = time.monotonic()
        folder = take(content)
        stop.wait(time.monotonic() - began)
        done.setdefault(folder, []).append(key)
    for folder, moved in done.items():
        box.put_away(moved, folder)


def refuse_a_copy(database: Database, settings: Settings) -> None:
    """Raises Refused when this installation may not send: a copy would take away the mails of the installation that it
    was copied from."""
    if settings.stays_here:
        return
    with database.reading() as session:
        hindrance = installation.hindrance(session, installation.read(settings.data))
    if hindrance:
        raise Refused(hindrance)
