"""Trackers, hits, and what allows a mailbox to be measured"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _allow(*modes: str) -> None:
    listed = ", ".join(f"'{mode}'" for mode in modes)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_constraint(op.f("ck_campaigns_tracking_mode"), type_="check")
        batch_op.create_check_constraint(op.f("ck_campaigns_tracking_mode"), f"tracking IN ({listed})")


def upgrade() -> None:
    _allow("none", "aggregate", "individual")
    op.create_table(
        "tracked_links",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_tracked_links_mailing_id")),
        sa.PrimaryKeyConstraint("mailing_id", "number", name=op.f("pk_tracked_links")),
    )
    op.create_table(
        "trackers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_trackers_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trackers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_trackers_public_id")),
    )
    op.create_index("ix_trackers_mailing_id", "trackers", ["mailing_id"])

    op.create_table(
        "tracking_bases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("consent", "decision", name="basis_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("given_by", sa.String(length=200), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "kind <> 'consent' OR (wording <> '' AND channel <> '')", name=op.f("ck_tracking_bases_consent")
        ),
        sa.CheckConstraint("kind <> 'decision' OR reference <> ''", name=op.f("ck_tracking_bases_decision")),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_tracking_bases_withdrawn")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_tracking_bases_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_bases")),
    )
    op.create_index("ix_tracking_bases_contact_id", "tracking_bases", ["contact_id"])

    op.create_table(
        "hit_counts",
        sa.Column("tracker_id", sa.Integer(), nullable=False),
        sa.Column("link", sa.SmallInteger(), nullable=False),
        sa.Column("hour", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "hit_class",
            sa.Enum(
                "human",
                "undetermined",
                "machine",
                name="hit_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tracker_id"], ["trackers.id"], name=op.f("fk_hit_counts_tracker_id")),
        sa.PrimaryKeyConstraint("tracker_id", "link", "hour", "hit_class", name=op.f("pk_hit_counts")),
    )
    op.create_table(
        "tracker_networks",
        sa.Column("tracker_id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name=op.f("fk_tracker_networks_network_id")),
        sa.ForeignKeyConstraint(["tracker_id"], ["trackers.id"], name=op.f("fk_tracker_networks_tracker_id")),
        sa.PrimaryKeyConstraint("tracker_id", "network_id", name=op.f("pk_tracker_networks")),
    )
    op.create_index("ix_tracker_networks_network_id", "tracker_networks", ["network_id"])

    op.create_table(
        "hits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("tracker_id", sa.Integer(), nullable=True),
        sa.Column("link", sa.SmallInteger(), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "agent",
            sa.Enum(
                "none",
                "scanner",
                "proxy",
                "browser",
                name="agent",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column(
            "hit_class",
            sa.Enum(
                "human",
                "undetermined",
                "machine",
                name="judged_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "why",
            sa.Enum(
                "head",
                "agent",
                "proxy",
                "burst",
                "nothing_suspect",
                name="why",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_hits_message_id")),
        sa.ForeignKeyConstraint(["tracker_id"], ["trackers.id"], name=op.f("fk_hits_tracker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hits")),
    )
    op.create_index("ix_hits_at", "hits", ["at"])
    op.create_index("ix_hits_message_id_at", "hits", ["message_id", "at"])
    op.create_index("ix_hits_tracker_id", "hits", ["tracker_id"])


def downgrade() -> None:
    op.drop_table("hits")
    op.drop_table("tracker_networks")
    op.drop_table("hit_counts")
    op.drop_table("tracking_bases")
    op.drop_table("trackers")
    op.drop_table("tracked_links")
    op.execute("UPDATE campaigns SET tracking = 'none'")
    _allow("none")
