"""Batches of letters on paper: made of the steps that are due, posted on a day by a person, and what came back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select

from outreach import audit, days
from outreach.campaigns import audiences
from outreach.campaigns.ladder import judging
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.paper import sheets
from outreach.campaigns.paper.models import PaperBatch, PaperLetter
from outreach.db import Session, take_turns
from outreach.delivery.received import holding as mails
from outreach.directory.models import Authority
from outreach.directory.postal import holding
from outreach.directory.postal.holding import HeldAddress
from outreach.errors import InputError, NotFound, Refused
from outreach.mail import codes
from outreach.reach import steps
from outreach.reach.models import ReachChannel, ReachStep, StepReason, StepState


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

    step: ReachStep
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


def due(session: Session, campaign: Campaign, wave: Wave, *, now: datetime) -> list[DueLetter]:
    """The steps by paper of a wave that are due, each with its address and its schools, by postal code.

    Those of an authority whose mail waits for a decision wait, too.
    """
    query = select(ReachStep, Authority).join(Authority, Authority.id == ReachStep.authority_id)
    waiting = (ReachStep.channel == ReachChannel.PAPER, ReachStep.state == StepState.DUE)
    open_ones = session.execute(query.where(ReachStep.mailing_id == wave.mailing_id, *waiting)).all()
    wrote = mails.held(session, wave.mailing_id or 0, [authority.id for _, authority in open_ones])
    found = [(step, authority) for step, authority in open_ones if authority.id not in wrote]
    authorities = [authority for _, authority in found]
    held = holding.held(session, authorities)
    schools = _schools(session, campaign, [step for step, _ in found], now)
    stops = judging.stopped(session, campaign, [step for step, _ in found], now=now)
    letters = [
        DueLetter(step, po, held[po.fase], listed, stops.get(step.id) or (None if listed else StepReason.JOINED))
        for step, po, listed in ((step, po, schools.get(po.id, ())) for step, po in found)
    ]
    return sorted(letters, key=lambda one: (one.held.address.postcode, one.authority.folded, one.authority.fase))


def make(
    session: Session, campaign: Campaign, wave: Wave, sending: SenderIdentity, *, sheet: bool, now: datetime, actor: str
) -> Made:
    """Make a batch of all letters of a wave that are due now, in order of postal code.

    Each step is judged again, whatever was true when it was opened: an answer, a joining or an unsubscription stops it.
    An address that takes no letter fails its step, so that the next rung follows. What each letter says is kept.
    """
    take_turns(session, "paper", campaign.id)
    found = due(session, campaign, wave, now=now)
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


def post(session: Session, batch: PaperBatch, *, on: date, today: date, now: datetime, actor: str) -> int:
    """Note that the letters of a batch were posted on a day; returns how many. Raises InputError and Refused."""
    if not days.today(batch.made_at) <= on <= today:
        raise InputError("Donnez le jour où les lettres ont été postées : entre leur impression et aujourd’hui.")
    posted = 0
    for letter in letters_of(session, batch):
        step = steps.in_turn(session, letter.step_id)
        if step.state is StepState.PRINTED:
            steps.move(session, step, StepState.TRIED, now=now, actor=actor, day=on)
            posted += 1
    if not posted:
        raise Refused("Les lettres de ce lot sont déjà postées, ou ne partent plus.")
    said = f"Lot de lettres {batch.id} : {posted} postées le {on:%d/%m/%Y}."
    audit.record(session, now, actor, said, f"campaign:{batch.campaign_id}")
    return posted


def came_back(
    session: Session, batch: PaperBatch, numbers: Sequence[int], *, on: date, now: datetime, actor: str
) -> int:
    """Note that letters came back (NPAI), by the FASE numbers of their authorities; marks the addresses, too.

    Raises InputError when a number is not in the batch, or its letter was never posted.
    """
    query = select(Authority, PaperLetter).join(ReachStep, ReachStep.authority_id == Authority.id)
    query = query.join(PaperLetter, PaperLetter.step_id == ReachStep.id).where(PaperLetter.batch_id == batch.id)
    sent = {authority.fase: (authority, letter) for authority, letter in session.execute(query)}
    if missing := [number for number in numbers if number not in sent]:
        raise InputError(f"Aucune lettre de ce lot n’est partie au numéro FASE {missing[0]}.")
    if not numbers:
        raise InputError("Écrivez au moins un numéro FASE.")
    for number in dict.fromkeys(numbers):
        authority, letter = sent[number]
        step = steps.in_turn(session, letter.step_id)
        if step.state is not StepState.TRIED:
            raise InputError(f"La lettre au numéro FASE {number} n’est pas notée comme postée, ou est déjà revenue.")
        steps.move(session, step, StepState.FAILED, now=now, actor=actor, reason=StepReason.RETURNED, day=on)
        if holding.held_of(session, authority).address == letter.address:
            holding.came_back(session, authority, on=on, now=now, actor=actor)
    return len(set(numbers))


def _move(
    session: Session, found: ReachStep, state: StepState, reason: StepReason | None, *, now: datetime, actor: str
) -> None:
    steps.move(session, steps.in_turn(session, found.id), state, now=now, actor=actor, reason=reason)


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
    said, key = sheets.documents(session, batch, letters, sending), sending.keys.keys[0]
    for letter, one in zip(letters, fit, strict=True):
        letter.code_digest = codes.digest_of(key, codes.code_of(key, letter.id))
        letter.content = json.dumps(said[letter.id], ensure_ascii=False)
        _move(session, one.step, StepState.PRINTED, None, now=now, actor=actor)
    session.flush()
    told = f"Lot de lettres {batch.id} préparé : {batch.letters} lettres sur papier."
    audit.record(session, now, actor, told, f"campaign:{campaign.id}")
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
    session: Session, campaign: Campaign, found: Sequence[ReachStep], now: datetime
) -> dict[int, tuple[int, ...]]:
    """By authority, the schools that its letter lists: those that the campaign means now, of those it is about."""
    about = judging.schools_about(session, found)
    keys = sorted(about)
    meant = audiences.schools_meant(session, campaign, keys, now=now) if keys else {}
    return {key: tuple(one for one in schools if not about[key] or one in about[key]) for key, schools in meant.items()}
