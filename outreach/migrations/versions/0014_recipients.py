"""A message refers to its authority or federation; a mailbox may answer for some schools only"""

import sqlalchemy as sa
from alembic import op

from outreach.errors import Refused
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import to

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

OLD_KEY = "uq_messages_mailing_id_recipient_kind_recipient_id_address_key"
KEY = "uq_messages_authority_id_mailing_id_address_key"
FEDERATIONS_KEY = "uq_messages_federation_id_mailing_id_address_key"
IS_FEDERATION = sa.text("federation_id IS NOT NULL")
SHOWN = 5


def upgrade() -> None:
    op.create_table(
        "contact_schools",
        to("contact_id", "contacts", primary_key=True),
        to("school_id", "schools", index=True, primary_key=True),
    )
    _refuse_strays()
    # Renamed, not copied: PostgreSQL then rewrites no row.
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f(OLD_KEY), type_="unique")
        batch_op.alter_column(
            "recipient_id", new_column_name="authority_id", existing_type=sa.Integer(), nullable=True
        )
        batch_op.add_column(sa.Column("federation_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE messages SET federation_id = authority_id, authority_id = NULL WHERE recipient_kind = 'federation'"
    )
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_recipient_kind"), type_="check")
        batch_op.drop_column("recipient_kind")
        batch_op.create_foreign_key(op.f("fk_messages_authority_id"), "authorities", ["authority_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_messages_federation_id"), "federations", ["federation_id"], ["id"])
        batch_op.create_check_constraint(
            op.f("ck_messages_recipient"), "(authority_id IS NULL) <> (federation_id IS NULL)"
        )
        batch_op.create_unique_constraint(op.f(KEY), ["authority_id", "mailing_id", "address_key"])
    op.create_index(
        FEDERATIONS_KEY,
        "messages",
        ["federation_id", "mailing_id", "address_key"],
        unique=True,
        sqlite_where=IS_FEDERATION,
        postgresql_where=IS_FEDERATION,
    )


def downgrade() -> None:
    op.drop_table("contact_schools")
    op.drop_index(FEDERATIONS_KEY, "messages")
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f(KEY), type_="unique")
        batch_op.drop_constraint(op.f("ck_messages_recipient"), type_="check")
        batch_op.drop_constraint(op.f("fk_messages_federation_id"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_messages_authority_id"), type_="foreignkey")
        # Renamed here already: in the next rebuild SQLite would lose a key over a column renamed in the same.
        batch_op.alter_column("authority_id", new_column_name="recipient_id", existing_type=sa.Integer())
        batch_op.add_column(
            sa.Column("recipient_kind", sa.String(length=40), nullable=False, server_default="authority")
        )
    op.execute(
        "UPDATE messages SET recipient_kind = 'federation', recipient_id = federation_id"
        " WHERE federation_id IS NOT NULL"
    )
    with op.batch_alter_table("messages") as batch_op:
        batch_op.alter_column("recipient_kind", server_default=None, existing_type=sa.String(length=40))
        batch_op.alter_column("recipient_id", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_column("federation_id")
        batch_op.create_check_constraint(
            op.f("ck_messages_recipient_kind"), "recipient_kind IN ('authority', 'federation', 'school')"
        )
        batch_op.create_unique_constraint(
            op.f(OLD_KEY), ["mailing_id", "recipient_kind", "recipient_id", "address_key"]
        )


def _refuse_strays() -> None:
    """Refuse messages that are to no authority and to no federation of the directory. Nothing has changed then."""
    _refuse("recipient_kind = 'school'", "à une école, et aucune version n’en a écrit")
    for kind, table in (("authority", "authorities"), ("federation", "federations")):
        is_gone = f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = messages.recipient_id)"
        _refuse(f"recipient_kind = '{kind}' AND {is_gone}", "à un destinataire qui n’est plus dans l’annuaire")


def _refuse(condition: str, what: str) -> None:
    strays = op.get_bind().scalars(sa.text(f"SELECT id FROM messages WHERE {condition} ORDER BY id")).all()
    if strays:
        named = ", ".join(map(str, strays[:SHOWN])) + ("…" if len(strays) > SHOWN else "")
        raise Refused(
            f"La base n’est pas changée : dans la table messages, {len(strays)} courriel(s) {what} (id {named})."
        )
