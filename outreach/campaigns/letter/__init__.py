"""A campaign's letter: its merge fields, their values, and the letters composed from it."""

from outreach.campaigns.letter._composing import (
    Alike, Composer, RecipientFacts, WordsGone, as_read, as_shown, asked_about_themselves, facts_of, filled_again,
    for_paper, had_letter_of, sender_of, subject_read, subjects_kept,
)
from outreach.campaigns.letter._field_values import Facts, Shared, contact_of, escape_letter_words, schools_in_letter
from outreach.campaigns.letter._links import ANSWER, IN_TEXT
from outreach.campaigns.letter._merge_fields import CHIPS, FIELDS, GROUPS, KINDS, Field, field_chip, sample_values
from outreach.campaigns.letter._passages import Passage, add_variant, split_passages
from outreach.campaigns.letter._snapshot import (
    SENDER, LetterSnapshot, SenderIdentity, WrittenLetter, bare_letter, compile_snapshot, freeze_letter, head_of,
    head_on_paper, layouts, refuse_unfit, refuse_unreadable, replies_to, shared_headers_json, shared_headers_of,
)

__all__ = [
    "ANSWER", "CHIPS", "FIELDS", "GROUPS", "IN_TEXT", "KINDS", "SENDER", "Alike", "Composer", "Facts", "Field",
    "LetterSnapshot", "Passage", "RecipientFacts", "SenderIdentity", "Shared", "WordsGone", "WrittenLetter",
    "add_variant", "as_read", "as_shown", "asked_about_themselves", "bare_letter", "compile_snapshot", "contact_of",
    "escape_letter_words", "facts_of", "field_chip", "filled_again", "for_paper", "freeze_letter", "had_letter_of",
    "head_of", "head_on_paper", "layouts", "refuse_unfit", "refuse_unreadable", "replies_to", "sample_values",
    "schools_in_letter", "sender_of", "shared_headers_json", "shared_headers_of", "split_passages", "subject_read",
    "subjects_kept",
]
