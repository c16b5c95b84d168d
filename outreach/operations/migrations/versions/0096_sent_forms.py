"""Forms of letters' pages: what a person sent, what has to be verified first; answers that are withdrawn or no reaction"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations import append_only
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, key, moment, one_of, to

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING

LETTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Taken note of by a link, without a word or a name; by phone, a person said it.
ACKNOWLEDGED = """
INSERT INTO acknowledgements (response_id) SELECT id FROM responses
WHERE answer = 'informed' AND comment = ''
AND id NOT IN (SELECT response_id FROM respondents WHERE name <> '')
AND id NOT IN (
    SELECT a.response_id FROM reach_answers a JOIN reach_steps s ON s.id = a.step_id WHERE s.channel = 'call'
)
"""
OF_RESPONSES = ("acknowledgements", "response_withdrawals")


def upgrade() -> None:
    op.create_table(
        "sent_forms",
        key(),
        sa.Column("message_id", LETTER, sa.ForeignKey("messages.id"), nullable=False),
        to("authority_id", "authorities", nullable=True),
        one_of("kind", "form_kind", "answer", "unsubscription", "subscription", "measure", "undoing"),
        one_of("state", "form_state", "recorded", "to_verify", "settled", "undone"),
        one_of("doubt", "doubt", "no_page", "foreign_page", "at_once", "twice", "many", nullable=True),
        column("nonce", sa.LargeBinary(16), nullable=True),
        column("digest", sa.String(64)),
        column("answers", sa.String(200)),
        moment("at"),
        moment("changed_at"),
    )
    op.create_index("ix_sent_forms_message_id_state", "sent_forms", ["message_id", "state"])
    op.create_index("ix_sent_forms_state_changed_at", "sent_forms", ["state", "changed_at"])
    op.create_index("ix_sent_forms_changed_at", "sent_forms", ["changed_at"])
    op.create_index("ix_sent_forms_authority_id", "sent_forms", ["authority_id"])
    op.create_index("ix_sent_forms_nonce", "sent_forms", ["nonce"])
    op.create_table(
        "quick_forms", key(), column("client", sa.LargeBinary(16)), to("authority_id", "authorities"), moment("at")
    )
    op.create_index("ix_quick_forms_client_at", "quick_forms", ["client", "at"])
    op.create_index("ix_quick_forms_at", "quick_forms", ["at"])
    op.create_table("acknowledgements", to("response_id", "responses", primary_key=True, autoincrement=False))
    of_response = to("response_id", "responses", primary_key=True, autoincrement=False)
    op.create_table(
        "response_withdrawals", of_response, moment("withdrawn_at"), one_of("because", "because", "not_ours", "twice")
    )
    op.execute(ACKNOWLEDGED)
    for table in OF_RESPONSES:
        append_only.guard(table, ("response_id",))


def downgrade() -> None:
    for table in OF_RESPONSES:
        append_only.unguard(table)
        op.drop_table(table)
    op.drop_table("quick_forms")
    op.drop_table("sent_forms")
