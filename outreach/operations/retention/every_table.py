"""Loads every table: a migration, what is known of a person and an erasure walk those that the process has loaded."""

# ruff: noqa: F401
from outreach.access import form_drafts
from outreach.access.accounts import (
    access_log,
    accounts,
    calendar_keys,
    identities,
    password_links,
    second_factors,
    sessions,
)
from outreach.access.approvals import decisions
from outreach.adherence import models
from outreach.campaigns import models as campaigns_models
from outreach.campaigns import paper_models
from outreach.campaigns.correspondence import models as correspondence_models
from outreach.campaigns.counting import entries
from outreach.campaigns.evidence import steps
from outreach.campaigns.experiments import models as experiments_models
from outreach.campaigns.planning import blackout_dates
from outreach.campaigns.segments import saved, stored_lists
from outreach.core.audit import audit, events
from outreach.core.erasure import digests
from outreach.core.jobs import models as jobs_models
from outreach.core.site import letterhead, statements
from outreach.core.tables import imports
from outreach.delivery import models as delivery_models
from outreach.delivery.bounces import models as bounces_models
from outreach.delivery.deliverability import domains
from outreach.delivery.received import models as received_models
from outreach.delivery.received import readings
from outreach.directory import confirmations
from outreach.directory import models as directory_models
from outreach.directory.authorities import calls
from outreach.directory.postal import postal_addresses
from outreach.directory.register import name_corrections, school_reports
from outreach.engagement.mailboxes import import_plan
from outreach.engagement.replies import models as replies_models
from outreach.engagement.replies import sheets
from outreach.engagement.tracking import models as tracking_models
from outreach.integrations import api_keys, idempotency
from outreach.integrations.webhooks_in import models as webhooks_in_models
from outreach.integrations.webhooks_out import endpoints
from outreach.operations import alerts
from outreach.operations.backups import restore_tests
from outreach.operations.retention import policy
from outreach.reports.notes import models as notes_models
from outreach.reports.notes import requests
from outreach.staff import proposals
from outreach.staff.notifications import models as notifications_models
