"""Whom each campaign meant at its launch, and how they stood; when returns were last read

Of campaigns launched before, it is worked out as of their launch: from the rows that were known then. Where an edition
of the register was in force at a launch and was undone since, rows no longer tell, and the campaign says of how many.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, moment, one_of, to

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before would launch waves of which nobody is written down

REASONS = (
    *("left_out", "reported", "joined", "not_concerned", "answered", "written", "outside", "no_address", "bounced"),
    *("unreviewed", "suppressed", "drawn", "solicited", "trial", "cancelled"),
)
EXCEPTING = {"left_out", "drawn", "solicited"}
BRUSSELS = ZoneInfo("Europe/Brussels")


def upgrade() -> None:
    op.create_table(
        "campaign_authorities",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("authority_id", "authorities", primary_key=True, autoincrement=False, index=True),
        to("wave_id", "waves"),
        moment("entered_at"),
        one_of("standing", "campaign_standing", "out_of_scope", "already_joined", "excepted", "to_reach"),
        one_of("reason", "entry_reason", *REASONS, nullable=True),
        *(column(name, sa.Integer()) for name in ("eligible", "concerned", "joined")),
    )
    op.create_table(
        "campaign_schools",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("school_id", "schools", primary_key=True, autoincrement=False, index=True),
        to("authority_id", "authorities"),
        to("wave_id", "waves"),
        moment("entered_at"),
        one_of("standing", "school_standing", "out_of_scope", "already_joined", "excepted", "to_reach"),
    )
    op.create_table(
        "uncounted_campaigns",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        column("authorities", sa.Integer()),
    )
    op.create_table(
        "returns_readings",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        moment("read_at"),
        sa.CheckConstraint("id = 1", name="one"),
    )
    _work_out(op.get_bind())


def downgrade() -> None:
    for table in ("returns_readings", "uncounted_campaigns", "campaign_schools", "campaign_authorities"):
        op.drop_table(table)


def _table(name: str, moments: Iterable[str] = (), days: Iterable[str] = (), others: Iterable[str] = ()) -> Any:
    kinds = [*((one, UtcDateTime()) for one in moments), *((one, sa.Date()) for one in days)]
    return sa.table(name, *(sa.column(one, kind) for one, kind in kinds), *(sa.column(one) for one in others))


def _rows(bind: sa.Connection, table: Any, *conditions: Any) -> list[Any]:
    return list(bind.execute(sa.select(table).where(*conditions)))


def _work_out(bind: sa.Connection) -> None:
    waves = _table("waves", others=("id", "campaign_id", "number", "mailing_id"))
    launched = sorted(_rows(bind, waves, waves.c.mailing_id.is_not(None)), key=lambda wave: wave.number)
    if not launched:
        return
    register = _Register(bind)
    by_campaign = defaultdict(list)
    for wave in launched:
        by_campaign[wave.campaign_id].append(wave)
    campaigns = _table("campaigns", others=("id", "strand_id", "concerns"))
    for campaign in _rows(bind, campaigns):
        if campaign.id in by_campaign:
            _enter(bind, campaign, by_campaign[campaign.id], register)


class _Register:
    """The rows by which it is told how schools stood on a day, as they were known at a moment."""

    def __init__(self, bind: sa.Connection) -> None:
        editions = _table("register_imports", moments=("applied_at", "undone_at"), others=("id",))
        self.applied = {row.id: (row.applied_at, row.undone_at) for row in _rows(bind, editions)}
        dated = ("opened_by", "closed_by")
        listings = _table("listings", days=("since", "until"), others=("school_id", "authority_id", *dated))
        teachings = _table("teachings", days=("since", "until"), others=("school_id", "education_type", *dated))
        self.listings, self.teachings = _rows(bind, listings), _rows(bind, teachings)
        reports = _table(
            "school_reports", moments=("recorded_at", "withdrawn_at"), others=("school_id", "authority_id")
        )
        self.reports = _rows(bind, reports)
        taken_back = _table("record_withdrawals", moments=("withdrawn_at",), others=("record_id",))
        withdrawn = {row.record_id: row.withdrawn_at for row in _rows(bind, taken_back)}
        records = _table(
            "adherence_records",
            moments=("recorded_at",),
            days=("effective_on",),
            others=("id", "school_id", "strand_id", "status"),
        )
        self.records = [(row, withdrawn.get(row.id)) for row in _rows(bind, records)]
        strands = _table("strands", others=("id", "level"))
        self.levels = {row.id: row.level for row in _rows(bind, strands)}

    def is_lost(self, at: datetime) -> bool:
        """Whether an edition that was in force at a moment was undone since."""
        return any(
            applied is not None and applied <= at and undone is not None and undone > at
            for applied, undone in self.applied.values()
        )

    def standings(self, strand: int, day: date, at: datetime) -> dict[int, dict[int, str]]:
        """By authority, how each school of it stood: out_of_scope, already_joined, to_reach."""
        teaches = {
            row.school_id
            for row in self.teachings
            if self._held(row, day, at) and _level(row.education_type) == self.levels[strand]
        }
        known: dict[int, Any] = {}
        for record, withdrawn_at in self.records:
            is_known = record.recorded_at <= at and (withdrawn_at is None or withdrawn_at > at)
            if record.strand_id == strand and is_known and record.effective_on <= day:
                before = known.get(record.school_id)
                if before is None or _order(before) < _order(record):
                    known[record.school_id] = record
        gone = {
            (row.school_id, row.authority_id)
            for row in self.reports
            if row.recorded_at <= at and (row.withdrawn_at is None or row.withdrawn_at > at)
        }
        found: dict[int, dict[int, str]] = defaultdict(dict)
        for row in self.listings:
            if not self._held(row, day, at):
                continue
            status = known[row.school_id].status if row.school_id in known else "none"
            is_out = row.school_id not in teaches or status == "not_concerned"
            is_out = is_out or (row.school_id, row.authority_id) in gone
            standing = "out_of_scope" if is_out else "already_joined" if status == "joined" else "to_reach"
            found[row.authority_id][row.school_id] = standing
        return found

    def eligible(self, strand: int, day: date, at: datetime) -> set[int]:
        return {
            row.school_id
            for row in self.teachings
            if self._held(row, day, at) and _level(row.education_type) == self.levels[strand]
        }

    def _held(self, row: Any, day: date, at: datetime) -> bool:
        def came_later(edition: int | None) -> bool:
            applied = self.applied.get(edition, (None, None))[0] if edition is not None else None
            return applied is not None and applied > at

        was_known = row.since is None or not came_later(row.opened_by)
        goes_on = row.until is None or row.until > day or came_later(row.closed_by)
        return (row.since is None or row.since <= day) and was_known and goes_on


def _level(education_type: str) -> str:
    return {"M": "nursery", "P": "primary"}.get(education_type[0], "secondary")


def _order(record: Any) -> tuple[Any, ...]:
    return record.effective_on, record.recorded_at, record.id


def _enter(bind: sa.Connection, campaign: Any, waves: list[Any], register: _Register) -> None:
    mailings = _table("mailings", moments=("created_at",), others=("id",))
    letters = _table(
        "messages",
        moments=("dated_at", "settled_at"),
        others=("id", "mailing_id", "authority_id", "state", "reason"),
    )
    subjects = _table("message_subjects", others=("message_id", "school_id"))
    drawn, excepted = _drawn(bind, campaign.id), None
    authorities: dict[int, dict[str, Any]] = {}
    schools: dict[int, dict[str, Any]] = {}
    is_lost = False
    for place, wave in enumerate(waves):
        at = bind.scalar(sa.select(mailings.c.created_at).where(mailings.c.id == wave.mailing_id))
        day = at.astimezone(BRUSSELS).date()
        meant: dict[int, list[Any]] = defaultdict(list)
        for letter in _rows(bind, letters, letters.c.mailing_id == wave.mailing_id):
            meant[letter.authority_id].append(letter)
        if place == 0:
            excepted = _excepted(bind, campaign.id, at)
            for key in drawn:
                meant.setdefault(key, [])
        new = meant.keys() - authorities.keys()
        is_lost = is_lost or (bool(new) and register.is_lost(at))
        standings = register.standings(campaign.strand_id, day, at)
        eligible = register.eligible(campaign.strand_id, day, at)
        listed = sa.select(subjects.c.school_id, letters.c.authority_id).join(
            letters, letters.c.id == subjects.c.message_id
        )
        named = dict(bind.execute(listed.where(letters.c.mailing_id == wave.mailing_id)).all())
        same = {"campaign_id": campaign.id, "wave_id": wave.id, "entered_at": at}
        for key in sorted(new):
            theirs = standings.get(key, {})
            reason = _reason(meant[key], is_excepted=key in (excepted or set()))
            stood = _stood(campaign.concerns, theirs, named, reason)
            authorities[key] = {**same, **stood, "authority_id": key, "eligible": len(eligible & theirs.keys())}
        for key in sorted(meant):
            for school, standing in standings.get(key, {}).items():
                is_joined = school in named if campaign.concerns == "listed" else standing == "already_joined"
                stood = standing if campaign.concerns == "open" else "to_reach" if is_joined else "out_of_scope"
                schools.setdefault(school, {**same, "school_id": school, "authority_id": key, "standing": stood})
        for school, key in named.items():
            row = {**same, "school_id": school, "authority_id": key, "standing": "to_reach"}
            schools.setdefault(school, row)
    _insert(bind, "campaign_authorities", list(authorities.values()))
    _insert(bind, "campaign_schools", list(schools.values()))
    if is_lost:
        _insert(bind, "uncounted_campaigns", [{"campaign_id": campaign.id, "authorities": len(authorities)}])


def _stood(concerns: str, schools: dict[int, str], named: dict[int, int], reason: str | None) -> dict[str, Any]:
    joined = sum(standing == "already_joined" for standing in schools.values())
    concerned = sum(standing != "out_of_scope" for standing in schools.values())
    if concerns != "open":
        concerned = joined if concerns == "joined" else len(schools.keys() & named.keys())
    standing = "excepted" if reason in EXCEPTING else "to_reach"
    if concerned and joined == concerned and concerns == "open":
        standing = "already_joined"
    if not concerned:
        standing = "out_of_scope"
    return {"standing": standing, "reason": reason, "concerned": concerned, "joined": joined}


def _reason(letters: list[Any], *, is_excepted: bool) -> str | None:
    """Why no letter was for an authority at the launch; None where one was. Without letters it waited for its turn."""
    if not letters:
        return "left_out" if is_excepted else None
    at_launch = [one.reason if one.settled_at == one.dated_at else None for one in letters]
    if None in at_launch:
        return None
    return min(at_launch, key=lambda reason: (reason not in EXCEPTING, REASONS.index(reason)))


def _drawn(bind: sa.Connection, campaign: int) -> set[int]:
    """Whom the draw of a campaign gave to departures."""
    attempts = _table("draw_attempts", moments=("drawn_at",), others=("id", "campaign_id"))
    followed = _table("followed_draws", others=("campaign_id", "attempt_id"))
    drawn = _table("drawn_authorities", others=("attempt_id", "authority_id", "departure"))
    keys = {row.id for row in _rows(bind, attempts, attempts.c.campaign_id == campaign) if row.drawn_at}
    keys |= {row.attempt_id for row in _rows(bind, followed, followed.c.campaign_id == campaign)}
    found = _rows(bind, drawn, drawn.c.attempt_id.in_(keys), drawn.c.departure.is_not(None)) if keys else []
    return {row.authority_id for row in found}


def _excepted(bind: sa.Connection, campaign: int, at: datetime) -> set[int]:
    """Whom exceptions left out of a campaign at a moment."""
    made = _table("audience_exceptions", moments=("at", "withdrawn_at"), others=("id", "campaign_id"))
    members = _table("excepted_authorities", others=("exception_id", "authority_id"))
    keys = [
        row.id
        for row in _rows(bind, made, made.c.campaign_id == campaign)
        if row.at <= at and (row.withdrawn_at is None or row.withdrawn_at > at)
    ]
    return {row.authority_id for row in _rows(bind, members, members.c.exception_id.in_(keys))} if keys else set()


def _insert(bind: sa.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = _table(
        name, moments=("entered_at",) if "entered_at" in rows[0] else (), others=rows[0].keys() - {"entered_at"}
    )
    for start in range(0, len(rows), 1000):
        bind.execute(sa.insert(table), rows[start : start + 1000])
