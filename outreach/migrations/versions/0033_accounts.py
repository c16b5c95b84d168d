"""Accounts have links, their acceptance and last sign-in, and a response can be released by who followed it"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

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
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=16), nullable=False),
        sa.Column("network", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("handled_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_requests")),
    )
    for column in ("address", "network"):
        op.create_index(f"ix_password_requests_{column}_at", "password_requests", [column, "at"])


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
    kind = sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40)
    instants = [
        sa.Column(name, outreach.db.UtcDateTime(timezone=True), nullable=name in {"used_at", "ended_at"})
        for name in ("made_at", "expires_at", "used_at", "ended_at")
    ]
    op.create_table(
        "account_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        *instants,
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_links_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_account_links_digest")),
    )
    op.create_index("ix_account_links_user_id", "account_links", ["user_id"])
    op.create_index("ix_account_links_expires_at", "account_links", ["expires_at"])
    op.create_table(
        "account_letters",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_account_letters_mailing_id_mailings")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["account_links.id"], name=op.f("fk_account_letters_link_id_account_links"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailing_id", name=op.f("pk_account_letters")),
    )
    op.create_index(op.f("ix_account_letters_link_id"), "account_letters", ["link_id"])
