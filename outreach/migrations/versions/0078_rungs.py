"""The rungs of a campaign for those whom its letters do not reach, and the steps taken on them"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to, where

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

CHANNELS = ("mailbox", "other_mailbox", "paper", "call")
STATES = ("due", "printed", "tried", "failed", "stopped")
REASONS = (
    *("no_address", "unreviewed", "bounced", "refused", "expired", "silent", "follows"),
    *("returned", "unfit_address", "no_other_mailbox", "wrong_number", "not_reached"),
    *("joined", "answered", "arrived", "unsubscribed", "complaint", "excluded", "left_out", "not_concerned", "ended"),
)
LETTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTCOMES = ("reached", "not_reached", "call_back", "wrong_number")


def upgrade() -> None:
    op.add_column("campaigns", column("ladder", sa.String(300), server_default=""))
    op.create_table(
        "reach_steps",
        key(),
        to("mailing_id", "mailings"),
        to("authority_id", "authorities", index=True),
        column("rung", sa.Integer()),
        one_of("channel", "reach_channel", *CHANNELS),
        # Keys of letters are larger on PostgreSQL since revision 0064.
        sa.Column("message_id", LETTER, sa.ForeignKey("messages.id"), nullable=False, index=True),
        one_of("state", "step_state", *STATES),
        one_of("reason", "step_reason", *REASONS, nullable=True),
        moment("due_at"),
        column("taken_by", sa.String(255), nullable=True),
        moment("taken_until", nullable=True),
        sa.UniqueConstraint("mailing_id", "authority_id", "rung", name=op.f("uq_reach_steps_mailing_id_authority_id_rung")),
        sa.CheckConstraint("rung > 0", name=op.f("ck_reach_steps_rung")),
        sa.CheckConstraint("channel <> 'mailbox'", name=op.f("ck_reach_steps_not_the_wave")),
        sa.CheckConstraint("(taken_by IS NULL) = (taken_until IS NULL)", name=op.f("ck_reach_steps_taken")),
    )
    is_open = where("state IN ('due', 'printed')")
    op.create_index("uq_reach_steps_open", "reach_steps", ["mailing_id", "authority_id"], unique=True, **is_open)
    op.create_table(
        "reach_transitions",
        key(),
        to("step_id", "reach_steps", index=True),
        one_of("state", "reached_step_state", *STATES),
        moment("at"),
        column("actor", sa.String(255)),
        one_of("reason", "reached_step_reason", *REASONS, nullable=True),
        column("day", sa.Date(), nullable=True),
        column("note", sa.Text()),
    )
    append_only.guard_words("reach_transitions", ("actor", "note"), ("id", "step_id", "state", "at", "reason", "day"))
    op.create_table(
        "reach_calls",
        to("call_id", "calls", primary_key=True, autoincrement=False),
        to("step_id", "reach_steps", index=True),
        one_of("outcome", "call_outcome", *OUTCOMES),
    )
    op.create_table(
        "reach_answers",
        to("response_id", "responses", primary_key=True, autoincrement=False),
        to("step_id", "reach_steps", index=True),
    )


def downgrade() -> None:
    op.drop_table("reach_answers")
    op.drop_table("reach_calls")
    append_only.unguard("reach_transitions")
    op.drop_table("reach_transitions")
    op.drop_table("reach_steps")
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("ladder")
