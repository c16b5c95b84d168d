"""What was found of domains, kept for 180 days; and steps about authorities that are hard to reach, only added to"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

VERDICTS = ("takes_mail", "refuses", "no_host", "no_domain", "unanswered")
STEPS = ("taken", "released", "postponed", "confirmed")


def upgrade() -> None:
    op.create_table(
        "domain_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("checked_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("verdict", _enum("mail_verdict", VERDICTS), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_checks")),
    )
    op.create_index("ix_domain_checks_domain_checked_at", "domain_checks", ["domain", "checked_at"])
    op.create_index(op.f("ix_domain_checks_checked_at"), "domain_checks", ["checked_at"])
    op.create_table(
        "follow_up_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("step", _enum("follow_up_kind", STEPS), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("day IS NULL OR step = 'postponed'", name=op.f("ck_follow_up_steps_day")),
        sa.CheckConstraint(
            "(contact_id IS NOT NULL) = (step = 'confirmed')", name=op.f("ck_follow_up_steps_contact")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["authorities.id"], name=op.f("fk_follow_up_steps_authority_id_authorities")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_follow_up_steps_contact_id_contacts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_steps")),
    )
    op.create_index("ix_follow_up_steps_authority_id_id", "follow_up_steps", ["authority_id", "id"])
    op.create_index(op.f("ix_follow_up_steps_contact_id"), "follow_up_steps", ["contact_id"])
    append_only.guard("follow_up_steps")


def downgrade() -> None:
    append_only.unguard("follow_up_steps")
    op.drop_table("follow_up_steps")
    op.drop_table("domain_checks")


def _enum(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
