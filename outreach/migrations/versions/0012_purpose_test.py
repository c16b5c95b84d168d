"""A test letter's mailing is for a test: “trial” names the mode in which letters leave for a list only"""

from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    _rename("trial", "test")


def downgrade() -> None:
    _rename("test", "trial")


def _rename(before: str, after: str) -> None:
    allow("mailings", "purpose", "purpose", "campaign", before, after, "confirmation")
    op.execute(f"UPDATE mailings SET purpose = '{after}' WHERE purpose = '{before}'")
    allow("mailings", "purpose", "purpose", "campaign", after, "confirmation")
