"""Scopes: what a federation or a network may see, by views that stand before the tables."""

from outreach.access.scopes._engine import examine_role, info_of, scoped_database
from outreach.access.scopes._policy import AccessScope, ScopeKind
from outreach.access.scopes._wording import (
    authorities_in_words, members_in_words, of_federation, of_network, of_schools, of_session,
)

__all__ = [
    "AccessScope", "ScopeKind", "authorities_in_words", "examine_role", "info_of", "members_in_words", "of_federation",
    "of_network", "of_schools", "of_session", "scoped_database",
]
