"""Who answers may say their name and function, and have one copy of the receipt sent to an address

The name and the function are personal data. They are kept as long as the response that they belong to, which nothing
deletes by itself. Their table is not guarded, so that they can be erased when the person asks for it. A copy's row
holds no address: that is in the letter, as every recipient's is.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "respondents",
        to("response_id", "responses", named="fk_respondents_response_id_responses", primary_key=True),
        column("name", sa.String(120)),
        column("function", sa.String(120)),
    )
    op.create_table(
        "receipt_copies",
        to("message_id", "messages", named="fk_receipt_copies_message_id_messages", primary_key=True),
        to("copy_id", "messages", named="fk_receipt_copies_copy_id_messages", unique=True),
        moment("asked_at"),
    )
    append_only.guard("receipt_copies", ("message_id",))


def downgrade() -> None:
    append_only.unguard("receipt_copies")
    op.drop_table("receipt_copies")
    op.drop_table("respondents")
