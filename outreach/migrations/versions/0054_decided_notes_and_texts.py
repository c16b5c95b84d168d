"""Decisions about notes and prepared texts stand with the others; the number of a note stays where it was"""

import hashlib
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.append_only import guard, unguard
from outreach.migrations.kinds import Kind

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

AT = outreach.db.UtcDateTime(timezone=True)
BEFORE = ("written", "submitted", "approved", "confirmed", "sent_back", "withdrawn")
KINDS = (*BEFORE, "refused")
UNDER = "sous le numéro "
LABEL = "Adhésion confirmée"  # of the one use of texts that needs an approval


def upgrade() -> None:
    _allow(KINDS)
    _number([*_of_notes(), *_of_texts()])
    unguard("note_approvals")
    with op.batch_alter_table("note_approvals") as batch_op:
        batch_op.drop_column("approved_by")
    guard("note_approvals", ("position",))
    for table in ("note_refusals", "text_approvals"):
        unguard(table)
        op.drop_table(table)


def downgrade() -> None:
    _create("note_refusals", "note_id", "notes", "refused", sa.Column("reason", sa.Text(), nullable=False))
    _create("text_approvals", "text_id", "prepared_texts", "approved")
    unguard("note_approvals")
    with op.batch_alter_table("note_approvals") as batch_op:
        batch_op.add_column(sa.Column("approved_by", sa.String(255), nullable=False, server_default=""))
    with op.batch_alter_table("note_approvals") as batch_op:
        batch_op.alter_column("approved_by", server_default=None, existing_type=sa.String(255))
    _give_back()
    guard("note_approvals", ("position",))
    guard("note_refusals", ("note_id",))
    guard("text_approvals", ("text_id",))
    theirs = "subject LIKE 'note:%' OR subject LIKE 'text:%'"
    op.execute(f"DELETE FROM staff_notices WHERE decision_id IN (SELECT id FROM decisions WHERE {theirs})")
    unguard("decisions")
    op.execute(f"DELETE FROM decisions WHERE {theirs}")
    _allow(BEFORE)


def _number(made: list[dict[str, Any]]) -> None:
    """Add decisions after those that there are; PostgreSQL numbers on after them."""
    decisions, bind = _read("decisions", "at"), op.get_bind()
    last = bind.scalar(sa.select(sa.func.coalesce(sa.func.max(decisions.c.id), 0)))
    if made:
        bind.execute(decisions.insert(), [{"id": last + place, **row} for place, row in enumerate(made, 1)])
    if bind.dialect.name == "postgresql":
        op.execute(f"SELECT setval(pg_get_serial_sequence('decisions', 'id'), {last + len(made) + 1}, false)")


def _allow(kinds: tuple[str, ...]) -> None:
    """Let decisions be of these kinds."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    unguard("decisions")
    with op.batch_alter_table("decisions") as batch_op:
        batch_op.drop_constraint(op.f("ck_decisions_decision_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_decisions_decision_kind"), f"kind IN ({listed})")
    guard("decisions")


def _read(name: str, *moments: str) -> sa.Table:
    columns = [sa.Column(moment, AT) for moment in moments]
    return sa.Table(name, sa.MetaData(), *columns, autoload_with=op.get_bind(), resolve_fks=False)


def _rows(table: sa.Table, key: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(sa.select(table).order_by(table.c[key])).mappings()]


def _decision(subject: str, title: str, digest: str, said: tuple[str, Any, str], reason: str = "") -> dict[str, Any]:
    kind, at, actor = said
    about = {"subject": subject, "title": title, "digest": digest}
    return {**about, "kind": kind, "at": at, "actor": actor, "reason": reason, "authorities": 0, "letters": None}


def _of_notes() -> list[dict[str, Any]]:
    approvals = {row["note_id"]: row for row in _rows(_read("note_approvals", "approved_at"), "position")}
    refusals = {row["note_id"]: row for row in _rows(_read("note_refusals", "refused_at"), "note_id")}
    made = []
    for note in _rows(_read("notes", "frozen_at", "known_at"), "id"):
        about = f"note:{note['id']}", note["title"], note["sha256"]
        made.append(_decision(*about, ("submitted", note["frozen_at"], note["frozen_by"])))
        if given := approvals.get(note["id"]):
            said = ("approved", given["approved_at"], given["approved_by"])
            made.append(_decision(*about, said, f"{UNDER}{given['number']}"))
        if refused := refusals.get(note["id"]):
            said = ("refused", refused["refused_at"], refused["refused_by"])
            made.append(_decision(*about, said, refused["reason"]))
    return made


def _of_texts() -> list[dict[str, Any]]:
    """Of the versions of the text that needs an approval: a newer one ends what the one before asked or allowed."""
    approvals = {row["text_id"]: row for row in _rows(_read("text_approvals", "approved_at"), "text_id")}
    texts = [text for text in _rows(_read("prepared_texts", "written_at"), "id") if text["use"] == "joined"]
    made = []
    for text, newer in zip_longest(texts, texts[1:]):
        about = f"text:{text['id']}", LABEL, hashlib.sha256(text["text"].encode()).hexdigest()
        made.append(_decision(*about, ("submitted", text["written_at"], text["written_by"])))
        if given := approvals.get(text["id"]):
            made.append(_decision(*about, ("approved", given["approved_at"], given["approved_by"])))
        if newer:
            said = ("withdrawn", newer["written_at"], newer["written_by"])
            made.append(_decision(*about, said, "remplacée"))
    return made


def _create(name: str, key: str, table: str, done: str, *more: sa.Column[str]) -> None:
    op.create_table(
        name,
        sa.Column(key, sa.Integer(), nullable=False),
        sa.Column(f"{done}_at", AT, nullable=False),
        sa.Column(f"{done}_by", sa.String(length=255), nullable=False),
        *more,
        sa.ForeignKeyConstraint([key], [f"{table}.id"], name=op.f(f"fk_{name}_{key}_{table}")),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{name}")),
    )


def _give_back() -> None:
    refusals, approvals = _read("note_refusals", "refused_at"), _read("text_approvals", "approved_at")
    numbers, bind = _read("note_approvals", "approved_at"), op.get_bind()
    for row in _rows(_read("decisions", "at"), "id"):
        thing, _, key = row["subject"].partition(":")
        number, who = int(key), row["actor"]
        if (thing, row["kind"]) == ("note", "approved"):
            bind.execute(sa.update(numbers).where(numbers.c.note_id == number).values(approved_by=who))
        if (thing, row["kind"]) == ("note", "refused"):
            said = {"refused_at": row["at"], "refused_by": who, "reason": row["reason"]}
            bind.execute(refusals.insert().values(note_id=number, **said))
        if (thing, row["kind"]) == ("text", "approved"):
            bind.execute(approvals.insert().values(text_id=number, approved_at=row["at"], approved_by=who))
