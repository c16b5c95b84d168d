"""When and how each address was confirmed, in one table: what answers, mails, calls, lists and colleagues said before"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations import append_only
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, column, key, moment, one_of, to

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before would confirm addresses where nobody looks any more

TABLE, STEPS = "address_confirmations", "follow_up_steps"
WAYS = ("page", "answer", "mail", "call", "staff", "list", "withdrawn")
KINDS = ("taken", "released", "postponed")
IN_USE = "c.retired_at IS NULL AND c.address_key <> ''"
OF_LETTER = f"JOIN contacts c ON c.authority_id = m.authority_id AND c.address_key = m.address_key AND {IN_USE}"
ANSWERS = "r.answer <> 'wrong_contact' AND r.id NOT IN (SELECT response_id FROM acknowledgements)"
FROM = (  # contact, moment, way, actor, note, about: in the order of their moments, each once for what confirmed it
    "SELECT contact_id, at, 'staff', actor, note, '' FROM follow_up_steps WHERE step = 'confirmed'",
    "SELECT id, reviewed_at, 'staff', reviewed_by, '', '' FROM contacts WHERE reviewed_at IS NOT NULL",
    "SELECT c.id, r.given_at, 'answer', 'mailbox:' || c.id, '', 'response:' || MIN(r.id) FROM responses r"
    f" JOIN messages m ON m.id = r.message_id AND m.state = 'accepted' {OF_LETTER}"
    f" WHERE {ANSWERS} AND r.id NOT IN (SELECT response_id FROM response_withdrawals)"
    " AND r.id NOT IN (SELECT response_id FROM reach_answers)"
    " AND r.id NOT IN (SELECT response_id FROM mailed_responses) GROUP BY c.id, r.given_at",
    "SELECT c.id, m.received_at, 'mail', 'mailbox:' || c.id, '', 'mail:' || m.id FROM received_mails m"
    f" JOIN contacts c ON c.authority_id = m.authority_id AND c.address_key = m.sender_key AND {IN_USE}"
    " WHERE NOT m.is_automatic",
    "SELECT c.id, l.recorded_at, 'call', l.recorded_by, '', 'call:' || l.id FROM calls l"
    " JOIN reach_calls k ON k.call_id = l.id AND k.outcome = 'reached' JOIN reach_steps s ON s.id = k.step_id"
    f" JOIN messages m ON m.id = s.message_id {OF_LETTER} WHERE l.withdrawn_at IS NULL",
    "SELECT c.id, g.applied_at, 'list', g.applied_by, '', 'list:' || g.id FROM contact_lists g"
    " JOIN contact_list_lines n ON n.list_id = g.id AND n.nature IN ('new', 'changed')"
    f" JOIN contacts c ON c.id = n.contact_id AND {IN_USE} WHERE g.applied_at IS NOT NULL AND g.undone_at IS NULL",
)
NAMES = "contact_id, at, way, actor, note, about"


def upgrade() -> None:
    op.create_table(
        TABLE,
        key(),
        to("contact_id", "contacts"),
        moment("at"),
        one_of("way", "confirmation_way", *WAYS),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
        column("about", sa.String(40)),
    )
    told = " UNION ALL ".join(FROM)
    op.execute(f"INSERT INTO {TABLE} ({NAMES}) SELECT * FROM ({told}) AS told ORDER BY 2, 1")  # noqa: S608 - our words
    op.create_index(f"ix_{TABLE}_contact_id", TABLE, ["contact_id"])
    op.create_index(f"ix_{TABLE}_about", TABLE, ["about"])
    append_only.guard_words(TABLE, ("actor", "note"), ("id", "contact_id", "at", "way", "about"))
    append_only.unguard(STEPS)
    op.execute(f"DELETE FROM {STEPS} WHERE step = 'confirmed'")  # noqa: S608 - our words
    op.drop_index(f"ix_{STEPS}_contact_id", STEPS)
    with op.batch_alter_table(STEPS) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{STEPS}_contact"), type_="check")
        batch_op.drop_constraint(op.f(f"fk_{STEPS}_contact_id_contacts"), type_="foreignkey")
        batch_op.drop_column("contact_id")
    allow(STEPS, "step", "follow_up_kind", *KINDS)
    append_only.guard_words(STEPS, ("actor", "note"), ("id", "authority_id", "step", "at", "day"))


def downgrade() -> None:
    """Only what colleagues confirmed has a place before; answers say so by themselves."""
    append_only.unguard(STEPS)
    with op.batch_alter_table(STEPS) as batch_op:
        batch_op.add_column(to("contact_id", "contacts", named=f"fk_{STEPS}_contact_id_contacts", nullable=True))
    allow(STEPS, "step", "follow_up_kind", *KINDS, "confirmed")
    with op.batch_alter_table(STEPS) as batch_op:
        batch_op.create_check_constraint(op.f(f"ck_{STEPS}_contact"), "(contact_id IS NOT NULL) = (step = 'confirmed')")
    op.create_index(f"ix_{STEPS}_contact_id", STEPS, ["contact_id"])
    op.execute(
        f"INSERT INTO {STEPS} (authority_id, step, at, actor, note, contact_id)"  # noqa: S608 - our words
        f" SELECT c.authority_id, 'confirmed', t.at, t.actor, t.note, t.contact_id FROM {TABLE} t"
        " JOIN contacts c ON c.id = t.contact_id WHERE t.way = 'staff' AND (c.reviewed_at IS NULL OR c.reviewed_at <> t.at)"
        " ORDER BY t.id"
    )
    append_only.guard_words(STEPS, ("actor", "note"), ("id", "authority_id", "step", "at", "day", "contact_id"))
    append_only.unguard(TABLE)
    op.drop_table(TABLE)
