"""A campaign may be about the schools that a letter listed which it corrects"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

CONCERNS = ("open", "joined")


def upgrade() -> None:
    _allow(*CONCERNS, "listed")


def downgrade() -> None:
    op.execute("UPDATE campaigns SET concerns = 'open' WHERE concerns = 'listed'")
    _allow(*CONCERNS)


def _allow(*concerns: str) -> None:
    listed = ", ".join(f"'{value}'" for value in concerns)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_constraint(op.f("ck_campaigns_concerns"), type_="check")
        batch_op.create_check_constraint(op.f("ck_campaigns_concerns"), f"concerns IN ({listed})")
