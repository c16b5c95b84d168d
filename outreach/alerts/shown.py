"""Alerts as the home page shows them, to those who can act."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from outreach.alerts import disk, episodes, sightings
from outreach.alerts.models import AlertEpisode, AlertKind
from outreach.alerts.sentences import ABOUT_WAVES, WORDS, call_for, told, words_of
from outreach.campaigns.models import Campaign, Wave
from outreach.db import Session


class ShownAlert(NamedTuple):
    """An alert on a page: what it is called, a paragraph on it, the campaign that it is about if any, since when."""

    label: str
    text: str
    campaign: Campaign | None = None
    since: datetime | None = None


def shown(
    session: Session,
    holds: Callable[..., bool],
    relays: Sequence[str],
    folder: Path,
    *,
    now: datetime,
    beside: Collection[int] = (),
    to: Sequence[str] = (),
) -> list[ShownAlert]:
    """The alerts that go on, for a person who `holds` roles. The pauses of the waves in `beside` are shown elsewhere.

    A silent clock and a full disk are seen here, too: while they last, it may be that nobody can write them down.
    `to` are the addresses of those who run the service.
    """
    alerts = list(episodes.going_on(session))
    kinds = {alert.kind for alert in alerts}
    silent = sightings.silent_clock(session, now=now)
    if silent and silent.kind not in kinds:
        alerts.append(AlertEpisode(kind=silent.kind, subject=silent.subject, began_at=silent.since))
    texts = [
        ShownAlert(
            alert.kind.label,
            told(alert, words_of(session, alert.kind, alert.subject, relays)) + call_for(alert.kind, to),
            _campaign_of(session, alert),
            alert.began_at,
        )
        for alert in alerts
        if holds(*alert.kind.roles) and not (alert.kind is AlertKind.WAVE_PAUSED and int(alert.subject) in beside)
    ]
    full = AlertKind.DISK_FULL
    if full not in kinds and holds(*full.roles) and disk.is_short(folder):
        texts.append(ShownAlert(full.label, f"{WORDS[full].so} {WORDS[full].advice}{call_for(full, to)}"))
    return texts


def _campaign_of(session: Session, alert: AlertEpisode) -> Campaign | None:
    wave = session.get(Wave, int(alert.subject)) if alert.kind in ABOUT_WAVES else None
    return wave.campaign if wave else None
