"""The list of keys of programs: whose each is, what it lets see, until when, and when it served last."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.api_keys.models import ApiKey, KeyState
from outreach.columns import DATA, Column, Held, Kind
from outreach.db import Session


def columns(now: datetime) -> Sequence[Column[ApiKey]]:
    """The columns of the list, as of a moment."""
    return (
        Column("number", "Clé", lambda key: key.id, Kind.NUMBER, on=DATA),
        Column("name", "Programme", lambda key: key.name, sort=True),
        Column("state", "État", lambda key: key.state(now), sort=True),
        Column("sees", "Ce qu’elle voit", lambda key: key.sees, sort=True),
        Column("writing", "Droits", lambda key: key.writing, sort=True),
        Column("scope", "Limitée à", lambda key: key.scope, on=DATA),
        Column("made_at", "Faite le", lambda key: key.made_at, Kind.MOMENT, sort=True),
        Column("made_by", "Par", lambda key: key.made_by, Kind.PERSON, sort=True),
        Column("expires_at", "Expire le", lambda key: key.expires_at, Kind.MOMENT, sort=True),
        Column("last_used_at", "Dernier usage", lambda key: key.last_used_at, Kind.MOMENT, sort=True),
        Column("ended_at", "Terminée le", lambda key: key.ended_at, Kind.MOMENT, on=DATA),
        Column("ended_by", "Terminée par", lambda key: key.ended_by, Kind.PERSON, on=DATA),
    )


def listed(
    session: Session, names: Mapping[str, str], *, now: datetime, text: str = "", sort: str = ""
) -> Held[ApiKey]:
    """Every key, those that serve first, then the newest. `names` are those of persons."""
    order = list(KeyState)
    rows = sorted(session.scalars(select(ApiKey)), key=lambda key: (order.index(key.state(now)), -key.id))
    return Held(title="Clés de programmes", columns=columns(now), rows=rows, names=names, text=text, sort=sort)
