"""A reason of those whom a campaign that was cancelled and taken up again leaves out: their letter has left already"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

REASONS = (
    *("joined", "not_concerned", "answered", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "trial", "cancelled"),
)


def upgrade() -> None:
    _allow(*REASONS, "written")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason = 'written'")
    _allow(*REASONS)


def _allow(*reasons: str) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_withdrawal_reason"), type_="check")
        batch_op.create_check_constraint(op.f("ck_messages_withdrawal_reason"), f"reason IN ({listed})")
