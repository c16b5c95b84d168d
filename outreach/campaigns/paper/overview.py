"""What a campaign's page of paper says: letters that are due and to whom none can go, and its batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from outreach.campaigns.models import Campaign
from outreach.campaigns.paper import batches
from outreach.campaigns.paper.batches import DueLetter
from outreach.campaigns.paper.models import PaperBatch, PaperLetter
from outreach.columns import Column, Held, Kind
from outreach.db import Session
from outreach.directory.models import Authority
from outreach.reach.models import ReachAnswer, ReachStep, ReachTransition, StepReason, StepState


@dataclass(frozen=True, slots=True)
class DueLetters:
    """The letters that are due: those that would be printed, and those whose address takes none."""

    fit: Sequence[DueLetter]
    unfit: Sequence[DueLetter]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch, and how many of its letters wait, were posted (and when), came back, were answered by code.

    `stopped` are the letters that were printed and are not to be posted: the recipient, its FASE number, and why.
    """

    batch: PaperBatch
    printed: int
    posted: int
    returned: int
    answered: int
    posted_on: date | None
    stopped: Sequence[tuple[str, int, StepReason | None]]


COLUMNS: Sequence[Column[BatchRow]] = (
    Column("batch", "Lot", lambda row: row.batch.id, Kind.NUMBER, sort=True),
    Column("made_at", "Préparé le", lambda row: row.batch.made_at, Kind.MOMENT, sort=True),
    Column("made_by", "Par", lambda row: row.batch.made_by, Kind.PERSON),
    Column("letters", "Lettres", lambda row: row.batch.letters, Kind.NUMBER, sort=True),
    Column("posted_on", "Postées le", lambda row: row.posted_on, Kind.DAY, sort=True),
    Column("returned", "Revenues", lambda row: row.returned, Kind.NUMBER, sort=True),
    Column("answered", "Réponses par le code", lambda row: row.answered, Kind.NUMBER, sort=True),
)


def due(session: Session, campaign: Campaign, *, now: datetime) -> DueLetters:
    """The letters that are due now, of every wave that began."""
    begun = [wave for wave in campaign.waves if wave.mailing_id is not None]
    found = [one for wave in begun for one in batches.due(session, campaign, wave, now=now) if one.stop is None]
    return DueLetters([one for one in found if one.held.is_fit], [one for one in found if not one.held.is_fit])


def listed(session: Session, campaign: Campaign, *, sort: str = "") -> Held[BatchRow]:
    """The batches of a campaign, the newest first; five statements."""
    rows = batches.batches_of(session, campaign)
    keys = [batch.id for batch in rows]
    of_batch = select(PaperLetter.batch_id, ReachStep.state, ReachStep.reason, func.count())
    of_batch = of_batch.join(ReachStep, ReachStep.id == PaperLetter.step_id).where(PaperLetter.batch_id.in_(keys))
    counts = {
        (batch, state, reason): count
        for batch, state, reason, count in session.execute(
            of_batch.group_by(PaperLetter.batch_id, ReachStep.state, ReachStep.reason)
        )
    }
    posted = select(PaperLetter.batch_id, func.max(ReachTransition.day))
    posted = posted.join(ReachTransition, ReachTransition.step_id == PaperLetter.step_id)
    posted = posted.where(PaperLetter.batch_id.in_(keys), ReachTransition.state == StepState.TRIED)
    days = dict(session.execute(posted.group_by(PaperLetter.batch_id)).all())
    answers = select(PaperLetter.batch_id, func.count(func.distinct(PaperLetter.id)))
    answers = answers.join(ReachAnswer, ReachAnswer.step_id == PaperLetter.step_id)
    answers = answers.where(PaperLetter.batch_id.in_(keys)).group_by(PaperLetter.batch_id)
    answered = dict(session.execute(answers).all())
    stopped = _stopped(session, keys)
    return Held(
        title="Lots de lettres",
        columns=COLUMNS,
        sort=sort,
        usual="-batch",
        rows=[
            BatchRow(
                batch,
                _count(counts, batch, StepState.PRINTED),
                _count(counts, batch, StepState.TRIED),
                counts.get((batch.id, StepState.FAILED, StepReason.RETURNED), 0),
                answered.get(batch.id, 0),
                days.get(batch.id),
                stopped.get(batch.id, ()),
            )
            for batch in rows
        ],
    )


def _stopped(session: Session, numbers: Sequence[int]) -> dict[int, list[tuple[str, int, StepReason | None]]]:
    query = select(PaperLetter.batch_id, PaperLetter.recipient, Authority.fase, ReachStep.reason)
    query = query.join(ReachStep, ReachStep.id == PaperLetter.step_id)
    query = query.join(Authority, Authority.id == ReachStep.authority_id)
    query = query.where(PaperLetter.batch_id.in_(numbers), ReachStep.state == StepState.STOPPED)
    found: dict[int, list[tuple[str, int, StepReason | None]]] = {}
    for batch, name, fase, why in session.execute(query.order_by(PaperLetter.place)):
        found.setdefault(batch, []).append((name, fase, why))
    return found


def _count(counts: dict[tuple[int, StepState, StepReason | None], int], batch: PaperBatch, state: StepState) -> int:
    return sum(count for (key, held, _), count in counts.items() if (key, held) == (batch.id, state))
