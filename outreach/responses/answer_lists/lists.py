"""Sheets of answers: received, so many an hour, then compared and applied by the protocol of lists."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.db import Session, take_turns
from outreach.delivery.models import Message
from outreach.directory.stated_names import NameBook
from outreach.errors import NotFound, Refused
from outreach.french import plural
from outreach.responses.actors import actor_of
from outreach.responses.answer_lists import lines
from outreach.responses.answer_lists.lines import AnswerPlan
from outreach.responses.answer_lists.models import AnswerList
from outreach.responses.answers import Earlier, Given, Question
from outreach.responses.models import Response
from outreach.sent_lists import steps
from outreach.sent_lists.grids import Opened
from outreach.sent_lists.steps import ListJudgement, ListKind
from outreach.spreadsheets.tables import Grid

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
    asked: Question
    before: Earlier
    record: Callable[[Session, Given], object]
    comment: str = ""

    table = AnswerList
    headers = lines.HEADERS
    lock = "answer-lists"
    about = "answers"
    unknown = "Aucune feuille de réponses n’est enregistrée."

    def hold(self, session: Session) -> None:
        """Wait until nobody else sends or applies a sheet of the letter."""
        take_turns(session, self.lock, self.message.id)

    def basis(self, session: Session, received: AnswerList) -> object:
        """Answers are only added; `record` itself refuses those about a school that waits no longer."""
        return session.scalar(select(func.max(Response.id)).where(Response.authority_id == self.asked.authority.id))

    def plan(self, session: Session, received: AnswerList, grid: Grid) -> AnswerPlan:
        """Compare the cells of a sheet with what is asked and was answered before."""
        return lines.plan(grid, self.asked, self.before, NameBook.of(session, only=self.asked.authority.id))

    def write(self, session: Session, received: AnswerList, plan: AnswerPlan, *, now: datetime, actor: str) -> str:
        """Record the answers of a sheet."""
        self.record(session, Given(plan.answers(), None, self.comment))
        return f"Feuille de réponses enregistrée, pour {plural(len(plan.changes), 'école')}."

    def restore(self, session: Session, received: AnswerList, *, now: datetime, actor: str) -> str:
        """Refused: receipts of these answers have left, and a newer answer replaces them, as one from the page."""
        raise Refused("Une réponse ne s’annule pas : une réponse plus récente la remplace.")


def begin(session: Session, message: Message, *, now: datetime) -> int:
    """Count a file sent from the page of a letter, before it is read; returns its key. Raises Refused after too many.

    Reading it may take seconds, so it counts whether it can be read or not.
    """
    take_turns(session, AnswerLists.lock, message.id)
    query = select(func.count()).where(AnswerList.message_id == message.id)
    if (session.scalar(query.where(AnswerList.received_at > now - timedelta(hours=1))) or 0) >= MOST_AN_HOUR:
        raise Refused(FLOODED)
    sender = {"message_id": message.id, "received_by": actor_of(session, message)}
    received = AnswerList(sha256="", grid="", outcome="", received_at=now, **sender)
    session.add(received)
    session.flush()
    return received.id


def keep(session: Session, list_id: int, sent: Opened) -> None:
    """Keep what was read of a file, to be checked."""
    received = session.get_one(AnswerList, list_id)
    received.sha256, received.grid = sent.sha256, sent.grid


def of_letter(session: Session, message: Message, list_id: int | None) -> AnswerList:
    """A list that waits to be applied, sent from the page of this letter. Raises NoSheet."""
    received = session.get(AnswerList, list_id) if list_id is not None else None
    if received is None or received.message_id != message.id or not received.grid:
        raise NoSheet
    return received


def apply(
    session: Session, kind: AnswerLists, list_id: int, judged: ListJudgement[AnswerPlan], *, now: datetime, seen: str
) -> None:
    """Record a sheet as it was `seen`, and forget what it said, also in the rows left out.

    Raises NoSheet when it was recorded already, and Refused as `steps.apply` does.
    """
    received = of_letter(session, kind.message, list_id)
    steps.apply(session, kind, received, judged, now=now, actor=actor_of(session, kind.message), seen=seen)
    received.grid = ""
