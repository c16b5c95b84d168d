"""The directory, staff, the audit and joinings as 0.1.0 had them: no database is older"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to, where

revision = "0010"
down_revision = None
branch_labels = None
depends_on = None
kind = Kind.BREAKING
TABLES = (  # each before those that it leads to
    "adherence_records", "joining_lists", "prerequisites", "strands", "programmes", "role_holders", "roles", "users",
    "audit_entries", "calls", "contacts", "teachings", "school_sites", "memberships", "listings", "sites", "schools",
    "authorities", "register_changes", "register_imports", "federations", "networks",
)  # fmt: skip


def upgrade() -> None:
    _directory()
    _links_of_the_directory()
    _staff()
    _adherence()
    append_only.guard_audit_alone()


def downgrade() -> None:
    append_only.unguard_audit_alone()
    for table in TABLES:
        op.drop_table(table)


def _place() -> list[sa.Column[str]]:
    """Where an authority, a school or a site is."""
    lengths = {"address": 200, "postcode": 10, "locality": 100, "municipality": 100}
    return [column(name, sa.String(length)) for name, length in lengths.items()]


def _known_for_days() -> list[sa.Column[object]]:
    """From when to when a link stands, and the editions that opened and closed it."""
    days = [column(name, sa.Date(), nullable=True) for name in ("since", "until")]
    return [*days, *(to(name, "register_imports", nullable=True, index=True) for name in ("opened_by", "closed_by"))]


def _directory() -> None:
    op.create_table(
        "networks",
        key(),
        column("code", sa.String(60), unique=True),
        column("label", sa.String(60)),
        column("position", sa.Integer()),
    )
    op.create_table(
        "federations",
        key(),
        column("code", sa.String(20), unique=True),
        column("name", sa.String(200)),
    )
    op.create_table(
        "register_imports",
        key(),
        one_of("state", "import_state", "applied", "undone"),
        column("edition_on", sa.Date()),
        column("sha256", sa.String(64)),
        moment("applied_at"),
        column("applied_by", sa.String(255)),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "register_changes",
        key(),
        to("import_id", "register_imports", index=True),
        one_of("kind", "kind", "authority", "school", "site"),
        one_of("nature", "nature", "new", "returned", "changed", "moved", "gone"),
        column("fase", sa.Integer()),
        column("name", sa.Text()),
        column("authority_fase", sa.Integer(), index=True),
        column("field", sa.String(40)),
        column("before", sa.Text()),
        column("after", sa.Text()),
    )
    op.create_table(
        "authorities",
        key(),
        column("fase", sa.Integer(), unique=True),
        column("name", sa.String(200)),
        column("company_number", sa.String(10), nullable=True),
        to("network_id", "networks", index=True),
        column("folded", sa.Text()),
        to("created_by", "register_imports", nullable=True, index=True),
        *_place(),
    )
    op.create_table(
        "schools",
        key(),
        column("fase", sa.Integer(), unique=True),
        column("name", sa.String(200)),
        column("company_number", sa.String(10), nullable=True),
        column("zone", sa.String(60), index=True),
        column("district", sa.String(60)),
        column("province", sa.String(40), nullable=True, index=True),
        column("folded", sa.Text()),
        to("created_by", "register_imports", nullable=True, index=True),
        *_place(),
    )
    op.create_table(
        "sites",
        key(),
        column("fase", sa.Integer(), unique=True),
        to("created_by", "register_imports", nullable=True, index=True),
        *_place(),
    )


def _links_of_the_directory() -> None:
    op.create_table(
        "listings",
        key(),
        to("school_id", "schools", index=True),
        to("authority_id", "authorities"),
        *_known_for_days(),
    )
    op.create_index("ix_listings_authority_id_until", "listings", ["authority_id", "until"])
    op.create_index("uq_listings_school_id_current", "listings", ["school_id"], unique=True, **where("until IS NULL"))
    op.create_table(
        "memberships",
        key(),
        to("authority_id", "authorities", index=True),
        to("federation_id", "federations", index=True),
        one_of("level", "level", "nursery", "primary", "secondary"),
        *_known_for_days(),
    )
    op.create_table(
        "school_sites",
        key(),
        to("school_id", "schools", index=True),
        to("site_id", "sites", index=True),
        *_known_for_days(),
    )
    op.create_table(
        "teachings",
        key(),
        to("school_id", "schools", index=True),
        one_of(
            "education_type", "education_type", "Maternel ordinaire", "Maternel spécialisé", "Primaire ordinaire",
            "Primaire spécialisé", "Secondaire ordinaire", "Secondaire spécialisé", "Secondaire CEFA",
        ),
        *_known_for_days(),
    )
    op.create_table(
        "contacts",
        key(),
        to("authority_id", "authorities", index=True),
        column("address", sa.String(320)),
        column("address_key", sa.String(320), index=True),
        column("address_ascii", sa.String(320)),
        column("name", sa.String(200)),
        one_of("mailbox_kind", "mailbox_kind", "impersonal", "personal"),
        one_of("source", "contact_source", "derived", "staff"),
        moment("added_at"),
        column("added_by", sa.String(255)),
        moment("bounced_at", nullable=True),
        moment("review_asked_at", nullable=True),
        moment("reviewed_at", nullable=True),
        column("reviewed_by", sa.String(255), nullable=True),
        moment("retired_at", nullable=True),
        column("retired_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retired"),
        sa.CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name="reviewed"),
    )
    op.create_index(
        "uq_contacts_in_use", "contacts", ["authority_id", "address_key"],
        unique=True, **where("retired_at IS NULL"),
    )
    op.create_table(
        "calls",
        key(),
        to("authority_id", "authorities", named="fk_calls_authority_id_authorities", index=True),
        one_of("kind", "call_kind", "phone", "meeting", "written"),
        column("day", sa.Date()),
        column("person", sa.String(200)),
        column("note", sa.Text()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )


def _staff() -> None:
    op.create_table(
        "audit_entries",
        key(),
        moment("at"),
        column("actor", sa.String(255)),
        column("sentence", sa.Text()),
        column("subject", sa.String(300), index=True),
    )
    op.create_table(
        "users",
        key(),
        column("email", sa.String(255), unique=True),
        column("name", sa.String(200)),
        column("password", sa.String(255)),
        column("active", sa.Boolean()),
        column("fs_uniquifier", sa.String(64), unique=True),
        moment("created_at"),
    )
    op.create_table(
        "roles",
        key(),
        column("name", sa.String(40), unique=True),
    )
    op.create_table(
        "role_holders",
        to("user_id", "users", ondelete="CASCADE", primary_key=True),
        to("role_id", "roles", primary_key=True),
    )


def _adherence() -> None:
    op.create_table(
        "programmes",
        key(),
        column("code", sa.String(60), unique=True),
        column("name", sa.String(200)),
    )
    op.create_table(
        "strands",
        key(),
        to("programme_id", "programmes"),
        column("number", sa.Integer()),
        column("name", sa.String(200)),
        column("circular", sa.String(40)),
        column("opened_on", sa.Date()),
        one_of("level", "strand_level", "nursery", "primary", "secondary"),
        sa.UniqueConstraint("programme_id", "number"),
    )
    op.create_table(
        "prerequisites",
        key(),
        to("strand_id", "strands", index=True),
        to("required_id", "strands"),
        column("since", sa.Date()),
        column("until", sa.Date(), nullable=True),
    )
    op.create_table(
        "joining_lists",
        key(),
        to("programme_id", "programmes"),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at"),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "adherence_records",
        key(),
        to("school_id", "schools"),
        to("strand_id", "strands", index=True),
        one_of(
            "status", "status", "joined", "tender_launched", "in_preparation", "declined", "informed", "not_concerned",
            "none",
        ),
        one_of("word", "word", "declared", "confirmed"),
        column("effective_on", sa.Date()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        column("source", sa.String(200)),
        column("reason", sa.Text()),
        to("list_id", "joining_lists", nullable=True, index=True),
        moment("withdrawn_at", nullable=True),
    )
    op.create_index("ix_adherence_records_school_id_strand_id", "adherence_records", ["school_id", "strand_id"])
