"""The directory, the staff and the audit"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The audit only grows: the database itself refuses to change or delete an entry.
REFUSAL = "audit entries are never changed"
GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER audit_entries_{event.lower()} BEFORE {event} ON audit_entries "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for event in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_entries_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    ],
}
UNGUARDS = {
    "sqlite": [],
    "postgresql": [
        "DROP TRIGGER audit_entries_guard ON audit_entries",
        "DROP FUNCTION refuse_audit_change",
    ],
}


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_subject"), ["subject"], unique=False)

    op.create_table(
        "federations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_federations")),
        sa.UniqueConstraint("code", name=op.f("uq_federations_code")),
    )
    op.create_table(
        "networks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_networks")),
        sa.UniqueConstraint("code", name=op.f("uq_networks_code")),
    )
    op.create_table(
        "register_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("applied", "undone", name="import_state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("edition_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("applied_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.String(length=255), nullable=False),
        sa.Column("undone_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_imports")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("created_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_users_fs_uniquifier")),
    )
    op.create_table(
        "authorities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("company_number", sa.String(length=10), nullable=True),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=10), nullable=False),
        sa.Column("locality", sa.String(length=100), nullable=False),
        sa.Column("municipality", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["register_imports.id"], name=op.f("fk_authorities_created_by")),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name=op.f("fk_authorities_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorities")),
        sa.UniqueConstraint("fase", name=op.f("uq_authorities_fase")),
    )
    with op.batch_alter_table("authorities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_authorities_created_by"), ["created_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_authorities_network_id"), ["network_id"], unique=False)

    op.create_table(
        "register_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("authority", "school", "site", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "nature",
            sa.Enum(
                "new",
                "returned",
                "changed",
                "moved",
                "gone",
                name="nature",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority_fase", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["register_imports.id"], name=op.f("fk_register_changes_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_changes")),
    )
    with op.batch_alter_table("register_changes", schema=None) as batch_op:
        batch_op.create_index("ix_register_changes_authority_fase", ["authority_fase"], unique=False)
        batch_op.create_index(batch_op.f("ix_register_changes_import_id"), ["import_id"], unique=False)

    op.create_table(
        "role_holders",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_role_holders_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_role_holders_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_role_holders")),
    )
    op.create_table(
        "schools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("company_number", sa.String(length=10), nullable=True),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("district", sa.String(length=60), nullable=False),
        sa.Column("province", sa.String(length=40), nullable=True),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=10), nullable=False),
        sa.Column("locality", sa.String(length=100), nullable=False),
        sa.Column("municipality", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["register_imports.id"], name=op.f("fk_schools_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schools")),
        sa.UniqueConstraint("fase", name=op.f("uq_schools_fase")),
    )
    with op.batch_alter_table("schools", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schools_created_by"), ["created_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_schools_province"), ["province"], unique=False)
        batch_op.create_index(batch_op.f("ix_schools_zone"), ["zone"], unique=False)

    op.create_table(
        "sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=10), nullable=False),
        sa.Column("locality", sa.String(length=100), nullable=False),
        sa.Column("municipality", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["register_imports.id"], name=op.f("fk_sites_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("fase", name=op.f("uq_sites_fase")),
    )
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sites_created_by"), ["created_by"], unique=False)

    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("address_ascii", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "mailbox_kind",
            sa.Enum(
                "impersonal", "personal", name="mailbox_kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "source",
            sa.Enum("derived", "staff", name="contact_source", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("added_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=255), nullable=False),
        sa.Column("bounced_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("review_asked_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(length=255), nullable=True),
        sa.Column("retired_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name=op.f("ck_contacts_retired")),
        sa.CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name=op.f("ck_contacts_reviewed")),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"], name=op.f("fk_contacts_authority_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contacts_address_key"), ["address_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_contacts_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(
            "uq_contacts_in_use",
            ["authority_id", "address_key"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "listings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"], name=op.f("fk_listings_authority_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["register_imports.id"], name=op.f("fk_listings_closed_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["register_imports.id"], name=op.f("fk_listings_opened_by")),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_listings_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
    )
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.create_index("ix_listings_authority_id_until", ["authority_id", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_listings_closed_by"), ["closed_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_listings_opened_by"), ["opened_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_listings_school_id"), ["school_id"], unique=False)
        batch_op.create_index(
            "uq_listings_school_id_current",
            ["school_id"],
            unique=True,
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )

    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("federation_id", sa.Integer(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "nursery", "primary", "secondary", name="level", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"], name=op.f("fk_memberships_authority_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["register_imports.id"], name=op.f("fk_memberships_closed_by")),
        sa.ForeignKeyConstraint(["federation_id"], ["federations.id"], name=op.f("fk_memberships_federation_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["register_imports.id"], name=op.f("fk_memberships_opened_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_memberships_closed_by"), ["closed_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_memberships_federation_id"), ["federation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_memberships_opened_by"), ["opened_by"], unique=False)

    op.create_table(
        "school_sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["closed_by"], ["register_imports.id"], name=op.f("fk_school_sites_closed_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["register_imports.id"], name=op.f("fk_school_sites_opened_by")),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_school_sites_school_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_school_sites_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_sites")),
    )
    with op.batch_alter_table("school_sites", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_school_sites_closed_by"), ["closed_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_school_sites_opened_by"), ["opened_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_school_sites_school_id"), ["school_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_school_sites_site_id"), ["site_id"], unique=False)

    op.create_table(
        "teachings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column(
            "education_type",
            sa.Enum(
                "Maternel ordinaire",
                "Maternel spécialisé",
                "Primaire ordinaire",
                "Primaire spécialisé",
                "Secondaire ordinaire",
                "Secondaire spécialisé",
                "Secondaire CEFA",
                name="education_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["closed_by"], ["register_imports.id"], name=op.f("fk_teachings_closed_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["register_imports.id"], name=op.f("fk_teachings_opened_by")),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_teachings_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teachings")),
    )
    with op.batch_alter_table("teachings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_teachings_closed_by"), ["closed_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_teachings_opened_by"), ["opened_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_teachings_school_id"), ["school_id"], unique=False)

    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in UNGUARDS[op.get_bind().dialect.name]:
        op.execute(statement)

    with op.batch_alter_table("teachings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_teachings_school_id"))
        batch_op.drop_index(batch_op.f("ix_teachings_opened_by"))
        batch_op.drop_index(batch_op.f("ix_teachings_closed_by"))

    op.drop_table("teachings")
    with op.batch_alter_table("school_sites", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_school_sites_site_id"))
        batch_op.drop_index(batch_op.f("ix_school_sites_school_id"))
        batch_op.drop_index(batch_op.f("ix_school_sites_opened_by"))
        batch_op.drop_index(batch_op.f("ix_school_sites_closed_by"))

    op.drop_table("school_sites")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_opened_by"))
        batch_op.drop_index(batch_op.f("ix_memberships_federation_id"))
        batch_op.drop_index(batch_op.f("ix_memberships_closed_by"))
        batch_op.drop_index(batch_op.f("ix_memberships_authority_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_listings_school_id_current",
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_listings_school_id"))
        batch_op.drop_index(batch_op.f("ix_listings_opened_by"))
        batch_op.drop_index(batch_op.f("ix_listings_closed_by"))
        batch_op.drop_index("ix_listings_authority_id_until")

    op.drop_table("listings")
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_contacts_in_use",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_contacts_authority_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_address_key"))

    op.drop_table("contacts")
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sites_created_by"))

    op.drop_table("sites")
    with op.batch_alter_table("schools", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schools_zone"))
        batch_op.drop_index(batch_op.f("ix_schools_province"))
        batch_op.drop_index(batch_op.f("ix_schools_created_by"))

    op.drop_table("schools")
    op.drop_table("role_holders")
    with op.batch_alter_table("register_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_register_changes_import_id"))
        batch_op.drop_index("ix_register_changes_authority_fase")

    op.drop_table("register_changes")
    with op.batch_alter_table("authorities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authorities_network_id"))
        batch_op.drop_index(batch_op.f("ix_authorities_created_by"))

    op.drop_table("authorities")
    op.drop_table("users")
    op.drop_table("roles")
    op.drop_table("register_imports")
    op.drop_table("networks")
    op.drop_table("federations")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_subject"))

    op.drop_table("audit_entries")
