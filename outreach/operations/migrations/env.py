"""Alembic's entry: the connection is handed over, every table is known."""

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import delete, insert, inspect

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
from outreach.adherence import models as adherence
from outreach.campaigns import models as campaigns
from outreach.campaigns import models as excepted
from outreach.campaigns import paper_models
from outreach.campaigns.correspondence import models as replies
from outreach.campaigns.counting import entries
from outreach.campaigns.evidence import steps
from outreach.campaigns.experiments import models as draws
from outreach.campaigns.planning import blackout_dates
from outreach.campaigns.segments import saved, stored_lists
from outreach.core.audit import audit, events
from outreach.core.audit import audit as seals
from outreach.core.db import Base
from outreach.core.erasure import digests
from outreach.core.jobs import models as jobs
from outreach.core.site import letterhead, statements
from outreach.core.tables import imports
from outreach.delivery import models as delivery
from outreach.delivery import models as places
from outreach.delivery.bounces import models as bounces
from outreach.delivery.bounces import models as readings
from outreach.delivery.deliverability import domains
from outreach.delivery.received import models as received
from outreach.delivery.received import readings as replies_readings
from outreach.directory import models
from outreach.directory.authorities import calls
from outreach.directory.postal import postal_addresses
from outreach.directory.register import name_corrections, school_reports
from outreach.engagement.mailboxes import import_plan
from outreach.engagement.replies import models as responses
from outreach.engagement.replies import sheets
from outreach.engagement.tracking import models as measuring
from outreach.integrations import api_keys, idempotency
from outreach.integrations.webhooks_in import models as hooks
from outreach.integrations.webhooks_out import endpoints
from outreach.operations import alerts
from outreach.operations.backups import restore_tests
from outreach.operations.migrations.kinds import AppliedRevision
from outreach.operations.retention import policy
from outreach.reports.notes import models as notes
from outreach.reports.notes import requests as asked_notes
from outreach.staff import proposals
from outreach.staff.notifications import models as staff_mail

ACCOUNTS = (sessions, identities, password_links, password_links, second_factors, sessions, accounts, access_log)
SEGMENTS = (stored_lists, saved)
TABLES = (
    *ACCOUNTS,
    *(
        adherence,
        alerts,
        api_keys,
        idempotency,
        decisions,
        sheets,
        audit,
        restore_tests,
        bounces,
        readings,
        received,
        replies_readings,
        calendar_keys,
        calls,
        campaigns,
        entries,
        blackout_dates,
        import_plan,
        delivery,
        form_drafts,
        draws,
        digests,
        events,
        excepted,
        hooks,
        models,
    ),
    *(name_corrections, paper_models, postal_addresses, proposals),
    *(jobs, letterhead, measuring, notes, asked_notes, places),
    *(endpoints, steps, domains, replies, school_reports, seals),
    *SEGMENTS,
    *(imports, responses, policy, staff_mail, statements),
)


def note_kind(ctx: MigrationContext, step: MigrationInfo, heads: object, run_args: object) -> None:  # noqa: ARG001
    """Keep the kind of a revision that was applied, for programs that do not know it; none of one taken back."""
    connection, script = ctx.connection, step.up_revision
    if connection is None or not inspect(connection).has_table(AppliedRevision.__tablename__):
        return
    connection.execute(delete(AppliedRevision).where(AppliedRevision.revision == step.up_revision_id))
    if step.is_upgrade and isinstance(script, Script):
        connection.execute(insert(AppliedRevision).values(revision=script.revision, kind=script.module.kind))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=True,
    on_version_apply=note_kind,
)
with context.begin_transaction():
    context.run_migrations()
