"""A relay that is slow and moody, under a wave, a queue of receipts and alerts: compared with a healthy one."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from benchmarks.faults.ground import Fault, Ground, prepared, slow
from benchmarks.faults.processes import finish
from outreach.campaigns.letter import SenderIdentity, WrittenLetter, freeze_letter
from outreach.campaigns.models import Campaign
from outreach.campaigns.waves import send_one
from outreach.core.settings import Settings, read
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.delivery.outbox import Addressee
from outreach.directory.models import Authority
from outreach.staff import notifications
from outreach.staff.notifications import Said, StaffLetter

KEYS = ("database", "healthy_rate", "grudging_rate", "first_letter_s", "alert_s", "lost", "duplicated")
LEAST_SHARE, LONGEST_SECONDS = 0.5, 10.0
USUAL_SECONDS = 0.05  # what a healthy relay takes over a letter
ALERT_EVERY, PATIENCE_SECONDS = 3.0, 900.0
RECEIPTS, MESSAGES = 1500, 2000
OPERATOR = "operator@adm.fwb.example"


@dataclass(frozen=True)
class Mood:
    """One greeting in so many is a 421, one answer in so many comes late, one dot in so many is never answered."""

    refused: int = 100
    late: int = 100
    unanswered: int = 500
    late_seconds: float = 25.0

    def rules(self) -> tuple[dict[str, object], ...]:
        """The same as rules of the relay."""
        return (
            {"stage": "connect", "reply": "421 4.3.2 try again later", "every": self.refused},
            {"stage": "dot", "reply": "accept:stall", "every": self.unanswered},
            {"stage": "dot", "reply": f"accept:slow:{self.late_seconds}:250 2.0.0 ok queued", "every": self.late},
        )


@dataclass
class Course:
    """What a run measured: letters a second, seconds to the wave's first letter and of the slowest alert."""

    rate: float
    first: float
    alert: float
    lost: int
    duplicated: int


def tried(
    database: str, messages: int, chance: random.Random, *, receipts: int = RECEIPTS, mood: Mood | None = None
) -> dict[str, Any]:
    """Run the same load at a healthy relay and at a grudging one; what `KEYS` name, and the promises broken."""
    healthy = _course(database, messages, receipts, (), chance)
    grudging = _course(database, messages, receipts, (mood or Mood()).rules(), chance)
    row: dict[str, Any] = {
        "database": database,
        "healthy_rate": round(healthy.rate, 1),
        "grudging_rate": round(grudging.rate, 1),
        "first_letter_s": round(grudging.first, 1),
        "alert_s": round(grudging.alert, 1),
        "lost": healthy.lost + grudging.lost,
        "duplicated": healthy.duplicated + grudging.duplicated,
    }
    broken = {
        "too slow": grudging.rate < LEAST_SHARE * healthy.rate,
        "a late first letter": grudging.first > LONGEST_SECONDS,
        "a late alert": grudging.alert > LONGEST_SECONDS,
        "lost": row["lost"] > 0,
        "duplicated": row["duplicated"] > 0,
    }
    return row | {"broken": [name for name, is_so in broken.items() if is_so]}


def _course(
    database: str, messages: int, receipts: int, mood: Sequence[dict[str, object]], chance: random.Random
) -> Course:
    fault = Fault(lambda *_: None, messages, 0, relay=(*mood, *slow("dot", USUAL_SECONDS)))
    with prepared(fault, database, messages, durable=True) as ground:
        settings = read({name: value for name, value in ground.environment.items() if name != "LOG"})
        _queue_receipts(ground, settings, receipts)
        began, alerts = time.time(), list[tuple[int, float]]()
        worker = ground.start()
        end, expected = time.monotonic() + PATIENCE_SECONDS, messages + receipts
        while ground.taken() - len(alerts) < expected:
            if time.monotonic() > end:
                raise TimeoutError(f"{ground.taken()} of {expected} letters left within {PATIENCE_SECONDS:g} s")
            alerts.append((_alert(ground, settings), time.time()))
            time.sleep(ALERT_EVERY * chance.uniform(0.5, 1.5))
        course = _measured(ground, began, alerts)
        ground.stop(worker)
        ground.relay.script()
        finish(ground)
        reckoning = ground.compare()
        course.lost, course.duplicated = reckoning.lost, reckoning.duplicated
    return course


def _measured(ground: Ground, began: float, alerts: Sequence[tuple[int, float]]) -> Course:
    ground.wait_until(lambda: all(mailing in _left(ground) for mailing, _ in alerts))
    taken = {entry["id"].strip("<>").partition("@")[0]: entry["at"] for entry in reversed(ground.relay.accepted)}
    of_wave, of_rest, of_staff = list[float](), list[float](), dict[int, float]()
    with ground.database.reading() as session:
        rows = session.execute(select(Message.public_id, Message.mailing_id, Mailing.purpose).join(Mailing)).all()
    for identity, mailing, purpose in rows:
        if identity in taken and purpose is Purpose.STAFF:
            of_staff[mailing] = taken[identity]
        elif identity in taken:
            (of_wave if purpose is Purpose.CAMPAIGN else of_rest).append(taken[identity])
    times = of_wave + of_rest
    slowest = max(of_staff[mailing] - at for mailing, at in alerts)
    return Course(len(times) / (max(times) - min(times)), min(of_wave) - began, slowest, 0, 0)


def _left(ground: Ground) -> set[int]:
    """The mailings of which the relay has a letter."""
    taken = {entry["id"].strip("<>").partition("@")[0] for entry in ground.relay.accepted}
    with ground.database.reading() as session:
        query = select(Message.public_id, Message.mailing_id).join(Mailing).where(Mailing.purpose == Purpose.STAFF)
        rows = session.execute(query).all()
        return {mailing for identity, mailing in rows if identity in taken}


def _queue_receipts(ground: Ground, settings: Settings, count: int) -> None:
    """So many mailings of one receipt each, due at once."""
    sending, now = SenderIdentity.of(settings), ground.now
    with ground.database.writing() as session:
        written = WrittenLetter.of(session, session.get_one(Campaign, ground.campaign))
        frozen = freeze_letter(written, sending, today(now + timedelta(days=9)), is_reminder=False)
        authority = session.scalars(select(Authority.id)).first()
        for number in range(count):
            address = f"receipt{number}@adm.fwb.example"
            to = Addressee(authority, address, address, address)
            send_one(session, written, frozen, sending, to, Purpose.CONFIRMATION, "reponse", now=now, actor=address)


def _alert(ground: Ground, settings: Settings) -> int:
    """Put a mail to staff into the outbox, as a page does; returns its mailing."""
    sending, now = SenderIdentity.of(settings), ground.now
    mail = StaffLetter([OPERATOR], "Alerte", [Said("Une alerte de l’essai.", "/")])
    with ground.database.writing() as session:
        return notifications.post_mail(
            session, mail, notifications.write_mail(mail, sending, now=now), sending, now=now, actor="operator"
        )
