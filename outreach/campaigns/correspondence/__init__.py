"""Correspondence with one authority: replies to its answers, and letters written to it alone."""

from outreach.campaigns.correspondence._mails import (
    DECIDERS, MailState, Mails, all_mails, awaiting_mails, awaits_whom, campaign_of, count_mails, count_waiting, is_of,
    last_decision, last_written, list_mails, mail_numbered, mail_outcome, noted_responses, question_of,
    record_from_mail, withdraw,
)
from outreach.campaigns.correspondence._models import ReplyTemplate, ServiceLetter, ServiceReply, TextUse
from outreach.campaigns.correspondence._one_off import (
    approve_letter, awaiting_letters, end_letter, get_mailbox, letter_numbered, list_mailboxes, prepare_letter,
    prepared_again, refuse_unwelcome, sent_letter, state_of, unwelcome_reasons, write_letter,
)
from outreach.campaigns.correspondence._replies import (
    PreparedReply, Writer, answering_subject, confirm_joining, prepare_news, prepare_reply, replies_to, send_reply,
)
from outreach.campaigns.correspondence._reply_templates import (
    FIELDS_WITHOUT_CAMPAIGN, KNOWN, SCHOOLS, STRAND, CurrentText, approve_template, asks_approval, content_of,
    current_template, joined, refuse_unfinished, refuse_unfinished_letter, refuse_unfit, split, template_versions,
    write_template,
)

__all__ = [
    "DECIDERS", "FIELDS_WITHOUT_CAMPAIGN", "KNOWN", "SCHOOLS", "STRAND", "CurrentText", "MailState", "Mails",
    "PreparedReply", "ReplyTemplate", "ServiceLetter", "ServiceReply", "TextUse", "Writer", "all_mails",
    "answering_subject", "approve_letter", "approve_template", "asks_approval", "awaiting_letters", "awaiting_mails",
    "awaits_whom", "campaign_of", "confirm_joining", "content_of", "count_mails", "count_waiting", "current_template",
    "end_letter", "get_mailbox", "is_of", "joined", "last_decision", "last_written", "letter_numbered",
    "list_mailboxes", "list_mails", "mail_numbered", "mail_outcome", "noted_responses", "prepare_letter",
    "prepare_news", "prepare_reply", "prepared_again", "question_of", "record_from_mail", "refuse_unfinished",
    "refuse_unfinished_letter", "refuse_unfit", "refuse_unwelcome", "replies_to", "send_reply", "sent_letter", "split",
    "state_of", "template_versions", "unwelcome_reasons", "withdraw", "write_letter", "write_template",
]
