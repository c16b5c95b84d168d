"""Experiments: departures drawn by lot, and the effect that they allow to measure."""

from outreach.campaigns.experiments._assignment import (
    AUDITED, Candidate, assigned_to, attempt_as_json, attempts_of, awaiting_departure, draw_of, find_mismatches,
    is_followed, latest_attempt, open_attempt, order_of, outside_of, plan_of, planned_departures, reveal_attempt,
    sizes_of, strata_of, submit_draw, void_attempt, window_of,
)
from outreach.campaigns.experiments._blinding import (
    UNDRAWN, EffectState, beside_counts, frozen_effect, is_drawn, lock_of, networks_drawn,
)
from outreach.campaigns.experiments._design import (
    DEPARTURES, GAPS, Json, Listed, Stratified, TwoByTwo, draw_refusals, effect_windows, stratify,
)
from outreach.campaigns.experiments._effects import (
    ProgrammeDraw, clue, compute_effect, draws_of, effect_for_page, effect_limits, effect_totals, for_note,
    freeze_effect, tables_of, told_frozen, told_of,
)
from outreach.campaigns.experiments._estimate import signed_points
from outreach.campaigns.experiments._grouping import group_strata
from outreach.campaigns.experiments._models import DrawAttempt

__all__ = [
    "AUDITED", "DEPARTURES", "GAPS", "UNDRAWN", "Candidate", "DrawAttempt", "EffectState", "Json", "Listed",
    "ProgrammeDraw", "Stratified", "TwoByTwo", "assigned_to", "attempt_as_json", "attempts_of", "awaiting_departure",
    "beside_counts", "clue", "compute_effect", "draw_of", "draw_refusals", "draws_of", "effect_for_page",
    "effect_limits", "effect_totals", "effect_windows", "find_mismatches", "for_note", "freeze_effect", "frozen_effect",
    "group_strata", "is_drawn", "is_followed", "latest_attempt", "lock_of", "networks_drawn", "open_attempt",
    "order_of", "outside_of", "plan_of", "planned_departures", "reveal_attempt", "signed_points", "sizes_of",
    "strata_of", "stratify", "submit_draw", "tables_of", "told_frozen", "told_of", "void_attempt", "window_of",
]
