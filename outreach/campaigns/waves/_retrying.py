"""Sends letters of a launched wave again: its failures, and its doubts once more."""

from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns import evidence, segments
from outreach.campaigns.models import UNDER_WAY, Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.planning import launched_mailings, move_wave, solicited_by_others
from outreach.core.db import Session
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Mailing
from outreach.delivery.outbox import Spared
from outreach.engagement import replies


@dataclass(frozen=True, slots=True)
class Retriable:
    """How many letters of a wave may leave again: failures, and doubts that have rested for 15 minutes.

    `kept` counts the failures that may not: the address is suppressed, the recipient has answered, was reached by a
    later wave or, by now, has been written to often enough, or the letter was sent twice already.
    """

    failed: int = 0
    doubtful: int = 0
    kept: int = 0


def list_retriable(session: Session, campaign: Campaign, *, now: datetime) -> dict[int, Retriable]:
    """What may leave again, by wave number. A wave without a failure or a rested doubt has no entry."""
    waves = {wave.mailing_id: wave for wave in campaign.waves if wave.mailing_id and _may_go_on(wave)}
    if campaign.state is not CampaignState.APPROVED or not waves or _being_filled(campaign):
        return {}
    spared = _spared(session, campaign, now)
    failed = outbox.count_failed(session, waves, without=spared)
    doubtful = outbox.count_rested(session, waves, without=spared, now=now)
    counts = {}
    for mailing, wave in waves.items():
        again, failures = failed.get(mailing, (0, 0)) if wave.state is WaveState.FINISHED else (0, 0)
        counts[wave.number] = Retriable(again, doubtful.get(mailing, 0), failures - again)
    return {number: count for number, count in counts.items() if count != Retriable()}


def resendable_from(session: Session, campaign: Campaign, number: int, *, now: datetime) -> dict[int, datetime]:
    """From when each doubt of a wave may be sent once more, by message key; empty when nothing may leave again."""
    wave = next((candidate for candidate in campaign.waves if candidate.number == number), None)
    if wave is None or wave.mailing_id is None or campaign.state is not CampaignState.APPROVED or not _may_go_on(wave):
        return {}
    if _being_filled(campaign):
        return {}
    return outbox.resendable_from(session, wave.mailing_id, without=_spared(session, campaign, now))


def retry_failures(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> int:
    """Put a finished wave's failures back into the queue and let it run again; returns how many letters.

    Recipients who answered since, were reached by a later wave or are spared by the calm are left out, and so are
    suppressed addresses. The commit gate checks the rest. Raises NotFound for a wave without recipients. Raises Refused
    when nothing may leave again, when the wave is not finished, when the campaign is not approved any more, or while a
    wave is being filled.
    """
    wave, mailing = _wave(campaign, number)
    if wave.state is not WaveState.FINISHED:
        raise Refused(f"La {wave.name} est « {wave.state.label} » : attendez sa fin pour renvoyer les échecs.")
    segments.take_turn(session)
    count = outbox.retry_failed(session, mailing, without=_spared(session, campaign, now), now=now)
    if not count:
        raise Refused(f"Aucun courriel en échec de la {wave.name} ne peut repartir : il n’y a rien à renvoyer.")
    note = f"{count} courriel{'s' if count > 1 else ''} en échec à renvoyer"
    move_wave(session, wave, WaveState.RUNNING, now=now, actor=actor, note=note)
    return count


def resend_doubts(
    session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str, only: int | None = None
) -> int:
    """Send a wave's doubts (or one letter, by its key) once more, byte for byte; returns how many letters.

    Raises NotFound for a wave without recipients. Raises Refused when no doubt has rested for 15 minutes, when each was
    sent again already, when the wave is neither running nor finished, when the campaign is not approved any more, or
    while a wave is being filled.
    """
    wave, mailing = _wave(campaign, number)
    if not _may_go_on(wave):
        raise Refused(f"La {wave.name} est « {wave.state.label} » : rien n’en est renvoyé.")
    segments.take_turn(session)
    count = outbox.resend_rested(
        session, mailing, without=_spared(session, campaign, now), now=now, actor=actor, only=only
    )
    if not count:
        raise Refused("Un courriel en doute se renvoie une seule fois, 15 minutes au plus tôt après être parti.")
    if wave.state is WaveState.FINISHED:
        note = f"{count} courriel{'s' if count > 1 else ''} en doute à renvoyer à l’identique"
        move_wave(session, wave, WaveState.RUNNING, now=now, actor=actor, note=note)
    return count


def _may_go_on(wave: Wave) -> bool:
    return wave.state in {WaveState.RUNNING, WaveState.FINISHED}


def _being_filled(campaign: Campaign) -> Wave | None:
    """The wave whose recipients are being written, or None. Until they are all known, nothing is sent again."""
    begun = [wave for wave in campaign.waves if wave.state in UNDER_WAY]
    return next((wave for wave in begun if wave.mailing and wave.mailing.filled_at is None), None)


def _spared(session: Session, campaign: Campaign, now: datetime) -> Spared:
    """The recipients who answered, were reached by a later wave or, by now, have been written to often enough."""
    mailings = campaign.mailing_keys
    answered = launched_mailings(campaign)
    return Spared(
        replies.authorities_that_answered(answered),
        mailings,
        evidence.letters_answered(answered),
        solicited_by_others(session, campaign, now=now),
    )


def _wave(campaign: Campaign, number: int) -> tuple[Wave, Mailing]:
    wave = next((candidate for candidate in campaign.waves if candidate.number == number), None)
    if wave is None or wave.mailing is None:
        raise NotFound(f"La vague {number} de cette campagne n’a pas encore de destinataires.")
    if campaign.state is not CampaignState.APPROVED:
        raise Refused(f"Cette campagne est « {campaign.state.label} » : rien n’en est renvoyé.")
    if filled := _being_filled(campaign):
        raise Refused(f"Ceux que vise la {filled.name} sont en train d’être inscrits : réessayez après.")
    return wave, wave.mailing
