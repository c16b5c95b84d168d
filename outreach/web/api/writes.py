"""The one thing that programs write: statuses of schools, as a joining list that staff undo as any other."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from flask import Response, g, request

from outreach.adherence import programmes
from outreach.adherence.imports import JoiningLists, JoiningPlan, StatedJoining, open_joinings, stated_coverage
from outreach.adherence.models import Coverage, JoiningList
from outreach.core import tables
from outreach.core.db import Session
from outreach.core.tables import Opened
from outreach.core.text.errors import InputError, Refused
from outreach.integrations import idempotency
from outreach.integrations.idempotency import NamedWrite
from outreach.reports import notes
from outreach.web.api.blueprint import holder, pages
from outreach.web.api.limits import Room
from outreach.web.api.shapes import JoiningSent, JoiningsOutput, JoiningsSent, Nothing
from outreach.web.api.specification import WRITTEN, answers, body_as
from outreach.web.ui import errors
from outreach.web.ui.request import current_day, database, now, reading

HEADER = "Idempotency-Key"
TRIES = 3  # where something else is recorded between the comparison and the list
HOUR = int(timedelta(hours=1).total_seconds())
WITHOUT_NAME = (
    "Donnez un « Idempotency-Key » de 1 à 255 signes ASCII, nouveau à chaque envoi : le même envoi répété "
    "dans les 24 heures n’est alors fait qu’une fois."
)


@pages.post("/adherence-lists")
@answers("sendAdherenceList", JoiningsOutput, Nothing, body=JoiningsSent, faults=WRITTEN)
def send_joinings() -> Response:
    """Enregistre des statuts d’écoles, comme une liste d’adhésions ; le personnel peut l’annuler.

    Tous les volets sont d’un même programme, à nommer par son code dès qu’il y en a plusieurs.
    Il faut une clé qui a le droit d’écrire ; toute autre reçoit 403, et rien n’est enregistré.
    « dry_run » dit ce que la liste changerait, et quelles notes elle contredit, sans rien enregistrer. Une ligne qui ne
    peut pas être lue est laissée de côté, et dite. Le même « Idempotency-Key » reçoit la même réponse
    pendant 24 heures, et 409 pour un autre contenu.
    """
    sent, name = body_as(JoiningsSent), _name()
    if sent.dry_run:
        return _answer(_foreseen(sent))
    # Without a programme, as before it could be named: a write that is repeated across the upgrade is the same.
    content = sent.model_dump_json(exclude={"dry_run", *(() if sent.programme else ("programme",))}).encode()
    asked = NamedWrite(holder().id, name, hashlib.sha256(content).hexdigest())
    with reading() as session:
        before = idempotency.answered(session, asked, now=now())
        left, seconds = idempotency.left(session, asked.key, now=now())
    if before is not None:
        return _answer(before)
    g.api_room = Room("writes", idempotency.MOST, HOUR, left - 1, seconds)
    if left <= 0:
        said = "Cette clé a écrit trop de fois en une heure : envoyez plus de lignes à la fois, et moins souvent."
        return errors.answer(429, said, {"Retry-After": str(seconds)})
    return _answer(_taken(sent, asked))


def _foreseen(sent: JoiningsSent) -> str:
    """What a list would change; nothing is recorded."""
    kind, of = JoiningLists(current_day(), notes.by_list), _opened(sent)
    with reading() as session:
        return _told(
            None, tables.judge_import(session, kind, tables.draft_import(kind, of, **_facts(session, sent))).plan
        )


def _taken(sent: JoiningsSent, asked: NamedWrite) -> str:
    """Take a list over, once; returns the answer. Raises Refused where what is known changes again and again."""
    kind, of = JoiningLists(current_day(), notes.by_list), _opened(sent)
    for _ in range(TRIES):
        with reading() as session:
            facts = _facts(session, sent)
            judged = tables.judge_import(session, kind, tables.draft_import(kind, of, **facts))
        with database().writing() as session:
            idempotency.take_turn(session, asked)
            if (before := idempotency.answered(session, asked, now=now())) is not None:
                return before
            received: JoiningList | None = None
            if not judged.plan.nothing:
                kind.hold(session)
                if judged.basis != kind.basis(session, tables.draft_import(kind, of, **facts)):
                    continue
                received = tables.receive_import(session, kind, of, now=now(), actor=holder().actor, **facts)
                tables.apply_import(session, kind, received, judged, now=now(), actor=holder().actor)
            answer = _told(received, judged.plan)
            idempotency.keep(session, asked, answer, now=now())
            return answer
    raise Refused(tables.CHANGED)


def _facts(session: Session, sent: JoiningsSent) -> dict[str, Any]:
    """What a list is about, and what it is complete for."""
    return {"programme_id": programmes.get_programme(session, sent.programme).id, "coverage": _covered(session, sent)}


def _covered(session: Session, sent: JoiningsSent) -> Coverage | None:
    """What a list is complete for. Raises Refused on a day to come and on a network that there is not."""
    try:
        return stated_coverage(session, sent.complete_until, sent.covers, current_day())
    except InputError as fault:  # not of the form, which was read, but of what there is now
        raise Refused(str(fault)) from None


def _opened(sent: JoiningsSent) -> Opened:
    return open_joinings([_stated(one) for one in sent.items], holder().name)


def _stated(one: JoiningSent) -> StatedJoining:
    return StatedJoining(one.school, one.strand, one.status, one.day, one.source, one.reason)


def _told(received: JoiningList | None, plan: JoiningPlan) -> str:
    more = {
        "notes": [note.for_programs() for note in plan.notes],
        "rejected": [{"row": one.row, "field": one.field, "message": one.message} for one in plan.rejected],
    }
    values = {"id": received.id if received else None, **plan.summary(), **more}
    return json.dumps(values, ensure_ascii=False)


def _answer(told: str) -> Response:
    return Response(told, content_type="application/json")


def _name() -> str:
    name = request.headers.get(HEADER, "")
    if not (0 < len(name) <= idempotency.LONGEST_NAME and name.isascii() and name.isprintable()):
        raise InputError(WITHOUT_NAME)
    return name
