"""Departures drawn by lot: attempts and their commitments, the drawn list, and the departure of a wave"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.append_only import SAME
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

SAID_ONCE = "(OLD.{0} IS NULL OR NEW.{0} IS NOT DISTINCT FROM OLD.{0})"
OF_ATTEMPT = (
    *("id", "campaign_id", "number", "commitment", "nonce", "plan", "plan_digest", "list_digest", "submitted_at"),
)
REVEALED = ("approver_bytes", "content_digest", "seed", "drawn_at", "voided_at")
OF_LIST, DRAWN = ("attempt_id", "authority_id", "fase", "stratum", "outside", "letters"), ("place", "departure")


def upgrade() -> None:
    op.add_column("campaigns", column("departure_gap", sa.Integer(), server_default=sa.text("'0'")))
    for name in ("departure", "confirmed_authorities", "confirmed_letters"):
        op.add_column("waves", column(name, sa.Integer(), nullable=True))
    op.create_table(
        "draw_attempts",
        key(),
        to("campaign_id", "campaigns"),
        column("number", sa.Integer()),
        column("commitment", sa.String(64)),
        column("nonce", sa.String(64)),
        column("plan", sa.Text()),
        column("plan_digest", sa.String(64)),
        column("list_digest", sa.String(64)),
        moment("submitted_at"),
        column("approver_bytes", sa.String(32), nullable=True),
        column("content_digest", sa.String(64), nullable=True),
        column("seed", sa.String(64), nullable=True),
        moment("drawn_at", nullable=True),
        moment("voided_at", nullable=True),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_draw_attempts_campaign_id_number")),
        sa.CheckConstraint("drawn_at IS NULL OR voided_at IS NULL", name=op.f("ck_draw_attempts_once")),
        sa.CheckConstraint("(drawn_at IS NULL) = (seed IS NULL)", name=op.f("ck_draw_attempts_seeded")),
    )
    op.create_table(
        "drawn_authorities",
        to("attempt_id", "draw_attempts", primary_key=True),
        to("authority_id", "authorities", primary_key=True, index=True),
        column("fase", sa.Integer()),
        column("stratum", sa.String(300)),
        one_of("outside", "outside_reason", "shared_mailbox", "too_few", nullable=True),
        column("letters", sa.Integer()),
        column("place", sa.Integer(), nullable=True),
        column("departure", sa.Integer(), nullable=True),
        sa.CheckConstraint("(outside IS NULL) = (stratum <> '')", name=op.f("ck_drawn_authorities_outside")),
        sa.CheckConstraint("departure BETWEEN 1 AND 3", name=op.f("ck_drawn_authorities_departure")),
    )
    op.create_table(
        "followed_draws",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("attempt_id", "draw_attempts", index=True),
        moment("followed_at"),
    )
    append_only.guard_but("draw_attempts", once(OF_ATTEMPT, REVEALED))
    append_only.guard_but("drawn_authorities", once(OF_LIST, DRAWN), ("attempt_id", "authority_id"))
    append_only.guard("followed_draws", ("campaign_id",))


def downgrade() -> None:
    for table in ("followed_draws", "drawn_authorities", "draw_attempts"):
        append_only.unguard(table)
        op.drop_table(table)
    with op.batch_alter_table("waves") as batch_op:
        for name in ("confirmed_letters", "confirmed_authorities", "departure"):
            batch_op.drop_column(name)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("departure_gap")


def once(stays: tuple[str, ...], revealed: tuple[str, ...]) -> str:
    """What a row may become: no column changes, except that those that are revealed are said once, and not taken back.

    An update that changes nothing is refused, too.
    """
    is_said = " OR ".join(f"(OLD.{name} IS NULL AND NEW.{name} IS NOT NULL)" for name in revealed)
    kept = " AND ".join((*map(SAME.format, stays), *map(SAID_ONCE.format, revealed)))
    return f"({is_said}) AND {kept}"
