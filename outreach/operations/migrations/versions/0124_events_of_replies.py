"""Programs are told of mails that people write back"""

from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before cannot read these events

KINDS = (
    "register.authority register.school register.applied register.undone programme.stated adherence.recorded "
    "adherence.withdrawn wave.launched wave.ended wave.reopened wave.cancelled response.received response.handled "
    "response.reopened address.excluded address.readmitted note.published"
).split()
OF_REPLIES = ("reply.received", "reply.detached", "reply.settled", "reply.reopened")


def upgrade() -> None:
    allow("events", "kind", "event_kind", *KINDS, *OF_REPLIES)


def downgrade() -> None:
    """The program of before reads no such event: the numbers of these stay empty."""
    op.execute("DELETE FROM events WHERE kind LIKE 'reply.%'")
    allow("events", "kind", "event_kind", *KINDS)
