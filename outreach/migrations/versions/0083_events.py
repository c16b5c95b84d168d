"""Events for programs, and what happened before as such"""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from outreach.db import UtcDateTime
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, one_of, where

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None
kind = Kind.BREAKING  # the program before would change things without telling events

KINDS = (
    *("register.authority", "register.school", "register.applied", "register.undone", "programme.stated"),
    *("adherence.recorded", "adherence.withdrawn"),
    *("wave.launched", "wave.ended", "wave.reopened", "wave.cancelled"),
    *("response.received", "response.handled", "response.reopened"),
    *("address.excluded", "address.readmitted", "note.published"),
)
MOVES = {
    ("planned", "running"): "wave.launched",
    ("finished", "running"): "wave.reopened",
    (None, "finished"): "wave.ended",
    (None, "cancelled"): "wave.cancelled",
}
LEVELS = {"M": "nursery", "P": "primary", "S": "secondary"}
SLICE = 2000
BEFORE = datetime(2021, 1, 1, tzinfo=UTC)  # where nothing has happened yet


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "events",
        column("id", key, primary_key=True),
        column("number", sa.BigInteger(), nullable=True, unique=True),
        one_of("kind", "event_kind", *KINDS),
        column("subject", sa.String(60)),
        moment("at"),
        column("data", sa.Text()),
        sa.Index("ix_events_unnumbered", "id", **where("number IS NULL")),
    )
    told = [*_register(), *_records(), *_waves(), *_responses(), *_exclusions(), *_notes()]
    told += _programmes(min((row["at"] for row in told), default=BEFORE))
    told.sort(key=lambda row: (row["at"], KINDS.index(row["kind"])))
    events = sa.table("events", *(sa.column(name) for name in ("kind", "subject", "data")), _moment("at"))
    for start in range(0, len(told), SLICE):
        op.get_bind().execute(sa.insert(events), told[start : start + SLICE])


def downgrade() -> None:
    op.drop_table("events")


def _moment(name: str) -> sa.ColumnClause:
    return sa.column(name, UtcDateTime(timezone=True))


def _rows(query: str, *moments: str, days: tuple[str, ...] = ()) -> list[sa.Row]:
    types = {name: UtcDateTime(timezone=True) for name in moments} | {name: sa.Date() for name in days}
    return list(op.get_bind().execute(sa.text(query).columns(**types)))


def _event(kind: str, subject: str, at: object, **data: object) -> dict:
    return {"kind": kind, "subject": subject, "at": at, "data": json.dumps(data, ensure_ascii=False)}


def _day(day: object) -> str | None:
    return day.isoformat() if day else None


def _register() -> list[dict]:
    applied = _rows("SELECT id, applied_at, undone_at, edition_on FROM register_imports WHERE applied_at IS NOT NULL"
                    " ORDER BY applied_at, id", "applied_at", "undone_at", days=("edition_on",))  # fmt: skip
    if not applied:
        return []
    at = applied[-1].applied_at
    told = [
        _event("register.authority", f"authority:{row.fase}", at, authority=row.fase, network=row.code)
        for row in _rows("SELECT a.fase, n.code FROM authorities a JOIN networks n ON n.id = a.network_id ORDER BY a.fase")
    ]
    listings: dict[int, list] = {}
    for row in _rows("SELECT l.school_id, a.fase, l.since, l.until FROM listings l JOIN authorities a"
                     " ON a.id = l.authority_id", days=("since", "until")):  # fmt: skip
        period = {"authority": row.fase, "since": _day(row.since), "until": _day(row.until)}
        listings.setdefault(row.school_id, []).append(period)
    teachings: dict[int, list] = {}
    for row in _rows("SELECT school_id, education_type, since, until FROM teachings", days=("since", "until")):
        period = {"level": LEVELS[row.education_type[0]], "since": _day(row.since), "until": _day(row.until)}
        teachings.setdefault(row.school_id, []).append(period)
    for row in _rows("SELECT id, fase FROM schools ORDER BY fase"):
        periods = {"listings": listings.get(row.id, []), "teachings": teachings.get(row.id, [])}
        periods = {name: sorted(found, key=str) for name, found in periods.items()}
        told.append(_event("register.school", f"school:{row.fase}", at, school=row.fase, **periods))
    for row in applied:
        of = {"edition": row.id, "edition_on": _day(row.edition_on)}
        told.append(_event("register.applied", f"edition:{row.id}", row.applied_at, **of))
        if row.undone_at:
            told.append(_event("register.undone", f"edition:{row.id}", row.undone_at, **of))
    return told


def _records() -> list[dict]:
    joined = " FROM adherence_records r JOIN schools s ON s.id = r.school_id JOIN strands t ON t.id = r.strand_id"
    recorded = _rows(
        "SELECT r.id, s.fase, t.number, p.code, r.status, r.word, r.effective_on, r.recorded_at AS at"
        f"{joined} JOIN programmes p ON p.id = t.programme_id ORDER BY r.id",
        "at",
        days=("effective_on",),
    )
    told = [
        _event(
            *("adherence.recorded", f"school:{row.fase}", row.at),
            record=row.id,
            school=row.fase,
            programme=row.code,
            strand=row.number,
            status=row.status,
            word=row.word,
            effective_on=_day(row.effective_on),
        )
        for row in recorded
    ]
    withdrawn = "SELECT r.id, s.fase, t.number, w.withdrawn_at AS at" + joined
    for row in _rows(f"{withdrawn} JOIN record_withdrawals w ON w.record_id = r.id ORDER BY r.id", "at"):
        of = {"record": row.id, "school": row.fase, "strand": row.number}
        told.append(_event("adherence.withdrawn", f"school:{row.fase}", row.at, **of))
    return told


def _programmes(before: object) -> list[dict]:
    told = []
    for programme in _rows("SELECT id, code, name FROM programmes ORDER BY id"):
        strands = _rows(f"SELECT id, number, name, circular, opened_on, level FROM strands WHERE programme_id = "
                        f"{programme.id} ORDER BY number", days=("opened_on",))  # fmt: skip
        rules = _rows("SELECT p.since, p.until, s.number AS strand, r.number AS requires FROM prerequisites p"
                      " JOIN strands s ON s.id = p.strand_id JOIN strands r ON r.id = p.required_id"
                      f" WHERE s.programme_id = {programme.id}", days=("since", "until"))  # fmt: skip
        stated = {
            "code": programme.code,
            "name": programme.name,
            "strands": [
                {
                    "number": one.number,
                    "name": one.name,
                    "circular": one.circular,
                    "opened_on": _day(one.opened_on),
                    "level": one.level,
                }
                for one in strands
            ],
            "prerequisites": [
                {"strand": one.strand, "requires": one.requires, "since": _day(one.since), "until": _day(one.until)}
                for one in rules
            ],
        }
        told.append(_event("programme.stated", f"programme:{programme.code}", before, **stated))
    return told


def _waves() -> list[dict]:
    told, before = [], {}
    for row in _rows("SELECT w.id, w.campaign_id, w.number, s.number AS strand, t.state, t.at FROM wave_transitions t"
                     " JOIN waves w ON w.id = t.wave_id JOIN campaigns c ON c.id = w.campaign_id"
                     " JOIN strands s ON s.id = c.strand_id ORDER BY t.id", "at"):  # fmt: skip
        last = before.get(row.id)
        before[row.id] = row.state
        named = MOVES.get((last, row.state)) or MOVES.get((None, row.state))
        if named and last != row.state:
            of = {"campaign": row.campaign_id, "wave": row.number, "strand": row.strand}
            told.append(_event(named, f"campaign:{row.campaign_id}", row.at, **of))
    return told


def _responses() -> list[dict]:
    schools: dict[int, list] = {}
    for row in _rows("SELECT r.response_id, s.fase FROM response_schools r JOIN schools s ON s.id = r.school_id"):
        schools.setdefault(row.response_id, []).append(row.fase)
    told = [
        _event(
            *("response.received", f"authority:{row.fase}", row.at),
            response=row.id,
            authority=row.fase,
            strand=row.number,
            answer=row.answer,
            schools=sorted(schools.get(row.id, [])),
        )
        for row in _rows(
            "SELECT r.id, a.fase, s.number, r.answer, r.given_at AS at FROM responses r"
            " JOIN authorities a ON a.id = r.authority_id JOIN strands s ON s.id = r.strand_id ORDER BY r.id",
            "at",
        )
    ]
    steps = "SELECT response_id, step, at FROM response_steps WHERE step IN ('handled', 'reopened') ORDER BY id"
    for row in _rows(steps, "at"):
        told.append(_event(f"response.{row.step}", f"response:{row.response_id}", row.at, response=row.response_id))
    return told


def _exclusions() -> list[dict]:
    users: dict[str, set] = {}
    for row in _rows("SELECT c.address_key, a.fase FROM contacts c JOIN authorities a ON a.id = c.authority_id"
                     " WHERE c.retired_at IS NULL AND c.address_key IN (SELECT address_key FROM suppressions)"):  # fmt: skip
        users.setdefault(row.address_key, set()).add(row.fase)
    told = []
    for row in _rows("SELECT id, address_key, reason, created_at, lifted_at FROM suppressions ORDER BY id",
                     "created_at", "lifted_at"):  # fmt: skip
        of = {"exclusion": row.id, "reason": row.reason, "authorities": sorted(users.get(row.address_key, ()))}
        told.append(_event("address.excluded", f"exclusion:{row.id}", row.created_at, **of))
        if row.lifted_at:
            told.append(_event("address.readmitted", f"exclusion:{row.id}", row.lifted_at, **of))
    return told


def _notes() -> list[dict]:
    query = (
        "SELECT a.number, n.sha256, p.published_at AS at FROM note_publications p JOIN notes n ON n.id = p.note_id"
        " JOIN note_approvals a ON a.note_id = n.id"
    )
    return [
        _event("note.published", f"note:{row.number}", row.at, number=row.number, sha256=row.sha256)
        for row in _rows(query, "at")
    ]
