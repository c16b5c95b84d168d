"""A campaign may be about the schools that a letter listed which it corrects"""

from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

CONCERNS = ("open", "joined")


def upgrade() -> None:
    allow("campaigns", "concerns", "concerns", *CONCERNS, "listed")


def downgrade() -> None:
    op.execute("UPDATE campaigns SET concerns = 'open' WHERE concerns = 'listed'")
    allow("campaigns", "concerns", "concerns", *CONCERNS)
