"""Sheets of answers: received, compared with what was answered before, and applied."""

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.adherence.models import Status
from outreach.core import tables
from outreach.core.db import Base, Session, take_lock
from outreach.core.sandbox.workbook import PUBLIC
from outreach.core.tables import (
    NO_ROW,
    FileImport,
    Grid,
    GridRow,
    Headers,
    Heading,
    ImportPreview,
    ListJudgement,
    ListKind,
    MissingColumns,
    Opened,
    RowFault,
    cell_of,
    grid_as_json,
    normalise_header,
    read_grid,
)
from outreach.core.text import addresses
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import plural
from outreach.core.text.typed import whole_number
from outreach.delivery.models import Message
from outreach.directory.models import School
from outreach.directory.supplied_names import SCHOOL_NAMES, NameBook
from outreach.engagement.replies._kinds import OF_SCHOOLS, Answer
from outreach.engagement.replies._models import Response, actor_of
from outreach.engagement.replies._recording import Earlier, Given, Question


class AnswerList(FileImport, Base):
    """A file that was sent from the page of a letter; `grid` is '' until it is read, and once it is applied.

    Personal data, as somebody may have typed any words in it.
    """

    __tablename__ = "answer_lists"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)


BIGGEST = 1_000_000  # bytes
MOST_ROWS = 1_000  # the largest authority has 147 schools
LONGEST_KEPT, MOST_UNKNOWN = 100, 20
TOO_BIG = "Le fichier dépasse 1 Mo : envoyez la feuille préparée, remplie."
FASE, SCHOOL, ANSWER = "FASE", "École", "Réponse"
HEADERS = Headers(
    {
        "school": Heading(FASE, ("fase", "n fase", "fase ecole", "n fase ecole", "ecole fase"), True, addresses.fase),
        "answer": Heading(ANSWER, ("votre reponse", "answer"), True),
        "name": Heading(SCHOOL, (*SCHOOL_NAMES, "nom")),
    },
    ("zone", "situation", "erreur", "programme et volet"),
)
WORDS = {
    # A status that two answers declare names the first of them.
    **{normalise_header(answer.status.label): answer for answer in reversed(OF_SCHOOLS) if answer.status},
    **{normalise_header(answer.label): answer for answer in Answer},
}


@dataclass(frozen=True, slots=True)
class AnsweredSchool:
    """A row that changes something: the school, what was answered for it before (or None), and what is now.

    `status` is what is recorded of the school, on whoever's word.
    """

    row: int
    school: School
    status: Status
    before: Answer | None
    answer: Answer


@dataclass(slots=True, kw_only=True)
class AnswerPlan(ImportPreview):
    """The effect of a list: the rows that change an answer, and how many repeat one or have none."""

    changes: list[AnsweredSchool] = field(default_factory=list)
    unchanged: int = 0
    empty: int = 0

    @property
    def nothing(self) -> str:
        """Why there is nothing to record, in French; '' when there is something."""
        if self.changes:
            return ""
        why = "tout ce que dit la feuille est déjà votre réponse"
        return f"Rien à enregistrer : {why if self.unchanged else 'aucune ligne n’a de réponse qui puisse être lue'}."

    @property
    def version(self) -> str:
        """Equal for lists that would change the same."""
        told = [(line.school.fase, line.status, line.before, line.answer) for line in self.changes]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def summary(self) -> dict[str, object]:
        """The counts."""
        return {"changes": len(self.changes), "unchanged": self.unchanged, "empty": self.empty}

    def answers(self) -> dict[int, Answer]:
        """The answers that it changes, by the school's key."""
        return {line.school.id: line.answer for line in self.changes}

    def counts(self) -> dict[Answer, int]:
        """How many schools get each answer, the answers in their order."""
        given = [line.answer for line in self.changes]
        return {answer: given.count(answer) for answer in Answer if answer in given}


def open_sheet(content: bytes) -> Opened:
    """Read a file that a stranger may have sent. A workbook may take seconds, so no transaction should be open.

    Raises InputError when the file is too big or cannot be read, and as `narrow_grid` does.
    """
    if len(content) > BIGGEST:
        raise InputError(TOO_BIG)
    return Opened(hashlib.sha256(content).hexdigest(), narrow_grid(HEADERS.headed(read_grid(content, PUBLIC))))


def narrow_grid(grid: Grid) -> str:
    """The cells to keep of a grid: those that are read, or while a person has to say which these are, the first ones.

    Raises InputError when it lacks a column that none of its unknown ones may be, or has too many rows or none.
    """
    try:
        sheet = HEADERS.sheet(grid)
    except MissingColumns as missing:
        if not missing.is_matchable:
            raise
        header, fields = [name[:LONGEST_KEPT] for name in grid.header[:MOST_UNKNOWN]], list[str]()
        places: Sequence[int] = range(len(header))
    else:
        header, places = (
            [*sheet.columns.values(), *sheet.unknown[:MOST_UNKNOWN]],
            [place for (place,) in sheet.places.values()],
        )
        fields = [*sheet.columns] if grid.fields else []
    used: list[tuple[int, list[str]]] = []
    for number, cells in grid.records:
        if len(used) == MOST_ROWS:
            raise InputError(f"Le fichier a plus de {MOST_ROWS} lignes : envoyez la feuille préparée, remplie.")
        used.append((number, [cell_of(cells, place)[:LONGEST_KEPT] for place in places]))
    if not used:
        raise InputError(NO_ROW)
    return grid_as_json(Grid(grid.label, header, (), fields=fields), used)


def plan(grid: Grid, asked: Question, before: Earlier, names: NameBook) -> AnswerPlan:
    """Compare the rows of a list with what is asked and was answered before, and names with those of the schools."""
    mine, status = {}, {}
    for school, at in asked.waiting():
        mine[school.fase], status[school.id] = school, at.status
    settled = {row.school.fase for row in asked.schools} - mine.keys()
    planned, seen = AnswerPlan(), dict[int, int]()

    def take(row: GridRow) -> None:
        school, answer = _read(row, mine, settled, seen)
        if answer is not None and not asked.takes(answer):
            raise RowFault("answer", asked.too_late)
        if answer is not None:
            names.refuse_other(row, school.id, school.fase)
        said = before.by_school.get(school.id)
        if answer is None:
            planned.empty += 1
        elif answer is said:
            planned.unchanged += 1
        else:
            planned.changes.append(AnsweredSchool(row.number, school, status[school.id], said, answer))

    planned.read(grid, HEADERS, take)
    return planned


def _read(
    row: GridRow, mine: Mapping[int, School], settled: Container[int], seen: dict[int, int]
) -> tuple[School, Answer | None]:
    """The school and the answer of a row; `seen` maps each school to the row that named it first. Raises RowFault."""
    said, number = row.cells["answer"], whole_number(row.cells["school"]) or 0
    if number in settled:
        raise RowFault("school", f"L’adhésion de l’école {number} est confirmée : elle n’attend plus de réponse.")
    if number not in mine:
        named = row.cells["school"]
        raise RowFault("school", f"« {named} » n’est pas une de vos écoles." if named else "Le numéro FASE manque.")
    if number in seen:
        raise RowFault("school", f"L’école {number} figure déjà à la ligne {seen[number]}.")
    seen[number] = row.number
    answer = WORDS.get(normalise_header(said))
    if said and answer is None:
        raise RowFault("answer", f"« {said} » n’est pas une réponse : choisissez-la dans la liste de la cellule.")
    if answer is not None and answer not in OF_SCHOOLS:
        raise RowFault(
            "answer", f"« {answer.label} » vaut pour toute la page : donnez cette réponse là, pas dans la liste."
        )
    return mine[number], answer


MOST_AN_HOUR = 5  # of a letter
FLOODED = (
    f"{MOST_AN_HOUR} fichiers ont été envoyés depuis une heure : réessayez dans une heure, ou répondez sur la page."
)


class NoSheet(NotFound):
    """No sheet of this letter waits under this number."""

    def __init__(self) -> None:
        super().__init__(
            "Cette feuille n’attend plus : elle est enregistrée, ou elle date d’hier. Envoyez-la de nouveau."
        )


@dataclass(frozen=True)
class AnswerLists(ListKind[AnswerList, AnswerPlan]):
    """Sheets sent from the page of a letter, compared with what it asks and what was answered `before`.

    `record` records an answer from the letter, and confirms it.
    """

    message: Message
    question: Question
    before: Earlier
    record: Callable[[Session, Given], object]
    comment: str = ""

    table = AnswerList
    headers = HEADERS
    lock = "answer-lists"
    about = "answers"
    unknown = "Aucune feuille de réponses n’est enregistrée."

    def hold(self, session: Session) -> None:
        """Wait until nobody else sends or applies a sheet of the letter."""
        take_lock(session, self.lock, self.message.id)

    def basis(self, session: Session, received: AnswerList) -> object:
        """Answers are only added; `record` itself refuses those about a school that waits no longer."""
        return session.scalar(select(func.max(Response.id)).where(Response.authority_id == self.question.authority.id))

    def plan(self, session: Session, received: AnswerList, grid: Grid) -> AnswerPlan:
        """Compare the cells of a sheet with what is asked and was answered before."""
        return plan(grid, self.question, self.before, NameBook.of(session, only=self.question.authority.id))

    def write(self, session: Session, received: AnswerList, plan: AnswerPlan, *, now: datetime, actor: str) -> str:
        """Record the answers of a sheet."""
        self.record(session, Given(plan.answers(), None, self.comment))
        return f"Feuille de réponses enregistrée, pour {plural(len(plan.changes), 'école')}."

    def restore(self, session: Session, received: AnswerList, *, now: datetime, actor: str) -> str:
        """Refused: receipts of these answers have left, and a newer answer replaces them, as one from the page."""
        raise Refused("Une réponse ne s’annule pas : une réponse plus récente la remplace.")


def begin_sheet(session: Session, message: Message, *, now: datetime) -> int:
    """Count a file sent from the page of a letter, before it is read; returns its key. Raises Refused after too many.

    Reading it may take seconds, so it counts whether it can be read or not.
    """
    take_lock(session, AnswerLists.lock, message.id)
    query = select(func.count()).where(AnswerList.message_id == message.id)
    if (session.scalar(query.where(AnswerList.received_at > now - timedelta(hours=1))) or 0) >= MOST_AN_HOUR:
        raise Refused(FLOODED)
    sender = {"message_id": message.id, "received_by": actor_of(session, message)}
    received = AnswerList(sha256="", grid="", outcome="", received_at=now, **sender)
    session.add(received)
    session.flush()
    return received.id


def keep_sheet(session: Session, list_id: int, sent: Opened) -> None:
    """Keep what was read of a file, to be checked."""
    received = session.get_one(AnswerList, list_id)
    received.sha256, received.grid = sent.sha256, sent.grid


def of_letter(session: Session, message: Message, list_id: int | None) -> AnswerList:
    """A list that waits to be applied, sent from the page of this letter. Raises NoSheet."""
    received = session.get(AnswerList, list_id) if list_id is not None else None
    if received is None or received.message_id != message.id or not received.grid:
        raise NoSheet
    return received


def apply_sheet(
    session: Session, kind: AnswerLists, list_id: int, judged: ListJudgement[AnswerPlan], *, now: datetime, seen: str
) -> None:
    """Record a sheet as it was `seen`, and forget what it said, also in the rows left out.

    Raises NoSheet when it was recorded already, and Refused as `steps.apply` does.
    """
    received = of_letter(session, kind.message, list_id)
    tables.apply_import(session, kind, received, judged, now=now, actor=actor_of(session, kind.message), seen=seen)
    received.grid = ""
