"""Replies on the page of a letter: kinds of answers, their records, their effects, and the inbox."""

from outreach.engagement.replies._inbox import (
    EffectChanged, act_on_all, act_on_response, declared_still, effect_of, effects_of, hand_all_over,
    hand_over_response, may_reopen_response, owned_by, recall_response, reopen_response, response_numbered,
    set_response_aside, take_response, take_turns_of, tickable_responses,
)
from outreach.engagement.replies._inbox_list import (
    all_responses, awaiting_responses, count_recalls, count_trays, list_responses, oldest_waiting, rows_for,
)
from outreach.engagement.replies._kinds import OF_SCHOOLS, REQUESTS, Action, Answer, FollowUp, Tray
from outreach.engagement.replies._models import (
    LONGEST_NAME, REPLACED, Acknowledgement, FormState, MailedResponse, QuickForm, Respondent, Response, ResponseSchool,
    ResponseStep, SentForm, StepKind, WithdrawalReason, actor_of, add_step, follow_up, known_names, mailbox_addresses,
    steps_of,
)
from outreach.engagement.replies._recording import (
    BY_MAIL, TURN, Earlier, Given, Question, answered_address, authorities_that_answered, changed_answers,
    earlier_answers, give_answers, is_a_reaction, question_of, repeats_answers,
)
from outreach.engagement.replies._sent_forms import (
    FormVerdict, ReceivedForm, count_to_verify, form_at, form_of, judge_form, list_sent_forms, to_verify,
)
from outreach.engagement.replies._sheets import (
    ANSWER, BIGGEST, FASE, HEADERS, SCHOOL, TOO_BIG, AnswerList, AnswerLists, NoSheet, apply_sheet, begin_sheet,
    keep_sheet, narrow_grid, of_letter, open_sheet,
)
from outreach.engagement.replies._undoing import undo_form

__all__ = [
    "ANSWER", "BIGGEST", "BY_MAIL", "FASE", "HEADERS", "LONGEST_NAME", "OF_SCHOOLS", "REPLACED", "REQUESTS", "SCHOOL",
    "TOO_BIG", "TURN", "Acknowledgement", "Action", "Answer", "AnswerList", "AnswerLists", "Earlier", "EffectChanged",
    "FollowUp", "FormState", "FormVerdict", "Given", "MailedResponse", "NoSheet", "Question", "QuickForm",
    "ReceivedForm", "Respondent", "Response", "ResponseSchool", "ResponseStep", "SentForm", "StepKind", "Tray",
    "WithdrawalReason", "act_on_all", "act_on_response", "actor_of", "add_step", "all_responses", "answered_address",
    "apply_sheet", "authorities_that_answered", "awaiting_responses", "begin_sheet", "changed_answers", "count_recalls",
    "count_to_verify", "count_trays", "declared_still", "earlier_answers", "effect_of", "effects_of", "follow_up",
    "form_at", "form_of", "give_answers", "hand_all_over", "hand_over_response", "is_a_reaction", "judge_form",
    "keep_sheet", "known_names", "list_responses", "list_sent_forms", "mailbox_addresses", "may_reopen_response",
    "narrow_grid", "of_letter", "oldest_waiting", "open_sheet", "owned_by", "question_of", "recall_response",
    "reopen_response", "repeats_answers", "response_numbered", "rows_for", "set_response_aside", "steps_of",
    "take_response", "take_turns_of", "tickable_responses", "to_verify", "undo_form",
]
