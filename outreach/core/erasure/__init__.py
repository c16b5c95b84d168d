"""Addresses that were erased: their digests, and the words that are taken out of every table."""

from outreach.core.erasure._digests import (
    CLOSED, OTHER_KEY, DigestLine, ErasedAddresses, Erasure, add_erasure, carry_erasures, digest_of, digests_of,
    erasure_key, info_of, is_mark, is_open, mark_of, read_erasures, refuse_closed, refuse_other_key, sign_of,
)
from outreach.core.erasure._words import (
    Key, Redaction, addresses_in, find_words, fold_words, is_row, keys_with, replace_words, row_key, taken_from,
    texts_of,
)

__all__ = [
    "CLOSED", "OTHER_KEY", "DigestLine", "ErasedAddresses", "Erasure", "Key", "Redaction", "add_erasure",
    "addresses_in", "carry_erasures", "digest_of", "digests_of", "erasure_key", "find_words", "fold_words", "info_of",
    "is_mark", "is_open", "is_row", "keys_with", "mark_of", "read_erasures", "refuse_closed", "refuse_other_key",
    "replace_words", "row_key", "sign_of", "taken_from", "texts_of",
]
