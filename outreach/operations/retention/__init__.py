"""Retention: how long each table keeps what, erasure of a person, and the register of processing."""

from outreach.operations.retention._deletion import Archives, count_over, forget_by_rule
from outreach.operations.retention._erasure import (
    ErasurePlan, carry_out, count_waiting, erasure_in_words, plan_erasure, replay_erasures,
)
from outreach.operations.retention._person_data import Known, export_person, known_of, named_by_number
from outreach.operations.retention._person_report import (
    MOST_ROWS, KnownTable, pdf_of, readable_tables, table_place, table_title,
)
from outreach.operations.retention._policy import (
    GROUPS, KEPT, OF_SERVICE, RULES, Retention, Rhythm, change_rule, in_force, rule_history, rule_named,
)
from outreach.operations.retention._processing_register import describe_processing, write_register

__all__ = [
    "GROUPS", "KEPT", "MOST_ROWS", "OF_SERVICE", "RULES", "Archives", "ErasurePlan", "Known", "KnownTable", "Retention",
    "Rhythm", "carry_out", "change_rule", "count_over", "count_waiting", "describe_processing", "erasure_in_words",
    "export_person", "forget_by_rule", "in_force", "known_of", "named_by_number", "pdf_of", "plan_erasure",
    "readable_tables", "replay_erasures", "rule_history", "rule_named", "table_place", "table_title", "write_register",
]
