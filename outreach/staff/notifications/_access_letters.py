"""Mails to administrators about ways in and out of programs: each once, however it came to be.

Keys, services that send joinings, programs that events are pushed to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from outreach.access import colleagues
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Database, Session, take_lock
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.integrations.api_keys import ApiKey, KeyWriting
from outreach.integrations.webhooks_in import WebhookSource
from outreach.integrations.webhooks_out import WebhookEndpoint
from outreach.staff.notifications._letters import Said, StaffLetter, post_mail, write_mail

TELLER = "système"
NEWS = timedelta(days=1)
Row = ApiKey | WebhookSource | WebhookEndpoint


@dataclass(frozen=True, slots=True)
class AccessKind:
    """A kind of access: its table, the page where it ends, the subject of a mail about one, and what is said of it,
    given who made it and when.

    `is_news` is the condition of those that administrators are told of, besides that they serve.
    """

    table: type[Any]
    page: str
    subject: str
    said: Callable[[Any, str, str], str]
    is_news: Callable[[datetime], Sequence[ColumnElement[bool]]] = lambda _now: ()


def send_access_news(database: Database, sending: SenderIdentity, *, now: datetime) -> int | None:
    """Post one mail about what was told to nobody yet; returns its mailing, or None for none."""
    with database.reading() as session:
        untold = _untold(session, now=now)
        if not untold or not (to := [one.email for one in colleagues.with_role(session, RoleName.ADMINISTRATOR)]):
            return None
        said = [_said(session, access, row) for access, row in untold]
        letter = StaffLetter(to, _subject(untold), said, contact=to[0])
        frozen, told = write_mail(letter, sending, now=now), _named(untold)
    with database.writing() as session:
        take_lock(session, "access_letters")
        found = _untold(session, now=now)
        if _named(found) != told:  # another clock told them, or one more was made: the next pass tells it
            return None
        for _, row in found:
            row.told_at = now
        return post_mail(session, letter, frozen, sending, now=now, actor=TELLER)


def _untold(session: Session, *, now: datetime) -> list[tuple[AccessKind, Row]]:
    """What serves and was told to nobody, kind by kind, the oldest first."""
    found: list[tuple[AccessKind, Row]] = []
    for access in ACCESSES:
        table = access.table
        query = select(table).where(table.told_at.is_(None), table.ended_at.is_(None), *access.is_news(now))
        found += ((access, row) for row in session.scalars(query.order_by(table.id)))
    return found


def _named(untold: Sequence[tuple[AccessKind, Row]]) -> list[tuple[str, int]]:
    return [(access.page, row.id) for access, row in untold]


def _subject(untold: Sequence[tuple[AccessKind, Row]]) -> str:
    return untold[0][0].subject if len(untold) == 1 else f"{len(untold)} accès de programmes"


def _said(session: Session, access: AccessKind, row: Row) -> Said:
    return Said(access.said(row, colleagues.name_of(session, row.made_by), french.moment(row.made_at)), access.page)


def _key_news(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Of keys that only read, those made lately: who upgrades is not told of all that there are."""
    return or_(ApiKey.writing != KeyWriting.NO, ApiKey.made_at > now - NEWS), ApiKey.expires_at > now


def _of_key(key: ApiKey, maker: str, at: str) -> str:
    does = "peut écrire dans le service : elle enregistre des listes d’adhésions" if key.writes else "lit le service"
    what = f"La clé {key.id}, « {key.name} », {does}"
    why = f"{maker} l’a créée le {at}."
    if key.writing is KeyWriting.KEPT:
        why = (
            "Écrire est maintenant un droit à part ; elle le garde, car elle avait écrit dans les 90 jours avant la "
            "mise à jour."
        )
    return (
        f"{what}, jusqu’au {french.spelt_day(key.expires_at)}. {why} Si cette clé ne vous dit rien, terminez-la : son "
        "programme perd l’accès aussitôt."
    )


def _of_sender(sender: WebhookSource, maker: str, at: str) -> str:
    how = "sa clé" if sender.public_key else "un secret partagé"
    return (
        f"Le service « {sender.name} » envoie des adhésions, qu’il signe par {how} et qui s’appliquent aussitôt. "
        f"{maker} l’a autorisé le {at}. Si ce service ne vous dit rien, retirez l’autorisation : plus rien n’en est "
        "reçu."
    )


def _of_target(target: WebhookEndpoint, maker: str, at: str) -> str:
    return (
        f"Le service envoie ses évènements au programme « {target.name} » ({target.host}). {maker} l’a ajouté le {at}. "
        "Si ce programme ne vous dit rien, mettez-y fin : plus rien ne lui est envoyé."
    )


ACCESSES = (
    AccessKind(
        ApiKey,
        "/administration/api-keys",
        "Un programme a une clé du service",
        _of_key,
        _key_news,
    ),
    AccessKind(WebhookSource, "/administration/hooks", "Un service peut envoyer des adhésions", _of_sender),
    AccessKind(WebhookEndpoint, "/administration/pushes", "Un programme reçoit les évènements du service", _of_target),
)
