"""Letters as mail: their language and text, their message, their signature, the tokens of their links."""

from outreach.delivery.letters._compiled_letters import (
    Filled, Filling, Letter, LetterText, Pattern, Repeat, Rows, Value, letter_body, one_line,
)
from outreach.delivery.letters._language import (
    ELSE, END, MARKS_OF_CHOICE, FieldKind, Marks, Run, Slot, fields_of, parse_line, refuse_excess,
)
from outreach.delivery.letters._markdown import FONT, LINK, addresses_of_links, list_links, mark_links, render_run
from outreach.delivery.letters._mime import (
    Inline, Mailbox, Personal, SharedHeaders, assemble_message, lines_end, message_id,
)
from outreach.delivery.letters._paper_form import blocks_of
from outreach.delivery.letters._seen import NONCE_BYTES, FormKind, Seen, new_seal, read_seal
from outreach.delivery.letters._tokens import (
    INERT, IN_TEXT, LENGTH, LIVE_KEYS, Keys, Token, TokenKind, code_of, digest_of, hide_tokens, read_code,
)
from outreach.delivery.letters._wording import DEADLINE_FIELD, FIELD_OR_ADDRESS, LONGEST_SUBJECT, TAG, wording_remarks

__all__ = [
    "DEADLINE_FIELD", "ELSE", "END", "FIELD_OR_ADDRESS", "FONT", "INERT", "IN_TEXT", "LENGTH", "LINK", "LIVE_KEYS",
    "LONGEST_SUBJECT", "MARKS_OF_CHOICE", "NONCE_BYTES", "TAG", "FieldKind", "Filled", "Filling", "FormKind", "Inline",
    "Keys", "Letter", "LetterText", "Mailbox", "Marks", "Pattern", "Personal", "Repeat", "Rows", "Run", "Seen",
    "SharedHeaders", "Slot", "Token", "TokenKind", "Value", "addresses_of_links", "assemble_message", "blocks_of",
    "code_of", "digest_of", "fields_of", "hide_tokens", "letter_body", "lines_end", "list_links", "mark_links",
    "message_id", "new_seal", "one_line", "parse_line", "read_code", "read_seal", "refuse_excess", "render_run",
    "wording_remarks",
]
