"""Loads every table: what is known of a person, and an erasure, walk those that the process has loaded."""

# ruff: noqa: F401
from outreach import alerts, audit, drafts
from outreach.about import letterheads, statements
from outreach.accounts import attempts, calendar_keys, identities, links, requests, sessions, staff, trail
from outreach.accounts.factors import second_factors
from outreach.adherence import models as adherence
from outreach.api_keys import models as api_keys
from outreach.api_keys import writes as api_writes
from outreach.approvals import models as approvals
from outreach.audit import seals
from outreach.backups import models as backups
from outreach.campaigns import excepted
from outreach.campaigns import models as campaigns
from outreach.campaigns.draws import models as draws
from outreach.campaigns.entries import models as campaign_entries
from outreach.campaigns.paper import models as paper
from outreach.campaigns.replies import models as replies
from outreach.campaigns.schedule import closures
from outreach.contact_lists import models as contact_lists
from outreach.delivery import models as delivery
from outreach.delivery import places
from outreach.delivery.bounces import models as bounces
from outreach.delivery.bounces import readings
from outreach.delivery.received import models as received
from outreach.delivery.received import readings as replies_readings
from outreach.directory import calls, models, name_corrections
from outreach.directory.editions import school_reports
from outreach.directory.postal import models as postal
from outreach.erasures import digests as erasures
from outreach.events import models as events
from outreach.jobs import models as jobs
from outreach.measuring import models as measuring
from outreach.notes import models as notes
from outreach.notes.requests import models as asked_notes
from outreach.proposals import models as proposals
from outreach.reach import models as reach
from outreach.reachability import models as reachability
from outreach.responses import models as responses
from outreach.responses.answer_lists import models as answer_lists
from outreach.retention import models as retention
from outreach.segments import authority_lists, saved
from outreach.sent_lists import matching
from outreach.staff_mail import models as staff_mail
from outreach.webhooks.incoming import models as hooks
from outreach.webhooks.outgoing import models as pushes
