"""The blueprint of the interface: whose key it is, how many requests it has left, and what every answer bears."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, request

from outreach.adherence.programmes import SeveralProgrammes
from outreach.core.db import NO_ANSWER, Database
from outreach.core.tables import QueryListing, Row
from outreach.core.text.errors import InputError
from outreach.integrations import api_keys
from outreach.integrations.api_keys import ApiKey
from outreach.web.api import resources, shapes
from outreach.web.api.limits import Reads, Room
from outreach.web.api.shapes import PageQuery
from outreach.web.ui import errors
from outreach.web.ui.request import READS, database, end_reading, inert, now, reading

pages = Blueprint("api", __name__, url_prefix="/api/v1")
OPEN = {"api.openapi", "api.contents"}  # what says how the interface is used, and nothing that the service knows
SCOPED = {  # to keys of a federation or a network: each view by its name, and no other
    *("api.current_situation", "api.situation_difference", "api.networks", "api.programmes", "api.authorities"),
    *("api.schools", "api.notes", "api.adherence_records", "api.campaigns", "api.campaign"),
}
CLOSED = (
    "Une clé de fédération ou de réseau lit la situation, les réseaux, les programmes, les pouvoirs organisateurs, "
    "leurs écoles, les statuts, les campagnes et les notes publiées, pour ses membres ; elle n’écrit rien. Pour le "
    "reste, demandez à l’administration du service une clé qui voit tout."
)
CLOSED_FEED = (
    "Le fil des évènements n’a de sens que pour qui voit tout : ses numéros comptent les évènements de tous, et vos "
    "membres changent. Lisez /api/v1/adherence-records, dont l’ordre est stable."
)
BEARER = "Bearer "
READS_ONLY = (
    "Cette clé lit et n’écrit pas : rien n’est enregistré. Demandez à l’administration du service une clé qui écrit, "
    "qu’elle fait dans « Accès des logiciels »."
)
WITHOUT_KEY = "Donnez une clé en service : « Authorization: Bearer … ». L’administration du service en fait."
TOO_MANY = "Cette clé a trop demandé en une minute. Attendez le nombre de secondes que dit « Retry-After »."
COUNTED = Reads()


@pages.before_request
def admit() -> Response | None:
    """Admit a request whose key serves, and has requests left. 401 or 429 else."""
    if request.endpoint in OPEN:
        return None
    header = request.headers.get("Authorization", "")
    with reading() as session:
        key = api_keys.shown(session, header[len(BEARER) :].strip(), now=now()) if _is_bearer(header) else None
    if key is None:
        return errors.answer(401, WITHOUT_KEY, {"WWW-Authenticate": "Bearer"})
    g.api_key = key
    room = g.api_room = COUNTED.take(key.id)  # of a write, too, which leaves no row where it is refused
    if room.left < 0:
        return errors.answer(429, TOO_MANY, {"Retry-After": str(room.seconds)})
    if closed := _closed(key):
        return errors.answer(403, closed)
    if key.access_scope is not None:
        end_reading()  # which found the key, and sees everything
        g.scope = key.access_scope
    if request.method not in READS and not request.is_json:
        return errors.answer(415)
    if request.method not in READS:
        _read_body()
    return None


@pages.errorhandler(SeveralProgrammes)
def say_codes(several: SeveralProgrammes) -> Response:
    """Say of which programmes one has to be named, for a program to choose."""
    return errors.answer(409, str(several), programmes=[*several.codes])


@pages.after_request
def finish(response: Response) -> Response:
    """Say what is left of the limit, let a program ask whether an answer is still the same, note the key's use."""
    room: Room | None = g.get("api_room")
    if room is not None:
        response.headers.update(room.headers)
    if response.status_code == 200 and request.method in READS:
        response.headers["Cache-Control"] = "private, no-cache"
        # Weak: the same answer may leave compressed or not (RFC 9110, §8.8.1).
        response.add_etag(weak=True)
        response.make_conditional(request)
    key: ApiKey | None = g.get("api_key")
    if key is not None and api_keys.is_use_due(key, now=now()):
        # After the answer: a request that only reads writes nothing, and waits for no writer.
        response.call_on_close(partial(_note_use, database(), key.id, now()))
    return response


def _closed(key: ApiKey) -> str:
    """Why a key may not ask this; '' where it may."""
    if key.access_scope is not None and request.endpoint not in SCOPED:
        return CLOSED_FEED if request.endpoint == "api.events" else CLOSED
    return READS_ONLY if request.method not in READS and not key.writes else ""


def _read_body() -> None:
    """Read a body as JSON, once. Raises InputError on more levels than can be read; its view judges any other fault."""
    try:
        request.get_json(silent=True)
    except RecursionError:
        raise InputError("Ce qui est envoyé a trop de niveaux. Voyez /api/v1/openapi.json.") from None


def _is_bearer(header: str) -> bool:
    return header[: len(BEARER)].casefold() == BEARER.casefold()


def _note_use(of: Database, key: int, at: datetime) -> None:
    try:
        with of.writing() as session:
            api_keys.note_use(session, key, now=at)
    except NO_ANSWER as fault:
        of.note_fault(fault)


def holder() -> ApiKey:
    """The key of this request."""
    key: ApiKey = g.api_key
    return key


def told(value: Mapping[str, Any]) -> Response:
    """An answer, in which no link of a letter works."""
    text = json.dumps(value, ensure_ascii=False, default=_written)
    return Response(inert(text), content_type="application/json")


def _written(value: object) -> str:
    """A moment, or a day, as RFC 3339 writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    assert isinstance(value, date), value  # noqa: S101 - nothing else is told
    return value.isoformat()


def page_of(listing: QueryListing[Row], asked: PageQuery, resource: Callable[[Row], resources.Resource]) -> Response:
    """A page of a listing, each row as a resource."""
    rows, last = listing.following(shapes.read(asked.cursor), asked.limit)
    return told(resources.every([resource(row) for row in rows], shapes.written(last)))
