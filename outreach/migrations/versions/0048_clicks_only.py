"""A campaign may count clicks alone, without a picture that counts openings"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def _allow(*modes: str) -> None:
    listed = ", ".join(f"'{mode}'" for mode in modes)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_constraint(op.f("ck_campaigns_tracking_mode"), type_="check")
        batch_op.create_check_constraint(op.f("ck_campaigns_tracking_mode"), f"tracking IN ({listed})")


def upgrade() -> None:
    _allow("none", "clicks", "aggregate", "individual")


def downgrade() -> None:
    op.execute("UPDATE campaigns SET tracking = 'none' WHERE tracking = 'clicks'")
    _allow("none", "aggregate", "individual")
