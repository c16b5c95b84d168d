"""What criteria are asked with: an instant, a programme, the names they need, and how often one may write."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import CTE, ColumnElement, Select, SQLColumnExpression, select, true

from outreach.adherence.models import AdherenceRecord, Strand
from outreach.adherence.situation import roll_up_of, standing_on
from outreach.core.db import Session, once_a_reading, take_lock
from outreach.core.db.bulk import hash_what_grew
from outreach.core.settings import FrequencyCap, Settings
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError
from outreach.delivery.models import Mailing, Message, MessageSubject
from outreach.directory.models import Authority, Contact, Network, Ownership, Teaching

# The tables of thousands of rows that audiences join.
JOINED = (Authority, Contact, Ownership, Teaching, AdherenceRecord, Message, MessageSubject)


@dataclass(frozen=True, slots=True)
class CriteriaContext:
    """What criteria are evaluated for: the instant, its day in Brussels, the strands by number, and the keys of the
    networks by code.

    Letters of the mailings in `ignoring` (a campaign's own, for a reminder) do not count as written. `between` limits
    every condition to authorities whose keys are in this range (both ends included), so that a question about some of
    them does not cost as much as about all. `series` selects the keys of all mailings that belong together with some;
    without it, each stands alone. `solicited` selects the mailboxes (address keys) that the calm leaves out, `drawn`
    the keys of the authorities that wait for a departure that another campaign has drawn by lot.
    """

    now: datetime
    day: date
    strands: Mapping[int, Strand]
    networks: Mapping[str, int]
    ignoring: tuple[int, ...] = ()
    between: tuple[int, int] | None = None
    series: Callable[[tuple[int, ...]], Select[int]] | None = None
    solicited: Select[str] | None = None
    drawn: Select[int] | None = None
    _shared: dict[Hashable, CTE] = field(default_factory=dict, init=False, repr=False, compare=False)

    def holds(self, authority: SQLColumnExpression[int]) -> ColumnElement[bool]:
        """True of an authority's key within `between`."""
        return true() if self.between is None else authority.between(*self.between)

    def keys(self, authorities: Select[Any]) -> Select[Any]:
        """These keys of authorities, as far as it holds them. On PostgreSQL each once: it hashes a list of no more keys
        than it expects to fit `work_mem`, and reads any other again for each authority."""
        held = authorities.where(self.holds(authorities.selected_columns[0]))
        return held.prefix_with("DISTINCT", dialect="postgresql")

    def strand(self, number: int) -> Strand:
        """The strand with this number. Raises InputError."""
        if number not in self.strands:
            raise InputError(f"Le programme n’a pas de volet {number}.")
        return self.strands[number]

    def series_of(self, mailings: tuple[int, ...]) -> Select[int]:
        """The keys of all mailings that belong together with these."""
        return select(Mailing.id).where(Mailing.id.in_(mailings)) if self.series is None else self.series(mailings)

    def standings(self, number: int) -> CTE:
        """Where each eligible school stands in the strand with this number: columns authority_id, status, word.

        All criteria of a statement share it, so that it is read once, however many there are. Raises InputError.
        """
        rows = standing_on(self.strand(number), self.day)
        query = select(rows.c.authority_id, rows.c.status, rows.c.word)
        return self.once(("standings", number), query.where(self.holds(rows.c.authority_id)))

    def roll_ups(self, number: int) -> CTE:
        """Where each authority stands in the strand: columns authority_id, roll_up. Shared as `standings` is."""
        rows = self.standings(number)
        query = select(rows.c.authority_id, roll_up_of(rows.c.status, rows.c.word).label("roll_up"))
        return self.once(("roll_ups", number), query.group_by(rows.c.authority_id))

    def once(self, what: Hashable, query: Select[Any]) -> CTE:
        """A subquery that a statement computes once, in however many places it asks for the same thing."""
        if what not in self._shared:
            # Without a name of its own, as a statement may hold several scopes, each with such a part.
            self._shared[what] = query.cte()
        return self._shared[what]


def context_at(session: Session, programme_id: int, *, now: datetime) -> CriteriaContext:
    """The context of a programme at an instant."""
    hash_what_grew(session, *JOINED)
    return CriteriaContext(now, today(now), *_strands_and_networks(session, programme_id))


@once_a_reading
def _strands_and_networks(session: Session, programme_id: int) -> tuple[Mapping[int, Strand], Mapping[str, int]]:
    # In one statement, as six networks for each of a few strands: every slice of a launch asks for it.
    query = select(Strand, Network.code, Network.id).outerjoin(Network, true())
    rows = session.execute(query.where(Strand.programme_id == programme_id)).all()
    return {strand.number: strand for strand, _, _ in rows}, {code: key for _, code, key in rows}


StrandNumber = Annotated[int, Field(ge=1, le=99, strict=True)]
Key = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of mailings and stored lists that criteria speak of. One without a name here is told by its number.

    `mailings` is by their keys and whether later ones are meant as well. `are_several`: whether several programmes are
    loaded, of which criteria then say that of the campaign.
    """

    mailings: Mapping[tuple[tuple[int, ...], bool], str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)
    are_several: bool = False

    def of_strand(self, number: int) -> str:
        """A strand in a sentence: "volet 1"."""
        return f"volet {number}{' du programme de la campagne' if self.are_several else ''}"

    def of_mailings(self, keys: tuple[int, ...], *, with_later: bool) -> str:
        """The mailings in a sentence."""
        numbers = french.either(str(key) for key in keys)
        return self.mailings.get((keys, with_later), f"{'une vague' if len(keys) > 1 else 'la vague'} n° {numbers}")

    def of_list(self, key: int) -> str:
        """A stored list in a sentence."""
        return f"la liste « {self.lists[key]} »" if key in self.lists else f"la liste n° {key}"


NO_NAMES = Names()


class Fields(BaseModel):
    """The base of criteria with named parts; any other name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        raise NotImplementedError

    def denied(self, names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"sauf ({self.words(names)})"


KEY = "calm"


def info_of(settings: Settings) -> dict[str, object]:
    """The rule that the sessions of a database carry, so that every process keeps the same rule."""
    return {KEY: settings.calm_rule}


def rule_of(session: Session) -> FrequencyCap | None:
    """The rule of this installation; None when none is set."""
    rule = session.info.get(KEY)
    return rule if isinstance(rule, FrequencyCap) else None


def take_turn(session: Session) -> None:
    """Let one transaction at a time count who was written to, where a rule is set, and add letters for the others.

    Two at once would not see each other's letters.
    """
    if rule_of(session) is not None:
        take_lock(session, KEY)
