"""People are told by mail what happened to their campaigns: how often, and what each was told, once"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PACES = ("at_once", "daily", "off")
WAITS = sa.text("settled_at IS NULL")
TO_STAFF = "SELECT id FROM mailings WHERE purpose = 'staff'"


def upgrade() -> None:
    pace = sa.Enum(*PACES, name="pace", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "pace_choices",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("pace", pace, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_pace_choices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pace_choices")),
    )
    op.create_table(
        "notice_starts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_starts")),
    )
    op.create_table(
        "staff_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("campaign_transition_id", sa.Integer(), nullable=True),
        sa.Column("wave_transition_id", sa.Integer(), nullable=True),
        sa.Column("due_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("settled_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("mailing_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(campaign_transition_id IS NULL) <> (wave_transition_id IS NULL)", name=op.f("ck_staff_notices_about")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_transition_id"],
            ["campaign_transitions.id"],
            name=op.f("fk_staff_notices_campaign_transition_id_campaign_transitions"),
        ),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_staff_notices_mailing_id_mailings")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_staff_notices_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["wave_transition_id"],
            ["wave_transitions.id"],
            name=op.f("fk_staff_notices_wave_transition_id_wave_transitions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notices")),
        sa.UniqueConstraint(
            "user_id", "campaign_transition_id", name=op.f("uq_staff_notices_user_id_campaign_transition_id")
        ),
        sa.UniqueConstraint("user_id", "wave_transition_id", name=op.f("uq_staff_notices_user_id_wave_transition_id")),
    )
    op.create_index(op.f("ix_staff_notices_campaign_transition_id"), "staff_notices", ["campaign_transition_id"])
    op.create_index(op.f("ix_staff_notices_wave_transition_id"), "staff_notices", ["wave_transition_id"])
    op.create_index(
        "ix_staff_notices_waiting", "staff_notices", ["due_at"], sqlite_where=WAITS, postgresql_where=WAITS
    )
    _allow("campaign", "test", "confirmation", "staff")
    _say_of_recipients("authority_id IS NULL OR federation_id IS NULL")


def downgrade() -> None:
    op.drop_table("staff_notices")
    op.drop_table("notice_starts")
    op.drop_table("pace_choices")
    _delete_mail()
    _say_of_recipients("(authority_id IS NULL) <> (federation_id IS NULL)")
    _allow("campaign", "test", "confirmation")


def _allow(*purposes: str) -> None:
    listed = ", ".join(f"'{purpose}'" for purpose in purposes)
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_constraint(op.f("ck_mailings_purpose"), type_="check")
        batch_op.create_check_constraint(op.f("ck_mailings_purpose"), f"purpose IN ({listed})")


def _say_of_recipients(condition: str) -> None:
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_recipient"), type_="check")
        batch_op.create_check_constraint(op.f("ck_messages_recipient"), condition)


def _delete_mail() -> None:
    """Delete what was written to staff: the older schema has no place for it."""
    letters = f"SELECT id FROM messages WHERE mailing_id IN ({TO_STAFF})"
    op.execute(f"UPDATE bounce_notices SET message_id = NULL WHERE message_id IN ({letters})")
    op.execute(f"DELETE FROM compositions WHERE message_id IN ({letters})")
    op.execute(f"DELETE FROM messages WHERE mailing_id IN ({TO_STAFF})")
    append_only.unguard("gate_changes")
    op.execute(f"DELETE FROM gate_changes WHERE mailing_id IN ({TO_STAFF})")
    append_only.guard("gate_changes")
    op.execute(f"DELETE FROM batches WHERE mailing_id IN ({TO_STAFF})")
    op.execute("DELETE FROM mailings WHERE purpose = 'staff'")
