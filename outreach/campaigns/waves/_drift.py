"""Drift: how far the audience of a wave has changed since its approval, in authorities and in letters.

An approver agreed to a number of authorities and of letters. Imports of addresses and editions of the register change
both afterwards. Whoever wrote and approved the campaign is told before the wave, and an approver may agree to what the
audience has become. A wave whose audience differs too much when it starts is paused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from outreach.access import approvals
from outreach.access.approvals import Extent
from outreach.campaigns import planning
from outreach.campaigns.models import CLOCK, Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.segments import AudienceCounts, Boxes
from outreach.campaigns.waves._added_reminders import approved_extent, confirm_extent, sent_by, wave_approval
from outreach.campaigns.waves._stopping import follows_a_sending
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import NotFound, Refused

SHARE, LEAST = 0.1, 10
LOOKED_AHEAD = timedelta(days=3)
LOOK_EVERY = timedelta(minutes=5)
WORDS = "le public est passé de"
BACK = "le public est de nouveau à peu près celui qui a été validé"


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs most: the approved number, today's, and what is counted."""

    before: int
    current: int
    what: str

    @property
    def note(self) -> str:
        """In French, as transitions of waves keep it."""
        before, current = french.number(self.before), french.number(self.current)
        return f"{WORDS} {before} à {current} {self.what} depuis la validation"


def counts_of(session: Session, wave: Wave, *, now: datetime) -> AudienceCounts:
    """Whom a wave would write to now."""
    is_added = wave.added_reminder is not None
    return planning.count_campaign_audience(
        session, wave.campaign, now=now, only_unreacted=is_added, departure=wave.departure
    )


def drift_of(session: Session, wave: Wave, counts: AudienceCounts) -> Drift | None:
    """The drift of a wave, if it is of more than 10 and of more than 10 %, of authorities or of letters; else None.

    `counts` are today's. A smaller number is no drift of a reminder, as authorities that joined or answered are no
    longer in its audience.
    """
    approved = approved_extent(session, wave)
    if not approved.authorities:
        return None
    changes = [(approved.authorities, counts.written, "PO")]
    if approved.letters is not None:
        changes.append((approved.letters, counts.addresses, "courriels"))
    elif (
        wave.added_reminder is None and Boxes(wave.campaign.boxes) is Boxes.AUTHORITY
    ):  # approved before letters were counted
        changes.append((0, counts.of_schools, "courriels à des boîtes d’école"))
    for before, current, what in changes:
        difference = current - before if follows_a_sending(wave) else abs(current - before)
        if difference > LEAST and difference > SHARE * before:
            return Drift(before, current, what)
    return None


def coming_waves(session: Session, *, now: datetime) -> Sequence[int]:
    """The keys of the waves that are planned for the next three days, approved or not."""
    soon = select(Wave.id).where(Wave.state == WaveState.PLANNED, Wave.due_at <= now + LOOKED_AHEAD)
    return session.scalars(soon.order_by(Wave.due_at, Wave.id)).all()


def news_of(session: Session, key: int, *, now: datetime) -> str:
    """The note of the drift of an approved wave, or that it is over, where the wave has no such note yet; else ''.

    It counts an audience: read it outside a writer's turn. Raises InputError where its criteria cannot be read.
    """
    wave = session.get_one(Wave, key)
    if wave_approval(session, wave) is None:
        return ""
    drift, before = drift_of(session, wave, counts_of(session, wave, now=now)), noted_drift(session, wave)
    words = drift.note if drift else BACK if before else ""
    return "" if words == before else words


def note_drift(session: Session, key: int, words: str, *, now: datetime) -> None:
    """Keep the note of a drift with its wave, so that people are told; not where the wave began meanwhile."""
    wave = session.get_one(Wave, key)
    planning.in_turn(session, wave.campaign_id)
    session.refresh(wave)
    before = noted_drift(session, wave)
    if wave.state is WaveState.PLANNED and before != words and (before or words != BACK):
        planning.note_wave(session, wave, now, CLOCK, words)


def noted_drift(session: Session, wave: Wave) -> str:
    """The last drift that was noted of a planned wave since its audience was approved, or '' once it is over."""
    approval = wave_approval(session, wave)
    if approval is None:
        return ""
    query = select(WaveTransition.note).where(
        WaveTransition.wave_id == wave.id,
        WaveTransition.state == WaveState.PLANNED,
        WaveTransition.actor == CLOCK,
        WaveTransition.at >= approval.at,
    )
    last = session.scalar(query.order_by(WaveTransition.id.desc()).limit(1)) or ""
    return "" if last == BACK else last


def planned_wave(campaign: Campaign, number: int) -> Wave:
    """A planned wave of a campaign, by its number. Raises NotFound, and Refused where it is planned no more."""
    wave = next((one for one in campaign.waves if one.number == number), None)
    if wave is None:
        raise NotFound(f"Cette campagne n’a pas de vague {number}.")
    if wave.state is not WaveState.PLANNED:
        raise Refused(f"La {wave.name} n’est plus planifiée : son public ne se confirme plus.")
    return wave


def confirm_audience(session: Session, wave: Wave, extent: Extent, *, now: datetime, actor: str) -> None:
    """Approve the audience of a planned wave as it has become, `extent`, as the person read it.

    Raises Refused where what the wave sends is not approved as it stands, where the audience has changed since it was
    read, or where the actor wrote any of what the wave sends.
    """
    approvals.require_second_person(session, actor, *sent_by(wave), what="La confirmation")
    if wave_approval(session, wave) is None:
        raise Refused("La validation ne vaut plus : soumettez-la de nouveau, puis faites-la valider.")
    counts = counts_of(session, wave, now=now)
    if Extent(counts.written, counts.addresses) != extent:
        raise Refused("Le public a encore changé : relisez ses nombres, puis confirmez.")
    confirm_extent(session, wave, now=now, actor=actor, extent=extent)
