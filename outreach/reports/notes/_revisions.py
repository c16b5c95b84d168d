"""Published notes whose figures are revised: by a list or an edition of the register, applied or undone since.

The clock looks at each of these once. What it finds awaits the note's author and approver, until a correction is
published or one of the two says that the note stays. The note itself never changes.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, String, cast, exists, literal, or_, select
from sqlalchemy.orm import aliased

from outreach.access import approvals
from outreach.access.approvals import APPROVING, Decision, Thing
from outreach.adherence import situation
from outreach.adherence.models import JoiningList, Strand
from outreach.adherence.situation import CONCERNED, Bucket, Compared, Reading, SituationDifference
from outreach.core import audit
from outreach.core.db import Database, Session, take_lock
from outreach.core.text import french
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.directory.models import RegisterImport
from outreach.reports.notes._drafts import LONGEST_QUESTION, stated_reason
from outreach.reports.notes._freezing import note_subject
from outreach.reports.notes._listing import awaits_as_author, get_note_by_key, last_numbered, stored_content
from outreach.reports.notes._models import LookedImport, Note, NotePublication, NoteRevision, RevisionKind

TURN = "note-revisions"
JUST_BEFORE = timedelta(microseconds=1)
OF_FIGURES = (RevisionKind.REVISED, RevisionKind.RESTORED, RevisionKind.KEPT)
OF_PAGE = (RevisionKind.TOLD, RevisionKind.SILENCED)


class RevisedFigure(NamedTuple):
    """A figure of a note: what it counts, as it was told, as the records have it now, and why they differ."""

    label: str
    before: int
    after: int
    causes: str

    @property
    def line(self) -> str:
        """« volet 1, adhéré, au 12 mai 2021 : 62 → 86 (dit après coup +24) »."""
        figures = f"{french.number(self.before)} → {french.number(self.after)}"
        return french.typeset(f"{self.label} : {figures} ({self.causes})")


def days_of(note: Note) -> list[date]:
    """The day of a note, and the earlier one that it compares with, if any."""
    compared = stored_content(note).compared
    return [note.as_of, *([date.fromisoformat(compared)] if compared else ())]


def revised_figures(
    session: Session, note: Note, before: datetime | None = None, after: datetime | None = None
) -> list[RevisedFigure]:
    """The figures of a note that the records have otherwise: as it knew them, and as they are known now.

    Or as they were known at two other moments. Raises Refused where one of them is lost.
    """
    return list(_revised(session, note, before or note.known_at, after))


def _revised(session: Session, note: Note, before: datetime, after: datetime | None) -> Iterator[RevisedFigure]:
    content = stored_content(note)
    chosen = [] if content.all_networks else [one.code for one in content.networks]
    for day in days_of(note):
        for told in content.strands:
            strand = note.programme.strand(told.number)
            if not strand.is_open(day):
                continue
            found = situation.difference(
                session, Compared(note.programme, strand), Reading(day, before), Reading(day, after)
            )
            figures = [*_differing(found, ()), *(_differing(found, chosen) if chosen else ())]
            # A school that changes its network alone moves no total, and a note has a table by network.
            yield from figures or _differing(found, list(found.labels))


def words_of(figures: Sequence[RevisedFigure]) -> str:
    """What is kept of revised figures: a line for each."""
    return "\n".join(one.line for one in figures)


def revision_reason(session: Session, note: Note) -> str:
    """Why a correction of a revised note is made, in a sentence to begin with; '' where its figures are as it told."""
    figures = revised_figures(session, note)
    told = " ; ".join(one.line for one in figures)
    return french.typeset(f"{revised_days(note)} : {told}.") if figures else ""


def revised_days(note: Note) -> str:
    """« Les données du 30 novembre 2026 ont été révisées depuis »."""
    return f"Les données du {french.all_of([french.day(day) for day in sorted(days_of(note))])} ont été révisées depuis"


def changed_since(
    session: Session, strands: Sequence[Strand], networks: Collection[str], reading: Reading, now: datetime
) -> str:
    """Why joinings and the schools concerned differ from those of the last numbered note, in a paragraph.

    '' where there is no such note of that day or an earlier one, known by then, or nothing differs. Of some networks,
    their figures alone.
    """
    last = last_numbered(session, strands[0].programme) if strands else None
    if last is None or last.approval is None or last.as_of > reading.day or last.known_at > (reading.known_at or now):
        return ""
    told = []
    numbers = {one.number for one in stored_content(last).strands}
    try:
        for strand in (one for one in strands if one.number in numbers and one.is_open(last.as_of)):
            earlier = Reading(last.as_of, last.known_at)
            found = situation.difference(session, Compared(strand.programme, strand), earlier, reading)
            told += [one.line for one in _differing(found, networks, (Bucket.JOINED.value, CONCERNED))]
    except (InputError, Refused):  # a moment that nobody can tell any more
        return ""
    since = f"Depuis la note {last.approval.number}, situation au {french.day(last.as_of)}"
    return french.typeset(f"{since} : {' ; '.join(told)}.") if told else ""


def _differing(
    found: SituationDifference, networks: Collection[str], names: Collection[str] = ()
) -> Iterator[RevisedFigure]:
    """The figures that differ: of some networks, or of all; some figures, or all."""
    cells = {
        **{("", name): cell for name, cell in found.totals.items() if not networks},
        **{(group, bucket.value): cell for (group, bucket), cell in found.cells.items() if group in networks},
        **{(group, CONCERNED): cell for group, cell in found.populations.items() if group in networks},
    }
    for (group, name), cell in cells.items():
        if cell.causes and (not names or name in names):
            whose = f", {found.labels[group]}" if group else ""
            day = french.day(found.after.day)
            label = f"volet {found.compared.strand.number}{whose}, {situation.figure_label(name).lower()}, au {day}"
            yield RevisedFigure(label, cell.before, cell.after, situation.causes_in_words(cell))


def last_of(session: Session, note: Note, kinds: Collection[RevisionKind]) -> NoteRevision | None:
    """The last that was found or decided of these kinds."""
    query = select(NoteRevision).where(NoteRevision.note_id == note.id, NoteRevision.kind.in_(kinds))
    return session.scalars(query.order_by(NoteRevision.id.desc()).limit(1)).first()


def figures_state(session: Session, note: Note) -> NoteRevision | None:
    """Whether figures of a note are revised, or are so no longer, or the note stays; None where nothing was applied."""
    return last_of(session, note, OF_FIGURES)


def told_revision(session: Session, note: Note) -> NoteRevision | None:
    """What the public page of a note says of its revision, if an approver decided that it does."""
    held = last_of(session, note, OF_PAGE)
    return held if held and held.kind is RevisionKind.TOLD else None


def revised_notes(person: str, roles: Collection[RoleName]) -> Select[Note]:
    """Select the published notes whose revised figures await this person: who wrote or approved one, the newest first.

    Where the author's account is closed, they await approvers.
    """
    later, correcting = aliased(NoteRevision), aliased(Note)
    of_note = NoteRevision.note_id == Note.id
    ended = exists().where(
        later.note_id == NoteRevision.note_id, later.id > NoteRevision.id, later.kind.in_(OF_FIGURES)
    )
    waits = exists().where(of_note, NoteRevision.kind == RevisionKind.REVISED, ~ended)
    corrected = exists().where(correcting.corrects_id == Note.id, NotePublication.note_id == correcting.id)
    subject = Thing.NOTE.subjects(Note.id)
    approved = exists().where(Decision.subject == subject, Decision.kind.in_(APPROVING), Decision.actor == person)
    return (
        select(Note).where(waits, ~corrected, or_(approved, awaits_as_author(person, roles))).order_by(Note.id.desc())
    )


def keep_note(
    session: Session, key: int, reason: str, *, now: datetime, actor: str, roles: Collection[RoleName]
) -> None:
    """Record that a revised note stays as it is, and why. Raises NotFound, InputError without a reason, and Refused
    where it awaits nothing of this person."""
    take_lock(session, TURN)
    note = get_note_by_key(session, key)
    if session.scalar(revised_notes(actor, roles).where(Note.id == key)) is None:
        raise Refused("Cette note n’attend rien de vous : rouvrez sa page.")
    asks = f"Dites pourquoi la note reste, en {french.number(LONGEST_QUESTION)} caractères."
    words = stated_reason(" ".join(reason.split()), asks)
    _record(session, note, RevisionKind.KEPT, words, f"La note reste, malgré les révisions : {words}", now, actor)


def tell_revision(session: Session, key: int, *, now: datetime, actor: str, is_told: bool) -> None:
    """Let the public page of a note say that its data were revised, with the causes; or no longer.

    Raises NotFound, and Refused to whoever wrote the note, where nothing is revised, or where it says so already.
    """
    take_lock(session, TURN)
    note = get_note_by_key(session, key)
    approvals.require_second_person(session, actor, note_subject(note), what="Ce que dit la page publique")
    figures = revised_figures(session, note) if is_told and note.publication else []
    if (is_told and not figures) or is_told is (told_revision(session, note) is not None):
        raise Refused("Rien n’est à changer sur la page publique de cette note : rouvrez sa page.")
    kind = RevisionKind.TOLD if is_told else RevisionKind.SILENCED
    said = "dit que ses données ont été révisées" if is_told else "ne dit plus que ses données ont été révisées"
    _record(session, note, kind, words_of(figures), f"La page publique {said}.", now, actor)


def _record(session: Session, note: Note, kind: RevisionKind, words: str, told: str, now: datetime, actor: str) -> None:
    session.add(NoteRevision(note_id=note.id, at=now, kind=kind, actor=actor, words=words))
    audit.record_entry(session, now, actor, told, note_subject(note))


def look_for_revisions(database: Database, *, now: datetime) -> int:
    """Look at each list and edition that was applied or undone and not looked at yet; returns how many notes it
    revised.

    Each note is read in a transaction of its own. It opens its own transactions.
    """
    with database.reading() as session:
        waiting = _waiting(session)
        notes = session.execute(select(Note.id, Note.known_at).join(NotePublication)).all() if waiting else ()
    found = 0
    for what, at in waiting:
        rows = []
        for key, known_at in notes:
            if known_at < at:
                with database.reading() as session:
                    rows += _found(session, key, at)
        with database.writing() as session:
            take_lock(session, TURN)
            if session.get(LookedImport, what) is None:  # else another clock was first
                session.add(LookedImport(what=what, looked_at=now))
                session.add_all(rows)
                found += len(rows)
    return found


def _waiting(session: Session) -> list[tuple[str, datetime]]:
    """What was applied or undone and not looked at, in order: its name, and when."""
    found: list[tuple[str, datetime]] = []
    for name, table in (("list", JoiningList), ("edition", RegisterImport)):
        for turn in ("applied", "undone"):
            what = literal(f"{name}:").concat(cast(table.id, String)).concat(f":{turn}")
            at = getattr(table, f"{turn}_at")
            query = select(what, at).where(at.is_not(None), what.not_in(select(LookedImport.what)))
            found += [(of, when) for of, when in session.execute(query)]
    return sorted(found, key=lambda one: one[1])


def _found(session: Session, key: int, at: datetime) -> list[NoteRevision]:
    """The row of a note whose figures changed at a moment; none where they did not, or nobody can tell any more."""
    note = get_note_by_key(session, key)
    try:
        if not revised_figures(session, note, at - JUST_BEFORE, at):
            return []
        words = words_of(revised_figures(session, note, None, at))
    except (InputError, Refused):
        return []
    kind = RevisionKind.REVISED if words else RevisionKind.RESTORED
    return [NoteRevision(note_id=key, at=at, kind=kind, actor="", words=words)]
