"""A service that sends joinings sends those of one programme: those that send already, of the first that was loaded"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before would apply what any sender sends to the first programme
FIRST = "UPDATE hook_senders SET programme_id = (SELECT min(id) FROM programmes)"


def upgrade() -> None:
    with op.batch_alter_table("hook_senders") as batch_op:
        batch_op.add_column(sa.Column("programme_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_hook_senders_programme_id_programmes"), "programmes", ["programme_id"], ["id"]
        )
    op.execute(FIRST)


def downgrade() -> None:
    with op.batch_alter_table("hook_senders") as batch_op:
        batch_op.drop_constraint(op.f("fk_hook_senders_programme_id_programmes"), type_="foreignkey")
        batch_op.drop_column("programme_id")
