"""What the service says of itself: its guide, its letterhead, its public statements."""

from outreach.core.site._guide import START, guide_files, guide_page, search_guide
from outreach.core.site._letterhead import (
    NONE, SUBJECT, Letterhead, change_letterhead, current_letterhead, get_letterhead, lines_of, refuse_lines, shown_png,
)
from outreach.core.site._statements import (
    CONFORMITY, FIELDS, Conformity, PublicStatement, StatementKind, current_statement, field_labels, fit_field,
    missing_statements, refuse_to_come, statement_versions, write_statement,
)

__all__ = [
    "CONFORMITY", "FIELDS", "NONE", "START", "SUBJECT", "Conformity", "Letterhead", "PublicStatement", "StatementKind",
    "change_letterhead", "current_letterhead", "current_statement", "field_labels", "fit_field", "get_letterhead",
    "guide_files", "guide_page", "lines_of", "missing_statements", "refuse_lines", "refuse_to_come", "search_guide",
    "shown_png", "statement_versions", "write_statement",
]
