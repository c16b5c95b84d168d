"""Asks the issuer for a small JSON document: within some seconds, of limited size, without following anywhere."""

import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from outreach.access.oidc.claims import Refusal, SignInRefused
from outreach.core.connections import cut_after

STEP_SECONDS = 4.0  # to connect, and between two pieces of the answer
WHOLE_SECONDS = 8.0  # from the connection to the last piece
MOST_BYTES = 256_000


@dataclass(frozen=True, slots=True)
class IssuerReply:
    """What the issuer answered: the status, and a JSON object."""

    status: int
    document: dict[str, Any]


def fetch(url: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> IssuerReply:
    """The answer to a GET, or to a POST when there is a body. A redirect is an answer as any other.

    Raises SignInRefused when there is no answer in time, or none that is a JSON object of at most 256 kB.
    """
    parts = urlsplit(url)
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    named = {"Accept": "application/json", **(headers or {})}
    try:
        with closing(_connection(parts.scheme, parts.hostname or "", parts.port)) as connection:
            connection.connect()
            with cut_after(WHOLE_SECONDS, connection.sock):
                connection.request("GET" if body is None else "POST", target, body, named)
                with connection.getresponse() as response:
                    given = response.read(MOST_BYTES + 1)
        document = json.loads(given) if len(given) <= MOST_BYTES else None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise SignInRefused(Refusal.AWAY) from error
    if not isinstance(document, dict):
        raise SignInRefused(Refusal.AWAY)
    return IssuerReply(response.status, document)


def _connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=STEP_SECONDS, context=ssl.create_default_context())
    return HTTPConnection(host, port, timeout=STEP_SECONDS)
