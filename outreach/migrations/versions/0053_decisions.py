"""One table of decisions: what was written, submitted and approved of campaigns and of reminders added to them

Transitions of campaigns that are no such decision stay in their table. Those of reminders all are.
"""

from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.append_only import guard, unguard
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

KINDS = ("written", "submitted", "approved", "confirmed", "sent_back", "withdrawn")
CAMPAIGN_STATES = ("draft", "to_approve", "approved", "closed", "cancelled")
REMINDER_STATES = ("draft", "to_approve", "approved", "abandoned")
AT = outreach.db.UtcDateTime(timezone=True)
SENT_BACK, RESTORED = "renvoyée à qui l’écrit", "reprise en brouillon"
WORDS = {  # as the notes of transitions had them
    "submitted": "soumise à validation",
    "approved": "validée",
    "confirmed": "validée pour le public tel qu’il est devenu",
    "sent_back": SENT_BACK,
}
STATES = {
    "written": "draft",
    "submitted": "to_approve",
    "approved": "approved",
    "confirmed": "approved",
    "sent_back": "draft",
    "withdrawn": "cancelled",
}


class Moves(NamedTuple):
    """A table of transitions: what a subject is called, the column with its key, and the title of the subject."""

    table: str
    thing: str
    key: str
    titles: str


CAMPAIGNS = Moves("campaign_transitions", "campaign", "campaign_id", "SELECT id, title FROM campaigns")
REMINDERS = Moves(
    "added_reminder_transitions",
    "reminder",
    "added_reminder_id",
    "SELECT a.id, c.title FROM added_reminders AS a JOIN campaigns AS c ON c.id = a.campaign_id",
)
COUNTED = ("authorities", "addresses")


def upgrade() -> None:
    _create()
    numbers = count(1)
    taken = {moves: _take_over(moves, numbers) for moves in (CAMPAIGNS, REMINDERS)}
    _count_on("decisions")
    guard("decisions")
    _turn_notices(taken)
    unguard("campaign_transitions")
    for number in taken[CAMPAIGNS]:
        op.execute(sa.text("DELETE FROM campaign_transitions WHERE id = :number").bindparams(number=number))
    with op.batch_alter_table("campaign_transitions") as batch_op:
        for name in COUNTED:
            batch_op.drop_column(name)
    guard("campaign_transitions")
    unguard("added_reminder_transitions")
    op.drop_table("added_reminder_transitions")


def downgrade() -> None:
    _create_reminder_moves()
    unguard("campaign_transitions")
    with op.batch_alter_table("campaign_transitions") as batch_op:
        batch_op.add_column(sa.Column("authorities", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("addresses", sa.Integer(), nullable=True))
    with op.batch_alter_table("campaign_transitions") as batch_op:
        batch_op.alter_column("authorities", server_default=None, existing_type=sa.Integer())
    given = {moves: _give_back(moves) for moves in (CAMPAIGNS, REMINDERS)}
    for table in ("campaign_transitions", "added_reminder_transitions"):
        _count_on(table)
        guard(table)
    _turn_notices_back(given)
    unguard("decisions")
    op.drop_table("decisions")


def _create() -> None:
    op.create_table(
        "decisions",
        key(),
        column("subject", sa.String(40)),
        column("title", sa.String(200)),
        one_of("kind", "decision_kind", *KINDS, index=True),
        column("digest", sa.String(64)),
        column("authorities", sa.Integer()),
        column("letters", sa.Integer(), nullable=True),
        moment("at", index=True),
        column("actor", sa.String(255)),
        column("reason", sa.Text()),
    )
    op.create_index("ix_decisions_subject_id", "decisions", ["subject", "id"])


def _create_reminder_moves() -> None:
    op.create_table(
        "added_reminder_transitions",
        key(),
        to(
            "added_reminder_id", "added_reminders",
            named="fk_added_reminder_transitions_added_reminder_id_added_reminders", index=True,
        ),
        one_of("state", "reached_reminder_state", *REMINDER_STATES),
        moment("at"),
        column("actor", sa.String(255)),
        column("content_hash", sa.String(64)),
        column("authorities", sa.Integer()),
        column("note", sa.Text()),
        column("addresses", sa.Integer(), nullable=True),
    )


def _tables(moves: Moves) -> tuple[sa.Table, sa.Table]:
    held = sa.MetaData()
    enums = {"autoload_with": op.get_bind(), "resolve_fks": False}
    decisions = sa.Table("decisions", held, sa.Column("at", AT), **enums)
    return decisions, sa.Table(moves.table, held, sa.Column("at", AT), **enums)


def _take_over(moves: Moves, numbers: Iterable[int]) -> dict[int, int]:
    """Make decisions of a table's transitions, in their order. Returns their keys by those of the transitions."""
    decisions, table = _tables(moves)
    titles = dict(op.get_bind().execute(sa.text(moves.titles)).all())
    taken, rows = {}, []
    for row in op.get_bind().execute(sa.select(table).order_by(table.c.id)).mappings():
        kind = _kind_of(row["state"], row["note"])
        if kind is None:
            continue
        taken[row["id"]] = number = next(iter(numbers))
        rows.append(
            {
                "id": number,
                "subject": f"{moves.thing}:{row[moves.key]}",
                "title": titles[row[moves.key]],
                "kind": kind,
                "digest": row["content_hash"],
                "authorities": row["authorities"],
                "letters": row["addresses"],
                "at": row["at"],
                "actor": row["actor"],
                "reason": _reason(kind, row["note"]),
            }
        )
    if rows:
        op.get_bind().execute(decisions.insert(), rows)
    return taken


def _kind_of(state: str, note: str) -> str | None:
    """What a transition was; None of a campaign that was closed or taken back to draft."""
    if state == "draft":
        return "sent_back" if note.startswith(SENT_BACK) else None if note == RESTORED else "written"
    if state == "approved":
        return "confirmed" if note == WORDS["confirmed"] else "approved"
    return {"to_approve": "submitted", "cancelled": "withdrawn", "abandoned": "withdrawn"}.get(state)


def _reason(kind: str, note: str) -> str:
    """What the note says beyond the kind."""
    words = WORDS.get(kind, "")
    if kind == "submitted":
        return ""
    return note.removeprefix(words).removeprefix(" : " if kind == "sent_back" else " ")


def _give_back(moves: Moves) -> dict[int, int]:
    """Make transitions of decisions again, each where one is free after those of its subject that were before it.

    Returns their keys by those of the decisions.
    """
    decisions, table = _tables(moves)
    kept = op.get_bind().execute(sa.select(table.c.id, table.c[moves.key], table.c.at)).all()
    used, number, given, rows = {row.id for row in kept}, 0, {}, []
    query = sa.select(decisions).where(decisions.c.subject.startswith(f"{moves.thing}:")).order_by(decisions.c.id)
    for row in op.get_bind().execute(query).mappings():
        key = int(row["subject"].partition(":")[2])
        before = [old for old, subject, at in kept if subject == key and at < row["at"]]
        number = next(free for free in count(max([number, *before]) + 1) if free not in used)
        given[row["id"]] = number
        state = STATES[row["kind"]]
        rows.append(
            {
                "id": number,
                moves.key: key,
                "state": "abandoned" if moves is REMINDERS and state == "cancelled" else state,
                "at": row["at"],
                "actor": row["actor"],
                "content_hash": row["digest"],
                "authorities": row["authorities"],
                "addresses": row["letters"],
                "note": _note(moves, row["kind"], row["reason"]),
            }
        )
    if rows:
        op.get_bind().execute(table.insert(), rows)
    return given


def _note(moves: Moves, kind: str, reason: str) -> str:
    words = "soumise" if kind == "submitted" and moves is REMINDERS else WORDS.get(kind, "")
    between = (" : " if kind == "sent_back" else " ") if words and reason else ""
    return f"{words}{between}{reason}"


def _turn_notices(taken: dict[Moves, dict[int, int]]) -> None:
    """Let notices be about decisions instead of transitions of campaigns and reminders."""
    with op.batch_alter_table("staff_notices") as batch_op:
        batch_op.add_column(sa.Column("decision_id", sa.Integer(), nullable=True))
    names = {CAMPAIGNS: "campaign_transition_id", REMINDERS: "reminder_transition_id"}
    _point("decision_id", {names[moves]: keys for moves, keys in taken.items()})
    op.execute("DELETE FROM staff_notices WHERE decision_id IS NULL AND wave_transition_id IS NULL")
    with op.batch_alter_table("staff_notices") as batch_op:
        batch_op.drop_constraint(op.f("ck_staff_notices_about"), type_="check")
        for moves, name in names.items():
            batch_op.drop_index(op.f(f"ix_staff_notices_{name}"))
            batch_op.drop_constraint(op.f(f"uq_staff_notices_user_id_{name}"), type_="unique")
            batch_op.drop_constraint(op.f(f"fk_staff_notices_{name}_{moves.table}"), type_="foreignkey")
            batch_op.drop_column(name)
        batch_op.create_foreign_key(
            op.f("fk_staff_notices_decision_id_decisions"), "decisions", ["decision_id"], ["id"]
        )
        batch_op.create_unique_constraint(
            op.f("uq_staff_notices_user_id_decision_id"), ["user_id", "decision_id"]
        )
        batch_op.create_index(op.f("ix_staff_notices_decision_id"), ["decision_id"])
        batch_op.create_check_constraint(
            op.f("ck_staff_notices_about"), "(decision_id IS NULL) <> (wave_transition_id IS NULL)"
        )


def _turn_notices_back(given: dict[Moves, dict[int, int]]) -> None:
    names = {CAMPAIGNS: "campaign_transition_id", REMINDERS: "reminder_transition_id"}
    with op.batch_alter_table("staff_notices") as batch_op:
        for name in names.values():
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
    for moves, keys in given.items():
        _point(names[moves], {"decision_id": keys})
    cases = " + ".join(
        f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
        for name in ("campaign_transition_id", "wave_transition_id", "reminder_transition_id")
    )
    with op.batch_alter_table("staff_notices") as batch_op:
        batch_op.drop_constraint(op.f("ck_staff_notices_about"), type_="check")
        batch_op.drop_index(op.f("ix_staff_notices_decision_id"))
        batch_op.drop_constraint(op.f("uq_staff_notices_user_id_decision_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_staff_notices_decision_id_decisions"), type_="foreignkey")
        batch_op.drop_column("decision_id")
        for moves, name in names.items():
            batch_op.create_foreign_key(
                op.f(f"fk_staff_notices_{name}_{moves.table}"), moves.table, [name], ["id"]
            )
            batch_op.create_unique_constraint(op.f(f"uq_staff_notices_user_id_{name}"), ["user_id", name])
            batch_op.create_index(op.f(f"ix_staff_notices_{name}"), [name])
        batch_op.create_check_constraint(op.f("ck_staff_notices_about"), f"{cases} = 1")


def _point(name: str, by: dict[str, dict[int, int]]) -> None:
    """Fill a column of the notices from other columns, each by its own keys."""
    notices = sa.table("staff_notices", sa.column("id"), sa.column(name), *(sa.column(old) for old in by))
    for old, keys in by.items():
        for notice, old_key in op.get_bind().execute(sa.select(notices.c.id, notices.c[old])).all():
            if old_key in keys:
                op.get_bind().execute(
                    sa.update(notices).where(notices.c.id == notice).values({name: keys[old_key]})
                )


def _count_on(table: str) -> None:
    """Let PostgreSQL number on after rows whose keys were given."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false) FROM {table}"
        )
