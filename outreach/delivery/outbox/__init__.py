"""The outbox: who gets which letter, what became of it, and who gets no mail any more."""

from outreach.delivery.outbox._listing import (
    LetterOutcome, Recipient, cause_in_words, cause_of_state, has_outcome, list_letters, outcome_in, outcome_of,
    to_authority, tried_again,
)
from outreach.delivery.outbox._outbox import (
    DOUBT_RESTS, LEFT, Proof, Tally, authorities_meant_by, authorities_written_since, awaiting_resend, by_state,
    count_as_accepted, doubt_the_abandoned, doubtful_letters, due_in_transit, has_left, is_test, mailboxes_solicited,
    mailing_subject, mailings_received, message_named, opened_by, recent_states, requeue_withdrawn, resend_the_doubtful,
    set_gate, tally_mailings, under_way, withdraw_all, withdraw_letters, withdraw_queued, withdraw_stranded,
)
from outreach.delivery.outbox._outcomes import (
    NO_SUCH_DOMAIN, NO_SUCH_MAILBOX, POLICY, Settled, come_back, is_out, record_outcomes, rest_of,
)
from outreach.delivery.outbox._recipients import (
    IS_DUE_OF_BATCH, Addressee, Composed, Due, due_in, due_of, listed_by_mailbox, listed_schools, put_recipients,
    schools_named_in,
)
from outreach.delivery.outbox._resending import (
    Spared, count_failed, count_rested, resend_rested, resendable_from, retry_failed,
)
from outreach.delivery.outbox._suppressions import (
    Excluded, count_suppressions, get_suppression, in_force, is_suppressed, lift_suppression, list_suppressions,
    stops_the_letter, subscribe_again, suppress_address, suppressed_among, suppression_subject, unsubscribe_letter,
    unsubscribed_at, vouch_for_address,
)

__all__ = [
    "DOUBT_RESTS", "IS_DUE_OF_BATCH", "LEFT", "NO_SUCH_DOMAIN", "NO_SUCH_MAILBOX", "POLICY", "Addressee", "Composed",
    "Due", "Excluded", "LetterOutcome", "Proof", "Recipient", "Settled", "Spared", "Tally", "authorities_meant_by",
    "authorities_written_since", "awaiting_resend", "by_state", "cause_in_words", "cause_of_state", "come_back",
    "count_as_accepted", "count_failed", "count_rested", "count_suppressions", "doubt_the_abandoned",
    "doubtful_letters", "due_in", "due_in_transit", "due_of", "get_suppression", "has_left", "has_outcome", "in_force",
    "is_out", "is_suppressed", "is_test", "lift_suppression", "list_letters", "list_suppressions", "listed_by_mailbox",
    "listed_schools", "mailboxes_solicited", "mailing_subject", "mailings_received", "message_named", "opened_by",
    "outcome_in", "outcome_of", "put_recipients", "recent_states", "record_outcomes", "requeue_withdrawn",
    "resend_rested", "resend_the_doubtful", "resendable_from", "rest_of", "retry_failed", "schools_named_in",
    "set_gate", "stops_the_letter", "subscribe_again", "suppress_address", "suppressed_among", "suppression_subject",
    "tally_mailings", "to_authority", "tried_again", "under_way", "unsubscribe_letter", "unsubscribed_at",
    "vouch_for_address", "withdraw_all", "withdraw_letters", "withdraw_queued", "withdraw_stranded",
]
