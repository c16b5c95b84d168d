"""Another mailbox: letters of the wave for mailboxes that it did not write to, added as their steps open."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from outreach.campaigns import evidence, planning
from outreach.campaigns.evidence import EscalationStep, StepReason, StepState
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import CLOCK, Wave, WaveState
from outreach.campaigns.planning import move_wave
from outreach.core.db import Session
from outreach.core.text import french
from outreach.delivery import outbox
from outreach.delivery.models import Mailing


def write_elsewhere(
    session: Session,
    wave: Wave,
    mailing: Mailing,
    opened: Mapping[int, EscalationStep],
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Add letters of the wave for mailboxes that it did not write to. A step without any has failed at once."""
    found = planning.addressees_elsewhere(session, wave.campaign, mailing.id, sorted(opened), now=now)
    letters = Counter(one.authority_id for one in found)
    for key, step in opened.items():
        if letters[key]:
            note = french.plural(letters[key], "autre boîte", "autres boîtes")
            evidence.move_step(session, step, StepState.TRIED, now=now, actor=CLOCK, note=note)
        else:
            evidence.move_step(
                session, step, StepState.FAILED, now=now, actor=CLOCK, reason=StepReason.NO_OTHER_MAILBOX
            )
    if found:
        outbox.put_recipients(session, mailing, found, sending.return_path, now=now)
        if wave.state is WaveState.FINISHED:
            said = f"{french.plural(len(found), 'courriel')} à une autre boîte"
            move_wave(session, wave, WaveState.RUNNING, now=now, actor=CLOCK, note=said)
