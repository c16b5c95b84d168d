"""Loads every table: a migration, what is known of a person and an erasure walk those that the process has loaded."""

# ruff: noqa: F401
from outreach.access import accounts, approvals, form_drafts
from outreach.access.accounts import second_factors
from outreach.adherence import models
from outreach.campaigns import correspondence, counting, evidence, experiments, planning, segments
from outreach.campaigns import models as campaigns_models
from outreach.core import audit, erasure, jobs, site, tables
from outreach.delivery import bounces, deliverability, received
from outreach.delivery import models as delivery_models
from outreach.directory import authorities, confirmations, postal, register
from outreach.directory import models as directory_models
from outreach.engagement import mailboxes, replies, tracking
from outreach.integrations import api_keys, idempotency, webhooks_in, webhooks_out
from outreach.operations import alerts, backups
from outreach.operations.retention import _policy as policy
from outreach.reports import notes
from outreach.staff import notifications, proposals
