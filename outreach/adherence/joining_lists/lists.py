"""Joining lists: received, compared with what is known, applied, undone.

A list states what the service itself knows, so its records are confirmed. Faulty rows are rejected with their number
and column; the others can be applied.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, insert, literal, select

from outreach import audit, french, sent_lists
from outreach.adherence.joining_lists.lines import JoiningLine, Known, known_of, read_line, sheet_of
from outreach.adherence.models import AdherenceRecord, JoiningList, Programme, RecordWithdrawal, Status, Word
from outreach.adherence.programmes import prerequisites
from outreach.adherence.timeline import Moment
from outreach.db import Session, UtcDateTime, take_turns
from outreach.directory.models import RegisterImport
from outreach.errors import Refused
from outreach.sent_lists import Opened, grid_of, summary_of
from outreach.spreadsheets.tables import Grid, Rejection, RowFault


@dataclass(slots=True)
class ListPlan:
    """What a list would do: the lines that change something, how many state what is known, and the rejected rows.

    `back_in_time` (older than the latest record) and `without_prerequisite` are parts of `changes`.
    """

    label: str = ""
    changes: list[JoiningLine] = field(default_factory=list)
    unchanged: int = 0
    back_in_time: list[JoiningLine] = field(default_factory=list)
    without_prerequisite: list[JoiningLine] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    set_aside_columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()

    def summary(self) -> dict[str, object]:
        """The counts, as `adherence import --json` prints them."""
        return {
            "changes": len(self.changes),
            "unchanged": self.unchanged,
            "back_in_time": len(self.back_in_time),
            "without_prerequisite": len(self.without_prerequisite),
            "rejected": [rejection.as_json() for rejection in self.rejected],
        }


@dataclass(frozen=True, slots=True)
class ListJudgement:
    """What a list would do, and what that stands on: when the latter is the same, so is the former."""

    plan: ListPlan
    basis: tuple[object, ...]


def opened(content: bytes) -> Opened:
    """Read a file (`sent_lists.opened`)."""
    return sent_lists.opened(content, sheet_of)


def receive(session: Session, sent: Opened, programme: Programme, *, now: datetime, actor: str) -> JoiningList:
    """Store a list to be checked. The same file sent twice by one person within a minute is one list."""
    take_turns(session, "joining-lists")
    of_programme = JoiningList.programme_id == programme.id
    last = sent_lists.sent_before(session, JoiningList, sent, of_programme, now=now, actor=actor)
    if last is not None:
        return last
    received = JoiningList(
        programme=programme, sha256=sent.sha256, grid=sent.grid, outcome="", received_at=now, received_by=actor
    )
    session.add(received)
    session.flush()
    return received


def plan(session: Session, received: JoiningList, today: date) -> ListPlan:
    """Compare a list with what is known; writes nothing."""
    return preview(session, grid_of(received), received.programme, today)


def preview(session: Session, grid: Grid, programme: Programme, today: date) -> ListPlan:
    """Compare the cells of a list with what is known of a programme; writes nothing."""
    sheet = sheet_of(grid)
    known = known_of(session, programme, today)
    planned = ListPlan(label=grid.label, set_aside_columns=sheet.set_aside, unknown_columns=sheet.unknown)
    seen: dict[tuple[int, int, date], int] = {}
    for row in sheet.rows:
        try:
            line = read_line(row, known, seen)
        except RowFault as fault:
            planned.rejected.append(Rejection(row.number, sheet.columns.get(fault.column, ""), fault.message))
        else:
            _sort(planned, line, known)
    for line in planned.changes:
        known.timeline.add(line.school_id, line.strand_id, Moment(line.day, line.status, Word.CONFIRMED))
    planned.without_prerequisite = [
        line
        for line in planned.changes
        if line.status is Status.JOINED and known.timeline.breaks(line.school_id, line.strand_id, line.day, known.rules)
    ]
    return planned


def judge(session: Session, grid: Grid, programme: Programme, today: date) -> ListJudgement:
    """Compare a list with what is known. A long one takes seconds, so do it before the transaction that applies it."""
    basis = _basis(session, programme, today)
    return ListJudgement(preview(session, grid, programme, today), basis)


def apply(
    session: Session,
    received: JoiningList,
    *,
    now: datetime,
    today: date,
    actor: str,
    judged: ListJudgement | None = None,
    shown: ListPlan | None = None,
) -> ListPlan:
    """Record the lines of a list that change something, and store the counts and the rejected rows with the list.

    `judged` is what `judge` found before; without it, or when what is known has changed since, the list is compared
    here. Raises Refused when it was applied or undone already, when nothing in it changes anything, or when it would no
    longer do what was `shown` to the person who confirmed it.
    """
    take_turns(session, "joining-lists")
    session.refresh(received)
    sent_lists.refuse_applied(received)
    if judged is not None and judged.basis == _basis(session, received.programme, today):
        planned = judged.plan
    else:
        planned = plan(session, received, today)
    if shown is not None and shown.changes != planned.changes:
        raise Refused("Ce qui est connu a changé entre-temps : regardez à nouveau ce que la liste changerait.")
    if not planned.changes:
        raise Refused("Rien à enregistrer : la liste ne dit rien de nouveau.")
    sent_lists.mark_applied(received, planned.summary(), now=now, actor=actor)
    session.execute(insert(AdherenceRecord), [_values(line, received, now, actor) for line in planned.changes])
    recorded = french.plural(len(planned.changes), "statut enregistré", "statuts enregistrés")
    known = french.plural(planned.unchanged, "déjà connu", "déjà connus")
    rejected = french.plural(len(planned.rejected), "ligne rejetée", "lignes rejetées")
    sentence = f"Liste d’adhésions appliquée : {recorded}, {known}, {rejected}."
    audit.record(session, now, actor, sentence, f"list:{received.id}")
    return planned


def undo(session: Session, *, now: datetime, actor: str, list_id: int | None = None) -> JoiningList:
    """Undo the last list applied: its records are withdrawn.

    Raises NotFound when there is none, Refused when `list_id` names an older one.
    """
    take_turns(session, "joining-lists")
    last = sent_lists.to_undo(session, JoiningList, list_id, "Aucune liste d’adhésions n’est appliquée.")
    records = select(AdherenceRecord.id, literal(now, UtcDateTime), literal(actor))
    withdrawn = ("record_id", "withdrawn_at", "withdrawn_by")
    session.execute(insert(RecordWithdrawal).from_select(withdrawn, records.where(AdherenceRecord.list_id == last.id)))
    sent_lists.mark_undone(last, now=now, actor=actor)
    audit.record(session, now, actor, "Liste d’adhésions annulée.", f"list:{last.id}")
    return last


def rejected_of(session: Session, received: JoiningList, grid: Grid, today: date) -> list[Rejection]:
    """The rows rejected when a list was applied; before that, those of its grid that applying it today would reject."""
    summary = summary_of(received)
    if not summary:
        return preview(session, grid, received.programme, today).rejected
    return [Rejection(**rejection) for rejection in summary["rejected"]]


def _basis(session: Session, programme: Programme, today: date) -> tuple[object, ...]:
    """What a comparison depends on. Records, their withdrawals and editions are only added, so their counts tell."""
    counted = (AdherenceRecord.id, RecordWithdrawal.record_id, RegisterImport.id, RegisterImport.undone_at)
    counts = session.execute(select(*(select(func.count(column)).scalar_subquery() for column in counted))).one()
    strands = sorted((strand.number, strand.id, strand.level, strand.opened_on) for strand in programme.strands)
    rules = sorted(
        (rule.strand_id, rule.required_id, rule.since, str(rule.until)) for rule in prerequisites(session, programme)
    )
    return (*counts, *strands, *rules, today)


def _sort(planned: ListPlan, line: JoiningLine, known: Known) -> None:
    if (line.before, line.before_word, line.before_day) == (line.status, Word.CONFIRMED, line.day):
        planned.unchanged += 1
        return
    planned.changes.append(line)
    latest = known.timeline.latest(line.school_id, line.strand_id)
    if latest is not None and line.day < latest.day:
        planned.back_in_time.append(line)


def _values(line: JoiningLine, received: JoiningList, now: datetime, actor: str) -> dict[str, object]:
    return {
        "school_id": line.school_id,
        "strand_id": line.strand_id,
        "status": line.status,
        "word": Word.CONFIRMED,
        "effective_on": line.day,
        "recorded_at": now,
        "recorded_by": actor,
        "source": line.source,
        "reason": line.reason,
        "list_id": received.id,
    }
