"""Sign-ins with the issuer that are under way in a browser: kept in its signed cookie, each used once."""

import secrets
from typing import TYPE_CHECKING, NamedTuple

from flask import session

from outreach.settings import Settings, listed
from outreach.web.ui.request import now

if TYPE_CHECKING:
    from outreach.oidc.issuer import Issuer

EXTENSION = "outreach.issuer"
FLOWS, LEAVE = "oidc", "oidc-bind"  # in the signed cookie
MOST, LONGEST_NEXT = 3, 300  # tabs at the same time, characters: a browser keeps cookies of 4 kB
MINUTES = 10
RETURN = "/sign-in/oidc/return"


class Flow(NamedTuple):
    """A sign-in that began. `next` is where it leads; `person` the account to bind, or 0; `invitation` a link's token.

    The nonce stands in the token that answers it, and the issuer gives one only for the verifier (PKCE).
    """

    state: str
    nonce: str
    verifier: str
    began: int
    next: str
    person: int
    invitation: str


def issuer_of(settings: Settings) -> "Issuer | None":
    """The issuer that these settings name, or None."""
    if not settings.oidc_issuer:
        return None
    from outreach.oidc.issuer import ClientSettings, Issuer  # noqa: PLC0415 - 3 MB, where an issuer is named

    client = ClientSettings(
        issuer=settings.oidc_issuer,
        id=settings.oidc_client_id,
        secret=settings.oidc_client_secret.get_secret_value(),
        scopes=settings.oidc_scopes,
        levels=tuple(listed(settings.oidc_acr)),
        claims=frozenset(claim for claim, _, _ in settings.role_rules),
        return_address=settings.address + RETURN,
    )
    return Issuer(client)


def begin(next_page: str, *, person: int = 0, invitation: str = "") -> Flow:
    """Begin a sign-in in this browser. The oldest of several is forgotten."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    led = next_page if len(next_page) <= LONGEST_NEXT else "/"
    flow = Flow(state, nonce, verifier, int(now().timestamp()), led, person, invitation)
    session[FLOWS] = [*map(list, _under_way()[1 - MOST :]), list(flow)]
    return flow


def under_way(state: str) -> Flow | None:
    """The sign-in with this state; None unless it began in this browser in the last ten minutes, and is not over."""
    return next((flow for flow in _under_way() if flow.state == state), None)


def take(state: str) -> Flow | None:
    """The sign-in with this state, which ends here; None when it did not begin in this browser, or is over."""
    taken = under_way(state)
    session[FLOWS] = [list(flow) for flow in _under_way() if flow.state != state]
    return taken


def allow_binding(user_id: int) -> None:
    """Note that this person has given the password, and may bind the account within ten minutes."""
    session[LEAVE] = [user_id, int(now().timestamp())]


def take_leave_to_bind() -> int:
    """The account that may be bound, once; 0 for none."""
    user_id, at = session.pop(LEAVE, (0, 0))
    return user_id if _is_recent(at) else 0


def _under_way() -> list[Flow]:
    return [flow for flow in (Flow(*kept) for kept in session.get(FLOWS, [])) if _is_recent(flow.began)]


def _is_recent(at: int) -> bool:
    return abs(now().timestamp() - at) < MINUTES * 60
