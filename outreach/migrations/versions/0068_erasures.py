"""Erased addresses, and what an erasure may take out of tables to which rows are only added

In such a table, a column that may name a person may be emptied, or hold a sign of an erasure in the place of words.
The other columns stay as they are. An entry of the audit may lose its words, and who acted and on whom, once it is
sealed.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.append_only import CHANGED, SAME
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

MARKED = "(NEW.{0} IS NOT DISTINCT FROM OLD.{0} OR NEW.{0} LIKE '%effacé%')"
# By table: the columns that may lose words, those that stay, and the primary key.
WORDS_OF: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str]]] = {
    "adherence_records": (
        ("recorded_by", "source", "reason"),
        ("id", "school_id", "strand_id", "status", "word", "effective_on", "recorded_at", "list_id"),
        ("id",),
    ),
    "basis_withdrawals": (("withdrawn_by", "channel"), ("basis_id", "withdrawn_at"), ("basis_id",)),
    "campaign_transitions": (("actor", "note"), ("id", "campaign_id", "state", "at", "content_hash"), ("id",)),
    "closure_withdrawals": (("withdrawn_by",), ("closure_id", "withdrawn_at"), ("closure_id",)),
    "closures": (("name", "added_by"), ("id", "first_on", "last_on", "part", "spares", "added_at"), ("id",)),
    "decisions": (
        ("title", "actor", "reason"),
        ("id", "subject", "kind", "digest", "authorities", "letters", "at"),
        ("id",),
    ),
    "exemption_withdrawals": (("withdrawn_by",), ("exemption_id", "withdrawn_at"), ("exemption_id",)),
    "exemptions": (("actor", "reason"), ("id", "kind", "campaign_id", "wave_id", "at"), ("id",)),
    "follow_up_steps": (("actor", "note"), ("id", "authority_id", "step", "at", "day", "contact_id"), ("id",)),
    "gate_changes": (("actor", "note"), ("id", "mailing_id", "gate", "at"), ("id",)),
    "note_publications": (("published_by",), ("note_id", "published_at"), ("note_id",)),
    "prepared_texts": (("text", "written_by"), ("id", "use", "written_at"), ("id",)),
    "public_statements": (("content", "written_by"), ("id", "kind", "dated_on", "written_at"), ("id",)),
    "record_withdrawals": (("withdrawn_by",), ("record_id", "withdrawn_at"), ("record_id",)),
    "retention_changes": (("changed_by",), ("id", "rule", "period", "changed_at"), ("id",)),
    "tracking_bases": (
        ("given_by", "wording", "channel", "reference", "recorded_by"),
        ("id", "contact_id", "kind", "taken_on", "recorded_at"),
        ("id",),
    ),
    "wave_transitions": (("actor", "note"), ("id", "wave_id", "state", "at"), ("id",)),
}
# The same of tables in which retention already emptied some of them.
ALREADY: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "responses": (
        ("comment", "proposed_address"),
        ("id", "message_id", "authority_id", "strand_id", "answer", "given_at"),
    ),
    "response_steps": (("actor", "note"), ("id", "response_id", "step", "at", "day")),
    "service_replies": (
        ("key", "subject", "text", "sent_by"),
        ("id", "response_id", "message_id", "text_id", "sent_at"),
    ),
}
EMPTIED_BEFORE = {
    "responses": ("comment", "proposed_address"),
    "response_steps": ("actor", "note"),
    "service_replies": ("subject", "text"),
}
IS_SEALED = "EXISTS (SELECT 1 FROM sealed_entries WHERE entry_id = OLD.id)"
HAS_NO_SALT = "EXISTS (SELECT 1 FROM sealed_entries WHERE entry_id = OLD.id AND salt IS NULL)"
ENTRY = " AND ".join(
    (
        f"({' OR '.join(map(CHANGED.format, ('sentence', 'actor', 'subject', 'run_by')))})",
        IS_SEALED,
        f"(NEW.sentence = OLD.sentence OR (NEW.sentence = '' AND {HAS_NO_SALT}))",
        *map(MARKED.format, ("actor", "subject", "run_by")),
        *map(SAME.format, ("id", "at", "way")),
    )
)
EMPTIED_ENTRY = " AND ".join(
    (
        "NEW.sentence = '' AND OLD.sentence <> ''",
        HAS_NO_SALT,
        *map(SAME.format, ("id", "at", "actor", "subject", "way", "run_by")),
    )
)


def upgrade() -> None:
    op.create_table(
        "erasures",
        key(),
        column("digest", sa.String(64)),
        column("key", sa.String(16)),
        moment("erased_at"),
        column("erased_by", sa.String(255)),
        sa.UniqueConstraint("digest", name=op.f("uq_erasures_digest")),
    )
    append_only.guard_words("erasures", ("erased_by",), ("id", "digest", "key", "erased_at"))
    for table, (words, same, keys) in WORDS_OF.items():
        append_only.unguard(table)
        append_only.guard_words(table, words, same, keys)
    for table, (words, same) in ALREADY.items():
        append_only.unguard(table)
        append_only.guard_words(table, words, same)
    append_only.unguard("audit_entries")
    append_only.guard_but("audit_entries", ENTRY)


def downgrade() -> None:
    append_only.unguard("audit_entries")
    append_only.guard_but("audit_entries", EMPTIED_ENTRY)
    for table, (words, same) in ALREADY.items():
        append_only.unguard(table)
        before = EMPTIED_BEFORE[table]
        is_changed = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in before)
        kept = [*same, *(name for name in words if name not in before)]
        emptied = (f"NEW.{name} IN ('', OLD.{name})" for name in before)
        append_only.guard_but(table, " AND ".join((f"({is_changed})", *emptied, *map(SAME.format, kept))))
    for table, (_, _, keys) in WORDS_OF.items():
        append_only.unguard(table)
        append_only.guard(table, keys)
    append_only.unguard("erasures")
    op.drop_table("erasures")
