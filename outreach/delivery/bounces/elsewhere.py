"""Finds exclusions that a notice about another address brought about: where the excluded mailbox forwards to.

Such a mailbox works. Notices exclude nothing in this way any more; staff lift what was excluded before.
"""

from collections import defaultdict

from sqlalchemy import select

from outreach.db import Session
from outreach.delivery.bounces.models import Handling, KeptNotice, KeptReport
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.delivery.models import Message, Suppression, SuppressionReason
from outreach.mail.addresses import key_of


def excluded_for_another(session: Session) -> dict[int, str]:
    """The exclusions in force of which no notice names the excluded address: the address named instead, by their key.

    Only the failing address of a report is kept. Where a Sendmail server named the alias in its place, nothing tells.
    """
    query = (
        select(Suppression.id, Message.address_key, Message.address_ascii, KeptReport.recipient)
        .join(Message, Message.address_key == Suppression.address_key)
        .join(KeptNotice, KeptNotice.message_id == Message.id)
        .join(KeptReport, KeptReport.notice_id == KeptNotice.id)
        .where(
            Suppression.reason == SuppressionReason.HARD_BOUNCE,
            Suppression.lifted_at.is_(None),
            KeptNotice.handling == Handling.EXCLUDED,
            KeptNotice.read_at >= Suppression.created_at,
            KeptReport.verdict == NoticeVerdict.FAILED,
            KeptReport.recipient.contains("@"),  # a local name is the mailbox itself
        )
        .order_by(KeptNotice.id, KeptReport.number)
    )
    named: dict[int, dict[str, bool]] = defaultdict(dict)
    for key, address, ascii_address, recipient in session.execute(query):
        own = {address, ascii_address.casefold()}
        named[key][recipient] = key_of(recipient) in own
    return {key: next(iter(recipients)) for key, recipients in named.items() if not any(recipients.values())}
