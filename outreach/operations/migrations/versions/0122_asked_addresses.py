"""Who has a letter says whether its address is still the right one, or asks for another, among the proposals"""

from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow

revision = "0122"
down_revision = "0121"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before knows neither the form nor a proposal that an address is gone

PROPOSED, FORMS = ("address", "school"), ("answer", "unsubscription", "subscription", "measure", "undoing")


def upgrade() -> None:
    allow("proposals", "kind", "proposal_kind", *PROPOSED, "gone")
    allow("sent_forms", "kind", "form_kind", *FORMS, "address")


def downgrade() -> None:
    """What was asked of addresses is lost: the program of before has no place for it."""
    op.execute("DELETE FROM proposals WHERE message_id IS NOT NULL AND school_id IS NULL")
    op.execute("DELETE FROM sent_forms WHERE kind = 'address'")
    allow("proposals", "kind", "proposal_kind", *PROPOSED)
    allow("sent_forms", "kind", "form_kind", *FORMS)
