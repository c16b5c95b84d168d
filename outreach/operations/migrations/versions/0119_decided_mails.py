"""What colleagues do about mails received, mails attached by hand, and answers noted from a mail"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, column, key, moment, one_of, to

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before does not know mails attached by hand

PROVEN = ("mark", "reference", "sender")
STEPS = ("taken", "released", "attached", "detached", "nothing", "recorded", "answered", "reopened")


def upgrade() -> None:
    op.create_table(
        "received_mail_steps",
        key(),
        to("mail_id", "received_mails", ondelete="CASCADE", index=True),
        one_of("step", "mail_step", *STEPS),
        moment("at"),
        column("actor", sa.String(255)),
    )
    op.create_table(
        "mailed_responses",
        to("response_id", "responses", primary_key=True, autoincrement=False),
        to("mail_id", "received_mails", ondelete="CASCADE", index=True),
    )
    allow("received_mails", "attached_by", "attached_by", *PROVEN, "hand")


def downgrade() -> None:
    allow("received_mails", "attached_by", "attached_by", *PROVEN)
    op.drop_table("mailed_responses")
    op.drop_table("received_mail_steps")
