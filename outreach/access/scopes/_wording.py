"""Whose figures a scope counts, in French: the one place that pages, files, charts and programs have these words from.

A session knows its own scope, so that nothing that counts through it has to be told.
"""

from outreach.access.scopes._policy import AccessScope, ScopeKind
from outreach.core.db import Session
from outreach.core.db.bulk import SCOPE

FEDERATION_NAMES = {"FELSI": "de la FELSI"}


def of_session(session: Session) -> AccessScope | None:
    """Whose members a session sees alone; None where it sees all rows."""
    scope: AccessScope | None = session.get_bind().get_execution_options().get(SCOPE)
    return scope


def of_federation(code: str) -> str:
    """A federation after a noun: « du SeGEC »."""
    return FEDERATION_NAMES.get(code, f"du {code}")


def of_network(label: str) -> str:
    """A network after a noun: « du réseau WBE », « du réseau libre confessionnel »."""
    # A capital stays only where it begins an acronym.
    return f"du réseau {label if label[1:2].isupper() else label[:1].lower() + label[1:]}"


def members_in_words(scope: AccessScope | None, count: int = 2) -> str:
    """What follows so many « pouvoirs organisateurs »: « membres du SeGEC », « du réseau WBE »; '' without a scope."""
    if scope is None:
        return ""
    if scope.kind is ScopeKind.NETWORK:
        return of_network(scope.code)
    return f"{'membre' if count < 2 else 'membres'} {of_federation(scope.code)}"


def authorities_in_words(scope: AccessScope | None) -> str:
    """« pouvoirs organisateurs membres du SeGEC »; '' without a scope."""
    return f"pouvoirs organisateurs {members_in_words(scope)}" if scope else ""


def of_schools(scope: AccessScope | None) -> str:
    """What follows « écoles », with its space: « des pouvoirs organisateurs membres du SeGEC »; '' without a scope."""
    return f" des {authorities_in_words(scope)}" if scope else ""
