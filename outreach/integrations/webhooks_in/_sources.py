"""Senders of joinings: made and ended by administrators, and found by the name in their address."""

import json
import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory.authorities import list_networks
from outreach.integrations import signatures
from outreach.integrations.webhooks_in._models import WebhookSource

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
UNFIT = "Nommez-le de 1 à 40 lettres minuscules, chiffres et tirets : ce nom est dans son adresse."

_SERVES = WebhookSource.ended_at.is_(None)


def make_source(
    session: Session,
    *,
    name: str,
    public_key: str,
    known: Collection[str],
    now: datetime,
    actor: str,
    programme: str = "",
) -> WebhookSource:
    """Let a service send joinings. `public_key` is `whpk_…`, '' where it signs by the shared secret; `known` are the
    codes of the networks it knows all joinings of. What it sends is of the `programme` with this code, or of the only
    one there is.

    Raises InputError on a name, a key or a network that will not do, Refused where the name was used before, and where
    another one that may send has the key: what is signed does not say whom it is for. Raises Refused, too, where it
    names none of several programmes, and NotFound for an unknown one.
    """
    if not NAME.fullmatch(name):
        raise InputError(UNFIT)
    key = signatures.public_key(public_key) if public_key.strip() else None
    offered = [network.code for network in list_networks(session)]
    if unknown := set(known) - set(offered):
        raise InputError(f"Réseau inconnu : {', '.join(sorted(unknown))[:100]}.")
    about = programmes.get_programme(session, programme) if programme or programmes.all_programmes(session) else None
    take_lock(session, "hook-senders")
    if session.scalar(select(WebhookSource.id).where(WebhookSource.name == name)) is not None:
        raise Refused(f"« {name} » est ou a été le nom d’un service : donnez un autre nom.")
    if (
        key is not None
        and session.scalar(select(WebhookSource.id).where(_SERVES, WebhookSource.public_key == key)) is not None
    ):
        raise Refused("Un autre service signe par cette clé : ce qu’il envoie vaudrait aussi sous ce nom-ci.")
    of = json.dumps([code for code in offered if code in known], ensure_ascii=False)
    made = WebhookSource(
        name=name,
        public_key=key,
        salt=secrets.token_hex(32),
        networks=of,
        made_at=now,
        made_by=actor,
        programme_id=about.id if about else None,
    )
    session.add(made)
    session.flush()
    how = "par sa clé publique" if key else "par un secret partagé"
    audit.record_entry(
        session, now, actor, f"Service {made.id} (« {name} ») autorisé à envoyer, signé {how}.", made.actor
    )
    return made


def end_source(session: Session, number: int, *, now: datetime, actor: str) -> WebhookSource:
    """Take nothing of a sender any more. Raises NotFound, or Refused where that is so already."""
    take_lock(session, "hook-senders")
    found = get_source(session, number)
    if found.ended_at is not None:
        raise Refused("Ce service n’envoie déjà plus.")
    found.ended_at, found.ended_by = now, actor
    audit.record_entry(session, now, actor, f"Service {found.id} (« {found.name} ») n’envoie plus.", found.actor)
    return found


def get_source(session: Session, number: int) -> WebhookSource:
    """The sender with this number. Raises NotFound."""
    found = session.get(WebhookSource, number)
    if found is None:
        raise NotFound("Ce service n’existe pas.")
    return found


def get_source_named(session: Session, name: str) -> WebhookSource | None:
    """The sender of this name that may send, or None."""
    query = select(WebhookSource).where(WebhookSource.name == name, _SERVES)
    return session.scalar(query)


def programme_of(session: Session, sender: WebhookSource) -> Programme | None:
    """The programme that a sender's joinings are of: its own, or the only one there is; None where none is loaded.

    Raises SeveralProgrammes where it was made before there was one, and there are several.
    """
    return sender.programme or (programmes.get_programme(session) if programmes.all_programmes(session) else None)


def all_sources(session: Session) -> Sequence[WebhookSource]:
    """Every sender, those that send first, by name."""
    return session.scalars(
        select(WebhookSource).order_by(WebhookSource.ended_at.is_not(None), WebhookSource.name)
    ).all()
