"""A programme that was stated by mistake: it may be taken away, as long as nothing stands on it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select

from outreach.adherence import programmes
from outreach.adherence.models import Prerequisite, Programme, Strand
from outreach.adherence.programmes import tell_programme
from outreach.core import audit
from outreach.core.db import Base, Session, take_lock
from outreach.core.text.errors import Refused
from outreach.reports.notes import AskedNote, NoteDraft

REFUSED = "Quelque chose repose sur ce programme ({}) : il ne se retire pas. Pour y mettre fin, fermez ses volets."


def uses(session: Session, programme: Programme) -> list[str]:
    """What stands on a programme, in French: while there is anything, it stays."""
    numbers = sorted(programmes.in_use(session, programme))
    found = [f"volet {number} : statuts, campagnes ou courriels" for number in numbers]
    if any(session.scalar(query) for query in _pointing(programme)):
        found.append("une note, une liste d’adhésions, ou un service qui en envoie")
    asked = [*session.scalars(select(NoteDraft.request)), *session.scalars(select(AskedNote.request))]
    if any(json.loads(text).get("programme") == programme.code for text in asked):
        found.append("un brouillon de note, ou une note demandée")
    return found


def remove(session: Session, programme: Programme, *, now: datetime, actor: str) -> str:
    """Take a programme away with its strands and their conditions; returns its name. Raises Refused where it is used.

    Programs are told that it has no strand any more.
    """
    take_lock(session, "programmes")
    if found := uses(session, programme):
        raise Refused(REFUSED.format(" ; ".join(found)))
    name, code, keys = programme.name, programme.code, programme.strand_keys
    session.execute(delete(Prerequisite).where(Prerequisite.strand_id.in_(keys)))
    session.execute(delete(Strand).where(Strand.id.in_(keys)))
    session.execute(delete(Programme).where(Programme.id == programme.id))
    session.expire_all()
    tell_programme(session, {"code": code, "name": name, "strands": [], "prerequisites": []}, now=now)
    audit.record_entry(
        session, now, actor, f"Programme « {name} » retiré : rien ne reposait sur lui.", f"programme:{code}"
    )
    return name


def _pointing(programme: Programme) -> Iterator[Select[Any]]:
    """A query for a row of each table that names the programme itself; its strands do not count."""
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name == Programme.__tablename__ and table.name != Strand.__tablename__:
                yield select(key.parent).where(key.parent == programme.id).limit(1)
