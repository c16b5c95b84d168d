"""Authorities: search, lists, and the sheet of one of them."""

from outreach.directory.authorities._calls import Call, call_events, record_call, withdraw_recorded_call
from outreach.directory.authorities._known_numbers import fase_numbers
from outreach.directory.authorities._search import (
    BY_NAME, LONGEST_SEARCH, REGISTERED, Filters, ListedRow, ReachFilter, authorities_called, authority_columns,
    count_authorities, find, is_named, list_authorities, list_federations, list_municipalities, list_networks,
    list_representing, list_where, list_zones, narrow_by_name, resolve_text,
)
from outreach.directory.authorities._sheet import (
    ListedSchool, PastEvent, authority_by_fase, authority_history, list_schools, represented_by, school_by_fase,
)

__all__ = [
    "BY_NAME", "LONGEST_SEARCH", "REGISTERED", "Call", "Filters", "ListedRow", "ListedSchool", "PastEvent",
    "ReachFilter", "authorities_called", "authority_by_fase", "authority_columns", "authority_history", "call_events",
    "count_authorities", "fase_numbers", "find", "is_named", "list_authorities", "list_federations",
    "list_municipalities", "list_networks", "list_representing", "list_schools", "list_where", "list_zones",
    "narrow_by_name", "record_call", "represented_by", "resolve_text", "school_by_fase", "withdraw_recorded_call",
]
