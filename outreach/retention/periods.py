"""How long each thing is kept, and what is then done: the table that the clock, the public page and the docs follow.

What has no row here stays. The page on operations says why (docs/operations.md, Keeping and erasing).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, cast

from sqlalchemy import ColumnElement, delete, inspect, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from outreach import french
from outreach.accounts.attempts import PERIOD as ATTEMPT_COUNTS
from outreach.accounts.attempts import SignInAttempt
from outreach.accounts.links import AccountLink
from outreach.accounts.requests import PERIOD as REQUEST_COUNTS
from outreach.accounts.requests import PasswordRequest
from outreach.accounts.sessions import LIFETIME, StaffSession
from outreach.accounts.trail import TrailEntry
from outreach.adherence.models import JoiningList
from outreach.contact_lists import undoing
from outreach.contact_lists.models import ContactList
from outreach.db import Base, Session, table_of
from outreach.directory.models import RegisterImport
from outreach.drafts import Draft
from outreach.jobs.models import KEPT as JOB_KEPT
from outreach.jobs.models import Job
from outreach.measuring import hits
from outreach.measuring.models import Hit
from outreach.notes.models import NoteDraft
from outreach.reachability.models import DomainCheck
from outreach.responses.answer_lists.models import AnswerList
from outreach.sent_lists.matching import ColumnMatching
from outreach.sent_lists.models import ListState
from outreach.staff_mail.models import StaffNotice

DAY, MONTH, YEAR = timedelta(days=1), timedelta(days=30), timedelta(days=365)
ALL = true()
FILES = 10  # rows that hold a file of megabytes each


class Rhythm(Enum):
    """How often the clock looks for rows whose period is over; the value is in seconds."""

    MINUTE = 60
    HOUR = 3600


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """How long rows of a table are kept after the moment in the column `since`, and what is then done.

    They are deleted unless `replace` says otherwise; it gets the condition that picks them. `only` names which rows it
    is about. With `ahead`, rows as far in the future are over as well: they were written before the clock was put back.
    `what`, and what `remains` of it, are French, for the public page. One transaction takes at most `most` rows.
    """

    since: InstrumentedAttribute[Any]
    period: timedelta
    what: str
    only: ColumnElement[bool] = ALL
    ahead: bool = False
    replace: Callable[[Session, ColumnElement[bool]], object] | None = None
    remains: str = ""
    most: int = 500

    @property
    def model(self) -> type[Base]:
        """The model whose rows it is about."""
        return cast("type[Base]", self.since.class_)

    @property
    def table(self) -> str:
        """The name of its table."""
        return table_of(self.model).name

    @property
    def keys(self) -> Sequence[ColumnElement[Any]]:
        """The columns of its primary key."""
        return inspect(self.model).primary_key

    @property
    def rhythm(self) -> Rhythm:
        """Each minute where the period is shorter than a day, so that none lasts much longer than it says."""
        return Rhythm.MINUTE if self.period < DAY else Rhythm.HOUR

    @property
    def duration(self) -> str:
        """The period in French: "30 jours"."""
        return french.duration(self.period)

    def is_over(self, now: datetime) -> ColumnElement[bool]:
        """The condition that a row's period is over."""
        over = self.since <= now - self.period
        return self.only & ((over | (self.since >= now + self.period)) if self.ahead else over)

    def apply(self, session: Session, keys: Sequence[Sequence[Any]]) -> None:
        """Do to the rows with these keys what is due."""
        these = tuple_(*self.keys).in_(keys)
        if self.replace is None:
            session.execute(delete(self.model).where(these).execution_options(synchronize_session=False))
        else:
            self.replace(session, these)


ROWS: Sequence[Retention] = (
    Retention(
        *(Hit.at, hits.KEPT, "Une ouverture ou un clic mesuré pour une seule boîte"),
        replace=hits.fold,
        remains="puis seul son nombre reste",
    ),
    Retention(TrailEntry.at, YEAR, "Le journal des accès du personnel"),
    Retention(ColumnMatching.matched_at, YEAR, "Ce qu’un agent a dit des colonnes d’un fichier envoyé"),
    Retention(NoteDraft.changed_at, YEAR, "Le brouillon d’une note que son auteur ne change plus"),
    Retention(DomainCheck.checked_at, 6 * MONTH, "Ce qui a été vérifié du domaine d’une adresse"),
    Retention(Draft.typed_at, MONTH, "Ce qu’un agent a tapé dans une campagne ou une note sans l’enregistrer"),
    Retention(
        *(ContactList.received_at, MONTH, "Une liste de contacts que personne n’a appliquée"),
        only=ContactList.state == ListState.RECEIVED,
        most=FILES,
    ),
    Retention(
        *(
            ContactList.applied_at,
            undoing.KEPT,
            "Les lignes rejetées d’une liste de contacts, et ce qu’elle a remplacé",
        ),
        only=ContactList.grid != "",
        replace=undoing.erase,
        remains="puis seul reste ce qu’elle a fait de chaque adresse",
        most=FILES,
    ),
    Retention(
        *(JoiningList.received_at, MONTH, "Une liste d’adhésions que personne n’a appliquée"),
        only=JoiningList.state == ListState.RECEIVED,
        most=FILES,
    ),
    Retention(
        *(RegisterImport.received_at, MONTH, "Une édition du registre que personne n’a appliquée"),
        only=RegisterImport.state == ListState.RECEIVED,
        most=FILES,
    ),
    Retention(StaffNotice.settled_at, MONTH, "Qui, parmi le personnel, a été prévenu de quoi"),
    Retention(AccountLink.expires_at, MONTH, "La trace d’un lien pour choisir un mot de passe, une fois expiré"),
    Retention(AnswerList.received_at, DAY, "Une feuille de réponses, telle qu’elle a été reçue", most=FILES),
    Retention(
        Job.ended_at, JOB_KEPT, "Ce que le service a préparé à part pour un agent, tel un grand fichier", most=FILES
    ),
    Retention(StaffSession.began_at, LIFETIME, "Une connexion du personnel"),
    Retention(PasswordRequest.at, REQUEST_COUNTS, "Une demande de mot de passe oublié", ahead=True),
    Retention(SignInAttempt.at, ATTEMPT_COUNTS, "Un essai de connexion manqué", ahead=True),
)
DURATIONS = {row.table: row.duration for row in ROWS}
