"""People are told by mail what happened to their campaigns: how often, and what each was told, once"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, key, moment, one_of, to

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

PACES = ("at_once", "daily", "off")
WAITS = sa.text("settled_at IS NULL")
TO_STAFF = "SELECT id FROM mailings WHERE purpose = 'staff'"


def upgrade() -> None:
    op.create_table(
        "pace_choices",
        to("user_id", "users", named="fk_pace_choices_user_id_users", ondelete="CASCADE", primary_key=True),
        one_of("pace", "pace", *PACES),
    )
    op.create_table(
        "notice_starts",
        key(),
        moment("at"),
    )
    op.create_table(
        "staff_notices",
        key(),
        to("user_id", "users", named="fk_staff_notices_user_id_users", ondelete="CASCADE"),
        to(
            "campaign_transition_id", "campaign_transitions",
            named="fk_staff_notices_campaign_transition_id_campaign_transitions", nullable=True, index=True,
        ),
        to(
            "wave_transition_id", "wave_transitions", named="fk_staff_notices_wave_transition_id_wave_transitions",
            nullable=True, index=True,
        ),
        moment("due_at"),
        moment("settled_at", nullable=True),
        to("mailing_id", "mailings", named="fk_staff_notices_mailing_id_mailings", nullable=True),
        sa.CheckConstraint("(campaign_transition_id IS NULL) <> (wave_transition_id IS NULL)", name="about"),
        sa.UniqueConstraint("user_id", "campaign_transition_id"),
        sa.UniqueConstraint("user_id", "wave_transition_id"),
    )
    op.create_index(
        "ix_staff_notices_waiting", "staff_notices", ["due_at"], sqlite_where=WAITS, postgresql_where=WAITS
    )
    allow("mailings", "purpose", "purpose", "campaign", "test", "confirmation", "staff")
    _say_of_recipients("authority_id IS NULL OR federation_id IS NULL")


def downgrade() -> None:
    op.drop_table("staff_notices")
    op.drop_table("notice_starts")
    op.drop_table("pace_choices")
    _delete_mail()
    _say_of_recipients("(authority_id IS NULL) <> (federation_id IS NULL)")
    allow("mailings", "purpose", "purpose", "campaign", "test", "confirmation")



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
