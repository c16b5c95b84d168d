"""Campaigns are played no more: each play that was kept becomes a sentence of its campaign's journal"""

import json
from datetime import date

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, key, moment, to

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before reads the plays

# The state is that of the campaign: a play changed none.
TOLD = sa.text(
    "INSERT INTO campaign_transitions (campaign_id, state, at, actor, content_hash, note) "
    "SELECT r.campaign_id, c.state, r.at, r.played_by, r.content_digest, :note "
    "FROM campaign_rehearsals r JOIN campaigns c ON c.id = r.campaign_id WHERE r.id = :id"
)


def upgrade() -> None:
    bind = op.get_bind()
    for row in bind.execute(sa.text("SELECT id, outcome FROM campaign_rehearsals ORDER BY id")).all():
        bind.execute(TOLD, {"id": row.id, "note": _sentence(json.loads(row.outcome))})
    op.drop_table("campaign_rehearsals")


def downgrade() -> None:
    """The table comes back empty: the journal keeps its sentences, and a campaign may be played anew."""
    op.create_table(
        "campaign_rehearsals",
        key(),
        to("campaign_id", "campaigns", index=True),
        column("content_digest", sa.String(64)),
        column("audience_digest", sa.String(64)),
        column("outcome", sa.Text()),
        moment("at", index=True),
        column("played_by", sa.String(255)),
    )


def _sentence(told: dict[str, object]) -> str:
    joined, deadline = told["joined"], date.fromisoformat(str(told["deadline"]))
    assert isinstance(joined, dict)
    low, high = (f"{joined[name]:,}".replace(",", "\u202f") for name in ("low", "high"))
    return (
        f"répétée 199 fois : de {low} à {high} PO auraient une adhésion confirmée au {deadline:%d/%m/%Y}, 4 fois sur 5"
    )
