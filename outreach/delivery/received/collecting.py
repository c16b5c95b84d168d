"""One pass over the mailboxes that mail comes back to: that of returns, and that of replies."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from outreach.db import Database
from outreach.delivery.bounces import boxes
from outreach.delivery.bounces import collecting as returns
from outreach.delivery.bounces.boxes import BoxError, Folder
from outreach.delivery.bounces.collecting import MOST_IN_A_PASS, Collected
from outreach.delivery.received import keeping, readings
from outreach.delivery.received.attaching import Trust
from outreach.delivery.received.models import MailVerdict
from outreach.mail.tokens import Keys
from outreach.settings import Settings

REPLIES = "des réponses"


def collect(
    database: Database, settings: Settings, clock: Callable[[], datetime], stop: threading.Event | None = None
) -> None:
    """Read each mailbox that is named. One that cannot be read keeps nobody from the other. Letters that are submitted
    from then on name that of replies.

    Raises BoxError for the first that cannot be read, and Refused on a copy.
    """
    faults, address = [], settings.replies_to
    reads = ((collect_returns, settings.returns_url), (collect_replies, settings.replies_url))
    for read in [read for read, url in reads if url and not (read is collect_replies and settings.is_one_mailbox)]:
        try:
            read(database, settings, clock, stop=stop)
        except BoxError as error:
            faults.append(error)
    if faults:
        raise faults[0]
    with database.reading() as session:
        is_news = readings.address(session) != address
    if is_news:
        with database.writing() as session:
            readings.note(session, address)


def collect_returns(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
) -> Collected:
    """Handle the mailbox of returns. Where replies are read, what a person wrote there is kept as one, too."""
    also = _taking(database, settings, clock) if settings.replies_url else None
    return returns.collect(database, settings, clock, stop=stop, most=most, also=also)


def collect_replies(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    most: int = MOST_IN_A_PASS,
) -> Counter[MailVerdict]:
    """Keep what came to the mailbox of replies. What is over a bound or unreadable is put aside for people."""
    found, keep = Counter[MailVerdict](), _taking(database, settings, clock)

    def take(content: bytes) -> Folder:
        verdict = keep(content)
        found[verdict] += 1
        return Folder.FOR_PEOPLE if verdict is MailVerdict.REFUSED else Folder.HANDLED

    returns.refuse_a_copy(database, settings)
    with boxes.opened(settings.replies_url.partition("?")[0], REPLIES) as box:
        returns.each(box, take, stop or threading.Event(), most)
    return found


def _taking(database: Database, settings: Settings, clock: Callable[[], datetime]) -> Callable[[bytes], MailVerdict]:
    keys, trust = Keys(settings.signing_keys), Trust.of(settings)
    return lambda content: keeping.take(database, content, keys, trust, now=clock()).verdict
