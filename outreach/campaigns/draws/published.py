"""A draw as it is published: all that a stranger needs to repeat it (docs/redraw.py), and nothing still secret."""

from typing import Any

from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt
from outreach.db import Session
from outreach.effect.draw import list_of
from outreach.errors import NotFound


def latest(session: Session, campaign: int) -> DrawAttempt:
    """The draw of a campaign (its key), or its last attempt where none is made. Raises NotFound without any."""
    attempt = drawn_list.draw_of(session, campaign) or next(iter(drawn_list.attempts_of(session, campaign)[::-1]), None)
    if attempt is None:
        raise NotFound(
            f"La campagne {campaign} n’a pas de tirage : choisissez trois départs à l’étape des dates, et soumettez-la."
        )
    return attempt


def of(session: Session, attempt: DrawAttempt) -> dict[str, Any]:
    """An attempt as JSON: numbers in hexadecimal, null while they are not revealed; FASE numbers in the order drawn."""
    order = {stratum.name: stratum for stratum in drawn_list.order_of(session, attempt)}
    strata = drawn_list.strata_of(session, attempt)
    return {
        "attempt": attempt.number,
        "commitment": attempt.commitment,
        "nonce": attempt.revealed_nonce,
        "approver_bytes": attempt.approver_bytes,
        "content_digest": attempt.content_digest,
        "seed": attempt.seed,
        "strata": [
            {
                "name": stratum.name,
                "order": list(order[stratum.name].order) if order else [],
                "departures": [list(departure) for departure in order[stratum.name].departures] if order else [],
            }
            for stratum in strata
        ],
        "outside": list(drawn_list.outside_of(session, attempt)),
        "content": drawn_list.plan_of(attempt),
        "list": list_of(strata),
    }
