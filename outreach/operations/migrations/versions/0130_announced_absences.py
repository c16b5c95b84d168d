"""An automatic answer that only says until when its reader is away waits among the proposals"""

from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow

revision = "0130"
down_revision = "0129"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before does not know a proposal that changes nothing

PROPOSED = ("address", "school", "gone")


def upgrade() -> None:
    allow("proposals", "kind", "proposal_kind", *PROPOSED, "away")


def downgrade() -> None:
    """The absences that were announced are lost: the program of before has no place for them."""
    op.execute("DELETE FROM proposals WHERE kind = 'away'")
    allow("proposals", "kind", "proposal_kind", *PROPOSED)
