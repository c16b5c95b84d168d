"""What the program adds to each rule of `retention.toml`, by the rule's name: what the file cannot say in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, true

from outreach.accounts.attempts import SignInAttempt
from outreach.accounts.links import AccountLink
from outreach.accounts.requests import PasswordRequest
from outreach.accounts.sessions import StaffSession
from outreach.accounts.trail import TrailEntry
from outreach.adherence.models import JoiningList
from outreach.alerts import AlertEpisode
from outreach.api_keys.writes import ApiWrite
from outreach.audit import AuditEntry
from outreach.backups.models import Rehearsal
from outreach.campaigns.paper.models import PaperLetter, WrongCode
from outreach.campaigns.replies.models import ServiceLetter, ServiceReply
from outreach.contact_lists import undoing
from outreach.contact_lists.models import ContactList
from outreach.db import Base, Session
from outreach.delivery.models import Composition, Mailing
from outreach.delivery.places import Worker
from outreach.delivery.received.models import ReceivedMail
from outreach.directory.models import Contact, RegisterImport
from outreach.drafts import Draft
from outreach.jobs.models import Job
from outreach.measuring import hits
from outreach.measuring.models import Hit
from outreach.notes.models import NoteDraft
from outreach.reachability.models import DomainCheck
from outreach.responses.answer_lists.models import AnswerList
from outreach.responses.models import FormState, QuickForm, Response, ResponseStep, SentForm
from outreach.retention import emptying, exporting
from outreach.sent_lists.matching import ColumnMatching
from outreach.sent_lists.models import ListState
from outreach.staff_mail.models import StaffNotice

ALL = true()
FILES = 10  # rows that hold a file of megabytes each
Replace = Callable[[Session, ColumnElement[bool], datetime], object]


@dataclass(frozen=True, slots=True)
class Binding:
    """What the program adds to a rule of the file.

    Rows are deleted unless `replace` says otherwise; it gets the condition that picks them, and the time. `only` names
    which rows the rule is about. With `ahead`, rows as far in the future are over as well: they were written before the
    clock was put back. One transaction takes at most `most` rows. Where the moment stands on another model, `dated` is
    that model, and `through` makes of a condition on it one on the rows. What has an `export` may be an archive.
    """

    model: type[Base]
    only: ColumnElement[bool] = ALL
    replace: Replace | None = None
    ahead: bool = False
    most: int = 500
    dated: type[Base] | None = None
    through: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None
    export: Callable[[Session, exporting.Keys], exporting.Rows] | None = None


def _untimed(function: Callable[[Session, ColumnElement[bool]], object]) -> Replace:
    """A function that needs no time."""
    return lambda session, these, _now: function(session, these)


BINDINGS: Mapping[str, Binding] = {
    "hits": Binding(Hit, replace=_untimed(hits.fold)),
    "contact_lists": Binding(ContactList, ContactList.state == ListState.RECEIVED, most=FILES),
    "contact_lists_applied": Binding(ContactList, ContactList.grid != "", replace=_untimed(undoing.erase), most=FILES),
    "joining_lists": Binding(JoiningList, JoiningList.state == ListState.RECEIVED, most=FILES),
    "register_imports": Binding(RegisterImport, RegisterImport.state == ListState.RECEIVED, most=FILES),
    "answer_lists": Binding(AnswerList, most=FILES),
    "api_writes": Binding(ApiWrite),
    "domain_checks": Binding(DomainCheck),
    "trail_entries": Binding(TrailEntry),
    "column_matchings": Binding(ColumnMatching),
    "note_drafts": Binding(NoteDraft),
    "drafts": Binding(Draft),
    "staff_notices": Binding(StaffNotice),
    "account_links": Binding(AccountLink),
    "rehearsals": Binding(Rehearsal),
    "jobs": Binding(Job, most=FILES),
    "letters": Binding(
        Composition,
        Composition.content != "",
        replace=_untimed(emptying.empty_letters),
        dated=Mailing,
        through=emptying.letters_of,
        export=exporting.letters,
    ),
    "paper_words": Binding(
        PaperLetter,
        PaperLetter.content != "",
        replace=_untimed(emptying.empty_paper),
        dated=Mailing,
        through=emptying.paper_of,
        export=exporting.paper,
    ),
    "mailings": Binding(
        *(Mailing, emptying.says_nothing_else()),
        replace=emptying.empty_mailings,
        most=FILES,
        export=exporting.mailings,
    ),
    "service_replies": Binding(
        *(ServiceReply, ServiceReply.text != ""),
        replace=_untimed(emptying.empty_replies),
        export=exporting.replies,
    ),
    "service_letters": Binding(
        *(ServiceLetter, ServiceLetter.text != ""),
        replace=_untimed(emptying.empty_service_letters),
        export=exporting.service_letters,
    ),
    "responses": Binding(
        *(Response, emptying.is_told()), replace=_untimed(emptying.empty_responses), export=exporting.responses
    ),
    "response_steps": Binding(
        *(ResponseStep, (ResponseStep.actor != "") | (ResponseStep.note != "")),
        replace=_untimed(emptying.empty_steps),
        dated=Response,
        through=emptying.steps_of,
        export=exporting.steps,
    ),
    "sent_forms": Binding(SentForm, SentForm.state != FormState.RECORDED),
    "quick_forms": Binding(QuickForm, ahead=True),
    "received_mails": Binding(ReceivedMail),
    "audit_entries": Binding(AuditEntry, emptying.has_sealed_words(), replace=emptying.empty_entries),
    "alert_episodes": Binding(AlertEpisode),
    "workers": Binding(Worker),
    "contacts": Binding(Contact, emptying.has_words(), replace=_untimed(emptying.empty_contacts)),
    "sessions": Binding(StaffSession),
    "password_requests": Binding(PasswordRequest, ahead=True),
    "sign_in_attempts": Binding(SignInAttempt, ahead=True),
    "wrong_codes": Binding(WrongCode, ahead=True),
}
