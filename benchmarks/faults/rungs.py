"""The fault `rungs`: the clock and the desk that prints, posts and calls are killed between rungs and within them.

The clock opens and stops steps of the ladder. The desk makes batches of letters on paper, notes what was posted and
came back, takes answers by code, takes calls and notes them. Both work at once, each in a process that kills itself
with -9 before a random statement or commit. What becomes of the mail is written into the ledger between the rounds:
the other faults try how letters leave.
"""

import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, event, func, select, update
from sqlalchemy.orm import Session as Rows

from benchmarks.web import database_of
from outreach.campaigns import channels, results
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.channels import _due_steps as due_steps
from outreach.campaigns.evidence import (
    CallOutcome,
    EscalationStep,
    ReachAnswer,
    ReachCall,
    ReachChannel,
    ReachTransition,
    StepReason,
    StepState,
)
from outreach.campaigns.models import Campaign, PaperLetter
from outreach.campaigns.results import Figure, ReachedFilters, verify_ledger
from outreach.campaigns.waves import advance_wave, receive_answer
from outreach.cli.preparation import prepare
from outreach.core.db import Database, Session
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Authority, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.nursery import nursery

AUTHORITIES, KILLS = 600, 100
LADDER = "other_mailbox:1:failed paper:2:failed call:3:failed"
RUNGS = 3
STATEMENTS = 120  # a process dies before one of the first so many, or has done its work
AFTER = timedelta(days=5)  # the day of each rung has come
ENDS = (*[MessageState.REFUSED] * 6, MessageState.EXPIRED, *[MessageState.ACCEPTED] * 2, MessageState.IN_DOUBT)
CALLS = (CallOutcome.REACHED, CallOutcome.REACHED, CallOutcome.NOT_REACHED, CallOutcome.WRONG_NUMBER)
WORKERS = ("clock", "desk")
NOT_HERE = "proved"  # a rule about letters that left, and none left here


def tried(
    database: str, authorities: int, times: int, chance: random.Random, *, durable: bool = True
) -> dict[str, Any]:
    """Kill so many processes between and within rungs, then let them work undisturbed, and compare what stands."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="outreach-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url, _ = stack.enter_context(database_of(database, folder, durable=durable))
        opened = Database(url)
        stack.callback(opened.dispose)
        prepare(opened)
        now = _campaign(opened, authorities, chance)
        killed = 0
        while killed < times:
            if not _settle(opened, max(authorities // times, 2), now, chance):
                raise RuntimeError(f"each letter came to its end after {killed} kills: take more authorities")
            killed += _round(url, now, chance, [chance.randint(1, STATEMENTS) for _ in WORKERS])
        before = -1
        while _settle(opened, authorities, now, chance) or _moves(opened) > before:
            before = _moves(opened)
            _round(url, now, chance, [0, 0])
        return {"messages": authorities, "kills": killed, **_compared(opened, now)}


def _campaign(database: Database, authorities: int, chance: random.Random) -> datetime:
    """A campaign with a ladder that wrote to everybody; a third has a second mailbox, some have no fit address."""
    at = datetime.now(UTC)
    factories.gather(database, authorities, now=at)
    factories.plan(database, at + timedelta(seconds=1), now=at, ladder=LADDER)
    is_left = True
    while is_left:
        with database.writing() as session:
            is_left = advance_wave(session, 1, SENDING, now=at + timedelta(minutes=1))
    with database.writing() as session:
        session.execute(update(Authority).values(address="Rue Haute 7"))
        for key in session.scalars(select(Authority.id)).all():
            if chance.random() < 1 / 3:
                session.add(Contact(authority_id=key, **factories.contact(f"autre{key}@adm.fwb.example", added_at=at)))
            if chance.random() < 1 / 10:
                session.execute(update(Authority).where(Authority.id == key).values(address=""))
    return at + AFTER


def _settle(database: Database, most: int, now: datetime, chance: random.Random) -> int:
    """Bring some letters that wait to an end; returns how many."""
    with database.writing() as session:
        waiting = session.scalars(select(Message.id).where(Message.state == MessageState.QUEUED)).all()
        some = chance.sample(waiting, min(most, len(waiting)))
        for key in some:
            left = {"fence_id": "f", "fenced_at": now, "settled_at": now}
            session.execute(update(Message).where(Message.id == key).values(state=chance.choice(ENDS), **left))
    return len(some)


def _round(url: str, now: datetime, chance: random.Random, deaths: Sequence[int]) -> int:
    """Let the clock and the desk work at once; returns how many of the two died as they were to."""
    seeds = [chance.randrange(10**9) for _ in WORKERS]
    together = [
        nursery.Process(target=work, args=(name, url, now, seed, death), daemon=True)
        for name, seed, death in zip(WORKERS, seeds, deaths, strict=True)
    ]
    for process in together:
        process.start()
    for process in together:
        process.join(300)
        if process.exitcode not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"a process ended by itself: {process.exitcode}")
    return sum(process.exitcode == -signal.SIGKILL for process in together)


def work(name: str, url: str, now: datetime, seed: int, death: int) -> None:
    """The body of a process: it kills itself before the statement or commit with this number; 0 is never."""
    database, seen, chance = Database(url), Counter[str](), random.Random(seed)

    def count(*_: object) -> None:
        seen["done"] += 1
        if seen["done"] == death:
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in (database.engine, database._writer, database._reader):  # noqa: SLF001 - no statement goes uncounted
        event.listen(engine, "before_cursor_execute", count)
    event.listen(Rows, "before_commit", count)
    if name == "clock":
        _climb(database, now)
    else:
        # Letters come back as long as somebody is killed: else each would in the end.
        for act in (_print, _post, *([_note_returns, _answer_by_code] if death else []), _call):
            act(database, now, chance)
    database.dispose()


def _climb(database: Database, now: datetime) -> None:
    """What the clock does with a ladder, every five minutes."""
    with database.reading() as session:
        waves, due = due_steps.open_steps(session, now=now), due_steps.due_rungs(session, now=now)
    for wave, numbers in waves.items():
        with database.writing() as session:
            due_steps.stop_steps(session, wave, numbers, now=now)
    for wave, rung in due:
        after, is_more = 0, True
        while is_more:
            with database.reading() as session:
                keys, after = due_steps.due_candidates(session, wave, rung, after=after, now=now)
            if keys:
                with database.writing() as session:
                    due_steps.open_due_steps(session, wave, rung, keys, SENDING, now=now)
            is_more = after > 0


def _print(database: Database, now: datetime, chance: random.Random) -> None:
    with database.writing() as session:
        campaign = session.get_one(Campaign, 1)
        (wave,) = channels.waves_of(campaign)
        is_sheet = chance.random() < 1 / 2
        channels.make_batch(session, campaign, wave, SENDING, sheet=is_sheet, now=now, actor=factories.AUTHOR)


def _post(database: Database, now: datetime, _chance: random.Random) -> None:
    for key in _keys(database, select(PaperLetter.batch_id).distinct(), StepState.PRINTED):
        with database.writing() as session, contextlib.suppress(Refused):
            batch = channels.batch_of(session, session.get_one(Campaign, 1), key)
            channels.note_posted(session, batch, on=today(now), today=today(now), now=now, actor=factories.AUTHOR)


def _note_returns(database: Database, now: datetime, chance: random.Random) -> None:
    posted = _keys(database, select(PaperLetter.id), StepState.TRIED)
    for key in chance.sample(posted, min(len(posted), 2)):
        with database.writing() as session, contextlib.suppress(InputError):
            letter = session.get_one(PaperLetter, key)
            fase = session.get_one(Authority, letter.step.authority_id).fase
            channels.came_back(session, letter.batch, [fase], on=today(now), now=now, actor=factories.AUTHOR)


def _answer_by_code(database: Database, now: datetime, chance: random.Random) -> None:
    posted = _keys(database, select(PaperLetter.id), StepState.TRIED)
    for key in chance.sample(posted, min(len(posted), 1)):
        with database.writing() as session, contextlib.suppress(InputError, Refused):
            message = session.get_one(Message, session.get_one(PaperLetter, key).step.message_id)
            question = replies.question_of(session, message, now=now)
            given = Given({school.id: Answer.IN_PREPARATION for school in question.open()}, is_by_code=True)
            receive_answer(
                session, message, given, SENDING, now=now, step=channels.paper_letter_of(session, message).step_id
            )


def _call(database: Database, now: datetime, chance: random.Random) -> None:
    with database.reading() as session:
        due = select(EscalationStep.id).where(
            EscalationStep.channel == ReachChannel.CALL, EscalationStep.state == StepState.DUE
        )
        steps = session.scalars(due.order_by(EscalationStep.id)).all()
    for key in steps:
        outcome = chance.choice(CALLS)
        answer = Answer.IN_PREPARATION if outcome is CallOutcome.REACHED and chance.random() < 1 / 2 else None
        noted = NotedCall(outcome, answer=answer)
        for act in (_take, _note):
            with database.writing() as session, contextlib.suppress(Refused):
                act(session, session.get_one(Campaign, 1), key, noted, now)


def _take(session: Session, campaign: Campaign, key: int, _noted: NotedCall, now: datetime) -> None:
    channels.take_call(session, campaign, key, now=now, actor=factories.AUTHOR)


def _note(session: Session, campaign: Campaign, key: int, noted: NotedCall, now: datetime) -> None:
    channels.note_call(session, campaign, key, noted, SENDING, now=now, actor=factories.AUTHOR)


def _keys(database: Database, query: Select[int], state: StepState) -> list[int]:
    with database.reading() as session:
        of_steps = query.join(EscalationStep, EscalationStep.id == PaperLetter.step_id).where(
            EscalationStep.state == state
        )
        return sorted(session.scalars(of_steps))


def _moves(database: Database) -> int:
    """How many calls were noted, how many states steps reached: nothing is left to do where it grows no more."""
    with database.reading() as session:
        counts = (session.scalar(select(func.count()).select_from(table)) for table in (ReachTransition, ReachCall))
        return sum(count or 0 for count in counts)


def _compared(database: Database, now: datetime) -> dict[str, Any]:
    """What stands at the end, and the promises that it breaks."""
    with database.reading() as session:
        steps = session.scalars(select(EscalationStep).order_by(EscalationStep.id)).all()
        row = {
            "steps": len(steps),
            "lost": _lost(session, steps, now),
            "two_channels": _two_channels(session, steps),
            "duplicated": _twice(session),
            "unlisted": _unlisted(session, steps),
        }
        breaches = [breach.rule for breach in verify_ledger(session, now=now) if breach.rule != NOT_HERE]
    broken = [name for name in ("lost", "two_channels", "duplicated", "unlisted") if row[name]]
    return row | {"broken": [*broken, *breaches]}


def _lost(session: Session, steps: Sequence[EscalationStep], now: datetime) -> int:
    """Authorities that the mail did not reach, with neither proof, nor a reason to stop, nor every rung tried."""
    campaign = session.get_one(Campaign, 1)
    without = results.list_reached(session, campaign, ReachedFilters(Figure.LEFT), now=now).keys()
    judged = due_steps.judge(session, campaign, 1, without, now=now)
    is_mail = ReachChannel.OTHER_MAILBOX  # what came of it is in the letter
    ended = Counter(step.authority_id for step in steps if step.state is StepState.FAILED or step.channel is is_mail)
    unreached = (key for key in without if key not in judged.stops and judged.mail[key].failed)
    return sum(ended[key] < RUNGS for key in unreached)


def _two_channels(session: Session, steps: Sequence[EscalationStep]) -> int:
    """Steps that were opened while another of the same authority had not failed, or whose channel it had before."""
    channel = {step.id: (step.authority_id, step.channel) for step in steps}
    stands: dict[int, dict[ReachChannel, bool]] = {}
    two = 0
    for moved in session.scalars(select(ReachTransition).order_by(ReachTransition.id)):
        authority, by = channel[moved.step_id]
        theirs = stands.setdefault(authority, {})
        is_new = moved.state is StepState.DUE and moved.reason is not None
        # A letter to another mailbox is mail: it stands until it fails, and the rung that follows says that it did.
        others = [holds for one, holds in theirs.items() if one is not ReachChannel.OTHER_MAILBOX]
        two += is_new and (by in theirs or any(others))
        theirs[by] = moved.state is not StepState.FAILED
    return two


def _twice(session: Session) -> int:
    """How many steps have two letters on paper, two calls that reached somebody, or two answers by phone."""
    by_phone = select(ReachAnswer.step_id).join(EscalationStep).where(EscalationStep.channel == ReachChannel.CALL)
    each = (
        (select(PaperLetter.step_id), PaperLetter.step_id),
        (select(ReachCall.step_id).where(ReachCall.outcome == CallOutcome.REACHED), ReachCall.step_id),
        (by_phone, ReachAnswer.step_id),
    )
    twice = (session.scalars(query.group_by(step).having(func.count() > 1)).all() for query, step in each)
    return sum(map(len, twice))


def _unlisted(session: Session, steps: Sequence[EscalationStep]) -> int:
    """Steps whose state is not that of their last transition, or without the letter or the call that it stands for."""
    last = dict(
        session.execute(select(ReachTransition.step_id, ReachTransition.state).order_by(ReachTransition.id)).all()
    )
    letters = set(session.scalars(select(PaperLetter.step_id)))
    calls = set(session.scalars(select(ReachCall.step_id).where(ReachCall.outcome == CallOutcome.REACHED)))
    return sum(last.get(step.id) is not step.state or not _has_its_own(step, letters, calls) for step in steps)


def _has_its_own(step: EscalationStep, letters: set[int], calls: set[int]) -> bool:
    is_done = step.state in {StepState.PRINTED, StepState.TRIED}
    if step.channel is ReachChannel.PAPER:
        was_printed = is_done or (step.state is StepState.FAILED and step.reason is StepReason.RETURNED)
        return step.id in letters if was_printed else True
    return is_done is (step.id in calls) if step.channel is ReachChannel.CALL else True
