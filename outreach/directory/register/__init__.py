"""The register: its editions, what each changed, and what people report or correct about it."""

from outreach.directory.register._comparison import FIELD_LABELS, Change, ChangedItem, Difference, items_of
from outreach.directory.register._edition import COLUMNS, HEADERS, open_edition
from outreach.directory.register._edition_imports import (
    Editions, applied_editions, changes_of, derived_mailbox, known_authorities, last_import, waiting_editions,
    was_ever_filled,
)
from outreach.directory.register._name_corrections import (
    asked_again, correct_name, kind_of, name_correction, school_of, subject_in_history, told_of, withdraw_name,
)
from outreach.directory.register._school_reports import (
    LONGEST, Fate, SchoolReport, contradicted_reports, is_reported, list_reports, of_school, report_school,
    withdraw_report,
)

__all__ = [
    "COLUMNS", "FIELD_LABELS", "HEADERS", "LONGEST", "Change", "ChangedItem", "Difference", "Editions", "Fate",
    "SchoolReport", "applied_editions", "asked_again", "changes_of", "contradicted_reports", "correct_name",
    "derived_mailbox", "is_reported", "items_of", "kind_of", "known_authorities", "last_import", "list_reports",
    "name_correction", "of_school", "open_edition", "report_school", "school_of", "subject_in_history", "told_of",
    "waiting_editions", "was_ever_filled", "withdraw_name", "withdraw_report",
]
