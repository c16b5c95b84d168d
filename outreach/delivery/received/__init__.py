"""Mails received: reads what people write back, says whose it is where that is proved, and keeps it."""

from outreach.delivery.received._absences import Absence, read_absence
from outreach.delivery.received._files import file_to_hand_out, may_open
from outreach.delivery.received._holding import (
    attach_mail, awaits_decision, detach_mail, hand_over, held_authorities, holds_letters, holds_the_letter, in_turn,
    is_about, reopen_mail, settle_mail, take_mail,
)
from outreach.delivery.received._intake import (
    REFUSED, REPLIES, Taken, Trust, collect_mails, collect_returns, owners_elsewhere, suggest_authorities, take_in,
)
from outreach.delivery.received._models import (
    DECIDING, AttachedBy, MailStepKind, MailVerdict, ReceivedFile, ReceivedMail,
)
from outreach.delivery.received._reading import MOST_BYTES
from outreach.delivery.received._readings import replies_address

__all__ = [
    "DECIDING", "MOST_BYTES", "REFUSED", "REPLIES", "Absence", "AttachedBy", "MailStepKind", "MailVerdict",
    "ReceivedFile", "ReceivedMail", "Taken", "Trust", "attach_mail", "awaits_decision", "collect_mails",
    "collect_returns", "detach_mail", "file_to_hand_out", "hand_over", "held_authorities", "holds_letters",
    "holds_the_letter", "in_turn", "is_about", "may_open", "owners_elsewhere", "read_absence", "reopen_mail",
    "replies_address", "settle_mail", "suggest_authorities", "take_in", "take_mail",
]
