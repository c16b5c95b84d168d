"""Approvals: a second person decides about what another one wrote, in one dated table for all that is approved."""

from outreach.access.approvals._decisions import (
    APPROVING, NOWHERE, Content, Decision, DecisionKind, DecisionWords, Delegate, Extent, Thing, agreed_words,
    awaiting_approval, decision_history, has_a_hand, is_returned, last_approver, last_decision, may_decide,
    record_decision, refuse_another, refuse_unawaited, require_second_person, standing_approval, writers_of,
)
from outreach.access.approvals._delegates import (
    delegation_in_words, end_delegation, name_delegate, named_by, of_absent, of_deputy, told_for,
)
from outreach.access.approvals._text_diff import Rewording, compare_texts

__all__ = [
    "APPROVING", "NOWHERE", "Content", "Decision", "DecisionKind", "DecisionWords", "Delegate", "Extent", "Rewording",
    "Thing", "agreed_words", "awaiting_approval", "compare_texts", "decision_history", "delegation_in_words",
    "end_delegation", "has_a_hand", "is_returned", "last_approver", "last_decision", "may_decide", "name_delegate",
    "named_by", "of_absent", "of_deputy", "record_decision", "refuse_another", "refuse_unawaited",
    "require_second_person", "standing_approval", "told_for", "writers_of",
]
