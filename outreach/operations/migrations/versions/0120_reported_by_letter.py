"""Who answers a letter reports a school that is theirs no longer, among the proposals, and may take it back"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, to

revision = "0120"
down_revision = "0119"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before knows no proposal of nobody's scope, nor one that was taken back

STATES = ("waiting", "accepted", "refused")


def upgrade() -> None:
    with op.batch_alter_table("proposals") as batch_op:
        named, letter = "fk_proposals_message_id_messages", sa.BigInteger().with_variant(sa.Integer(), "sqlite")
        batch_op.add_column(to("message_id", "messages", named=named, kind=letter, nullable=True))
        batch_op.alter_column("scope_kind", existing_type=sa.String(40), nullable=True)
        batch_op.create_check_constraint(op.f("ck_proposals_whose"), "(scope_kind IS NULL) = (message_id IS NOT NULL)")
    op.create_index(op.f("ix_proposals_message_id"), "proposals", ["message_id"])
    allow("proposals", "state", "proposal_state", *STATES, "withdrawn")


def downgrade() -> None:
    """What letters reported is lost: the program of before has no place for it."""
    op.execute("DELETE FROM proposals WHERE message_id IS NOT NULL")
    allow("proposals", "state", "proposal_state", *STATES)
    op.drop_index(op.f("ix_proposals_message_id"), "proposals")
    with op.batch_alter_table("proposals") as batch_op:
        batch_op.drop_constraint(op.f("ck_proposals_whose"), type_="check")
        batch_op.alter_column("scope_kind", existing_type=sa.String(40), nullable=False)
        batch_op.drop_column("message_id")
