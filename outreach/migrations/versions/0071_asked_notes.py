"""Notes that somebody asks for, and decisions about such questions: asked, answered

A program from before knows neither kind of decision.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.append_only import guard_words, unguard
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, to

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

# What an erasure may do to a decision, as before: its words go, and nothing else changes.
WORDS, STAYS = ("title", "actor", "reason"), ("id", "subject", "kind", "digest", "authorities", "letters", "at")
BEFORE = ("written", "submitted", "approved", "confirmed", "sent_back", "refused", "withdrawn")


def upgrade() -> None:
    op.create_table(
        "asked_notes",
        key(),
        column("title", sa.String(200)),
        column("request", sa.Text()),
        column("asked_by", sa.String(255), index=True),
        moment("asked_at"),
        to("note_id", "notes", nullable=True, index=True),
    )
    _allow(*BEFORE, "asked", "answered")


def downgrade() -> None:
    theirs = "subject LIKE 'request:%'"
    op.execute(f"DELETE FROM staff_notices WHERE decision_id IN (SELECT id FROM decisions WHERE {theirs})")
    unguard("decisions")
    op.execute(f"DELETE FROM decisions WHERE {theirs}")
    _allow(*BEFORE)
    op.drop_table("asked_notes")


def _allow(*kinds: str) -> None:
    unguard("decisions")
    allow("decisions", "kind", "decision_kind", *kinds)
    guard_words("decisions", WORDS, STAYS)
