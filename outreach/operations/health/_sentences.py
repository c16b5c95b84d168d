"""Alerts in French, for pages and mails: no address, no name, no token. Pages show them to those who can act."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from outreach.campaigns.models import Campaign, Wave
from outreach.core.db import Session
from outreach.core.text.french import moment
from outreach.delivery import workers
from outreach.operations import alerts
from outreach.operations.alerts import AlertKind, Incident
from outreach.operations.health._check import Alarm
from outreach.operations.health._machine import FULL, is_short
from outreach.operations.health._registry import ALARMS
from outreach.operations.health._work import silent_since


def words_of(session: Session, kind: AlertKind, subject: str, relays: Sequence[str]) -> Alarm:
    """An alarm in its words about this subject. `relays` are the relays' names, in order.

    They begin with the installations that see it, where there are several.
    """
    alarm = ALARMS[kind]
    found, fields = alarm.names(session, subject, relays) if alarm.names else ((), {})
    places = [place for place in found if place]
    where = f"Sur {', '.join(places)} : " if places and len(workers.last_passes(session)) > 1 else ""
    return alarm._replace(so=where + alarm.so.format(**fields), over=alarm.over.format(**fields))


def told(incident: Incident, words: Alarm) -> str:
    """An incident in one paragraph: since when, or from when to when."""
    if incident.ended_at is None:
        return f"Depuis le {moment(incident.began_at)} : {words.so} {words.advice}"
    period = f"Du {moment(incident.began_at)} au {moment(incident.ended_at)}"
    return f"{period} : {words.so} Fin de l’alerte : {words.over}"


def _call_for(alarm: Alarm, to: Sequence[str]) -> str:
    """Whom somebody calls who has no hand on the machine, after a paragraph; '' where pages suffice.

    `to` are the addresses to which alerts are mailed: those who run the service read them.
    """
    named = f" : {', '.join(to)}" if to else ""
    said = f" Ce n’est pas de votre ressort ? Prévenez la personne qui exploite le service{named}."
    return "" if alarm.on_pages else said


class ShownAlert(NamedTuple):
    """An alert on a page: what it is called, a paragraph on it, the campaign that it is about if any, since when."""

    label: str
    text: str
    campaign: Campaign | None = None
    since: datetime | None = None


def shown_alerts(
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
    found = list(alerts.going_on(session))
    kinds = {alert.kind for alert in found}
    since = silent_since(session, now=now)
    if since and AlertKind.CLOCK_SILENT not in kinds:
        found.append(Incident(kind=AlertKind.CLOCK_SILENT, subject="", began_at=since))
    texts = []
    for alert in found:
        if holds(*alert.kind.roles) and not (alert.kind is AlertKind.WAVE_PAUSED and int(alert.subject) in beside):
            words = words_of(session, alert.kind, alert.subject, relays)
            wave = session.get(Wave, int(alert.subject)) if alert.kind.is_about_a_wave else None
            text = told(alert, words) + _call_for(words, to)
            texts.append(ShownAlert(alert.kind.label, text, wave.campaign if wave else None, alert.began_at))
    full = FULL
    if full.kind not in kinds and holds(*full.kind.roles) and is_short(folder):
        texts.append(ShownAlert(full.kind.label, f"{full.so} {full.advice}{_call_for(full, to)}"))
    return texts
