"""Rows of campaigns of three waves each, and what came of their letters: answers, joinings, openings, clicks.

The service launches each wave to the first authority itself; the letters to the others are copied from that one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from benchmarks.growth.directory import MEASURED, SCHOOLS, Columns, address_of, begin_keys_after
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning
from outreach.campaigns.letter import Composer, LetterSnapshot, SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.waves import advance_wave
from outreach.core.db import Base, Database, Session, analyze_after, table_of
from outreach.core.db.bulk import add_rows
from outreach.core.settings import Settings
from outreach.delivery.models import Batch, Composition, Mailing, Message, MessageState, MessageSubject, Reason
from outreach.delivery.outbox import due_of
from outreach.delivery.outbox._recipients import BATCH
from outreach.directory.models import Authority, Contact
from outreach.engagement import tracking
from outreach.engagement.replies import Answer, Response, ResponseSchool, ResponseStep, StepKind
from outreach.engagement.replies._models import WaitingResponse
from outreach.engagement.tracking import Agent, Hit, HitClass, TrackingMode
from outreach.engagement.tracking._bot_detection import VERSION, Why
from outreach.engagement.tracking._models import HitCount, Tracker
from tests import factories

DAYS = (0, 14, 28)  # of the waves of a campaign
KEPT = timedelta(days=395)  # openings and clicks of one letter: older ones are counted by the hour
# One authority in so many.
ANSWERS, JOINS, REFUSES, WAITS = 12, 9, 40, 10
COMPOSED = 1_000  # authorities whose letters are composed; those to the others say the same
S = MessageState


@dataclass(frozen=True)
class Pace:
    """How many campaigns a base has, and how long after one the next one begins."""

    campaigns: int = 5
    every: timedelta = timedelta(hours=1)

    @property
    def lasts(self) -> timedelta:
        """From the first campaign to the time when the next one would begin."""
        return self.campaigns * self.every


@dataclass(frozen=True)
class SentWave:
    """A wave of the base: of which campaign (from 0), its number there (from 0), its keys and when it left.

    `joined` counts the waves of the first campaign that schools had joined after by then.
    """

    campaign: int
    number: int
    mailing: int
    strand: int
    at: datetime
    first: Columns
    joined: int

    def key(self, authority: int, count: int) -> int:
        """The key of its letter to an authority."""
        return (1 + self.campaign * len(DAYS) + self.number) * (count + 1) + authority

    def answered_in(self, authority: int) -> int:
        """The wave of this campaign that the authority answers; none from the fourth on."""
        return (authority + self.campaign) % ANSWERS

    def state(self, authority: int) -> MessageState:
        """What became of its letter to an authority."""
        if self.answered_in(authority) < self.number:
            return S.WITHDRAWN
        return S.REFUSED if authority % REFUSES == 0 else S.ACCEPTED

    def listed(self, authority: int) -> Iterator[int]:
        """The schools that its letter lists: the first one joins after some wave, and is listed no more."""
        if not authority % JOINS < self.joined:
            yield SCHOOLS * authority - 1
        yield SCHOOLS * authority


def launch_to_one(database: Database, settings: Settings, start: datetime, pace: Pace) -> None:
    """Launch all waves while there is one authority that could get them: the first."""
    for number in range(pace.campaigns):
        at = start + number * pace.every
        made = factories.plan(database, at, now=at - timedelta(minutes=1), tracking=TrackingMode.INDIVIDUAL)
        _launch(database, settings, made, at)
        for days in DAYS[1:]:
            then = at + timedelta(days=days)
            with database.writing() as session:
                planning.schedule_campaign(
                    session, planning.in_turn(session, made), then, now=then, actor=factories.AUTHOR
                )
            _launch(database, settings, made, then)


def copy_to_all(database: Database, sending: SenderIdentity, count: int, now: datetime) -> None:
    """Add the letters of these waves to all others of a directory of so many authorities, and what came of them.

    The letters of the first campaign are composed. Those of a later one say what the same wave of the first one said.
    """
    with database.reading() as session:
        waves = list(_sent(session))
    for wave in waves:
        with database.writing() as session:
            _write_wave(session, wave, range(2, count + 1), count, with_hits=wave.at > now - KEPT)
    begin_keys_after(database, Message, Batch, Response)
    with database.writing() as session:
        # Counting the groups of trackers would take a minute a wave by the statistics of empty tables.
        analyze_after(session, Authority, Contact, Message)
    with database.writing() as session:
        for wave in waves:
            mailing = session.get_one(Mailing, wave.mailing)
            frozen = LetterSnapshot.from_json(mailing.letter)
            tracking.set_up(session, mailing, frozen.links, frozen.tracking)
        _add(session, HitCount, _hit_counts(session, waves[0].at))
    said: dict[int, list[str]] = {}
    for wave in waves:
        with database.writing() as session:
            if wave.campaign == 0:
                said[wave.number] = _said(session, sending, wave)
            _add(session, Composition, _compositions(wave, said[wave.number], range(2, count + 1), count))


def _said(session: Session, sending: SenderIdentity, wave: SentWave) -> list[str]:
    """The contents of a wave's letters to the first authorities, in their order."""
    mailing = session.get_one(Mailing, wave.mailing)
    letters = select(Message).where(Message.mailing_id == wave.mailing, Message.authority_id <= COMPOSED)
    return _composed(session, sending, mailing, wave.at, session.scalars(letters.order_by(Message.authority_id)))


def _composed(
    session: Session, sending: SenderIdentity, mailing: Mailing, at: datetime, letters: Iterable[Message]
) -> list[str]:
    due = [due_of(session, letter) for letter in letters]
    composed = Composer(sending, lambda: at)(session, mailing, due)
    return [composed[letter.id].content for letter in due]


def _sent(session: Session) -> Iterator[SentWave]:
    first_campaign = list(session.scalars(select(Wave.due_at).where(Wave.campaign_id == 1)))
    for wave in session.scalars(select(Wave).order_by(Wave.campaign_id, Wave.number)):
        letter = select(table_of(Message)).where(Message.mailing_id == wave.mailing_id)
        first = dict(session.execute(letter).mappings().one())
        strand = wave.campaign.strand_id
        joined = sum(at + timedelta(days=1) <= wave.due_at for at in first_campaign)
        yield SentWave(wave.campaign_id - 1, wave.reminder, first["mailing_id"], strand, wave.due_at, first, joined)


def _launch(database: Database, settings: Settings, campaign: int, at: datetime) -> None:
    """Write the recipients of a campaign's last wave, have their letter accepted, and the wave finished."""
    with database.reading() as session:
        key = session.get_one(Campaign, campaign).waves[-1].id
    is_left, sending = True, SenderIdentity.of(settings)
    while is_left:
        with database.writing() as session:
            is_left = advance_wave(session, key, sending, now=at)
    left: dict[str, Any] = {"fence_id": "f", "worker_id": "w", "fenced_at": at, "settled_at": at}
    with database.writing() as session:
        wave = session.get_one(Wave, key)
        wave.state, own = WaveState.FINISHED, Message.mailing_id == wave.mailing_id
        session.execute(update(Message).where(own).values(state=S.ACCEPTED, reply_code=250, **left))
        letter = session.scalars(select(Message).where(own)).one()
        (content,) = _composed(session, sending, session.get_one(Mailing, wave.mailing_id), at, [letter])
        session.add(Composition(message_id=letter.id, revision=0, content=content))


def _write_wave(session: Session, wave: SentWave, keys: range, count: int, *, with_hits: bool) -> None:
    batches = -(-count // BATCH)
    last = session.scalar(select(func.max(Batch.id))) or 0
    places = range(last + 1, last + 1 + batches)
    _add(
        session,
        Batch,
        ({"id": key, "mailing_id": wave.mailing, "number": 2 + rank} for rank, key in enumerate(places)),
    )
    _add(session, Message, _messages(wave, keys, count, places))
    _add(session, MessageSubject, _subjects(wave, keys, count))
    if with_hits:
        _add(session, Hit, _hits(wave, keys, count))
    if wave.campaign == 0:
        _add(session, AdherenceRecord, _joinings(wave, keys))
    _respond(session, wave, keys, count)


def _messages(wave: SentWave, keys: range, count: int, batches: range) -> Iterator[Columns]:
    for key in keys:
        address, state = address_of(key), wave.state(key)
        number = wave.key(key, count)
        own = {
            "id": number,
            "batch_id": batches[(key - 1) // BATCH],
            "authority_id": key,
            "address": address,
            "address_key": address,
            "address_ascii": address,
            "public_id": f"{number:016x}",
            "state": state,
        }
        yield {**wave.first, **own, **_ended(state)}


def _ended(state: MessageState) -> Columns:
    match state:
        case S.WITHDRAWN:
            never = dict.fromkeys(("fence_id", "worker_id", "fenced_at", "reply_code"))
            return {**never, "reason": Reason.ANSWERED}
        case S.REFUSED:
            return {"reply_code": 550, "reply_status": "5.1.1", "reply_text": "no such user"}
        case _:
            return {}


def _subjects(wave: SentWave, keys: range, count: int) -> Iterator[Columns]:
    for key in keys:
        for school in wave.listed(key):
            yield {"message_id": wave.key(key, count), "school_id": school}


def _compositions(wave: SentWave, said: Sequence[str], keys: range, count: int) -> Iterator[Columns]:
    for key in keys:
        if wave.state(key) is S.ACCEPTED:
            content = said[(key - 1) % len(said)]
            yield {"message_id": wave.key(key, count), "revision": 0, "content": content}


def _hits(wave: SentWave, keys: range, count: int) -> Iterator[Columns]:
    seen = {"agent": Agent.BROWSER, "is_head": False, "hit_class": HitClass.HUMAN, "why": Why.NOTHING_SUSPECT}
    for key in keys:
        if key % MEASURED == 0 and wave.state(key) is S.ACCEPTED:
            for link in (0, 0, 1):
                number = wave.key(key, count)
                if (number + link) % 3:
                    at = wave.at + timedelta(hours=number % 50 + link)
                    yield {"message_id": number, "link": link, "at": at, "version": VERSION, **seen}


def _joinings(wave: SentWave, keys: range) -> Iterator[Columns]:
    """The first school of some authorities joins a day after the wave."""
    at = wave.at + timedelta(days=1)
    return (
        factories.adherence_record(SCHOOLS * key - 1, wave.strand, at) for key in keys if key % JOINS == wave.number
    )


def _respond(session: Session, wave: SentWave, keys: range, count: int) -> None:
    first = 1 + (session.scalar(select(func.max(Response.id))) or 0)
    given = list(enumerate((key for key in keys if wave.answered_in(key) == wave.number), first))
    kinds = list(Answer)
    _add(
        session,
        Response,
        (
            {
                "id": number,
                "message_id": wave.key(key, count),
                "authority_id": key,
                "strand_id": wave.strand,
                "answer": kinds[number % len(kinds)],
                "comment": "",
                "proposed_address": "",
                "given_at": wave.at + timedelta(days=number % 10, hours=number % 7),
            }
            for number, key in given
        ),
    )
    _add(
        session,
        ResponseSchool,
        ({"response_id": number, "school_id": school} for number, key in given for school in wave.listed(key)),
    )
    done = {"step": StepKind.HANDLED, "at": wave.at + timedelta(days=11), "actor": factories.AUTHOR, "note": "Traitée."}
    _add(session, ResponseStep, ({"response_id": number, **done} for number, _ in given if number % WAITS))
    _add(session, WaitingResponse, ({"response_id": number} for number, _ in given if number % WAITS == 0))


def _hit_counts(session: Session, start: datetime) -> Iterator[Columns]:
    hour = start.replace(minute=0, second=0, microsecond=0)
    for key in session.scalars(select(Tracker.id)).all():
        for link in (0, 1):
            for later in range(0, 240, 12):
                for kind in HitClass:
                    at = {"hour": hour + timedelta(hours=later), "hit_class": kind}
                    yield {"tracker_id": key, "link": link, **at, "count": 1 + (key + later) % 4}


def _add(session: Session, model: type[Base], rows: Iterator[Columns]) -> None:
    add_rows(session, table_of(model), rows)
