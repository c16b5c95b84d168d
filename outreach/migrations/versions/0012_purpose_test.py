"""A test letter's mailing is for a test: “trial” names the mode in which letters leave for a list only"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("trial", "test")


def downgrade() -> None:
    _rename("test", "trial")


def _rename(before: str, after: str) -> None:
    _allow("campaign", before, after, "confirmation")
    op.execute(f"UPDATE mailings SET purpose = '{after}' WHERE purpose = '{before}'")
    _allow("campaign", after, "confirmation")


def _allow(*purposes: str) -> None:
    listed = ", ".join(f"'{purpose}'" for purpose in purposes)
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_constraint(op.f("ck_mailings_purpose"), type_="check")
        batch_op.create_check_constraint(op.f("ck_mailings_purpose"), f"purpose IN ({listed})")
