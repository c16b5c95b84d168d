"""Alembic's entry: the connection is handed over, every table is known."""

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import delete, insert, inspect

from outreach.core.db import Base
from outreach.operations import retention  # noqa: F401 - whatever is compared has to be loaded
from outreach.operations.migrations.kinds import AppliedRevision


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
