"""Mails to staff: news, digests, requests, and letters about accounts."""

from outreach.staff.notifications._access_letters import send_access_news
from outreach.staff.notifications._account_letters import (
    AccountHolder, AccountMail, address_of, answer_requests, empty_settled, post_account_mail, write_account_mail,
)
from outreach.staff.notifications._digests import send_digests
from outreach.staff.notifications._letters import Said, StaffLetter, post_mail, write_mail
from outreach.staff.notifications._models import Pace, StaffNotice, choose_frequency, pace_of
from outreach.staff.notifications._news import page_of_decision
from outreach.staff.notifications._requests import NOTICE, SAID, is_short, write_to_deputy

__all__ = [
    "NOTICE", "SAID", "AccountHolder", "AccountMail", "Pace", "Said", "StaffLetter", "StaffNotice", "address_of",
    "answer_requests", "choose_frequency", "empty_settled", "is_short", "pace_of", "page_of_decision",
    "post_account_mail", "post_mail", "send_access_news", "send_digests", "write_account_mail", "write_mail",
    "write_to_deputy",
]
