"""Accounts have links, their acceptance and last sign-in, and a response can be released by who followed it"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

KINDS = ("invitation", "reset", "forgotten")
STEPS = ("taken", "handled", "reopened", "postponed", "replied")


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        for name in ("accepted_at", "last_sign_in_at"):
            batch_op.add_column(sa.Column(name, outreach.db.UtcDateTime(timezone=True), nullable=True))
    op.execute("UPDATE users SET accepted_at = created_at")
    _allow_steps(*STEPS, "released")
    _create_links()
    op.create_table(
        "password_requests",
        key(),
        column("address", sa.LargeBinary(16)),
        column("network", sa.LargeBinary(16)),
        moment("at"),
        moment("handled_at", nullable=True),
    )
    for name in ("address", "network"):
        op.create_index(f"ix_password_requests_{name}_at", "password_requests", [name, "at"])


def downgrade() -> None:
    op.drop_table("password_requests")
    op.drop_table("account_letters")
    op.drop_table("account_links")
    append_only.unguard("response_steps")
    op.execute("DELETE FROM response_steps WHERE step = 'released'")
    _allow_steps(*STEPS)
    with op.batch_alter_table("users") as batch_op:
        for name in ("last_sign_in_at", "accepted_at"):
            batch_op.drop_column(name)


def _allow_steps(*steps: str) -> None:
    listed = ", ".join(f"'{step}'" for step in steps)
    append_only.unguard("response_steps")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), f"step IN ({listed})")
    append_only.guard("response_steps")


def _create_links() -> None:
    instants = [
        sa.Column(name, outreach.db.UtcDateTime(timezone=True), nullable=name in {"used_at", "ended_at"})
        for name in ("made_at", "expires_at", "used_at", "ended_at")
    ]
    op.create_table(
        "account_links",
        key(),
        to("user_id", "users", named="fk_account_links_user_id_users", ondelete="CASCADE", index=True),
        one_of("kind", "kind", *KINDS),
        column("digest", sa.LargeBinary(32), unique=True),
        *instants,
    )
    op.create_index("ix_account_links_expires_at", "account_links", ["expires_at"])
    op.create_table(
        "account_letters",
        to("mailing_id", "mailings", named="fk_account_letters_mailing_id_mailings", primary_key=True),
        to(
            "link_id", "account_links", named="fk_account_letters_link_id_account_links", ondelete="CASCADE",
            index=True,
        ),
    )
