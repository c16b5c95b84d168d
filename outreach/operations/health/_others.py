"""What other people do that somebody should know: programs that are silent, codes guessed, answers that wait."""

from collections.abc import Iterator
from datetime import datetime

from outreach.campaigns import channels
from outreach.core import audit
from outreach.core.db import Session
from outreach.engagement import replies, tracking
from outreach.engagement.replies import Tray
from outreach.integrations import webhooks_out
from outreach.operations import alerts
from outreach.operations.alerts import AlertKind
from outreach.operations.health._check import Alarm, HealthFigure, Seen, Watched, age


def _silent_programs(session: Session, _watched: Watched, now: datetime) -> Seen:
    return {str(target.id): target.failing_since or now for target in webhooks_out.given_up(session, now=now)}


def _guessed_codes(session: Session, _watched: Watched, now: datetime) -> Seen:
    since = channels.guessed_since(session, now=now)
    return {"": since} if since else {}


GIVEN_UP = Alarm(
    AlertKind.PUSH_GIVEN_UP,
    "Un programme ne reçoit plus les évènements du service depuis trois jours : plus rien ne lui est envoyé.",
    "Voyez avec la personne qui le gère, puis réessayez ou mettez-y fin : Administration, « Évènements poussés ».",
    "Ce programme reçoit de nouveau les évènements, ou plus rien ne lui est envoyé.",
    _silent_programs,
    on_pages=True,
)
GUESSED = Alarm(
    AlertKind.CODES_GUESSED,
    "Plus de 500 codes faux ont été essayés en une heure sur la page des lettres sur papier.",
    "Cette page demande aussi le numéro FASE : personne n’est bloqué. Si cela dure, le journal du serveur web dit "
    "de quels réseaux cela vient.",
    "La page des lettres sur papier ne demande plus que le code.",
    _guessed_codes,
)


def of_answers(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """Figures of the answers that wait for staff."""
    waiting = {
        tray.value: float(count) for tray, count in replies.count_trays(session).items() if tray is not Tray.HANDLED
    }
    yield HealthFigure("responses_waiting", "Responses that wait for staff.", waiting, ("tray",))
    yield HealthFigure(
        "responses_waiting_oldest_seconds", "Age of the oldest of them.", age(replies.oldest_waiting(session), now)
    )


def of_hits(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """The openings and clicks of this hour."""
    counted = {kind: float(count) for kind, count in tracking.this_hour(session, now=now).items()}
    said = "Openings and clicks since the hour began; it begins anew each hour."
    yield HealthFigure("hits", said, counted, ("kind",), is_counter=True)


def of_alerts(session: Session, _now: datetime) -> Iterator[HealthFigure]:
    """The alerts that go on."""
    known = [incident.kind for incident in alerts.going_on(session)]
    counts = {kind.value: float(known.count(kind)) for kind in AlertKind}
    yield HealthFigure("alerts_open", "Alerts that have begun and not ended.", counts, ("kind",))


def of_audit(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """What of the audit no seal protects yet."""
    count, oldest = audit.count_unsealed(session)
    yield HealthFigure("audit_unsealed", "Entries of the audit without a seal.", count)
    yield HealthFigure("audit_unsealed_oldest_seconds", "Age of the oldest of them.", age(oldest, now))
