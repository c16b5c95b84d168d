"""An audit entry says by which way it came, is sealed, and may lose its words once it is"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

WAYS = ("page", "command", "clock")
SAME = "NEW.{0} IS NOT DISTINCT FROM OLD.{0}"
ENTRY = ("id", "at", "actor", "subject", "way", "run_by")
EMPTIED = " AND ".join(
    (
        "NEW.sentence = '' AND OLD.sentence <> ''",
        "EXISTS (SELECT 1 FROM sealed_entries WHERE entry_id = OLD.id AND salt IS NULL)",
        *map(SAME.format, ENTRY),
    )
)
FORGOTTEN = " AND ".join(
    ("NEW.salt IS NULL AND OLD.salt IS NOT NULL", *map(SAME.format, ("entry_id", "seal_id", "words", "digest")))
)


def upgrade() -> None:
    append_only.unguard("audit_entries")
    way = sa.Enum(*WAYS, name="way", native_enum=False, create_constraint=True, length=40)
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.add_column(sa.Column("way", way, nullable=True))
        batch_op.add_column(sa.Column("run_by", sa.String(length=255), nullable=True))
    op.create_table(
        "audit_seals",
        key(),
        moment("sealed_at"),
        column("entries", sa.Integer()),
        column("previous", sa.String(64)),
        column("digest", sa.String(64)),
    )
    op.create_table(
        "sealed_entries",
        column("entry_id", sa.Integer(), primary_key=True),
        to("seal_id", "audit_seals", named="fk_sealed_entries_seal_id_audit_seals", index=True),
        column("salt", sa.String(32), nullable=True),
        column("words", sa.String(64)),
        column("digest", sa.String(64)),
    )
    append_only.guard("audit_seals")
    append_only.guard_but("sealed_entries", FORGOTTEN, ("entry_id",))
    append_only.guard_but("audit_entries", EMPTIED)


def downgrade() -> None:
    for table in ("audit_entries", "sealed_entries", "audit_seals"):
        append_only.unguard(table)
    op.drop_table("sealed_entries")
    op.drop_table("audit_seals")
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.drop_constraint(op.f("ck_audit_entries_way"), type_="check")
        batch_op.drop_column("run_by")
        batch_op.drop_column("way")
    append_only.guard("audit_entries")
