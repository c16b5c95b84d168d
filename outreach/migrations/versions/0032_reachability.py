"""What was found of domains, kept for 180 days; and steps about authorities that are hard to reach, only added to"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

VERDICTS = ("takes_mail", "refuses", "no_host", "no_domain", "unanswered")
STEPS = ("taken", "released", "postponed", "confirmed")


def upgrade() -> None:
    op.create_table(
        "domain_checks",
        key(),
        column("domain", sa.String(255)),
        moment("checked_at", index=True),
        one_of("verdict", "mail_verdict", *VERDICTS),
    )
    op.create_index("ix_domain_checks_domain_checked_at", "domain_checks", ["domain", "checked_at"])
    op.create_table(
        "follow_up_steps",
        key(),
        to("authority_id", "authorities", named="fk_follow_up_steps_authority_id_authorities"),
        one_of("step", "follow_up_kind", *STEPS),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
        column("day", sa.Date(), nullable=True),
        to("contact_id", "contacts", named="fk_follow_up_steps_contact_id_contacts", nullable=True, index=True),
        sa.CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
        sa.CheckConstraint("(contact_id IS NOT NULL) = (step = 'confirmed')", name="contact"),
    )
    op.create_index("ix_follow_up_steps_authority_id_id", "follow_up_steps", ["authority_id", "id"])
    append_only.guard("follow_up_steps")


def downgrade() -> None:
    append_only.unguard("follow_up_steps")
    op.drop_table("follow_up_steps")
    op.drop_table("domain_checks")
