"""Letters on paper: batches made and posted, codes typed by readers, and what the page says of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from outreach.campaigns import evidence, planning
from outreach.campaigns.channels._due_steps import schools_about, stops_for
from outreach.campaigns.channels._paper_letters import documents
from outreach.campaigns.evidence import (
    EscalationStep,
    ReachAnswer,
    ReachChannel,
    ReachTransition,
    StepReason,
    StepState,
)
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, PaperBatch, PaperLetter, Wave, WrongCode
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.tables import Column, InMemoryListing, Kind
from outreach.core.text import dates
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import received
from outreach.delivery.letters import LIVE_KEYS, Keys, code_of, digest_of
from outreach.delivery.models import Message
from outreach.directory import postal
from outreach.directory.models import Authority
from outreach.directory.postal import HeldAddress


@dataclass(frozen=True, slots=True)
class Made:
    """What making a batch did: the batch, or None where no letter was left; whose address is unfit; who was over."""

    batch: PaperBatch | None
    unfit: Sequence[Authority]
    over: Sequence[Authority]


class DueLetter(NamedTuple):
    """A step that is due, its authority, the address that holds, the schools that the letter would list.

    `stop` says why no letter goes out after all, as of now.
    """

    step: EscalationStep
    authority: Authority
    held: HeldAddress
    schools: tuple[int, ...]
    stop: StepReason | None


def waves_of(campaign: Campaign) -> list[Wave]:
    """The waves of a campaign that have letters. Raises NotFound."""
    begun = [wave for wave in campaign.waves if wave.mailing_id is not None]
    if not begun:
        raise NotFound("Aucune vague de cette campagne n’est encore partie : aucune lettre sur papier n’est due.")
    return begun


def due_letters(session: Session, campaign: Campaign, wave: Wave, *, now: datetime) -> list[DueLetter]:
    """The steps by paper of a wave that are due, each with its address and its schools, by postal code.

    Those of an authority whose mail waits for a decision wait, too.
    """
    query = select(EscalationStep, Authority).join(Authority, Authority.id == EscalationStep.authority_id)
    waiting = (EscalationStep.channel == ReachChannel.PAPER, EscalationStep.state == StepState.DUE)
    open_ones = session.execute(query.where(EscalationStep.mailing_id == wave.mailing_id, *waiting)).all()
    wrote = received.held_authorities(session, wave.mailing_id or 0, [authority.id for _, authority in open_ones])
    found = [(step, authority) for step, authority in open_ones if authority.id not in wrote]
    authorities = [authority for _, authority in found]
    held = postal.held_addresses(session, authorities)
    schools = _schools(session, campaign, [step for step, _ in found], now)
    stops = stops_for(session, campaign, [step for step, _ in found], now=now)
    letters = [
        DueLetter(step, po, held[po.fase], listed, stops.get(step.id) or (None if listed else StepReason.JOINED))
        for step, po, listed in ((step, po, schools.get(po.id, ())) for step, po in found)
    ]
    return sorted(letters, key=lambda one: (one.held.address.postcode, one.authority.folded, one.authority.fase))


def make_batch(
    session: Session, campaign: Campaign, wave: Wave, sending: SenderIdentity, *, sheet: bool, now: datetime, actor: str
) -> Made:
    """Make a batch of all letters of a wave that are due now, in order of postal code.

    Each step is judged again, whatever was true when it was opened: an answer, a joining or an unsubscription stops it.
    An address that takes no letter fails its step, so that the next rung follows. What each letter says is kept.
    """
    take_lock(session, "paper", campaign.id)
    found = due_letters(session, campaign, wave, now=now)
    over = [one for one in found if one.stop]
    unfit = [one for one in found if not one.stop and not one.held.is_fit]
    fit = [one for one in found if not one.stop and one.held.is_fit]
    for one in over:
        _move(session, one.step, StepState.STOPPED, one.stop, now=now, actor=actor)
    for one in unfit:
        _move(session, one.step, StepState.FAILED, StepReason.UNFIT_ADDRESS, now=now, actor=actor)
    batch = _batch(session, campaign, wave, sending, fit, sheet=sheet, now=now, actor=actor) if fit else None
    return Made(batch, [one.authority for one in unfit], [one.authority for one in over])


def batch_of(session: Session, campaign: Campaign, number: int) -> PaperBatch:
    """A batch of a campaign. Raises NotFound."""
    batch = session.get(PaperBatch, number)
    if batch is None or batch.campaign_id != campaign.id:
        raise NotFound("Cette campagne n’a pas ce lot de lettres.")
    return batch


def batches_of(session: Session, campaign: Campaign) -> Sequence[PaperBatch]:
    """The batches of a campaign, the newest first."""
    query = select(PaperBatch).where(PaperBatch.campaign_id == campaign.id)
    return session.scalars(query.order_by(PaperBatch.id.desc())).all()


def letters_of(session: Session, batch: PaperBatch) -> Sequence[PaperLetter]:
    """The letters of a batch, in order."""
    query = select(PaperLetter).where(PaperLetter.batch_id == batch.id)
    return session.scalars(query.order_by(PaperLetter.place)).all()


def note_posted(session: Session, batch: PaperBatch, *, on: date, today: date, now: datetime, actor: str) -> int:
    """Note that the letters of a batch were posted on a day; returns how many. Raises InputError and Refused."""
    if not dates.today(batch.made_at) <= on <= today:
        raise InputError("Donnez le jour où les lettres ont été postées : entre leur impression et aujourd’hui.")
    posted = 0
    for letter in letters_of(session, batch):
        step = evidence.in_turn(session, letter.step_id)
        if step.state is StepState.PRINTED:
            evidence.move_step(session, step, StepState.TRIED, now=now, actor=actor, day=on)
            posted += 1
    if not posted:
        raise Refused("Les lettres de ce lot sont déjà postées, ou ne partent plus.")
    said = f"Lot de lettres {batch.id} : {posted} postées le {on:%d/%m/%Y}."
    audit.record_entry(session, now, actor, said, f"campaign:{batch.campaign_id}")
    return posted


def came_back(
    session: Session, batch: PaperBatch, numbers: Sequence[int], *, on: date, now: datetime, actor: str
) -> int:
    """Note that letters came back (NPAI), by the FASE numbers of their authorities; marks the addresses, too.

    Raises InputError when a number is not in the batch, or its letter was never posted.
    """
    query = select(Authority, PaperLetter).join(EscalationStep, EscalationStep.authority_id == Authority.id)
    query = query.join(PaperLetter, PaperLetter.step_id == EscalationStep.id).where(PaperLetter.batch_id == batch.id)
    sent = {authority.fase: (authority, letter) for authority, letter in session.execute(query)}
    if missing := [number for number in numbers if number not in sent]:
        raise InputError(f"Aucune lettre de ce lot n’est partie au numéro FASE {missing[0]}.")
    if not numbers:
        raise InputError("Écrivez au moins un numéro FASE.")
    for number in dict.fromkeys(numbers):
        authority, letter = sent[number]
        step = evidence.in_turn(session, letter.step_id)
        if step.state is not StepState.TRIED:
            raise InputError(f"La lettre au numéro FASE {number} n’est pas notée comme postée, ou est déjà revenue.")
        evidence.move_step(session, step, StepState.FAILED, now=now, actor=actor, reason=StepReason.RETURNED, day=on)
        if postal.held_of(session, authority).address == letter.address:
            postal.came_back(session, authority, on=on, now=now, actor=actor)
    return len(set(numbers))


def _move(
    session: Session, found: EscalationStep, state: StepState, reason: StepReason | None, *, now: datetime, actor: str
) -> None:
    evidence.move_step(session, evidence.in_turn(session, found.id), state, now=now, actor=actor, reason=reason)


def _batch(
    session: Session,
    campaign: Campaign,
    wave: Wave,
    sending: SenderIdentity,
    fit: Sequence[DueLetter],
    *,
    sheet: bool,
    now: datetime,
    actor: str,
) -> PaperBatch:
    batch = PaperBatch(
        campaign_id=campaign.id,
        mailing_id=wave.mailing_id or 0,
        made_at=now,
        made_by=actor,
        letters=len(fit),
        has_sheet=sheet,
    )
    session.add(batch)
    session.flush()
    letters = [_letter(batch, place, one) for place, one in enumerate(fit, 1)]
    session.add_all(letters)
    session.flush()
    said, key = documents(session, batch, letters, sending), sending.keys.keys[0]
    for letter, one in zip(letters, fit, strict=True):
        letter.code_digest = digest_of(key, code_of(key, letter.id))
        letter.content = json.dumps(said[letter.id], ensure_ascii=False)
        _move(session, one.step, StepState.PRINTED, None, now=now, actor=actor)
    session.flush()
    sentence = f"Lot de lettres {batch.id} préparé : {batch.letters} lettres sur papier."
    audit.record_entry(session, now, actor, sentence, f"campaign:{campaign.id}")
    return batch


def _letter(batch: PaperBatch, place: int, one: DueLetter) -> PaperLetter:
    address = one.held.address
    return PaperLetter(
        batch_id=batch.id,
        step_id=one.step.id,
        place=place,
        recipient=one.authority.display_name,
        street=address.street,
        house_number=address.number,
        box=address.box,
        postcode=address.postcode,
        locality=address.locality,
        school_keys=" ".join(map(str, one.schools)),
    )


def _schools(
    session: Session, campaign: Campaign, found: Sequence[EscalationStep], now: datetime
) -> dict[int, tuple[int, ...]]:
    """By authority, the schools that its letter lists: those that the campaign means now, of those it is about."""
    about = schools_about(session, found)
    keys = sorted(about)
    meant = planning.schools_meant(session, campaign, keys, now=now) if keys else {}
    return {key: tuple(one for one in schools if not about[key] or one in about[key]) for key, schools in meant.items()}


MOST, PERIOD = 500, timedelta(hours=1)  # wrong codes that are people's slips: a campaign prints a thousand


def count_wrong_code(session: Session, *, now: datetime) -> None:
    """Count a wrong code. Nothing says whose it is."""
    session.add(WrongCode(at=now))


def are_guessed(session: Session, *, now: datetime) -> bool:
    """Whether so many wrong codes were typed within an hour that the form asks for more than a code."""
    # One from far ahead was written before the clock was put back.
    recent = select(WrongCode.id).where(WrongCode.at > now - PERIOD, WrongCode.at < now + PERIOD).limit(MOST + 1)
    return (session.scalar(select(func.count()).select_from(recent.subquery())) or 0) > MOST


def guessed_since(session: Session, *, now: datetime) -> datetime | None:
    """When the first wrong code of this hour was typed; None unless codes are guessed."""
    first = select(func.min(WrongCode.at)).where(WrongCode.at > now - PERIOD, WrongCode.at < now + PERIOD)
    return session.scalar(first) if are_guessed(session, now=now) else None


BY_CODE = 1  # the number of the link in the token of an answer page that a code led to; a mail's own has 0


class Entered(NamedTuple):
    """The wave's message through which an answer by a code counts, and the FASE number of its authority."""

    message: Message
    fase: int

    def is_of(self, fase: str) -> bool:
        """Whether this is the authority whose FASE number somebody typed."""
        return "".join(filter(str.isdecimal, fase)).lstrip("0") == str(self.fase)


def find_code(session: Session, keys: Keys, code: str) -> Entered | None:
    """What somebody means by a code, or None: nothing says why. One statement.

    A code that does not exist costs what one does: the digests are looked up together.
    """
    digests = [digest_of(key, code) for key in keys.keys[:LIVE_KEYS]]
    return _first(session, PaperLetter.code_digest.in_(digests))


def any_other(session: Session) -> Entered | None:
    """What the first letter on paper would mean: to look at it takes as long as to look at a letter that is there."""
    return _first(session, PaperLetter.code_digest.is_not(None))


def _first(session: Session, of_letter: ColumnElement[bool]) -> Entered | None:
    query = select(Message, Authority.fase).join(Authority, Authority.id == Message.authority_id)
    query = query.join(EscalationStep, EscalationStep.message_id == Message.id)
    query = query.join(PaperLetter, PaperLetter.step_id == EscalationStep.id).where(of_letter)
    row = session.execute(query.order_by(PaperLetter.id).limit(1)).first()
    return Entered(*row) if row else None


def paper_letter_of(session: Session, message: Message) -> PaperLetter | None:
    """The letter on paper that stands for a message, if any: an answer by its code names its step and its schools."""
    query = select(PaperLetter).join(EscalationStep, PaperLetter.step_id == EscalationStep.id)
    return session.scalar(query.where(EscalationStep.message_id == message.id).order_by(PaperLetter.id.desc()).limit(1))


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


def letters_due(session: Session, campaign: Campaign, *, now: datetime) -> DueLetters:
    """The letters that are due now, of every wave that began."""
    begun = [wave for wave in campaign.waves if wave.mailing_id is not None]
    found = [one for wave in begun for one in due_letters(session, campaign, wave, now=now) if one.stop is None]
    return DueLetters([one for one in found if one.held.is_fit], [one for one in found if not one.held.is_fit])


def list_batches(session: Session, campaign: Campaign, *, sort: str = "") -> InMemoryListing[BatchRow]:
    """The batches of a campaign, the newest first; five statements."""
    rows = batches_of(session, campaign)
    keys = [batch.id for batch in rows]
    of_batch = select(PaperLetter.batch_id, EscalationStep.state, EscalationStep.reason, func.count())
    of_batch = of_batch.join(EscalationStep, EscalationStep.id == PaperLetter.step_id).where(
        PaperLetter.batch_id.in_(keys)
    )
    counts = {
        (batch, state, reason): count
        for batch, state, reason, count in session.execute(
            of_batch.group_by(PaperLetter.batch_id, EscalationStep.state, EscalationStep.reason)
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
    return InMemoryListing(
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
    query = select(PaperLetter.batch_id, PaperLetter.recipient, Authority.fase, EscalationStep.reason)
    query = query.join(EscalationStep, EscalationStep.id == PaperLetter.step_id)
    query = query.join(Authority, Authority.id == EscalationStep.authority_id)
    query = query.where(PaperLetter.batch_id.in_(numbers), EscalationStep.state == StepState.STOPPED)
    found: dict[int, list[tuple[str, int, StepReason | None]]] = {}
    for batch, name, fase, why in session.execute(query.order_by(PaperLetter.place)):
        found.setdefault(batch, []).append((name, fase, why))
    return found


def _count(counts: dict[tuple[int, StepState, StepReason | None], int], batch: PaperBatch, state: StepState) -> int:
    return sum(count for (key, held, _), count in counts.items() if (key, held) == (batch.id, state))
