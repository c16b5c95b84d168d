"""Openings and clicks are appended as they come, and moved by the clock: clicks that wait for its judgement wait there"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, moment, one_of, where

revision = "0113"
down_revision = "0110"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before would leave its clicks unjudged

TO_MOVE = """
INSERT INTO hits_new (public_id, link, at, agent, is_head)
SELECT m.public_id, h.link, h.at, h.agent, h.is_head FROM hits h JOIN messages m ON m.id = h.message_id
WHERE h.version = 0
"""
# The clock of before judges clicks (version 0), and drops none: what may not be measured any more is not put back.
TO_JUDGE = """
INSERT INTO hits (message_id, tracker_id, link, at, agent, is_head, hit_class, why, version)
SELECT m.id,
    (SELECT t.id FROM trackers t JOIN tracker_networks n ON n.tracker_id = t.id
     JOIN authorities a ON a.network_id = n.network_id WHERE t.mailing_id = m.mailing_id AND a.id = m.authority_id),
    h.link, h.at, h.agent, h.is_head,
    CASE WHEN h.is_head OR h.agent IN ('none', 'scanner') THEN 'machine'
        WHEN h.agent = 'proxy' THEN 'undetermined' ELSE 'human' END,
    CASE WHEN h.is_head THEN 'head' WHEN h.agent IN ('none', 'scanner') THEN 'agent'
        WHEN h.agent = 'proxy' THEN 'proxy' ELSE 'nothing_suspect' END,
    CASE WHEN h.link = 0 THEN 1 ELSE 0 END
FROM hits_new h JOIN messages m ON m.public_id = h.public_id JOIN mailings g ON g.id = m.mailing_id
WHERE EXISTS (
    SELECT 1 FROM tracking_bases b JOIN contacts c ON c.id = b.contact_id
    WHERE c.authority_id = m.authority_id AND c.address_key = m.address_key AND c.retired_at IS NULL
    AND (b.kind = 'consent' OR c.mailbox_kind = 'impersonal') AND b.recorded_at <= g.filled_at
    AND NOT EXISTS (SELECT 1 FROM basis_withdrawals w WHERE w.basis_id = b.id)
)
"""


def upgrade() -> None:
    op.create_table(
        "hits_new",
        column("public_id", sa.String(16)),
        column("link", sa.SmallInteger()),
        moment("at"),
        one_of("agent", "agent", "none", "scanner", "proxy", "browser"),
        column("is_head", sa.Boolean()),
    )
    op.execute(TO_MOVE)
    op.execute("DELETE FROM hits WHERE version = 0")
    op.drop_index("ix_hits_unjudged", "hits")


def downgrade() -> None:
    """The openings of a group that are not moved yet, of some seconds, are lost."""
    op.create_index("ix_hits_unjudged", "hits", ["id"], **where("version = 0"))
    op.execute(TO_JUDGE)
    op.drop_table("hits_new")
